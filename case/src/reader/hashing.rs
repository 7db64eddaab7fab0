//! SHA-256 of files.

use std::io::{self, Read};

use obit_schema::digest::Digest;
use sha2::{Digest as _, Sha256};

/// Bytes of a file that are read at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Reads a file to its end and returns its SHA-256.
pub(crate) fn sha256(mut file: impl Read) -> io::Result<Digest> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; BUFFER_BYTES]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hash.into()),
            length => hash.update(buffer.get(..length).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_length_has_its_own_sum() {
        for length in [0, 1, 127, 128, 129, BUFFER_BYTES - 1, BUFFER_BYTES, 3 * BUFFER_BYTES + 77, 5] {
            let content: Vec<u8> = (0..length).map(|at| (at * 7 + length) as u8).collect();
            let expected = Digest::from(Sha256::new_with_prefix(&content));
            assert_eq!(sha256(content.as_slice()).expect("readable"), expected, "{length}");
        }
    }
}
