//! Comparing a case with its SHA256SUMS.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};

use sha2::{Digest as _, Sha256};

use super::scan::Folders;
use crate::digest::Digest;
use crate::directory::Directory;
use crate::manifest::{self, Manifest, SUMS_NAME, State};
use crate::problem::Problem;

/// Longest SHA256SUMS that is read.
const MAX_BYTES: u64 = 64 << 20;

/// Problems of the files listed by SHA256SUMS (of a closed case) and by case.json, and of the lists.
pub(super) fn check(root: &Directory, folders: &Folders, manifest: Option<&Manifest>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let is_closed = manifest.is_none_or(|manifest| manifest.state == State::Closed);
    let sums = if is_closed { read_sums(root, &mut problems) } else { None };
    let (has_sums, listed) = (sums.is_some(), sums.unwrap_or_default());
    let entries: BTreeMap<&str, &str> =
        manifest.iter().flat_map(|manifest| &manifest.parts).map(|part| (&*part.file, &*part.sha256)).collect();
    let names: BTreeSet<&str> = listed.keys().map(String::as_str).chain(entries.keys().copied()).collect();
    for file in names {
        let opened = match file.contains('/') {
            false => root.open_file(file).map_err(|error| error.to_string()),
            true => folders.open_file(file),
        };
        let found = match opened.and_then(|file| sha256(file).map_err(|error| error.to_string())) {
            Ok(found) => found,
            Err(why) => {
                problems.push(Problem::Damaged { file: file.to_owned(), why });
                continue;
            }
        };
        let (by_sums, by_entry) = (listed.get(file), entries.get(file));
        if by_sums.is_some_and(|sum| *sum != found) {
            problems.push(Problem::Changed { file: file.to_owned() });
        } else if by_entry.is_some_and(|sum| *sum != found.to_string()) {
            problems.push(Problem::NotAsListed { file: file.to_owned() });
        }
        if has_sums && by_sums.is_none() {
            problems.push(Problem::Unlisted { file: file.to_owned(), list: SUMS_NAME });
        }
    }
    if manifest.is_some() && is_closed {
        for file in folders.parts().filter(|file| !entries.contains_key(file.as_str())) {
            problems.push(Problem::Unlisted { file, list: manifest::FILE_NAME });
        }
        if has_sums && !listed.contains_key(manifest::FILE_NAME) {
            problems.push(Problem::Unlisted { file: manifest::FILE_NAME.to_owned(), list: SUMS_NAME });
        }
    }
    problems
}

/// The sums that are listed, by file; `None` if the list cannot be read.
fn read_sums(root: &Directory, problems: &mut Vec<Problem>) -> Option<BTreeMap<String, Digest>> {
    let mut listed = BTreeMap::new();
    let text = match read_list(root) {
        Ok(text) => text,
        Err(why) => {
            problems.push(Problem::Damaged { file: SUMS_NAME.to_owned(), why });
            return None;
        }
    };
    for line in text.lines() {
        let sum = line.split_once("  ").and_then(|(sum, file)| Some((sum.parse::<Digest>().ok()?, file)));
        let Some((sum, file)) = sum else {
            let why = "a line is no checksum and file".to_owned();
            problems.push(Problem::Damaged { file: SUMS_NAME.to_owned(), why });
            break;
        };
        listed.insert(file.to_owned(), sum);
    }
    Some(listed)
}

fn read_list(root: &Directory) -> Result<String, String> {
    let file = root.open_file(SUMS_NAME).map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(text)
}

/// SHA-256 of a file.
pub(crate) fn sha256(mut file: File) -> io::Result<Digest> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest::from(hash)),
            read => hash.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}
