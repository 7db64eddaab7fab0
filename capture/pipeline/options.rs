//! Options of a session.

use std::path::PathBuf;
use std::time::Duration;

use obit_analysis::export::ExportFormat;
use obit_case::writer::WriterOptions;
use serde_json::{Map, Value};

use super::sequencer::{ActorArgv, SegmentPolicy};
use super::size_limit::SizeLimit;
use crate::announcing::AnnouncementTarget;
use crate::host::case_dirs::CaseDirs;
use crate::sources::daemons::{LabelPolicy, RuntimeChoice};
use crate::sources::kernel::probe::ProbeOptions;

/// The options of a session.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The case to make.
    pub output: PathBuf,
    /// The older cases of that name, and how many bytes of them may stay.
    pub older_cases: Option<(CaseDirs, u64)>,
    /// Options of the probes.
    pub probe: ProbeOptions,
    /// Tasks whose arguments are recorded.
    pub actor_argv: ActorArgv,
    /// Longest time that the row of an end waits for late reports about the container.
    pub grace: Duration,
    /// Ends are sent as they happen.
    pub follow: bool,
    /// Longest time until a record is on disk.
    pub sync_interval: Duration,
    /// Interval at which the clocks are recorded.
    pub clock_interval: Duration,
    /// Options of sealing and signing parts.
    pub writer: WriterOptions,
    /// File, FIFO or journal that gets the head of the chain of parts, off the case.
    pub anchor: Option<PathBuf>,
    /// Target of rows as they are decided, with the format of a file.
    pub announce: Option<(AnnouncementTarget, ExportFormat)>,
    /// Limit on the size of the case.
    pub size_limit: SizeLimit,
    /// Policy for cutting the recording into segments, if it is cut.
    pub segments: Option<SegmentPolicy>,
    /// Directory at which the host's file system is mounted.
    pub host_root: PathBuf,
    /// Daemons to ask, besides or instead of those found.
    pub runtimes: Vec<RuntimeChoice>,
    /// Labels of containers to keep.
    pub labels: LabelPolicy,
    /// The session gives up, once attached, what it does not need any more: see
    /// [`crate::host::confine`].
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
