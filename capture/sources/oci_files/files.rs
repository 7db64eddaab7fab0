//! The reader of files of OCI runtimes and engines.

use std::path::{Path, PathBuf};

use obit_derivation::identity::Engine;

use super::engine_files::{self, LifeStage};
use super::{bundle, state};
use crate::host::hierarchies::Hierarchies;
use crate::sources::answer::RuntimeRecord;

/// A reader of the files of OCI runtimes below one root directory.
#[derive(Clone, Debug)]
pub struct OciFiles {
    host_root: PathBuf,
    hierarchies: Hierarchies,
}

impl OciFiles {
    /// `host_root` is `/`, or where the host's file system is mounted if the capture itself runs in
    /// a container. Paths that runtimes name are resolved below it, links included.
    pub fn new(host_root: impl Into<PathBuf>, hierarchies: Hierarchies) -> Self {
        Self { host_root: host_root.into(), hierarchies }
    }

    /// Returns the directory below which paths are resolved.
    pub fn host_root(&self) -> &Path {
        &self.host_root
    }

    /// Reads `config.json` of a bundle (OCI runtime specification, config.md). `bundle` is spelt as
    /// in a record.
    ///
    /// Always returns an answer; its outcome says how the reading went.
    pub fn bundle(&self, bundle: &str, container_id: Option<&str>) -> RuntimeRecord {
        bundle::read(&self.host_root, bundle, container_id)
    }

    /// Reads the state that a runtime keeps of one container below its state directory (`--root`):
    /// `state.json` of runc and youki, `status` of crun.
    ///
    /// Always returns an answer; its outcome says how the reading went.
    pub fn state(&self, state_root: &str, container_id: &str) -> RuntimeRecord {
        state::read(&self.host_root, &self.hierarchies, state_root, container_id)
    }

    /// Reads what an engine keeps on disk of one of its containers; `None` if it keeps nothing that
    /// is read here.
    pub fn engine_file(&self, engine: Engine, container_id: &str) -> Option<RuntimeRecord> {
        engine_files::read(&self.host_root, engine, container_id, LifeStage::Begun)
    }

    /// Reads what an engine keeps on disk of a container that has ended, with how it ended.
    pub fn engine_file_after_end(&self, engine: Engine, container_id: &str) -> Option<RuntimeRecord> {
        engine_files::read(&self.host_root, engine, container_id, LifeStage::Over)
    }
}
