//! The events that tell why a process ended: its exit, signals to it, the OOM killer.

use alloc::vec::Vec;

use super::cgroup::Actor;
use super::ids::{BootNs, CgroupId, CgroupKey, HierarchyId};
use super::names;

/// The process that something happens to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Target<'a> {
    /// Process id in the initial pid namespace.
    pub pid: u32,
    /// Process id in its own pid namespace.
    pub pid_inside: u32,
    /// Process id of its parent, in the initial pid namespace.
    pub ppid: u32,
    /// When it was started, on the boot clock.
    pub started: BootNs,
    /// Name of its first thread.
    pub comm: &'a str,
    /// It is the first process of a pid namespace that is not the host's.
    pub is_reaper: bool,
    /// It was frozen at that moment, or about to be; `None` if the recorder did not look.
    pub is_frozen: Option<bool>,
    /// Its cgroup on the v2 hierarchy.
    pub cgroup: CgroupId,
    /// Its cgroup on one v1 hierarchy (memory, else pids, cpu or cpuset), if there is one.
    pub v1: Option<CgroupKey>,
}

impl Target<'_> {
    /// Its cgroups.
    pub fn places(&self) -> impl Iterator<Item = CgroupKey> + use<> {
        let v2 = CgroupKey { hierarchy: HierarchyId::V2, cgroup: self.cgroup };
        [Some(v2), self.v1].into_iter().flatten()
    }
}

/// How a process ended, as `wait()` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// It exited with this code, from 0 to 255.
    Exited(u8),
    /// This signal ended it.
    Signalled {
        /// The signal's number.
        signal: u8,
        /// It left a core dump.
        core_dumped: bool,
    },
}

impl ExitStatus {
    /// Reads the status that the kernel keeps (`task_struct.exit_code`): a signal in the low seven bits, the mark of a
    /// core dump in the eighth, the code above.
    pub const fn from_wait(status: u32) -> Self {
        let [low, code, ..] = status.to_le_bytes();
        match low & 0x7f {
            0 => Self::Exited(code),
            signal => Self::Signalled { signal, core_dumped: low & 0x80 != 0 },
        }
    }
}

/// A process ended: its last thread began to exit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TaskExit<'a> {
    /// The processor it ran on.
    pub cpu: u32,
    /// The process.
    pub target: Target<'a>,
    /// How.
    pub status: ExitStatus,
    /// The OOM killer had chosen it.
    pub oom_victim: bool,
    /// Name of its parent process.
    pub parent_comm: &'a str,
}

/// Who sent a signal, in the kernel's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignalOrigin {
    /// `kill()` or `pidfd_send_signal()`.
    User,
    /// `tkill()`, `tgkill()`: also what `raise()` and `abort()` use.
    Tkill,
    /// `sigqueue()`.
    Queue,
    /// A fault of the process's own, or another of its own doings that the kernel reports by a signal.
    Fault,
    /// The kernel, on behalf of the task that wrote to `cgroup.kill`, or whose end its child wanted to be told of by this signal.
    OnBehalf,
    /// The kernel, for reasons of its own: the OOM killer, the end of a pid namespace, a limit.
    Kernel,
}

/// What became of a signal when it was sent; `TRACE_SIGNAL_*` of include/trace/events/signal.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignalResult {
    /// It is on its way.
    Delivered,
    /// The process ignores it: also a first process of a pid namespace that has no handler for it.
    Ignored,
    /// One of it was waiting already.
    AlreadyPending,
    /// There was no memory for it, and it was dropped.
    Dropped,
    /// There was no memory for what came with it.
    InfoLost,
}

/// A signal that may end a process was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct FatalSignal<'a> {
    /// The processor of the sender.
    pub cpu: u32,
    /// The process it was sent to.
    pub target: Target<'a>,
    /// Its number.
    pub signal: u32,
    /// The kernel's `si_code`.
    pub code: i32,
    /// Who sent it; `None` if that is a way which this version does not know.
    pub origin: Option<SignalOrigin>,
    /// For the whole process, not for one thread.
    pub to_group: bool,
    /// What became of it; `None` if that is a result which this version does not know.
    pub result: Option<SignalResult>,
    /// The task that was running: the sender, or the process itself if the kernel sent it for what the process did.
    pub sender: Actor<'a>,
    /// The sender's login user id, set at login and kept through `su` and `sudo`; `None` if never set.
    pub sender_loginuid: Option<u32>,
    /// The sender's ancestors, its parent first; empty in cases of older builds.
    pub sender_ancestors: Vec<Ancestor<'a>>,
}

/// A process that had a hand in something by starting the one that did it, or one in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ancestor<'a> {
    /// Process id in the initial pid namespace.
    pub pid: u32,
    /// Real user id in the initial user namespace.
    pub uid: u32,
    /// When it was started, on the boot clock.
    pub started: BootNs,
    /// Name of its first thread.
    pub comm: &'a str,
}

/// Which limit made the OOM killer run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OomLimit {
    /// That of this cgroup, at this depth below its hierarchy's root.
    Cgroup(CgroupKey, u32),
    /// None of a cgroup: the host, or a part of it that the task was bound to, was out of memory.
    Host,
}

/// The OOM killer chose a process.
#[derive(Clone, Debug, PartialEq)]
pub struct OomKill<'a> {
    /// The processor it ran on.
    pub cpu: u32,
    /// The victim.
    pub target: Target<'a>,
    /// Memory of the victim that was resident, in bytes.
    pub memory_bytes: Option<u64>,
    /// Whose limit was reached; `None` if that could not be told.
    pub limit: Option<OomLimit>,
    /// The task that asked for memory.
    pub invoker: Actor<'a>,
}

names!(SignalOrigin {
    User => "user",
    Tkill => "tkill",
    Queue => "queue",
    Fault => "fault",
    OnBehalf => "on_behalf",
    Kernel => "kernel",
});
names!(SignalResult {
    Delivered => "delivered",
    Ignored => "ignored",
    AlreadyPending => "already_pending",
    Dropped => "dropped",
    InfoLost => "info_lost",
});
