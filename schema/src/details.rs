//! What a raw record holds beside what the derivation looks at.

use obit_derivation::record::{Outcome, WallNs};

/// The rest of a raw/cgroupfs row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryDetails {
    /// How the reading went; a directory that was gone already is a record too.
    pub outcome: Outcome,
    /// Change time of the directory's inode.
    pub ctime: Option<WallNs>,
    /// Contents of its accounting files by name, trimmed, of those that exist.
    pub files: Vec<(String, String)>,
}

/// The rest of a raw/runtime row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeDetails {
    /// What was asked or read, e.g. a file's path.
    pub request: String,
    /// How long the answer took, in nanoseconds.
    pub latency_ns: u64,
    /// The answer itself with secrets left out: no environment, no process arguments.
    pub document: Option<String>,
}
