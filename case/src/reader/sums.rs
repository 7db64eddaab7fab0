//! Compares the files of a case with SHA256SUMS and case.json.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;

use obit_schema::digest::Digest;

use super::folders::CaseFolders;
use super::hashing::sha256;
use crate::directory::Directory;
use crate::manifest::{self, CaseState, Manifest, SUMS_NAME};
use crate::problem::Problem;

/// Longest SHA256SUMS that is read, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// Checks the files that SHA256SUMS (of a closed case) and case.json list, and the lists
/// themselves.
pub(super) fn check(root: &Directory, folders: &CaseFolders, manifest: Option<&Manifest>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let is_closed = manifest.is_none_or(|manifest| manifest.state == CaseState::Closed);
    let sums = if is_closed { read_sums(root, &mut problems) } else { None };
    let (has_sums, listed) = (sums.is_some(), sums.unwrap_or_default());
    let entries: BTreeMap<&str, &str> =
        manifest.iter().flat_map(|manifest| &manifest.parts).map(|part| (&*part.file, &*part.sha256)).collect();
    let names: BTreeSet<&str> = listed.keys().map(String::as_str).chain(entries.keys().copied()).collect();
    let open = |file: &str| match file.contains('/') {
        false => root.open_file(file).map_err(|error| error.to_string()),
        true => folders.open_file(file),
    };
    for file in names {
        let found = match open(file).and_then(|opened| sha256(opened).map_err(|error| error.to_string())) {
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

/// Reads the sums that are listed, by file; `None` if the list cannot be read.
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
