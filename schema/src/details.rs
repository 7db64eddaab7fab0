//! Values of a raw row that the derivation does not use.

use obit_derivation::record::{Outcome, WallNs};

/// Further values of a raw/cgroupfs row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryDetails {
    /// Outcome of the reading; a directory that was gone already is a record too.
    pub outcome: Outcome,
    /// Change time of the directory's inode.
    pub ctime: Option<WallNs>,
    /// Contents of its accounting files by name, trimmed, of those that exist.
    pub files: Vec<(String, String)>,
}

/// Further values of a raw/runtime row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeDetails {
    /// The request, e.g. a file's path.
    pub request: String,
    /// Time from the question to the answer, in nanoseconds.
    pub latency_ns: u64,
    /// The answer itself with secrets left out: no environment, no process arguments.
    pub document: Option<String>,
}
