//! Reports of daemons and files about a container's end, kept within bounds.

use alloc::vec::Vec;

use crate::record::{BootNs, RuntimeAnswer, Seq, Source, Stamp, WallNs};
use crate::row::ReportSource;

/// Distance that a source's time may have from the kernel's without being a different one, and how
/// long after an end a report that the container still runs is not wrong, as daemons learn of an
/// end some moments later. Nanoseconds of record time: by the clocks of the records and of what
/// they report.
pub const TOLERANCE_NS: u64 = 1_000_000_000;

/// Reports kept of one life: the first ones and the last ones.
const MAX_REPORTS: usize = 16;
/// Number of reports that are kept as the first ones.
const FIRST_REPORTS: usize = 4;

/// Presence of a container, as a source reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportedPresence {
    /// The init runs.
    Running,
    /// The runtime keeps its state, running or not.
    Kept,
    /// The init has ended.
    Ended,
}

impl ReportedPresence {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Kept => "kept",
            Self::Ended => "ended",
        }
    }
}

/// A report about a container's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndReport {
    pub seq: Seq,
    pub ts: WallNs,
    pub boot_ns: BootNs,
    pub by: ReportSource,
    /// An engine reports that it was given the order to send a signal.
    pub is_order: bool,
    /// The number of that signal, if the engine says it.
    pub signal: Option<u32>,
    /// An engine reports that it has stopped the container.
    pub is_stop: bool,
    pub exit_code: Option<i32>,
    pub oom_killed: Option<bool>,
    pub finished_at: Option<WallNs>,
    pub presence: Option<ReportedPresence>,
    /// Start of the life that is reported on, as the source says.
    pub(super) started_at: Option<WallNs>,
    /// The init of the life that is reported on, as the source says.
    init_pid: Option<u32>,
}

impl EndReport {
    /// Reads what an answer reports about an end. Returns `None` if nothing.
    pub fn of(seq: Seq, ts: WallNs, boot_ns: BootNs, answer: &RuntimeAnswer<'_>) -> Option<Self> {
        let event = answer.event.as_deref();
        let is_order = event == Some("kill");
        let is_stop = event == Some("stop");
        let presence = match (answer.running, answer.finished_at) {
            (Some(true), _) => Some(ReportedPresence::Running),
            (Some(false), _) | (None, Some(_)) => Some(ReportedPresence::Ended),
            (None, None) => (answer.source == Source::OciState).then_some(ReportedPresence::Kept),
        };
        let report = Self {
            seq,
            ts,
            boot_ns,
            by: ReportSource { source: answer.source, is_event: event.is_some() },
            is_order,
            signal: answer.signal,
            is_stop,
            exit_code: answer.exit_code,
            oom_killed: answer.oom_killed,
            finished_at: answer.finished_at,
            presence,
            started_at: answer.started_at,
            init_pid: answer.init_pid,
        };
        let says_something =
            is_order || is_stop || presence.is_some() || report.exit_code.is_some() || report.oom_killed.is_some();
        says_something.then_some(report)
    }

    /// Returns the moment that it is about: that of the end or, without one, that of the report.
    pub fn about(&self) -> WallNs {
        self.finished_at.unwrap_or(self.ts)
    }

    /// Returns true if it can only be about the newest life of an id.
    pub fn is_of_the_newest(&self) -> bool {
        matches!(self.presence, Some(ReportedPresence::Running | ReportedPresence::Kept))
    }
}

/// The reports about one life of a container, within bounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct EndReports {
    all: Vec<EndReport>,
    /// A row says already that it is reported as ended and is there.
    pub is_told_alive: bool,
}

/// No reports.
pub(crate) static NO_REPORTS: EndReports = EndReports { all: Vec::new(), is_told_alive: false };

impl EndReports {
    pub fn add(&mut self, report: EndReport) {
        if self.all.len() >= MAX_REPORTS {
            self.all.remove(FIRST_REPORTS);
        }
        // Most containers have one or two.
        if self.all.len() == self.all.capacity() {
            self.all.reserve_exact(self.all.len().max(1));
        }
        self.all.push(report);
    }

    /// Forgets the reports on runs with another init.
    pub fn keep_run(&mut self, init_pid: u32) {
        self.all.retain(|report| report.init_pid.is_none_or(|pid| pid == init_pid));
    }

    /// Returns the exit code that was reported last, and by whom. A report that states a code says
    /// that the container has ended.
    pub fn exit_code(&self) -> Option<(ReportSource, i32)> {
        self.all.iter().rev().find_map(|report| Some((report.by, report.exit_code?)))
    }

    /// Returns true if no two reports tell of different ends: with another code, or at another
    /// time.
    pub fn tell_one_end(&self) -> bool {
        let mut ends = self.all.iter().filter(|report| report.exit_code.is_some());
        let Some(first) = ends.next() else { return true };
        let is_at_once = |at: WallNs, other: WallNs| at.0.abs_diff(other.0) <= TOLERANCE_NS;
        let is_same = |other: &EndReport| {
            let times = first.finished_at.zip(other.finished_at);
            first.exit_code == other.exit_code && times.is_none_or(|(at, other)| is_at_once(at, other))
        };
        ends.all(is_same)
    }

    /// Returns true if a report that came after the record `since` says that the container had
    /// ended by this moment. What came before was handed on, which depends on the grace.
    pub fn tell_an_end_by(&self, since: Seq, moment: Stamp) -> bool {
        let tells_end =
            |report: &&EndReport| report.exit_code.is_some() || report.presence == Some(ReportedPresence::Ended);
        let is_by = |report: &EndReport| report.boot_ns <= moment.boot_ns || report.about() <= moment.ts;
        self.all.iter().filter(tells_end).any(|report| report.seq > since && is_by(report))
    }

    /// Takes the reports about what happened after this moment.
    pub fn take_later(&mut self, moment: WallNs) -> Vec<EndReport> {
        self.all.extract_if(.., |report| report.about() > moment).collect()
    }

    /// Returns true if an engine reports that it has stopped the container.
    pub fn has_stop(&self) -> bool {
        self.all.iter().any(|report| report.is_stop)
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &EndReport> {
        self.all.iter()
    }

    /// Returns the records that it is made of.
    pub fn seqs(&self) -> impl Iterator<Item = Seq> + '_ {
        self.all.iter().map(|report| report.seq)
    }
}
