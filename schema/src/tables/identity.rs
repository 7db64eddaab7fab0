//! Columns that say who a container is. Tables have other columns in between, so there are three
//! groups.

use obit_derivation::row::Identity;

use crate::column::{Pairs, Texts};

/// The values of the three groups for one container.
pub(crate) struct IdentityRows<'a> {
    pub(crate) subject: subject::Row<'a>,
    pub(crate) facts: facts::Row<'a>,
    pub(crate) claim: claim::Row<'a>,
}

impl<'a> From<&'a Identity> for IdentityRows<'a> {
    fn from(identity: &'a Identity) -> Self {
        // Every field by name: a new one does not compile until it has a column.
        let Identity {
            runtime,
            container_id,
            oci_runtime,
            containerd_namespace,
            container_name,
            image_name,
            image_id,
            image_digest,
            pod_name,
            pod_namespace,
            pod_uid,
            sandbox,
            labels,
            init_pid,
            started_at,
            restart_count,
            parent_container_id,
            identified_by,
            conflicts,
        } = identity;
        Self {
            subject: subject::Row {
                runtime: runtime.map(|runtime| runtime.as_str()),
                container_id: Some(container_id),
            },
            facts: facts::Row {
                oci_runtime: oci_runtime.map(|runtime| runtime.as_str()),
                containerd_namespace: containerd_namespace.as_deref(),
                container_name: container_name.as_deref(),
                image_name: image_name.as_deref(),
                image_id: image_id.as_deref(),
                image_digest: image_digest.as_deref(),
                pod_name: pod_name.as_deref(),
                pod_namespace: pod_namespace.as_deref(),
                pod_uid: pod_uid.as_deref(),
                sandbox: *sandbox,
                labels: (!labels.is_empty()).then_some(Pairs::Owned(labels)),
                init_pid: *init_pid,
                started_at: *started_at,
                restart_count: *restart_count,
                parent_container_id: parent_container_id.as_deref(),
            },
            claim: claim::Row { identified_by: Some(identified_by.as_str()), conflicts: Some(Texts::Owned(conflicts)) },
        }
    }
}

/// The container's engine and id.
pub(crate) mod subject {
    use crate::column::{Text, columns};

    columns!(
        /// The container's engine and id.
        Subject {
            /// The engine that the container belonged to: `docker`, `containerd`, `crio`, `podman`,
            /// …; null if only the id is known.
            runtime: Text optional,
            /// The container's id, by its runtime's own grammar.
            container_id: Text required,
        }
    );
}

/// The container's names, image, pod and state.
pub(crate) mod facts {
    use crate::column::{Bool, Text, TextMap, Timestamp, U32, columns};

    columns!(
        /// The container's names, image, pod and state.
        Facts {
            /// The program that made the container: `runc`, `crun`, `youki`, `runsc` or `kata`.
            oci_runtime: Text optional,
            /// containerd's namespace, if containerd runs the container.
            containerd_namespace: Text optional,
            /// The container's name.
            container_name: Text optional,
            /// The image's reference.
            image_name: Text optional,
            /// The image's config digest; null where the source knows the manifest's only.
            image_id: Text optional,
            /// The image's manifest digest.
            image_digest: Text optional,
            /// Kubernetes pod name.
            pod_name: Text optional,
            /// Kubernetes namespace.
            pod_namespace: Text optional,
            /// Kubernetes pod UID, dashed, or the hash of a static pod.
            pod_uid: Text optional,
            /// True if the container is a pod's sandbox.
            sandbox: Bool optional,
            /// Labels or annotations that were kept, by name; null if none was.
            labels: TextMap optional,
            /// Process id of the container's init in the initial pid namespace, as the kernel
            /// showed or a source reported it. The rows of an exit and a removal have it only if
            /// the end of the init was seen.
            init_pid: U32 optional,
            /// Start of the container's init in this life, as its runtime reports it; null if it
            /// reports that of another life only.
            started_at: Timestamp optional,
            /// Number of times that the engine had restarted the container. Null if it said so only
            /// between two runs, when it counts the next one already.
            restart_count: U32 optional,
            /// Id of the container whose cgroup encloses this one's.
            parent_container_id: Text optional,
        }
    );
}

/// The claims that the identity rests on.
pub(crate) mod claim {
    use crate::column::{Text, TextList, columns};

    columns!(
        /// The claims that the identity rests on.
        Claim {
            /// Source of the claim that won; see "Values of enums".
            identified_by: Text required,
            /// Values that contradict the row, each as `source: field value`: of other sources, and
            /// older ones of the same source.
            conflicts: TextList required,
        }
    );
}
