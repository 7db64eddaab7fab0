//! Requests to look something up, and their results.

use obit_derivation::CgroupKey;
use obit_derivation::identity::Engine;
use obit_derivation::record::{Directory, Outcome, SnapshotReason, Source};
use obit_schema::details::DirectoryDetails;

use crate::sources::answer::RuntimeRecord;

/// A look-up about one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupRequest {
    /// Reads a directory of the container on one hierarchy.
    Directory {
        /// The directory.
        key: CgroupKey,
        /// Path of the directory from the hierarchy's root.
        path: String,
    },
    /// Reads `config.json` of its bundle.
    Bundle {
        /// The bundle directory, as the runtime was told.
        bundle: String,
        /// The container, as the runtime was told.
        container_id: String,
    },
    /// Reads the file that its engine keeps of it.
    EngineFile {
        /// The engine.
        engine: Engine,
        /// The container.
        container_id: String,
    },
    /// Reads the state that its runtime keeps of it.
    State {
        /// The runtime's state directory (`--root`).
        root: String,
        /// The container, as the runtime was told.
        container_id: String,
        /// Reaction to a missing state.
        on_absent: OnAbsent,
    },
    /// Reads what is left of a container some moments after its end.
    Leftover(Leftover),
}

/// Leftovers of a container that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leftover {
    /// State that its runtime keeps, which should be gone.
    State {
        /// The runtime's state directory (`--root`).
        root: String,
        /// The container, as the runtime was told.
        container_id: String,
    },
    /// File that its engine keeps.
    EngineFile {
        /// The engine.
        engine: Engine,
        /// The container.
        container_id: String,
    },
}

/// The reaction to a file that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnAbsent {
    /// Reports that it is gone.
    Report,
    /// Looks again some times: it is about to be written.
    Retry,
}

/// The result of a look-up: a record without its place and time.
#[derive(Debug)]
pub enum LookupResult {
    /// A record of raw/cgroupfs.
    Directory(Directory<'static>, DirectoryDetails),
    /// A record of raw/runtime.
    Answer(Box<RuntimeRecord>),
}

impl LookupRequest {
    /// Turns the request into the result that says that it was dropped. `None` if that is not
    /// recorded.
    pub fn into_dropped(self) -> Option<LookupResult> {
        match self {
            Self::Directory { key, path } => {
                let directory = Directory {
                    reason: SnapshotReason::Mkdir,
                    key,
                    parent: None,
                    parent_uid: None,
                    path: path.into(),
                    populated: None,
                    pids: Vec::new(),
                };
                let details = DirectoryDetails { outcome: Outcome::Dropped, ctime: None, files: Vec::new() };
                Some(LookupResult::Directory(directory, details))
            }
            Self::Bundle { bundle, container_id } => {
                let request = format!("{bundle}/config.json");
                let mut record = RuntimeRecord::dropped(Source::OciBundle, request, container_id);
                record.answer.bundle = Some(bundle.into());
                Some(LookupResult::Answer(Box::new(record)))
            }
            Self::State { root, container_id, on_absent: _ } => {
                let request = format!("{root}/{container_id}");
                let record = RuntimeRecord::dropped(Source::OciState, request, container_id);
                Some(LookupResult::Answer(Box::new(record)))
            }
            Self::EngineFile { .. } | Self::Leftover(_) => None,
        }
    }
}
