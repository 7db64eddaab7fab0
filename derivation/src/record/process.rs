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
    /// The cgroup of its parent on the v2 hierarchy; `None` if the recorder did not look.
    pub parent_cgroup: Option<CgroupId>,
    /// The cgroup of its parent on the hierarchy of `v1`.
    pub parent_v1: Option<CgroupId>,
}

impl Target<'_> {
    /// Returns what makes the process one of its kind.
    pub fn process(&self) -> ProcessId {
        ProcessId { pid: self.pid, started: self.started }
    }

    /// Iterates over the process's cgroups.
    pub fn places(&self) -> impl Iterator<Item = CgroupKey> + use<> {
        let v2 = CgroupKey { hierarchy: HierarchyId::V2, cgroup: self.cgroup };
        [Some(v2), self.v1].into_iter().flatten()
    }

    /// Iterates over the cgroups of the process's parent, as far as they are known.
    pub fn parent_places(&self) -> impl Iterator<Item = CgroupKey> + use<> {
        let v2 = self.parent_cgroup.map(|cgroup| CgroupKey { hierarchy: HierarchyId::V2, cgroup });
        let v1 = self.v1.zip(self.parent_v1).map(|(own, cgroup)| CgroupKey { hierarchy: own.hierarchy, cgroup });
        [v2, v1].into_iter().flatten()
    }
}

/// One process of a host. Pids are used again; together with the time of the start they are unique.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId {
    /// Process id in the initial pid namespace.
    pub pid: u32,
    /// Time of its start, on the boot clock.
    pub started: BootNs,
}

/// A process was put into a cgroup. A process that is forked or cloned into one is not told so.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessAttach<'a> {
    /// The processor of the task that did it.
    pub cpu: u32,
    /// The process, after the move. Its cgroup on v2 is 0 if the directory is on another hierarchy.
    pub target: Target<'a>,
    /// The directory that it is in now.
    pub key: CgroupKey,
    /// Depth of the directory below the hierarchy's root, which is 0.
    pub level: u32,
    /// Path of the directory from the hierarchy's root, with a leading `/`.
    pub path: &'a str,
    /// The path did not fit into the record and is cut.
    pub path_truncated: bool,
    /// The task that wrote to `cgroup.procs`.
    pub mover: Actor<'a>,
}

/// A process executed a program.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProcessExec<'a> {
    /// The processor that it ran on.
    pub cpu: u32,
    /// The process, under the name of the new program.
    pub target: Target<'a>,
    /// Name of its parent process.
    pub parent_comm: &'a str,
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
    /// True if its pid namespace was told to reboot or to halt: the status is then the signal that
    /// stands for that. `None` if the recorder did not look.
    pub rebooted: Option<bool>,
    /// Name of its parent process.
    pub parent_comm: &'a str,
}

/// The origin of a signal. A task is the author only of the first five.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignalOrigin {
    /// `kill()` or `pidfd_send_signal()`.
    User,
    /// `tkill()`, `tgkill()`: also what `raise()` and `abort()` use.
    Tkill,
    /// `sigqueue()`.
    Queue,
    /// A write to `cgroup.kill`.
    CgroupKill,
    /// The tracer of the process: by PTRACE_KILL, or by its own end (PTRACE_O_EXITKILL).
    Ptrace,
    /// The process itself: a fault, or another act that the kernel answers with a signal.
    Fault,
    /// The end of the process's parent, for which the process had asked for this signal.
    ParentDeath,
    /// A timer of the process (`timer_create()`), by the signal's code.
    Timer,
    /// Input or output that the process had asked to be told of, by the signal's code.
    AsyncIo,
    /// A message queue, by the signal's code.
    MessageQueue,
    /// A terminal: a key, its hang-up, or the end of the session that it belongs to.
    Tty,
    /// The end of the first process of a pid namespace that the process is in.
    PidNamespaceEnd,
    /// The kernel, on behalf of a task; in records of builds that did not tell more.
    OnBehalf,
    /// The kernel, for reasons of its own: the OOM killer, a limit.
    Kernel,
}

impl SignalOrigin {
    /// Tells the origin from the signal's `si_code` alone; `None` for codes that no kernel has.
    ///
    /// include/uapi/asm-generic/siginfo.h: what a sender may choose is 0 or less. One who calls
    /// rt_sigqueueinfo() may choose the code of a timer too.
    pub const fn of_code(code: i32) -> Option<Self> {
        Some(match code {
            0 => Self::User,
            -1 => Self::Queue,
            -2 => Self::Timer,
            -3 => Self::MessageQueue,
            -4 | -5 => Self::AsyncIo,
            -6 => Self::Tkill,
            0x80 => Self::Kernel,
            1.. => Self::Fault,
            _ => return None,
        })
    }

    /// Returns true if the task in whose context the signal was sent is its author: it sent it, by
    /// a system call.
    pub const fn has_author(self) -> bool {
        matches!(self, Self::User | Self::Tkill | Self::Queue | Self::CgroupKill | Self::Ptrace)
    }
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
    /// The sender's cgroup on the hierarchy of the target's v1 cgroup.
    pub sender_v1: Option<CgroupId>,
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
    CgroupKill => "cgroup_kill",
    Ptrace => "ptrace",
    Fault => "fault",
    ParentDeath => "parent_death",
    Timer => "timer",
    AsyncIo => "async_io",
    MessageQueue => "message_queue",
    Tty => "tty",
    PidNamespaceEnd => "pid_namespace_end",
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
