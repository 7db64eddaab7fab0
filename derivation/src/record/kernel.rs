//! The kinds of kernel events, and the loss of some.

use super::cgroup::CgroupEventKind;
use super::ids::Seq;

/// The kind of a kernel event, by the probe that reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KernelEventKind {
    /// A cgroup tracepoint.
    Cgroup(CgroupEventKind),
    /// `cgroup_attach_task`: a process was put into a cgroup.
    Attach,
    /// `sched_process_exec`, of a process that may be a container's first.
    Exec,
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
            Self::Attach => "process_attach",
            Self::Exec => "process_exec",
            Self::Exit => "process_exit",
            Self::Signal => "fatal_signal",
            Self::Oom => "oom_kill",
        }
    }

    /// The kinds of events of processes.
    pub const OF_PROCESSES: [Self; 5] = [Self::Attach, Self::Exec, Self::Exit, Self::Signal, Self::Oom];

    /// The name of [`Self::Exit`] in cases of schema 1.
    const OLDER_EXIT: &'static str = "container_exit";

    /// Returns the value with this name in a case.
    pub fn from_name(name: &str) -> Option<Self> {
        // Nearly all events are cgroup events.
        let of_cgroup = CgroupEventKind::from_name(name).map(Self::Cgroup);
        let of_process = || Self::OF_PROCESSES.into_iter().find(|kind| kind.as_str() == name);
        of_cgroup.or_else(of_process).or_else(|| (name == Self::OLDER_EXIT).then_some(Self::Exit))
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
