//! Contradictions between two sources about how, when or whether a container ended.

use alloc::string::String;
use alloc::vec::Vec;

use super::identity::{Identity, Place};
use crate::record::{BootNs, Seq, Source, WallNs, names};

/// The matter that two sources contradict each other about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DisagreementKind {
    /// The code that its init ended with; a signal counts as 128 plus its number, as engines report
    /// it.
    ExitCode,
    /// The part of the OOM killer in the end of its init.
    OomKilled,
    /// The time at which its init ended.
    Time,
    /// The existence of the container.
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

    /// Returns its name in a case.
    pub const fn as_str(self) -> &'static str {
        match self.source.event_name() {
            Some(name) if self.is_event => name,
            _ => self.source.as_str(),
        }
    }
}

/// The value that one source reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedValue {
    /// The source.
    pub by: ReportSource,
    /// The value; `None` if the value is a time.
    pub value: Option<String>,
    /// The time, if the value is one; for existence, the time since when, or of the report.
    pub at: Option<WallNs>,
}

/// A contradiction between two sources about one life of a container.
#[derive(Clone, Debug, PartialEq)]
pub struct Disagreement {
    /// The record that decided the row: that of the container's end, or the last one of the log.
    pub seq: Seq,
    /// Wall-clock time of that record.
    pub ts: WallNs,
    /// Boot-clock time of that record.
    pub boot_ns: BootNs,
    /// The container's identity.
    pub identity: Identity,
    /// The container's directory.
    pub place: Place,
    /// The matter.
    pub aspect: DisagreementKind,
    /// The value of the source nearest to the fact: the kernel where it knows, else the source that
    /// reported first.
    pub said: ReportedValue,
    /// The value of the other source.
    pub other: ReportedValue,
    /// For times, how much later the other one is, in nanoseconds.
    pub difference_ns: Option<i64>,
    /// The records that this row came from, ascending.
    pub evidence_seqs: Vec<Seq>,
}

names!(DisagreementKind {
    ExitCode => "exit_code",
    OomKilled => "oom_killed",
    Time => "time",
    Existence => "existence",
});
