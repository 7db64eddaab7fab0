//! The input of the derivation: one record of the raw log.
//!
//! Text is borrowed where it can be (`&str`, `Cow`): a replay hands out views of its Arrow buffers and a capture views
//! of the ring buffer, and neither copies. Names that are not UTF-8 arrive escaped (see `obit_schema::text`).

mod cgroup;
mod clock;
mod ids;
mod kernel;
mod process;
mod runtime;
mod source;
mod walk;

use alloc::boxed::Box;

pub use cgroup::{Actor, CgroupEvent, CgroupEventKind, Usage};
pub use clock::{ClockReading, ClockReason};
pub use ids::{BootNs, CgroupId, CgroupKey, HierarchyId, Seq, WallNs};
pub use kernel::{KernelEventKind, Loss};
pub use process::{Ancestor, ExitStatus, FatalSignal, OomKill, OomLimit, SignalOrigin, SignalResult, Target, TaskExit};
pub use runtime::{Outcome, RuntimeAnswer};
pub use source::Source;
pub use walk::{Directory, SnapshotReason};

/// One record of the raw log.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'a> {
    /// Place in the total order.
    pub seq: Seq,
    /// Wall clock, for people.
    pub ts: WallNs,
    /// Boot clock, for lifetimes.
    pub boot_ns: BootNs,
    /// What happened.
    pub body: Body<'a>,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
// One record lives at a time, on the stack: a box would cost an allocation and save nothing.
#[allow(clippy::large_enum_variant)]
pub enum Body<'a> {
    /// A cgroup tracepoint fired.
    Cgroup(CgroupEvent<'a>),
    /// A process ended.
    Exit(TaskExit<'a>),
    /// A signal that may end a process was sent to it.
    Signal(FatalSignal<'a>),
    /// The OOM killer chose a process.
    Oom(OomKill<'a>),
    /// Events were lost.
    Lost(Loss),
    /// The pair of clocks was read again (the record's `ts` and `boot_ns` are that pair).
    Clock(ClockReading),
    /// The probes are attached; what happens from here on is seen.
    CaptureStart,
    /// The probes are detached.
    CaptureStop,
    /// A segment begins: what came before decides nothing from here on.
    SegmentBegin,
    /// A record of an earlier segment comes again.
    Carried(Box<Carried<'a>>),
    /// A walk of every mounted hierarchy begins.
    SnapshotBegin(SnapshotReason),
    /// The walk could not read this hierarchy whole: nothing may be concluded from a directory missing there.
    SnapshotFailed(HierarchyId),
    /// The walk is over, and every event that happened before it ended has been admitted.
    SnapshotEnd(SnapshotReason),
    /// A cgroup directory as cgroupfs showed it.
    Directory(Directory<'a>),
    /// What a runtime, or a file of one, said about a container.
    Runtime(RuntimeAnswer<'a>),
    /// A record of a kind that this version does not know (written by a newer one). Decides nothing.
    Unknown,
}

/// A record that was admitted before, at the head of a later segment: the time of the record is that of then.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried<'a> {
    /// Where it was admitted first.
    pub from: Seq,
    /// What it says. Never a carried record itself.
    pub body: Body<'a>,
}

/// Gives each enum value its name in the case, one table for both directions.
macro_rules! names {
    ($type:ident { $($value:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$value),+];
            /// The name it has in a case.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $name),+ }
            }
            /// The value with that name in a case.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$value),)+ _ => None }
            }
        }
        impl core::fmt::Display for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use names;
