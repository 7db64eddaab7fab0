//! The events of cgroups, and the task that made one happen.

use super::ids::{CgroupId, CgroupKey};
use super::names::names;

/// The cgroup tracepoint that fired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CgroupEventKind {
    /// `cgroup_mkdir`: the directory was made.
    Mkdir,
    /// `cgroup_rmdir`: the directory was removed. The tracepoint fires on success only.
    Rmdir,
    /// `cgroup_notify_populated` with 1: the first task entered the directory or one below it.
    Populated,
    /// `cgroup_notify_populated` with 0: the last task left.
    Empty,
    /// `cgroup_freeze`: somebody asked for the tasks to be frozen. Fires on v2 only, like the next
    /// three.
    Freeze,
    /// `cgroup_unfreeze`: somebody asked for them to go on.
    Unfreeze,
    /// `cgroup_notify_frozen` with 1: all are frozen.
    Frozen,
    /// `cgroup_notify_frozen` with 0: not all are frozen any more.
    Thawed,
    /// `cgroup_rename`: the directory has another name, which is in the event's path. On v1 only.
    Rename,
}

/// A cgroup life-cycle event of the kernel.
#[derive(Clone, Debug, PartialEq)]
pub struct CgroupEvent<'a> {
    /// The tracepoint.
    pub kind: CgroupEventKind,
    /// The processor that it fired on.
    pub cpu: u32,
    /// The directory.
    pub key: CgroupKey,
    /// The directory above it, if the kernel's structures gave it.
    pub parent: Option<CgroupId>,
    /// Depth below the hierarchy's root, which is 0.
    pub level: u32,
    /// The path from the hierarchy's root, with a leading `/`. Source: the tracepoint's argument.
    pub path: &'a str,
    /// The path did not fit into the record and is cut.
    pub path_truncated: bool,
    /// The task in whose context the event fired. For mkdir and rmdir it is the one that asked for
    /// it.
    pub actor: Actor<'a>,
    /// The accounting values that the kernel still held for the cgroup at that moment.
    pub usage: Usage,
}

/// The task in whose context an event fired.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Actor<'a> {
    /// Process id (thread group id) in the initial pid namespace.
    pub pid: u32,
    /// Thread id in the initial pid namespace.
    pub tid: u32,
    /// Process id of the parent.
    pub ppid: u32,
    /// Real user id in the initial user namespace.
    pub uid: u32,
    /// Thread name, up to 15 bytes.
    pub comm: &'a str,
    /// Name of the parent process.
    pub parent_comm: &'a str,
    /// Cgroup of the actor on the v2 hierarchy.
    pub cgroup: Option<CgroupId>,
    /// Argument vector: of an OCI runtime the part that identifies a container, of any other
    /// program its name only.
    pub argv: &'a [&'a str],
    /// The argument vector did not fit into the record and is cut.
    pub argv_truncated: bool,
}

/// Accounting values of a cgroup; `None` where this kernel or hierarchy holds none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Highest memory charge, in bytes (`page_counter.watermark`).
    pub memory_peak_bytes: Option<u64>,
    /// Memory charge at that moment, in bytes.
    pub memory_usage_bytes: Option<u64>,
    /// CPU time used, in nanoseconds. v2 counts this value, the next two, and the bytes read and
    /// written for the directory's own tasks only; v1 includes the directories below. Both count
    /// the time throttled for the directory only.
    pub cpu_usage_ns: Option<u64>,
    /// CPU time used in user mode, in nanoseconds, by samples at clock ticks: a short task may fall
    /// between two of them.
    pub cpu_user_ns: Option<u64>,
    /// CPU time used in the kernel, in nanoseconds, by samples at clock ticks.
    pub cpu_system_ns: Option<u64>,
    /// Time that its CPU quota kept it from running, in nanoseconds, over all processors.
    pub cpu_throttled_ns: Option<u64>,
    /// Number of times that its CPU quota kept it from running.
    pub cpu_throttled_count: Option<u64>,
    /// Bytes read from all block devices together.
    pub io_read_bytes: Option<u64>,
    /// Bytes written to all block devices together.
    pub io_written_bytes: Option<u64>,
    /// Most tasks at one time.
    pub pids_peak: Option<u64>,
    /// Number of times that its memory limit made the OOM killer run, whether or not it killed.
    pub ooms: Option<u64>,
    /// Tasks of this cgroup that the OOM killer killed.
    pub oom_kills: Option<u64>,
}

impl Usage {
    /// The usage of a cgroup for which the kernel holds no value.
    pub const NONE: Self = Self {
        memory_peak_bytes: None,
        memory_usage_bytes: None,
        cpu_usage_ns: None,
        cpu_user_ns: None,
        cpu_system_ns: None,
        cpu_throttled_ns: None,
        cpu_throttled_count: None,
        io_read_bytes: None,
        io_written_bytes: None,
        pids_peak: None,
        ooms: None,
        oom_kills: None,
    };
}

names!(CgroupEventKind {
    Mkdir => "cgroup_mkdir",
    Rmdir => "cgroup_rmdir",
    Populated => "cgroup_populated",
    Empty => "cgroup_empty",
    Freeze => "cgroup_freeze",
    Unfreeze => "cgroup_unfreeze",
    Frozen => "cgroup_frozen",
    Thawed => "cgroup_thawed",
    Rename => "cgroup_rename",
});
