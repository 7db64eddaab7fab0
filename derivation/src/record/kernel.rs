//! The kinds of kernel events, and the loss of some.

use super::cgroup::CgroupEventKind;
use super::ids::Seq;

/// The kind of a kernel event, by the probe that reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KernelEventKind {
    /// A cgroup tracepoint.
    Cgroup(CgroupEventKind),
    /// `sched_process_exit`, of the last thread of a process that may be a container's first.
    Exit,
    /// `signal_generate`, of a signal that may end such a process.
    Signal,
    /// `mark_victim` of the OOM killer.
    Oom,
}

impl KernelEventKind {
    /// Returns its name in a case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cgroup(kind) => kind.as_str(),
            Self::Exit => "container_exit",
            Self::Signal => "fatal_signal",
            Self::Oom => "oom_kill",
        }
    }

    /// Returns the value with this name in a case.
    pub fn from_name(name: &str) -> Option<Self> {
        // Nearly all events are cgroup events.
        let of_cgroup = CgroupEventKind::from_name(name).map(Self::Cgroup);
        of_cgroup.or_else(|| [Self::Exit, Self::Signal, Self::Oom].into_iter().find(|kind| kind.as_str() == name))
    }
}

impl core::fmt::Display for KernelEventKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<CgroupEventKind> for KernelEventKind {
    fn from(kind: CgroupEventKind) -> Self {
        Self::Cgroup(kind)
    }
}

/// Events that were lost before they could be admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Number of events lost.
    pub count: u64,
    /// Their kind, where that was counted.
    pub kind: Option<KernelEventKind>,
    /// The processor that lost them, where that was counted.
    pub cpu: Option<u32>,
    /// The last record before which nothing is missing.
    pub since: Seq,
}
