//! The kinds of kernel events, and the loss of some.

use super::cgroup::CgroupEventKind;
use super::ids::Seq;

/// What the kernel tells, by the probe that tells it.
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
    /// The name it has in a case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cgroup(kind) => kind.as_str(),
            Self::Exit => "container_exit",
            Self::Signal => "fatal_signal",
            Self::Oom => "oom_kill",
        }
    }

    /// The value with that name in a case.
    pub fn from_name(name: &str) -> Option<Self> {
        // Nearly all events are of these.
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
    /// How many.
    pub count: u64,
    /// Of which kind, where that was counted.
    pub kind: Option<KernelEventKind>,
    /// On which processor, where that was counted.
    pub cpu: Option<u32>,
    /// The last record before which nothing is missing.
    pub since: Seq,
}
