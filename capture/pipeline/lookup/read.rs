//! One reading of files, and who does it.

use obit_derivation::CgroupKey;
use obit_derivation::identity::Engine;
use obit_derivation::record::{Outcome, SnapshotReason};

use super::request::{Leftover, LookupRequest, LookupResult, OnAbsent};
use crate::host::hierarchies::Hierarchies;
use crate::sources::cgroupfs;
use crate::sources::oci_files::OciFiles;

/// One reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileRead {
    /// A directory of a container.
    Directory {
        /// The directory.
        key: CgroupKey,
        /// Path of the directory from the hierarchy's root.
        path: String,
    },
    /// The `config.json` of a bundle.
    Bundle {
        /// The bundle directory, as the runtime was told.
        bundle: String,
        /// The container, as the runtime was told.
        container_id: String,
    },
    /// The file that an engine keeps of a container.
    EngineFile {
        /// The engine.
        engine: Engine,
        /// The container.
        container_id: String,
    },
    /// The state that a runtime keeps of a container.
    State {
        /// The runtime's state directory (`--root`).
        root: String,
        /// The container, as the runtime was told.
        container_id: String,
        /// How often it was looked for before.
        attempt: usize,
    },
    /// What is left of a container that has ended.
    Leftover(Leftover),
}

impl FileRead {
    /// Returns the place on the host's file systems whose reading may hang, if it may. Other
    /// readings in one place likely hang too.
    pub fn place(&self) -> Option<&str> {
        match self {
            // The kernel itself answers.
            Self::Directory { .. } => None,
            Self::Bundle { bundle, .. } => Some(bundle.rsplit_once('/').map_or(bundle, |(parent, _)| parent)),
            Self::State { root, .. } | Self::Leftover(Leftover::State { root, .. }) => Some(root),
            Self::EngineFile { engine, .. } | Self::Leftover(Leftover::EngineFile { engine, .. }) => {
                Some(engine.as_str())
            }
        }
    }

    /// Returns the result that says that there is no answer, and why.
    pub fn into_unanswered(self, outcome: Outcome) -> LookupResult {
        let request = match self {
            Self::Directory { key, path } => LookupRequest::Directory { key, path },
            Self::Bundle { bundle, container_id } => LookupRequest::Bundle { bundle, container_id },
            Self::EngineFile { engine, container_id } => LookupRequest::EngineFile { engine, container_id },
            Self::State { root, container_id, .. } => {
                LookupRequest::State { root, container_id, on_absent: OnAbsent::Report }
            }
            Self::Leftover(leftover) => LookupRequest::Leftover(leftover),
        };
        request.into_unanswered(outcome)
    }
}

/// A reader of directories and files.
#[derive(Debug)]
pub struct LookupReader {
    hierarchies: Hierarchies,
    files: OciFiles,
}

impl LookupReader {
    /// Returns a reader.
    pub fn new(hierarchies: Hierarchies, files: OciFiles) -> Self {
        Self { hierarchies, files }
    }

    /// Reads. `None` if nothing like that is read here. May take as long as a file system wants.
    pub fn read(&self, read: &FileRead) -> Option<LookupResult> {
        let record = match read {
            FileRead::Directory { key, path } => {
                let hierarchy = self.hierarchies.get(key.hierarchy)?;
                let (directory, details) = cgroupfs::read_directory(hierarchy, path, key.cgroup, SnapshotReason::Mkdir);
                return Some(LookupResult::Directory(directory, details));
            }
            FileRead::Bundle { bundle, container_id } => self.files.bundle(bundle, Some(container_id)),
            FileRead::EngineFile { engine, container_id } => self.files.engine_file(*engine, container_id)?,
            FileRead::State { root, container_id, .. } | FileRead::Leftover(Leftover::State { root, container_id }) => {
                self.files.state(root, container_id)
            }
            FileRead::Leftover(Leftover::EngineFile { engine, container_id }) => {
                self.files.engine_file_after_end(*engine, container_id)?
            }
        };
        Some(LookupResult::Answer(Box::new(record)))
    }
}
