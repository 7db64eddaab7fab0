//! Errors of a case. An error holds facts; its text says what failed, on what and why. Advice that
//! names a program is for the program that prints the error.

use std::io;
use std::path::{Path, PathBuf};

use obit_schema::text::printable;

use crate::problem::Problem;
use crate::version::{FORMAT, FormatVersion};

/// An error of reading or writing a case.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A batch does not have the columns of its table, or a row not those of its kind.
    #[error(transparent)]
    Schema(#[from] obit_schema::Error),
    /// The operating system refused.
    #[error("cannot {action} {}: {cause}{}", shown(path), advice(cause))]
    Io {
        /// The action that failed, e.g. `write`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's error. Not called `source`: a chain of errors would print it
        /// twice.
        cause: io::Error,
    },
    /// A new case would be written over something.
    #[error("{} exists and is not an empty directory; give a path that does not exist yet", shown(path))]
    Exists {
        /// The path given.
        path: PathBuf,
    },
    /// Another user could change a new case while it is written.
    #[error("{} {why}; give a path that does not exist yet, in a directory that only its owner can write", shown(path))]
    ForeignDirectory {
        /// The path given.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A new case would be written over one that was never closed.
    #[error("{} holds a case that was never closed", shown(path))]
    Unclosed {
        /// The case.
        path: PathBuf,
    },
    /// Another process writes the case.
    #[error("{} is being written by another process", shown(path))]
    Busy {
        /// The case.
        path: PathBuf,
    },
    /// The case is complete: nothing can be added.
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
        /// The first problem found.
        problem: Problem,
    },
    /// The case was never closed, so it may still change.
    #[error("{} was never closed: close it first, with 'obit-replay close'", shown(path))]
    StillOpen {
        /// The case.
        path: PathBuf,
    },
    /// A key cannot be used for signing.
    #[error("{}: {}", shown(path), printable(why))]
    Key {
        /// The key's file.
        path: PathBuf,
        /// The reason, and what to do.
        why: String,
    },
    /// The signature could not be made.
    #[error("cannot sign: {}", printable(why))]
    Sign {
        /// The reason.
        why: String,
    },
    /// The path holds no case.
    #[error("{} is not a case: {why}", shown(path))]
    NotACase {
        /// The path given.
        path: PathBuf,
        /// The lack that shows it.
        why: &'static str,
    },
    /// The case is of a newer major version of the format.
    #[error("{}: case format {found} is newer than this build's {FORMAT}", shown(path))]
    NewerFormat {
        /// The case.json.
        path: PathBuf,
        /// The version it states.
        found: FormatVersion,
    },
    /// case.json is missing or cannot be understood.
    #[error("{}: {}; {} of the case can still be read without it", shown(path), printable(why), parts_text(*.parts))]
    Manifest {
        /// The case.json.
        path: PathBuf,
        /// The defect.
        why: String,
        /// Part and journal files found beside it.
        parts: usize,
    },
    /// case.json could not be made.
    #[error("cannot write case.json: {source}")]
    ManifestText {
        /// The reason.
        source: serde_json::Error,
    },
    /// A file of a table cannot be read, or not to its end.
    #[error("{}: {}", shown(path), printable(why))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The defect.
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
        /// Place of the row.
        seq: u64,
        /// Place of the row before it.
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
    /// Returns true if the disk has no room, or none for this user.
    pub fn is_disk_full(&self) -> bool {
        let is_full = |kind| matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        matches!(self, Self::Io { cause, .. } if is_full(cause.kind()))
    }

    /// Returns a function that makes an [`Error::Io`], for `map_err`.
    pub(crate) fn io<E: Into<io::Error>>(action: &'static str, path: &Path) -> impl FnOnce(E) -> Self {
        move |cause| Self::Io { action, path: path.to_owned(), cause: cause.into() }
    }
}

/// Returns a path that is safe to print.
pub(crate) fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy()).into_owned()
}

/// Returns advice on an error of the operating system, or nothing.
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
