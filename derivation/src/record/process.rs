//! Events that show why a process ended: its exit, signals to it, the OOM killer.

use alloc::vec::Vec;

use super::cgroup::Actor;
use super::ids::{BootNs, CgroupId, CgroupKey, HierarchyId};
use super::names::names;

/// The process that an event is about.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Target<'a> {
    /// Process id in the initial pid namespace.
    pub pid: u32,
    /// Process id in its own pid namespace.
    pub pid_inside: u32,
    /// Process id of its parent, in the initial pid namespace.
    pub ppid: u32,
    /// Time of its start, on the boot clock.
    pub started: BootNs,
    /// Name of its first thread.
    pub comm: &'a str,
    /// True for the first process of a pid namespace that is not the host's.
    pub is_reaper: bool,
    /// True if it was frozen at that moment, or about to be; `None` if the recorder did not look.
    pub is_frozen: Option<bool>,
    /// The process's cgroup on the v2 hierarchy.
    pub cgroup: CgroupId,
    /// The process's cgroup on one v1 hierarchy (memory, else pids, cpu or cpuset), if there is
    /// one.
    pub v1: Option<CgroupKey>,
}

impl Target<'_> {
    /// Iterates over the process's cgroups.
    pub fn places(&self) -> impl Iterator<Item = CgroupKey> + use<> {
        let v2 = CgroupKey { hierarchy: HierarchyId::V2, cgroup: self.cgroup };
        [Some(v2), self.v1].into_iter().flatten()
    }
}

/// The status with which a process ended, as `wait()` returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// The process exited with this code, from 0 to 255.
    Exited(u8),
    /// A signal ended the process.
    Signalled {
        /// The signal's number.
        signal: u8,
        /// True if the process left a core dump.
        core_dumped: bool,
    },
}

impl ExitStatus {
    /// Reads the status that the kernel keeps (`task_struct.exit_code`): a signal in the low seven
    /// bits, the core dump flag in the eighth, the exit code above.
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
    /// The processor that it ran on.
    pub cpu: u32,
    /// The process.
    pub target: Target<'a>,
    /// The exit code, or the signal.
    pub status: ExitStatus,
    /// The OOM killer had chosen it.
    pub oom_victim: bool,
    /// Name of its parent process.
    pub parent_comm: &'a str,
}

/// The origin of a signal, in the kernel's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignalOrigin {
    /// `kill()` or `pidfd_send_signal()`.
    User,
    /// `tkill()`, `tgkill()`: also what `raise()` and `abort()` use.
    Tkill,
    /// `sigqueue()`.
    Queue,
    /// The process itself: a fault, or another act that the kernel answers with a signal.
    Fault,
    /// The kernel, for a task that wrote to `cgroup.kill`, or for a parent that ended and whose
    /// child asked for this signal then.
    OnBehalf,
    /// The kernel, for reasons of its own: the OOM killer, the end of a pid namespace, a limit.
    Kernel,
}

/// The result of sending a signal; `TRACE_SIGNAL_*` of include/trace/events/signal.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignalResult {
    /// The signal was delivered.
    Delivered,
    /// The process ignores the signal: also the first process of a pid namespace that has no
    /// handler for it.
    Ignored,
    /// An equal signal was pending already.
    AlreadyPending,
    /// The kernel dropped the signal for lack of memory.
    Dropped,
    /// The kernel dropped the signal's information for lack of memory.
    InfoLost,
}

/// A signal that may end a process was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct FatalSignal<'a> {
    /// The processor of the sender.
    pub cpu: u32,
    /// The process that it was sent to.
    pub target: Target<'a>,
    /// The signal's number.
    pub signal: u32,
    /// The kernel's `si_code`.
    pub code: i32,
    /// The origin; `None` if this version does not know it.
    pub origin: Option<SignalOrigin>,
    /// True if it was sent to the whole process, not to one thread.
    pub to_group: bool,
    /// The result; `None` if this version does not know it.
    pub result: Option<SignalResult>,
    /// The task that was running: the sender, or the process itself if the kernel signals it for
    /// its own act.
    pub sender: Actor<'a>,
    /// The sender's login user id, set at login and kept through `su` and `sudo`; `None` if never
    /// set.
    pub sender_loginuid: Option<u32>,
    /// The sender's ancestors, its parent first; empty in cases of older builds.
    pub sender_ancestors: Vec<Ancestor<'a>>,
}

/// A process that started a sender, directly or through others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ancestor<'a> {
    /// Process id in the initial pid namespace.
    pub pid: u32,
    /// Real user id in the initial user namespace.
    pub uid: u32,
    /// Time of its start, on the boot clock.
    pub started: BootNs,
    /// Name of its first thread.
    pub comm: &'a str,
}

/// The limit that made the OOM killer run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OomLimit {
    /// The limit of this cgroup, at this depth below its hierarchy's root.
    Cgroup(CgroupKey, u32),
    /// No cgroup's limit: the host, or the part of it that the task was bound to, was out of
    /// memory.
    Host,
}

/// The OOM killer chose a process.
#[derive(Clone, Debug, PartialEq)]
pub struct OomKill<'a> {
    /// The processor it ran on.
    pub cpu: u32,
    /// The victim.
    pub target: Target<'a>,
    /// Resident memory of the victim, in bytes.
    pub memory_bytes: Option<u64>,
    /// The limit that was reached; `None` if it could not be told.
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
