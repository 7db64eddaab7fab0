//! The input of the derivation: one record of the raw log.
//!
//! Text is borrowed where possible (`&str`, `Cow`): a replay hands out views of its Arrow buffers
//! and a capture views of the ring buffer, and neither copies. Names that are not UTF-8 arrive
//! escaped (see `obit_schema::text`).

mod cgroup;
mod clock;
mod ids;
mod kernel;
mod names;
mod process;
mod runtime;
mod source;
mod thinning;
mod usage;
mod walk;

use alloc::boxed::Box;

pub use cgroup::{Actor, CgroupEvent, CgroupEventKind};
pub use clock::{ClockReading, ClockReason};
pub(crate) use ids::Stamp;
pub use ids::{BootNs, CgroupId, CgroupKey, HierarchyId, Seq, WallNs};
pub use kernel::{KernelEventKind, Loss};
pub(crate) use names::names;
pub use process::{
    Ancestor, ExitStatus, FatalSignal, OomKill, OomLimit, ProcessAttach, ProcessExec, ProcessId, SignalOrigin,
    SignalResult, Target, TaskExit,
};
pub use runtime::{Outcome, RuntimeAnswer};
pub use source::Source;
pub use thinning::Thinning;
pub use usage::Usage;
pub use walk::{Directory, SnapshotReason, UnreadPart};

/// A record of the raw log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'a> {
    /// Place in the total order.
    pub seq: Seq,
    /// Time by the wall clock, for people.
    pub ts: WallNs,
    /// Time by the boot clock, for lifetimes.
    pub boot_ns: BootNs,
    /// The event, or the finding.
    pub body: Body<'a>,
}

/// The body of a record, by its kind.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
// Only one record exists at a time, on the stack: a box would cost an allocation and save nothing.
#[allow(clippy::large_enum_variant)]
pub enum Body<'a> {
    /// A cgroup tracepoint fired.
    Cgroup(CgroupEvent<'a>),
    /// A process was put into a cgroup.
    Attach(ProcessAttach<'a>),
    /// A process executed a program.
    Exec(ProcessExec<'a>),
    /// A process ended.
    Exit(TaskExit<'a>),
    /// A signal that may end a process was sent to it.
    Signal(FatalSignal<'a>),
    /// The OOM killer chose a process.
    Oom(OomKill<'a>),
    /// Events were lost.
    Lost(Loss),
    /// Events of a user that decide nothing were left out.
    Thinned(Thinning),
    /// The clocks were read again; the record's `ts` and `boot_ns` are the pair read.
    Clock(ClockReading),
    /// The probes are attached: events are seen from here on.
    CaptureStart,
    /// The probes are detached.
    CaptureStop,
    /// A segment begins: no row from here on depends on earlier records.
    SegmentBegin,
    /// A record of an earlier segment comes again.
    Carried(Box<Carried<'a>>),
    /// A walk of every mounted hierarchy begins.
    SnapshotBegin(SnapshotReason),
    /// The walk could not read this part of a hierarchy: nothing may be concluded from a directory
    /// missing there.
    SnapshotFailed(UnreadPart<'a>),
    /// The walk is over, and every event that happened before it ended has been admitted.
    SnapshotEnd(SnapshotReason),
    /// A cgroup directory as cgroupfs showed it.
    Directory(Directory<'a>),
    /// A runtime, or a file of one, described a container.
    Runtime(RuntimeAnswer<'a>),
    /// A record of a kind that this version does not know, written by a newer one. It decides
    /// nothing.
    Unknown,
}

/// A record of an earlier segment, repeated at the head of a later one with its own times.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried<'a> {
    /// Place at which it was admitted first.
    pub from: Seq,
    /// Body of the record; never that of a carried record.
    pub body: Body<'a>,
}
