//! Where two sources contradict each other about how, when or whether a container ended.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Identity, Place};
use crate::record::{BootNs, Seq, Source, WallNs, names};

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

/// The source of a reported value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReportSource {
    /// The speaker.
    pub source: Source,
    /// A daemon said it by an event of its own, not as an answer.
    pub is_event: bool,
}

impl ReportSource {
    /// The kernel: its events.
    pub const KERNEL: Self = Self::answer(Source::Kernel);

    /// A daemon that was asked, or a file that was read.
    pub const fn answer(source: Source) -> Self {
        Self { source, is_event: false }
    }

    /// A daemon that sent an event of its own.
    pub const fn event(source: Source) -> Self {
        Self { source, is_event: true }
    }

    /// The name it has in a case.
    pub const fn as_str(self) -> &'static str {
        match (self.is_event, self.source) {
            (true, Source::Docker) => "docker_event",
            (true, Source::Podman) => "podman_event",
            (true, Source::Containerd) => "containerd_event",
            (true, Source::Cri) => "cri_event",
            // Only daemons send events.
            (_, source) => source.as_str(),
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
