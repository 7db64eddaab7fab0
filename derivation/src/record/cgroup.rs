//! The events of cgroups, and the task that made one happen.

use super::ids::{CgroupId, CgroupKey};
use super::names::names;
use super::usage::Usage;

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
