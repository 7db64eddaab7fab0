//! The output of the derivation: one row for each container that began, ended, or was there already.
//!
//! An absent value is `None`, never zero and never a guess.

mod disagreement;
mod draft;

use alloc::string::String;
use alloc::vec::Vec;

use crate::identity::{Engine, OciRuntime};
use crate::record::{BootNs, CgroupKey, Seq, Source, Usage, WallNs};

pub use disagreement::{Disagreement, DisagreementKind, ReportSource, ReportedValue};
pub(crate) use draft::{write_over, write_over_option};

/// A derived row.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // each is put into columns at once
pub enum Row {
    /// A container was created.
    Create(ContainerCreate),
    /// A container ended: its root directory was removed.
    Remove(ContainerRemove),
    /// A container was alive before the capture started.
    Existing(ExistingContainer),
    /// Two sources contradict each other about a container's end.
    Disagreement(Disagreement),
}

/// Takes rows as they are decided. The end of a walk decides as many as there are containers.
pub trait RowSink {
    /// Takes the next one. It is lent: nearly all rows are put into columns or compared at once, so the fold writes each into
    /// the memory of the one before.
    fn take(&mut self, row: &Row);
}

impl RowSink for Vec<Row> {
    fn take(&mut self, row: &Row) {
        self.push(row.clone());
    }
}

/// Who a container is, by the claims known when the row was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// The engine; `None` if only the id is known.
    pub runtime: Option<Engine>,
    /// The id, by the runtime's own grammar.
    pub container_id: String,
    /// The program that made it.
    pub oci_runtime: Option<OciRuntime>,
    /// containerd's namespace, if containerd runs it.
    pub containerd_namespace: Option<String>,
    /// Its name.
    pub container_name: Option<String>,
    /// The image's reference.
    pub image_name: Option<String>,
    /// The image's config digest.
    pub image_id: Option<String>,
    /// The image's manifest digest.
    pub image_digest: Option<String>,
    /// Kubernetes pod name.
    pub pod_name: Option<String>,
    /// Kubernetes namespace.
    pub pod_namespace: Option<String>,
    /// Kubernetes pod UID, dashed, or the hash of a static pod.
    pub pod_uid: Option<String>,
    /// Whether it is a pod's sandbox.
    pub sandbox: Option<bool>,
    /// Labels or annotations that were kept, in the order of their names.
    pub labels: Vec<(String, String)>,
    /// Process id of its init in the initial pid namespace, if a source said so.
    pub init_pid: Option<u32>,
    /// When its init started, as its runtime says.
    pub started_at: Option<WallNs>,
    /// How often the engine had restarted it.
    pub restart_count: Option<u32>,
    /// The container whose cgroup encloses this one's.
    pub parent_container_id: Option<String>,
    /// The claim that won.
    pub identified_by: Source,
    /// ClaimSet that say otherwise, each as `source: field value`.
    pub conflicts: Vec<String>,
}

impl Identity {
    /// Whether an engine has said of the container more than its directory does.
    pub fn is_named(&self) -> bool {
        self.container_name.is_some() || self.image_name.is_some()
    }
}

/// The directory that stands for the container: on v2 if it has one there, else on the first v1 hierarchy seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// Hierarchy and inode.
    pub key: CgroupKey,
    /// Path from the hierarchy's root.
    pub path: String,
}

/// The task that made or removed the directory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActorCopy {
    /// Process id in the initial pid namespace.
    pub pid: u32,
    /// Real user id.
    pub uid: u32,
    /// Thread name.
    pub comm: String,
    /// Name of its parent process.
    pub parent_comm: String,
    /// Argument vector as recorded.
    pub argv: Vec<String>,
}

/// Why a container ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Its init exited by itself.
    Exited,
    /// A signal ended its init: sent by a task, by itself, or by the kernel for what it had done.
    Signalled,
    /// The OOM killer ended its init.
    OomKilled,
    /// A write to `cgroup.kill` ended it.
    CgroupKilled,
    /// Its OCI runtime was told to kill it, or to delete it by force.
    KilledByRuntime,
    /// The host's shutdown ended what was left.
    HostShutdown,
    /// Its init's exit was not seen.
    #[default]
    Unknown,
}

/// Whose memory limit made the OOM killer run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitScope {
    /// The container's own.
    Own,
    /// That of a cgroup above it: a pod, a slice.
    Ancestor,
    /// That of a cgroup which the container made within itself.
    Inside,
    /// No cgroup's: the host was out of memory.
    Host,
}

/// Who ended a container, or asked it to end.
#[derive(Clone, Debug, PartialEq)]
pub struct Killer {
    /// The task.
    pub task: ActorCopy,
    /// Its login user id; `None` if it never logged in or that is not known.
    pub loginuid: Option<u32>,
    /// The container that it was in itself, if in one.
    pub container_id: Option<String>,
}

/// A step on the way of an order: a program that passed it on, or what a daemon said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When: of a program that started the next one, its own start; of one that acted, that.
    pub at: WallNs,
    /// An OCI runtime with its arguments, another program's name and process id, or a daemon's event.
    pub what: String,
}

/// How and why a container ended, by the kernel's word.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Death {
    /// Why.
    pub cause: Cause,
    /// The code with which its init exited by itself.
    pub exit_code: Option<u8>,
    /// The signal that ended its init.
    pub exit_signal: Option<u8>,
    /// Whether its init left a core dump.
    pub core_dumped: Option<bool>,
    /// When its init ended.
    pub exited_at: Option<WallNs>,
    /// The name of its init's first thread at the end.
    pub init_comm: Option<String>,
    /// Whether the OOM killer ended its init. A child's death is in [`Usage::oom_kills`].
    pub oom_killed: Option<bool>,
    /// Whose limit it was when the OOM killer last ended a process in it.
    pub oom_limit_scope: Option<LimitScope>,
    /// The path of the cgroup that had that limit.
    pub oom_limit_cgroup_path: Option<String>,
    /// Who sent the signal that ended its init; if that exited by itself, who last asked it to end.
    pub killed_by: Option<Killer>,
    /// How the order to end it came down, in the order of time, as far as records show.
    pub requested_by: Vec<Step>,
    /// The signals that its init was sent, in order.
    pub signals: Vec<String>,
    /// The records that this came from, ascending.
    pub cause_evidence_seqs: Vec<Seq>,
}

crate::record::names!(Cause {
    Exited => "exited",
    Signalled => "signalled",
    OomKilled => "oom_killed",
    CgroupKilled => "cgroup_killed",
    KilledByRuntime => "killed_by_runtime",
    HostShutdown => "host_shutdown",
    Unknown => "unknown",
});
crate::record::names!(LimitScope { Own => "own", Ancestor => "ancestor", Inside => "inside", Host => "host" });

/// A container was created: its root directory was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerCreate {
    /// The record that decided the row.
    pub seq: Seq,
    /// When its directory was made, as far as seen.
    pub ts: WallNs,
    /// The same on the boot clock.
    pub boot_ns: BootNs,
    /// Who it is.
    pub identity: Identity,
    /// Where it is.
    pub place: Place,
    /// The record of the directory's creation (of the first, where there are several).
    pub created_seq: Seq,
    /// Who made the directory; `None` if that was not seen.
    pub created_by: Option<ActorCopy>,
    /// Not seen being made: found at a walk after events were lost.
    pub inferred: bool,
    /// Events were lost within its life so far.
    pub after_gap: bool,
    /// The records this row came from, ascending.
    pub evidence_seqs: Vec<Seq>,
}

/// A container was alive before the capture started.
#[derive(Clone, Debug, PartialEq)]
pub struct ExistingContainer {
    /// The record that decided the row.
    pub seq: Seq,
    /// When the walk saw it.
    pub ts: WallNs,
    /// The same on the boot clock.
    pub boot_ns: BootNs,
    /// Who it is.
    pub identity: Identity,
    /// Where it is.
    pub place: Place,
    /// The record in which it was first seen.
    pub first_seen_seq: Seq,
    /// When its runtime says it was created.
    pub created_at: Option<WallNs>,
    /// The records this row came from, ascending.
    pub evidence_seqs: Vec<Seq>,
}

/// A container ended: its root directory was removed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerRemove {
    /// The record that decided the row.
    pub seq: Seq,
    /// When the directory was removed (of an inferred row: when it was found missing).
    pub ts: WallNs,
    /// The same on the boot clock.
    pub boot_ns: BootNs,
    /// Who it was.
    pub identity: Identity,
    /// Where it was.
    pub place: Place,
    /// The record of the directory's creation; `None` if it was there before or its creation was lost.
    pub created_seq: Option<Seq>,
    /// When it was created, by the kernel's event if seen, else by what its runtime says.
    pub created_at: Option<WallNs>,
    /// From creation to removal on the boot clock; `None` if the creation was not seen.
    pub lifetime_ns: Option<u64>,
    /// When the last task left it for good; `None` if that was not seen.
    pub emptied_at: Option<WallNs>,
    /// How and why it ended.
    pub death: Death,
    /// Who removed the directory; `None` of an inferred row.
    pub removed_by: Option<ActorCopy>,
    /// The last accounting values seen on any of its directories, field by field.
    pub usage: Usage,
    /// Not seen being removed: missing at a walk.
    pub inferred: bool,
    /// No task ever entered it; `None` if its whole life was not seen.
    pub never_started: Option<bool>,
    /// Events were lost within its life.
    pub after_gap: bool,
    /// The record of the removal; `None` of an inferred row.
    pub rmdir_seq: Option<Seq>,
    /// The records this row came from, ascending.
    pub evidence_seqs: Vec<Seq>,
}

impl Row {
    /// Who the row is about.
    pub fn identity(&self) -> &Identity {
        match self {
            Self::Create(row) => &row.identity,
            Self::Remove(row) => &row.identity,
            Self::Existing(row) => &row.identity,
            Self::Disagreement(row) => &row.identity,
        }
    }
}
