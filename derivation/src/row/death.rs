//! The kernel's account of a container's end.

use alloc::string::String;
use alloc::vec::Vec;

use super::disagreement::ReportSource;
use super::identity::ActorCopy;
use crate::record::{Seq, SignalOrigin, WallNs, names};

/// The cause of a container's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The init exited by itself.
    Exited,
    /// A signal ended the init: sent by a task, by itself, or by the kernel for an act of its own.
    Signalled,
    /// The OOM killer ended its init.
    OomKilled,
    /// A write to `cgroup.kill` ended it.
    CgroupKilled,
    /// The OCI runtime was told to kill it, or to delete it by force.
    KilledByRuntime,
    /// The host's shutdown ended what was left.
    HostShutdown,
    /// A runtime's process was in the container, but never executed the container's program.
    StartFailed,
    /// The container was made and removed, and its program was not to be executed.
    NeverStarted,
    /// The init's exit was not seen.
    #[default]
    Unknown,
}

/// The process whose end the cause is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KnownBy {
    /// The kernel's record of the init's end.
    Kernel,
    /// The kernel's record of the end of a sandbox, which runs the program within (gVisor). What
    /// the program did is not known by it.
    Sandbox,
}

/// The owner of the memory limit that made the OOM killer run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitScope {
    /// The container itself.
    Own,
    /// A cgroup above the container: a pod, a slice.
    Ancestor,
    /// A cgroup which the container made within itself.
    Inside,
    /// No cgroup: the host was out of memory.
    Host,
}

/// A task that ended a container, or asked it to end.
#[derive(Clone, Debug, PartialEq)]
pub struct Killer {
    /// The task.
    pub task: ActorCopy,
    /// The task's login user id; `None` if it never logged in or that is not known.
    pub loginuid: Option<u32>,
    /// The container that the task was in, if in one.
    pub container_id: Option<String>,
}

/// A step in the chain of an order: a program that passed it on, or a daemon's event about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The start of a program that started the next one; of a program that acted, the time of the
    /// act.
    pub at: WallNs,
    /// An OCI runtime with its arguments, another program's name and process id, or a daemon's
    /// event.
    pub what: String,
}

/// The kernel's account of how and why a container ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Death {
    /// The cause.
    pub cause: Cause,
    /// The process whose end the cause is known by; `None` if no such end was seen.
    pub cause_known_by: Option<KnownBy>,
    /// The code with which its init exited by itself.
    pub exit_code: Option<u8>,
    /// The signal that ended its init.
    pub exit_signal: Option<u8>,
    /// The origin of the signal that ended its init.
    pub signal_origin: Option<SignalOrigin>,
    /// The exit code that a daemon or a file reported last; 128 plus its number stands for a
    /// signal.
    pub reported_exit_code: Option<i32>,
    /// The source of the reported exit code.
    pub reported_by: Option<ReportSource>,
    /// True if its init left a core dump.
    pub core_dumped: Option<bool>,
    /// Time at which its init ended.
    pub exited_at: Option<WallNs>,
    /// The name of its init's first thread at the end.
    pub init_comm: Option<String>,
    /// True if the OOM killer ended its init. The death of a child counts in `Usage::oom_kills`.
    pub oom_killed: Option<bool>,
    /// The owner of the limit when the OOM killer last ended a process in the container.
    pub oom_limit_scope: Option<LimitScope>,
    /// The path of the cgroup that had that limit.
    pub oom_limit_cgroup_path: Option<String>,
    /// The sender of the signal that ended its init; if the init exited by itself, the last task
    /// that asked it to end.
    pub killed_by: Option<Killer>,
    /// The chain of the order to end it, in the order of time, as far as records show.
    pub requested_by: Vec<Step>,
    /// The signals that were sent to its init, in order: the first ones and the last ones.
    pub signals: Vec<String>,
    /// The number of signals that were sent to its init; `None` if its end was not seen.
    pub signals_total: Option<u32>,
    /// The records that this account came from, ascending.
    pub cause_evidence_seqs: Vec<Seq>,
}

names!(Cause {
    Exited => "exited",
    Signalled => "signalled",
    OomKilled => "oom_killed",
    CgroupKilled => "cgroup_killed",
    KilledByRuntime => "killed_by_runtime",
    HostShutdown => "host_shutdown",
    StartFailed => "start_failed",
    NeverStarted => "never_started",
    Unknown => "unknown",
});
names!(KnownBy { Kernel => "kernel", Sandbox => "sandbox" });
names!(LimitScope { Own => "own", Ancestor => "ancestor", Inside => "inside", Host => "host" });
