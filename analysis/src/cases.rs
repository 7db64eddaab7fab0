//! Several cases, given one by one or as a directory that holds them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use obit_case::Case;

use crate::error::Error;
use crate::problems;

/// Most directories that are looked through for cases.
const MAX_DIRECTORIES: usize = 10_000;

/// Most levels of directories that are looked through, as in `cases/HOST/CASE`.
const MAX_DEPTH: usize = 3;

/// Opens cases as [`open_each`] does, for an answer that is drawn from all of them together.
///
/// # Errors
/// The first error of [`open_each`]; [`Error::SameCase`].
pub fn open(paths: &[PathBuf]) -> Result<Vec<Case>, Error> {
    let cases: Vec<Case> = open_each(paths).into_iter().collect::<Result<_, _>>()?;
    let mut by_id: BTreeMap<&str, &Case> = BTreeMap::new();
    for case in &cases {
        if let Some(manifest) = case.manifest()
            && let Some(first) = by_id.insert(&manifest.case_id, case)
        {
            return Err(Error::SameCase { first: first.path().to_owned(), second: case.path().to_owned() });
        }
    }
    Ok(cases)
}

/// Opens cases, each as [`problems::open`] does, for an answer about each of them. A directory that
/// is no case stands for the cases below it, in the order of their names; symbolic links in it are
/// not followed.
///
/// An error stands in the place of a case: [`Error::Open`], also for a directory that is no case
/// and holds none; [`Error::TooManyDirectories`].
pub fn open_each(paths: &[PathBuf]) -> Vec<Result<Case, Error>> {
    let mut cases = Vec::new();
    for path in paths {
        match problems::open(path) {
            Err(Error::Open(not_a_case @ obit_case::Error::NotACase { .. })) => {
                let before = cases.len();
                let mut left = MAX_DIRECTORIES;
                if let Err(error) = open_below(path, path, MAX_DEPTH, &mut left, &mut cases) {
                    cases.push(Err(error));
                }
                if cases.len() == before {
                    cases.push(Err(Error::Open(not_a_case)));
                }
            }
            opened => cases.push(opened),
        }
    }
    cases
}

/// Opens the cases in the directories below one that is no case.
fn open_below(
    root: &Path,
    directory: &Path,
    depth: usize,
    left: &mut usize,
    cases: &mut Vec<Result<Case, Error>>,
) -> Result<(), Error> {
    // A directory that cannot be listed holds no case that could be read.
    let Ok(entries) = fs::read_dir(directory) else { return Ok(()) };
    let mut below = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let too_many = Error::TooManyDirectories { path: root.to_owned(), limit: MAX_DIRECTORIES };
        *left = left.checked_sub(1).ok_or(too_many)?;
        below.push(entry.path());
    }
    below.sort();
    for path in below {
        match problems::open(&path) {
            Err(Error::Open(obit_case::Error::NotACase { .. })) if depth > 1 => {
                open_below(root, &path, depth - 1, left, cases)?;
            }
            Err(Error::Open(obit_case::Error::NotACase { .. })) => {}
            opened => cases.push(opened),
        }
    }
    Ok(())
}
