//! Compares the files of a case with SHA256SUMS and case.json.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;

use obit_schema::digest::Digest;

use super::folders::CaseFolders;
use super::hashing::sha256;
use crate::directory::Directory;
use crate::excerpt;
use crate::manifest::{self, CaseState, Manifest, PartEntry, SUMS_NAME};
use crate::problem::Problem;
use crate::problem_log::ProblemLog;
use crate::signing::SIGNATURE_NAME;

/// Longest SHA256SUMS that is read, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// Smallest file that is looked at for holes, in bytes.
const MIN_SPARSE_BYTES: u64 = 64 << 20;
/// Least part of a file that is on disk; file systems that compress have less than all of it.
const MIN_STORED_PART: u64 = 256;
/// Bytes of a block in which the operating system counts (stat(2), `st_blocks`).
const BLOCK_BYTES: u64 = 512;

/// Checks the files that SHA256SUMS (of a closed case) and case.json list, and the lists
/// themselves.
pub(super) fn check(root: &Directory, folders: &CaseFolders, manifest: Option<&Manifest>) -> Vec<Problem> {
    let mut problems = ProblemLog::default();
    let is_closed = manifest.is_none_or(|manifest| manifest.state == CaseState::Closed);
    let sums = if is_closed { read_sums(root, &mut problems) } else { None };
    let parts = || manifest.into_iter().flat_map(Manifest::part_files);
    for part in parts() {
        let sum = sums.as_ref().map(|sums| sums.get(&part.file).copied());
        check_part(folders, part, sum, &mut problems);
    }
    let entries: BTreeSet<&str> = parts().map(|part| part.file.as_str()).collect();
    for (file, sum) in sums.iter().flatten().filter(|(file, _)| !entries.contains(file.as_str())) {
        check_other(root, folders, manifest, file, sum, &mut problems);
    }
    if let (Some(sums), Some(manifest)) = (sums, manifest) {
        for file in files_beside(manifest) {
            if folders.has(file) && !sums.contains_key(*file) {
                problems.push(Problem::Unlisted { file: (*file).to_owned(), list: SUMS_NAME });
            }
        }
    }
    problems.list().to_vec()
}

/// Returns the files beside the parts that SHA256SUMS lists.
fn files_beside(manifest: &Manifest) -> &'static [&'static str] {
    match manifest.excerpt {
        None => &[manifest::FILE_NAME, SIGNATURE_NAME],
        Some(_) => &[manifest::FILE_NAME, SIGNATURE_NAME, excerpt::FILE_NAME],
    }
}

/// Checks a part that case.json lists. `sum` is that of SHA256SUMS; `None` without such a list,
/// `Some(None)` if it lacks the part.
fn check_part(folders: &CaseFolders, part: &PartEntry, sum: Option<Option<Digest>>, problems: &mut ProblemLog) {
    let file = part.file.clone();
    let opened = folders.open_file(&file).and_then(|opened| Ok((check_holes(&opened)?, opened)));
    let found = match opened {
        // Another length needs no sum, which may take long.
        Ok((bytes, _)) if bytes != part.bytes => None,
        Ok((_, opened)) => match sha256(opened) {
            Ok(found) => Some(found),
            Err(error) => return problems.push(Problem::Damaged { file, why: error.to_string() }),
        },
        Err(why) => return problems.push(Problem::Damaged { file, why }),
    };
    match (sum, found) {
        (Some(Some(sum)), Some(found)) if sum != found => problems.push(Problem::Changed { file: file.clone() }),
        (Some(Some(sum)), None) if sum.to_string() == part.sha256 => {
            problems.push(Problem::Changed { file: file.clone() });
        }
        (_, Some(found)) if found.to_string() == part.sha256 => {}
        _ => problems.push(Problem::NotAsListed { file: file.clone() }),
    }
    if sum == Some(None) {
        problems.push(Problem::Unlisted { file, list: SUMS_NAME });
    }
}

/// Checks a file that SHA256SUMS lists and case.json does not: case.json itself, its signature, and
/// without a case.json every part.
fn check_other(
    root: &Directory,
    folders: &CaseFolders,
    manifest: Option<&Manifest>,
    file: &str,
    sum: &Digest,
    problems: &mut ProblemLog,
) {
    let file = file.to_owned();
    if !folders.has(&file) {
        return problems.push(Problem::Damaged { file, why: "SHA256SUMS lists it, and it is not there".to_owned() });
    }
    if manifest.is_some_and(|manifest| !files_beside(manifest).contains(&file.as_str())) {
        return problems.push(Problem::Unlisted { file, list: manifest::FILE_NAME });
    }
    let opened = match file.contains('/') {
        false => root.open_file(&file).map_err(|error| error.to_string()),
        true => folders.open_file(&file),
    };
    let found = opened.and_then(|opened| {
        check_holes(&opened)?;
        sha256(opened).map_err(|error| error.to_string())
    });
    match found {
        Ok(found) if found == *sum => {}
        Ok(_) => problems.push(Problem::Changed { file }),
        Err(why) => problems.push(Problem::Damaged { file, why }),
    }
}

/// Returns the length of a file; an error if nearly all of it is holes, which no recorder writes
/// and which take long to read.
fn check_holes(file: &File) -> Result<u64, String> {
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    let bytes = metadata.len();
    let stored = metadata.blocks().saturating_mul(BLOCK_BYTES);
    match bytes < MIN_SPARSE_BYTES || stored >= bytes / MIN_STORED_PART {
        true => Ok(bytes),
        false => Err(format!("{stored} of its {bytes} bytes are on disk: the rest is holes, which no recorder writes")),
    }
}

/// Reads the sums that are listed, by file; `None` if the list cannot be read.
fn read_sums(root: &Directory, problems: &mut ProblemLog) -> Option<BTreeMap<String, Digest>> {
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
