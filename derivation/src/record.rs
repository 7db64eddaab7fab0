//! The input of the derivation: one record of the raw log.
//!
//! Text is borrowed where it can be (`&str`, `Cow`): a replay hands out views of its Arrow buffers and a capture views
//! of the ring buffer, and neither copies. Names that are not UTF-8 arrive escaped (see `obit_schema::text`).

use alloc::borrow::Cow;
use alloc::vec::Vec;

/// A record's place in the one total order of a case. Starts at 0 and has no holes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// Nanoseconds since 1970-01-01T00:00:00 UTC, by the recording host's wall clock. For people; never for order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallNs(pub i64);

/// Nanoseconds of CLOCK_BOOTTIME: since boot, suspended time included. Lifetimes are differences of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootNs(pub u64);

/// Kernel number of a mounted cgroup hierarchy (`cgroup_root.hierarchy_id`; second field of `/proc/cgroups`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HierarchyId(pub u32);

impl HierarchyId {
    /// The default (v2) hierarchy; the kernel always gives it 0 (kernel/cgroup/cgroup.c, `cgroup_init`).
    pub const V2: Self = Self(0);
}

/// A cgroup directory's inode number, all 64 bits (`kernfs_node.id`). Unique within a hierarchy only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CgroupId(pub u64);

/// What names one cgroup directory on one host: ids repeat between hierarchies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CgroupKey {
    /// The tree.
    pub hierarchy: HierarchyId,
    /// The directory in it.
    pub cgroup: CgroupId,
}

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
    Clock,
    /// The probes are attached; what happens from here on is seen.
    CaptureStart,
    /// The probes are detached.
    CaptureStop,
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

/// Which cgroup tracepoint fired.
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
    /// `cgroup_freeze`: somebody asked for the tasks to be frozen. Of v2 only, as the next three.
    Freeze,
    /// `cgroup_unfreeze`: somebody asked for them to go on.
    Unfreeze,
    /// `cgroup_notify_frozen` with 1: all are frozen.
    Frozen,
    /// `cgroup_notify_frozen` with 0: not all are frozen any more.
    Thawed,
}

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
        [Self::Exit, Self::Signal, Self::Oom]
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .or_else(|| CgroupEventKind::from_name(name).map(Self::Cgroup))
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

/// A cgroup life-cycle event, as the kernel told it.
#[derive(Clone, Debug, PartialEq)]
pub struct CgroupEvent<'a> {
    /// Which one.
    pub kind: CgroupEventKind,
    /// The processor it fired on.
    pub cpu: u32,
    /// The directory.
    pub key: CgroupKey,
    /// The directory above it, if the kernel's structures gave it.
    pub parent: Option<CgroupId>,
    /// Depth below the hierarchy's root, which is 0.
    pub level: u32,
    /// Path from the hierarchy's root, with a leading `/`; from the tracepoint's own argument.
    pub path: &'a str,
    /// The path did not fit into the record and is cut.
    pub path_truncated: bool,
    /// The task in whose context the event fired. For mkdir and rmdir it is the one that asked for it.
    pub actor: Actor<'a>,
    /// What the kernel still accounted to the cgroup at that moment.
    pub vitals: Vitals,
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
    /// Argument vector: of an OCI runtime what its identity needs, of anything else the program name only.
    pub argv: &'a [&'a str],
    /// The argument vector did not fit into the record and is cut.
    pub argv_truncated: bool,
}

/// Accounting values of a cgroup; `None` where this kernel or hierarchy holds none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Highest memory charge, in bytes (`page_counter.watermark`).
    pub memory_peak_bytes: Option<u64>,
    /// Memory charge at that moment, in bytes.
    pub memory_usage_bytes: Option<u64>,
    /// CPU time used, in nanoseconds.
    pub cpu_usage_ns: Option<u64>,
    /// Most tasks at one time.
    pub pids_peak: Option<u64>,
    /// Tasks of this cgroup that the OOM killer killed.
    pub oom_kills: Option<u64>,
}

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
    pub asker: Actor<'a>,
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

/// Why a walk of cgroupfs was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SnapshotReason {
    /// The capture started.
    Start,
    /// A container root appeared and its own directory was read.
    Mkdir,
    /// Events were lost.
    Resync,
    /// The capture is about to stop.
    Stop,
}

/// One cgroup directory as cgroupfs showed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Directory<'a> {
    /// Why it was read.
    pub reason: SnapshotReason,
    /// The directory.
    pub key: CgroupKey,
    /// The directory above it; `None` for a hierarchy's root or where it was not read.
    pub parent: Option<CgroupId>,
    /// Path from the hierarchy's root, with a leading `/`.
    pub path: Cow<'a, str>,
    /// Whether a task was in it or below it; `None` if that could not be read.
    pub populated: Option<bool>,
    /// Process ids in it, in the initial pid namespace as far as it was visible.
    pub pids: Vec<u32>,
}

/// Who is speaking in a [`RuntimeAnswer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuntimeSource {
    /// Docker: its HTTP API, or the file that it keeps of a container (the request tells).
    Docker,
    /// containerd's own gRPC API.
    Containerd,
    /// The Kubernetes CRI v1 API, of containerd or CRI-O.
    Cri,
    /// Podman: its HTTP API, or the file that it keeps of its containers (the request tells).
    Podman,
    /// An OCI runtime's state file (`state.json` of runc, `status` of crun).
    OciState,
    /// A bundle's `config.json`.
    OciBundle,
}

/// How a question to a runtime, or the reading of one of its files, ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It answered.
    Ok,
    /// It does not know the container, or the file is not there.
    NotFound,
    /// No answer in time.
    Timeout,
    /// Nobody listens.
    Refused,
    /// We may not ask.
    Denied,
    /// The answer was not what the interface promises, or larger than the bound.
    Invalid,
    /// The question was not asked: too many were waiting.
    Dropped,
}

/// What a runtime, or a file of one, said about a container.
#[derive(Clone, Debug, PartialEq)]
pub struct RuntimeAnswer<'a> {
    /// Who is speaking.
    pub source: RuntimeSource,
    /// How it went. The other fields mean something only with [`Outcome::Ok`].
    pub outcome: Outcome,
    /// The bundle directory the answer is about, where there is one.
    pub bundle: Option<Cow<'a, str>>,
    /// The container asked about, or found.
    pub container_id: Option<Cow<'a, str>>,
    /// The container that the answer is about, if it is another than the one asked about: a lie, or a mistake. The outcome
    /// is then [`Outcome::Invalid`], and nothing else of the answer counts.
    pub answered_id: Option<Cow<'a, str>>,
    /// The engine, by its name in [`crate::identity::Runtime`].
    pub runtime: Option<Cow<'a, str>>,
    /// containerd's namespace.
    pub namespace: Option<Cow<'a, str>>,
    /// The container's name.
    pub container_name: Option<Cow<'a, str>>,
    /// The image's reference, as the user wrote it.
    pub image_name: Option<Cow<'a, str>>,
    /// The image's config digest.
    pub image_id: Option<Cow<'a, str>>,
    /// The image's manifest digest.
    pub image_digest: Option<Cow<'a, str>>,
    /// Kubernetes pod name.
    pub pod_name: Option<Cow<'a, str>>,
    /// Kubernetes namespace.
    pub pod_namespace: Option<Cow<'a, str>>,
    /// Kubernetes pod UID.
    pub pod_uid: Option<Cow<'a, str>>,
    /// Whether it is a pod's sandbox ("pause") container.
    pub sandbox: Option<bool>,
    /// Process id of its init in the initial pid namespace.
    pub init_pid: Option<u32>,
    /// When the runtime says it was created.
    pub created_at: Option<WallNs>,
    /// When the runtime says its init started.
    pub started_at: Option<WallNs>,
    /// How often the engine restarted it.
    pub restart_count: Option<u32>,
    /// The engine's own word for what it reports, of an answer that is an event (`die`, `destroy`, `oom`, …).
    pub event: Option<Cow<'a, str>>,
    /// The exit code of its init, as the runtime says.
    pub exit_code: Option<i32>,
    /// Whether the runtime says that the OOM killer ended it.
    pub oom_killed: Option<bool>,
    /// When the runtime says it ended.
    pub finished_at: Option<WallNs>,
    /// Labels or annotations that were kept.
    pub labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// `linux.cgroupsPath` as the source spells it (a path, or `slice:prefix:name`).
    pub cgroup_path: Option<Cow<'a, str>>,
    /// The container's directory on each hierarchy, where the source says so.
    pub cgroup_paths: Vec<(HierarchyId, Cow<'a, str>)>,
}

impl RuntimeAnswer<'_> {
    /// An answer that says nothing about any container.
    pub const fn unanswered(source: RuntimeSource, outcome: Outcome) -> Self {
        Self {
            source,
            outcome,
            bundle: None,
            container_id: None,
            answered_id: None,
            runtime: None,
            namespace: None,
            container_name: None,
            image_name: None,
            image_id: None,
            image_digest: None,
            pod_name: None,
            pod_namespace: None,
            pod_uid: None,
            sandbox: None,
            init_pid: None,
            created_at: None,
            started_at: None,
            restart_count: None,
            event: None,
            exit_code: None,
            oom_killed: None,
            finished_at: None,
            labels: Vec::new(),
            cgroup_path: None,
            cgroup_paths: Vec::new(),
        }
    }
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

names!(CgroupEventKind {
    Mkdir => "cgroup_mkdir",
    Rmdir => "cgroup_rmdir",
    Populated => "cgroup_populated",
    Empty => "cgroup_empty",
    Freeze => "cgroup_freeze",
    Unfreeze => "cgroup_unfreeze",
    Frozen => "cgroup_frozen",
    Thawed => "cgroup_thawed",
});
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
names!(SnapshotReason { Start => "start", Mkdir => "mkdir", Resync => "resync", Stop => "stop" });
names!(RuntimeSource {
    Docker => "docker",
    Containerd => "containerd",
    Cri => "cri",
    Podman => "podman",
    OciState => "oci_state",
    OciBundle => "oci_bundle",
});
names!(Outcome {
    Ok => "ok",
    NotFound => "not_found",
    Timeout => "timeout",
    Refused => "refused",
    Denied => "denied",
    Invalid => "invalid",
    Dropped => "dropped",
});
