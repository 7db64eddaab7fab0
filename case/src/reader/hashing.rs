//! SHA-256 of files, two of which are hashed at a time (see [`obit_schema::digest::TableDigests`] for why).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};

use sha2::{Digest as _, Sha256};

use obit_schema::digest::{Digest, hash_by_turns};

/// How much of a file is read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// SHA-256 of a file.
pub(crate) fn sha256(file: File) -> io::Result<Digest> {
    let mut hashing = Hashing::new(file);
    loop {
        match hashing.read()? {
            0 => return Ok(hashing.hash.into()),
            _ => hashing.hash.update(hashing.bytes.get(..hashing.read).unwrap_or_default()),
        }
    }
}

/// SHA-256 of each of these files, by name, or why it has none.
pub(super) fn sums<'n>(
    names: impl IntoIterator<Item = &'n str>,
    open: impl Fn(&str) -> Result<File, String>,
) -> BTreeMap<&'n str, Result<Digest, String>> {
    let mut sums = BTreeMap::new();
    let mut names = names.into_iter();
    let mut under_way: Vec<(&str, Hashing)> = Vec::new();
    loop {
        while under_way.len() < 2
            && let Some(name) = names.next()
        {
            match open(name) {
                Ok(file) => under_way.push((name, Hashing::new(file))),
                Err(why) => drop(sums.insert(name, Err(why))),
            }
        }
        if under_way.is_empty() {
            return sums;
        }
        under_way.retain_mut(|(name, hashing)| match hashing.read() {
            Ok(0) => {
                sums.insert(name, Ok(std::mem::take(&mut hashing.hash).into()));
                false
            }
            Ok(_) => true,
            Err(error) => {
                sums.insert(name, Err(error.to_string()));
                false
            }
        });
        match under_way.as_mut_slice() {
            [(_, a), (_, b)] => hash_by_turns(a.next(), b.next()),
            rest => rest.iter_mut().map(|(_, one)| one.next()).for_each(|(hash, bytes)| hash.update(bytes)),
        }
    }
}

/// A file that is being hashed.
struct Hashing {
    file: File,
    hash: Sha256,
    bytes: Vec<u8>,
    /// How many of these were read last.
    read: usize,
}

impl Hashing {
    fn new(file: File) -> Self {
        Self { file, hash: Sha256::new(), bytes: vec![0; BUFFER_BYTES], read: 0 }
    }

    /// Reads on; how many bytes, 0 at the end.
    fn read(&mut self) -> io::Result<usize> {
        self.read = self.file.read(&mut self.bytes)?;
        Ok(self.read)
    }

    /// What was read last, and what hashes it.
    fn next(&mut self) -> (&mut Sha256, &[u8]) {
        (&mut self.hash, self.bytes.get(..self.read).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_its_own_sum_whatever_is_hashed_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let lengths = [0, 1, 127, 128, 129, BUFFER_BYTES - 1, BUFFER_BYTES, 3 * BUFFER_BYTES + 77, 5];
        let names: Vec<_> = (0..lengths.len()).map(|index| index.to_string()).collect();
        let mut expected = BTreeMap::new();
        for (name, length) in names.iter().zip(lengths) {
            let content: Vec<u8> = (0..length).map(|at| (at * 7 + length) as u8).collect();
            std::fs::write(folder.path().join(name), &content).expect("writable");
            expected.insert(name.as_str(), Ok(Digest::from(Sha256::new_with_prefix(&content))));
        }
        expected.insert("missing", Err("not there".to_owned()));
        let open = |name: &str| File::open(folder.path().join(name)).map_err(|_| "not there".to_owned());
        assert_eq!(sums(expected.keys().copied(), open), expected);
        for (name, sum) in expected.into_iter().filter_map(|(name, sum)| Some((name, sum.ok()?))) {
            assert_eq!(sha256(open(name).expect("there")).expect("readable"), sum);
        }
    }
}
