//! What the files of OCI runtimes say about a container: the bundle's `config.json` and the runtime's own state.
//!
//! All of it is a claim of whoever could write the file. Sizes are bounded, links in the last component are not followed,
//! and what is kept goes through allow-lists: environment, arguments and free annotations carry secrets.

mod annotations;
mod bundle;
mod engine;
mod engine_files;
mod file;
mod places;
mod scan;
mod state;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use obit_derivation::identity::Engine;
use obit_derivation::record::RuntimeAnswer;
use obit_schema::details::RuntimeDetails;

use self::engine_files::Life;
use crate::host::hierarchies::Hierarchies;
pub use scan::ScanSummary;

/// A record's two halves.
pub type Answer = (RuntimeAnswer<'static>, RuntimeDetails);

/// Reads files of OCI runtimes below one root directory.
#[derive(Clone, Debug)]
pub struct OciFiles {
    host_root: PathBuf,
    hierarchies: Hierarchies,
}

impl OciFiles {
    /// `host_root` is `/`, or where the host's file system is mounted if the capture itself runs in a container. Paths
    /// that runtimes name are resolved below it, links included.
    pub fn new(host_root: impl Into<PathBuf>, hierarchies: Hierarchies) -> Self {
        Self { host_root: host_root.into(), hierarchies }
    }

    /// Where paths are resolved.
    pub fn host_root(&self) -> &Path {
        &self.host_root
    }

    /// Reads `config.json` of a bundle (OCI runtime specification, config.md). `bundle` is spelt as in a record.
    ///
    /// Always gives an answer; its outcome says how the reading went.
    pub fn bundle(&self, bundle: &str, container_id: Option<&str>) -> Answer {
        bundle::read(&self.host_root, bundle, container_id)
    }

    /// Reads the state that a runtime keeps of one container below its state directory (`--root`): `state.json` of runc
    /// and youki, `status` of crun.
    ///
    /// Always gives an answer; its outcome says how the reading went.
    pub fn state(&self, state_root: &str, container_id: &str) -> Answer {
        state::read(&self.host_root, &self.hierarchies, state_root, container_id)
    }

    /// Reads what an engine keeps on disk of one of its containers; `None` if it keeps nothing that is read here.
    pub fn engine_file(&self, engine: Engine, container_id: &str) -> Option<Answer> {
        engine_files::read(&self.host_root, engine, container_id, Life::Begun)
    }

    /// The same of one that has ended, with what the engine keeps of that.
    pub fn engine_file_after_end(&self, engine: Engine, container_id: &str) -> Option<Answer> {
        engine_files::read(&self.host_root, engine, container_id, Life::Over)
    }

    /// Reads the state of every container of the state directories that runtimes use by default, and of `more_roots`
    /// (`--root` values seen), and the bundles that they name.
    pub fn scan(&self, more_roots: &[String], visit: impl FnMut(Answer)) -> ScanSummary {
        scan::scan(self, more_roots, visit)
    }
}

/// The details of an answer about `request`, which was begun at `begun`.
fn details(request: String, begun: Instant) -> RuntimeDetails {
    let latency_ns = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
    RuntimeDetails { request, latency_ns, document: None }
}

/// Longest text taken from a file as a name, in bytes. Kubernetes and the registries allow 255 and less.
pub(crate) const NAME_BYTES: usize = 1_024;
/// Longest path taken from a file, in bytes: PATH_MAX.
const PATH_BYTES: usize = 4_096;

/// A JSON object. The parser by itself would also take an array of the fields in their order.
fn object<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    bytes.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(bytes).ok())?
}

/// A text that is not empty and within its bound; a name is never cut, for a cut one is another.
pub(crate) fn within(text: Option<&str>, limit: usize) -> Option<Cow<'static, str>> {
    let text = text?;
    (!text.is_empty() && text.len() <= limit).then(|| Cow::Owned(text.to_owned()))
}

/// A point in time as Go's and crun's JSON writes it (RFC 3339).
pub(crate) fn time_of(text: &str) -> Option<obit_derivation::WallNs> {
    let time = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    time.timestamp_nanos_opt().map(obit_derivation::WallNs)
}

/// The document of an answer, or what takes its place if it is larger than a case should carry.
pub(crate) fn document(value: &impl serde::Serialize) -> Option<String> {
    /// Real ones have 2 to 15 KiB.
    const DOCUMENT_BYTES: usize = 64 << 10;
    let text = serde_json::to_string(value).ok()?;
    if text.len() <= DOCUMENT_BYTES {
        return Some(text);
    }
    Some(format!(r#"{{"dropped":"larger than {DOCUMENT_BYTES} bytes","bytes":{}}}"#, text.len()))
}
