//! Where two sources contradict each other about how, when or whether a container ended.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Identity, Place};
use crate::record::{BootNs, RuntimeSource, Seq, WallNs, names};

/// What two sources contradict each other about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DisagreementKind {
    /// The code that its init ended with; a signal counts as 128 and its number, as engines have it.
    ExitCode,
    /// Whether the OOM killer ended its init.
    OomKilled,
    /// When its init ended.
    Time,
    /// Whether it is there.
    Existence,
}

/// Who says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportSource {
    /// The kernel: its events.
    Kernel,
    /// A daemon or a file, asked or read.
    Answer(RuntimeSource),
    /// A daemon, by an event of its own.
    Event(RuntimeSource),
}

impl ReportSource {
    /// The name it has in a case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kernel => "kernel",
            Self::Answer(source) => source.as_str(),
            Self::Event(RuntimeSource::Docker) => "docker_event",
            Self::Event(RuntimeSource::Containerd) => "containerd_event",
            Self::Event(RuntimeSource::Cri) => "cri_event",
            Self::Event(RuntimeSource::Podman) => "podman_event",
            // Files tell of no events.
            Self::Event(source @ (RuntimeSource::OciState | RuntimeSource::OciBundle)) => source.as_str(),
        }
    }
}

/// What one source says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedValue {
    /// Who says it.
    pub by: ReportSource,
    /// The value; `None` of a time.
    pub value: Option<String>,
    /// Of a time: that; of existence: since when, or when it was said.
    pub at: Option<WallNs>,
}

/// Two sources contradict each other about one life of a container.
#[derive(Clone, Debug, PartialEq)]
pub struct Disagreement {
    /// The record that decided the row: that of the container's end, or the last one of the log.
    pub seq: Seq,
    /// That record's time by the wall clock.
    pub ts: WallNs,
    /// The same on the boot clock.
    pub boot_ns: BootNs,
    /// Which container.
    pub identity: Identity,
    /// Where it is, or was.
    pub place: Place,
    /// VerdictInput what.
    pub aspect: DisagreementKind,
    /// The source nearest to the fact: the kernel where it knows, else the one that spoke first.
    pub said: ReportedValue,
    /// The other one.
    pub other: ReportedValue,
    /// Of a time: how much later the other's is, in nanoseconds.
    pub difference_ns: Option<i64>,
    /// The records this row came from, ascending.
    pub evidence_seqs: Vec<Seq>,
}

names!(DisagreementKind {
    ExitCode => "exit_code",
    OomKilled => "oom_killed",
    Time => "time",
    Existence => "existence",
});
