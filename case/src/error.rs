//! What can go wrong with a case. An error holds facts; its text says what failed, on what, and what to do.

use std::io;
use std::path::{Path, PathBuf};

use obit_schema::text::printable;

use crate::problem::Problem;
use crate::version::{FORMAT, FormatVersion};

/// Anything that can go wrong with a case.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A batch does not have the columns of its table, or a row not those of its kind.
    #[error(transparent)]
    Schema(#[from] obit_schema::Error),
    /// The operating system refused.
    #[error("cannot {action} {}: {cause}{}", shown(path), advice(cause))]
    Io {
        /// What was tried, e.g. `write`.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not. Not called `source`: a chain of errors would say it twice.
        cause: io::Error,
    },
    /// A case would be written over something.
    #[error("{} exists and is not an empty directory; give a path that does not exist yet", shown(path))]
    Exists {
        /// The path given.
        path: PathBuf,
    },
    /// A case would be written over one that was never closed.
    #[error(
        "{0} holds a case that was never closed; `obit-replay close {0}` seals it for good; \
         record into a path that does not exist yet",
        shown(path)
    )]
    Unclosed {
        /// The case.
        path: PathBuf,
    },
    /// Another process writes the case.
    #[error("{} is being written by a running obit-capture; wait until it has ended", shown(path))]
    Busy {
        /// The case.
        path: PathBuf,
    },
    /// The case is complete already.
    #[error("{} is closed already; nothing is added to it", shown(path))]
    AlreadyClosed {
        /// The case.
        path: PathBuf,
    },
    /// A damaged case would be sealed as if it were whole.
    #[error("{}: {problem}; a damaged case is not closed: keep a copy of it as it is", shown(path))]
    NotClosable {
        /// The case.
        path: PathBuf,
        /// The first thing that is wrong with it.
        problem: Problem,
    },
    /// A key cannot be used for signing.
    #[error("{}: {}", shown(path), printable(why))]
    Key {
        /// The key's file.
        path: PathBuf,
        /// Why not, and what to do.
        why: String,
    },
    /// The signature could not be made.
    #[error("cannot sign: {}", printable(why))]
    Sign {
        /// Why not.
        why: String,
    },
    /// It is no case.
    #[error("{} is not a case: {why}", shown(path))]
    NotACase {
        /// The path given.
        path: PathBuf,
        /// What is missing.
        why: &'static str,
    },
    /// The case is of a newer major version of the format.
    #[error("{}: case format {found} is newer than this build's {}: use a newer obit-replay", shown(path), FORMAT)]
    NewerFormat {
        /// Its case.json.
        path: PathBuf,
        /// Its version.
        found: FormatVersion,
    },
    /// case.json is missing or cannot be understood.
    #[error("{}: {}; {} of the case can still be read without it", shown(path), printable(why), parts_text(*.parts))]
    Manifest {
        /// The case.json.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// Part and journal files found beside it.
        parts: usize,
    },
    /// case.json could not be made.
    #[error("cannot write case.json: {source}")]
    ManifestText {
        /// Why not.
        source: serde_json::Error,
    },
    /// A file of a table cannot be read, or not to its end.
    #[error("{}: {}", shown(path), printable(why))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A batch was given to the wrong table.
    #[error("a batch for {table} does not have that table's schema")]
    WrongSchema {
        /// The table.
        table: &'static str,
    },
    /// A batch was given out of order.
    #[error("a batch for {table} holds seq {seq} after {last}: a table is written in ascending order of seq")]
    Disorder {
        /// The table.
        table: &'static str,
        /// The row's place.
        seq: u64,
        /// The place of the row before.
        last: u64,
    },
    /// The writer stopped at an earlier error.
    #[error("{} is no longer written after an earlier error", shown(path))]
    Stopped {
        /// The case.
        path: PathBuf,
    },
}

impl Error {
    /// Whether there is no room on the disk, or none for this user.
    pub fn is_disk_full(&self) -> bool {
        let is_full = |kind| matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        matches!(self, Self::Io { cause, .. } if is_full(cause.kind()))
    }

    /// An [`Error::Io`], for `map_err`.
    pub(crate) fn io<E: Into<io::Error>>(action: &'static str, path: &Path) -> impl FnOnce(E) -> Self {
        move |cause| Self::Io { action, path: path.to_owned(), cause: cause.into() }
    }
}

/// A path that is safe to print.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}

/// What to do about an error of the operating system.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; free some space or record onto another disk (what was written so far can be read)"
        }
        io::ErrorKind::PermissionDenied => "; check the owner and mode of the path, or run as a user who may",
        io::ErrorKind::ReadOnlyFilesystem => "; give a path on a disk that can be written",
        io::ErrorKind::NotFound => "; check the path",
        _ => "",
    }
}

fn parts_text(parts: usize) -> String {
    match parts {
        0 => "nothing".to_owned(),
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    }
}
