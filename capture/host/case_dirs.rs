//! The case directories of one recorder that is started again and again: the name of the next one,
//! and the removal of old ones.
//!
//! `{time}` in the name of a case stands for the time of its start. Cases whose names differ only
//! in it belong together.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use obit_case::Case;
use obit_schema::text::printable;
use obit_schema::text::time;
use rustix::fs::{FlockOperation, OFlags, flock};

use crate::host::clock::ClockPair;

/// Levels of folders in a case: those of kinds, and of tables in them.
const FOLDER_LEVELS: u32 = 2;

/// Placeholder of the time of the start in the name of a case.
const TIME: &str = "{time}";

/// The name of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseName {
    /// The directory of the case.
    pub path: PathBuf,
    /// The cases that belong with it, if its last component has the time in it.
    pub siblings: Option<CaseDirs>,
}

/// Cases whose names differ only in the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseDirs {
    directory: PathBuf,
    /// The names' text before and after the time.
    around: (String, String),
}

impl CaseName {
    /// Returns the name for a start now.
    pub fn now(given: OsString) -> Self {
        let now = time::basic(ClockPair::read().wall.0);
        // A path that is not UTF-8 has no placeholder.
        match given.to_str() {
            Some(text) if text.contains(TIME) => {
                Self { path: text.replace(TIME, &now).into(), siblings: CaseDirs::of(Path::new(text)) }
            }
            _ => Self { path: given.into(), siblings: None },
        }
    }
}

impl CaseDirs {
    fn of(template: &Path) -> Option<Self> {
        let (before, after) = template.file_name()?.to_str()?.split_once(TIME)?;
        let directory = template.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // With the time in a directory above as well, cases of other times are in other
        // directories.
        let is_one = !after.contains(TIME) && !directory.to_string_lossy().contains(TIME);
        is_one.then(|| Self { directory: directory.to_owned(), around: (before.to_owned(), after.to_owned()) })
    }

    /// Returns whether a name is one of these.
    fn contains(&self, name: &str) -> bool {
        let (before, after) = &self.around;
        let time = name.strip_prefix(before.as_str()).and_then(|rest| rest.strip_suffix(after.as_str()));
        time.is_some_and(|time| {
            time.len() == 16
                && time.bytes().enumerate().all(|(at, letter)| match at {
                    8 => letter == b'T',
                    15 => letter == b'Z',
                    _ => letter.is_ascii_digit(),
                })
        })
    }

    /// Removes the oldest cases until the others have no more than `max_bytes` together. Returns
    /// the names of the removed ones. What is no case, and what a recorder has open, stays.
    ///
    /// # Errors
    /// The directory cannot be read, or a case cannot be removed.
    pub fn make_room(&self, max_bytes: u64) -> Result<Vec<String>> {
        let cannot = || format!("cannot look through {}", printable(&self.directory.to_string_lossy()));
        let mut cases = Vec::new();
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(cannot)?,
        };
        for entry in entries {
            let entry = entry.with_context(cannot)?;
            let Some(name) = entry.file_name().to_str().filter(|name| self.contains(name)).map(str::to_owned) else {
                continue;
            };
            // Links are not followed.
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                cases.push((name, size_bytes(&entry.path(), FOLDER_LEVELS)));
            }
        }
        // Times sort as text.
        cases.sort_unstable();
        let mut total = cases.iter().map(|(_, size)| size).fold(0, |sum: u64, size| sum.saturating_add(*size));
        let mut removed = Vec::new();
        for (name, size) in cases {
            if total <= max_bytes {
                break;
            }
            let path = self.directory.join(&name);
            // Locked until it is gone, so that nobody opens it to close it meanwhile.
            let Some(_held) = lock(&path) else { continue };
            fs::remove_dir_all(&path)
                .with_context(|| format!("cannot remove the old case {}", printable(&path.to_string_lossy())))?;
            total = total.saturating_sub(size);
            removed.push(name);
        }
        Ok(removed)
    }
}

/// Locks a case, if it is one and nobody else has it open.
fn lock(path: &Path) -> Option<File> {
    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits();
    let directory = OpenOptions::new().read(true).custom_flags(i32::try_from(flags).ok()?).open(path).ok()?;
    flock(&directory, FlockOperation::NonBlockingLockExclusive).ok()?;
    Case::open(path).is_ok().then_some(directory)
}

/// Returns the size of the files in a directory, and in directories below it down to `levels`.
fn size_bytes(directory: &Path, levels: u32) -> u64 {
    let mut bytes: u64 = 0;
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        bytes = bytes.saturating_add(match entry.metadata() {
            Ok(metadata) if metadata.is_dir() && levels > 0 => size_bytes(&entry.path(), levels - 1),
            Ok(metadata) if metadata.is_file() => metadata.len(),
            _ => 0,
        });
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_case::CaseWriter;
    use obit_case::manifest::{BuildInfo, Manifest};
    use obit_case::writer::WriterOptions;

    fn writer(path: &Path) -> CaseWriter {
        let manifest = Manifest::new("a-case".to_owned(), BuildInfo::default());
        CaseWriter::create(path, manifest, WriterOptions::default()).unwrap()
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_time_makes_a_name_and_a_shelf() {
        let CaseName { path, siblings } = CaseName::now("/var/lib/obit/{time}-a".into());
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(siblings.as_ref().is_some_and(|dirs| dirs.contains(name)), "{path:?}, {siblings:?}");
        for other in ["20261124T070000Z", "20261124T070000Z-b", "20261124T07000Z-a", "x20261124T070000Z-a", "case-a"] {
            assert!(!siblings.as_ref().unwrap().contains(other), "{other}");
        }
        assert_eq!(CaseName::now("{day}/case".into()), CaseName { path: "{day}/case".into(), siblings: None });
        assert_eq!(CaseName::now("{time}/case".into()).siblings, None);
    }

    #[test]
    fn the_oldest_cases_go_and_nothing_else_does() {
        let scratch = tempfile::tempdir().unwrap();
        let place = |name: &str| scratch.path().join(name);
        let cases = ["c-20200101T000000Z", "c-20210101T000000Z", "c-20220101T000000Z", "c-20230101T000000Z"];
        // The second is being written; the first was never closed.
        drop(writer(&place(cases[0])));
        let written = writer(&place(cases[1]));
        for closed in &cases[2..] {
            writer(&place(closed)).close(|_| {}).unwrap();
        }
        // No case by its contents, no case by its name, and one that is elsewhere.
        fs::create_dir(place("c-20100101T000000Z")).unwrap();
        fs::write(place("c-20100101T000000Z").join("precious"), [0; 100]).unwrap();
        writer(&place("d-20100101T000000Z")).close(|_| {}).unwrap();
        std::os::unix::fs::symlink(place("d-20100101T000000Z"), place("c-20110101T000000Z")).unwrap();
        let before = names(scratch.path());

        let dirs = CaseName::now(place("c-{time}").into_os_string()).siblings.unwrap();
        assert_eq!(dirs.make_room(1 << 30).unwrap(), Vec::<String>::new());
        let newest = size_bytes(&place(cases[3]), FOLDER_LEVELS);
        let stays = 100 + size_bytes(&place(cases[1]), FOLDER_LEVELS);
        let case = Case::open(&place(cases[3])).unwrap();
        let parts: u64 = case.manifest().unwrap().parts.iter().map(|part| part.bytes).sum();
        assert!(newest > parts && parts > 0, "{newest} bytes, of which parts have {parts}");
        assert_eq!(dirs.make_room(newest + stays).unwrap(), [cases[0], cases[2]]);
        assert_eq!(dirs.make_room(0).unwrap(), [cases[3]]);
        let left: Vec<_> =
            before.into_iter().filter(|name| *name == cases[1] || !cases.contains(&name.as_str())).collect();
        assert_eq!(names(scratch.path()), left);
        drop(written);
    }
}
