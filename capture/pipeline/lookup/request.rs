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
    /// Turns the request into the result that says that it has no answer, and why.
    pub fn into_unanswered(self, outcome: Outcome) -> LookupResult {
        let (source, request, container_id, bundle) = match self {
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
                let details = DirectoryDetails { outcome, ctime: None, files: Vec::new() };
                return LookupResult::Directory(directory, details);
            }
            Self::Bundle { bundle, container_id } => {
                (Source::OciBundle, format!("{bundle}/config.json"), container_id, Some(bundle))
            }
            Self::State { root, container_id, .. } | Self::Leftover(Leftover::State { root, container_id }) => {
                (Source::OciState, format!("{root}/{container_id}"), container_id, None)
            }
            Self::EngineFile { engine, container_id }
            | Self::Leftover(Leftover::EngineFile { engine, container_id }) => {
                let source = if engine == Engine::Podman { Source::Podman } else { Source::Docker };
                (source, format!("{engine} file of {container_id}"), container_id, None)
            }
        };
        let mut record = RuntimeRecord::unanswered(source, outcome, request, container_id);
        record.answer.bundle = bundle.map(Into::into);
        LookupResult::Answer(Box::new(record))
    }
}
