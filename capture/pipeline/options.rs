//! What a session needs to know.

use std::path::PathBuf;
use std::time::Duration;

use obit_case::writer::WriterOptions;
use serde_json::{Map, Value};

use super::sequencer::{ActorArgv, SegmentPolicy};
use super::size_limit::SizeLimit;
use crate::host::case_dirs::CaseDirs;
use crate::sources::daemons::{LabelPolicy, RuntimeChoice};
use crate::sources::kernel::probe::ProbeOptions;

/// What a session needs to know.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The case to make.
    pub output: PathBuf,
    /// The older cases of that name, and how many bytes of them may stay.
    pub older_cases: Option<(CaseDirs, u64)>,
    /// How to attach.
    pub probe: ProbeOptions,
    /// Whose arguments are recorded.
    pub actor_argv: ActorArgv,
    /// How long the row of an end waits for what is still reported of the container.
    pub grace: Duration,
    /// Whether ends are sent as they happen.
    pub follow: bool,
    /// How old a record may get before it is on disk.
    pub sync_interval: Duration,
    /// How often the clocks are recorded.
    pub clock_interval: Duration,
    /// How parts are sealed and signed.
    pub writer: WriterOptions,
    /// Where the head of the chain of parts is written, off the case.
    pub anchor: Option<PathBuf>,
    /// How large the case may get.
    pub size_limit: SizeLimit,
    /// How the recording is cut into segments, if it is.
    pub segments: Option<SegmentPolicy>,
    /// Where the host's file system is seen.
    pub host_root: PathBuf,
    /// Daemons to ask, besides or instead of those found.
    pub runtimes: Vec<RuntimeChoice>,
    /// Labels of containers to keep.
    pub labels: LabelPolicy,
    /// Whether the session gives up, once attached, what it does not need any more: see [`crate::host::confine`].
    pub is_confined: bool,
    /// The options as given on the command line, for the manifest.
    pub given: Map<String, Value>,
}

impl SessionOptions {
    /// Returns the grace in nanoseconds.
    pub fn grace_ns(&self) -> u64 {
        u64::try_from(self.grace.as_nanos()).unwrap_or(u64::MAX)
    }
}
