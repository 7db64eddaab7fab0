//! derived/existing_container: containers that were there before the capture, or before a segment of it.

use crate::column::table;

table!("existing_container" {
    /// The engine that the container belonged to: `docker`, `containerd`, `crio`, `podman`, …; null if only the id is known.
    runtime: Text optional,
    /// The container's id, by its runtime's own grammar.
    container_id: Text required,
    /// The record that decided the row. Rows are in this order; several may share one.
    seq: U64 required,
    /// When the walk of cgroupfs saw it, by the wall clock; when it was made, if that was carried over from another segment.
    ts: Timestamp required,
    /// The same moment, ns of CLOCK_BOOTTIME.
    boot_ns: U64 required,
    /// The tree of the directory that stands for the container: v2 (0) if it has one there, else the first v1 tree seen.
    hierarchy_id: U32 required,
    /// That directory's inode number, all 64 bits.
    cgroup_id: U64 required,
    /// Its path from the hierarchy's root, with a leading `/`, escaped.
    cgroup_path: Text required,
    /// The record in which it was first seen.
    first_seen_seq: U64 required,
    /// When it was created: by the kernel's event if that was carried over, else by what its runtime says.
    created_at: Timestamp optional,
    /// The program that made it: `runc`, `crun`, `youki`, `runsc` or `kata`.
    oci_runtime: Text optional,
    /// containerd's namespace, if containerd runs it.
    containerd_namespace: Text optional,
    /// Its name.
    container_name: Text optional,
    /// The image's reference.
    image_name: Text optional,
    /// The image's config digest.
    image_id: Text optional,
    /// The image's manifest digest.
    image_digest: Text optional,
    /// Kubernetes pod name.
    pod_name: Text optional,
    /// Kubernetes namespace.
    pod_namespace: Text optional,
    /// Kubernetes pod UID, dashed, or the hash of a static pod.
    pod_uid: Text optional,
    /// Whether it is a pod's sandbox.
    sandbox: Bool optional,
    /// Labels or annotations that were kept, by name; null if none was.
    labels: TextMap optional,
    /// Process id of its init in the initial pid namespace, if a source said so.
    init_pid: U32 optional,
    /// When its init started, as its runtime says.
    started_at: Timestamp optional,
    /// How often the engine had restarted it.
    restart_count: U32 optional,
    /// The container whose cgroup encloses this one's.
    parent_container_id: Text optional,
    /// The claim that won: `oci_argv`, `oci_state`, `oci_bundle`, `docker`, `podman`, `containerd`, `cri` or `path`.
    identified_by: Text required,
    /// Claims that say otherwise, each as `source: field value`.
    conflicts: TextList required,
    /// The records that the row came from, ascending.
    evidence_seqs: SeqList required,
});
