//! The parts that rows of all kinds share: who a container is, where it is, and a task.

use alloc::string::String;
use alloc::vec::Vec;

use super::overwrite::overwrite;
use crate::identity::{Engine, OciRuntime};
use crate::record::{Actor, CgroupKey, Source, WallNs};

/// The identity of a container, by the claims known when the row was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identity {
    /// The engine; `None` if only the id is known.
    pub runtime: Option<Engine>,
    /// The id, by the runtime's own grammar.
    pub container_id: String,
    /// The program that set it up for its engine.
    pub oci_runtime: Option<OciRuntime>,
    /// containerd's namespace, if containerd runs it.
    pub containerd_namespace: Option<String>,
    /// The container's name.
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
    /// True for a pod's sandbox.
    pub sandbox: Option<bool>,
    /// Labels or annotations that were kept, in the order of their names.
    pub labels: Vec<(String, String)>,
    /// Process id of its init in the initial pid namespace, if a source says so.
    pub init_pid: Option<u32>,
    /// Start time of its init, as its runtime says.
    pub started_at: Option<WallNs>,
    /// Number of restarts by the engine.
    pub restart_count: Option<u32>,
    /// The container whose cgroup encloses this one's.
    pub parent_container_id: Option<String>,
    /// The source of the claim that won.
    pub identified_by: Source,
    /// Claims that contradict the identity, each as `source: field value`.
    pub conflicts: Vec<String>,
}

impl Identity {
    /// Returns true if an engine has said more of the container than its directory does.
    pub fn is_named(&self) -> bool {
        self.container_name.is_some() || self.image_name.is_some()
    }
}

/// The directory that stands for the container: on v2 if it has one there, else on the first v1
/// hierarchy seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Place {
    /// Hierarchy and inode.
    pub key: CgroupKey,
    /// Path from the hierarchy's root.
    pub path: String,
    /// True if the path did not fit into the record and is cut.
    pub is_path_cut: bool,
}

/// A task that made or removed a directory, or sent a signal.
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
    /// True if the argument vector did not fit into the record and is cut.
    pub is_argv_cut: bool,
}

impl ActorCopy {
    /// Copies a task into the memory of this copy.
    pub(crate) fn copy_from(&mut self, actor: &Actor<'_>) {
        let Self { pid, uid, comm, parent_comm, argv, is_argv_cut } = self;
        (*pid, *uid, *is_argv_cut) = (actor.pid, actor.uid, actor.argv_truncated);
        overwrite(comm, actor.comm);
        overwrite(parent_comm, actor.parent_comm);
        argv.truncate(actor.argv.len());
        argv.iter_mut().zip(actor.argv).for_each(|(copy, element)| overwrite(copy, element));
        argv.extend(actor.argv.iter().skip(argv.len()).map(|&element| String::from(element)));
    }
}

impl From<&Actor<'_>> for ActorCopy {
    fn from(actor: &Actor<'_>) -> Self {
        let mut copy = Self::default();
        copy.copy_from(actor);
        copy
    }
}
