//! derived/container_remove: containers that ended, a row for each life of one.

use crate::column::table;

table!("container_remove" {
    /// The engine that the container belonged to: `docker`, `containerd`, `crio`, `podman`, …; null if only the id is known.
    runtime: Text optional,
    /// The container's id, by its runtime's own grammar.
    container_id: Text required,
    /// The record that decided the row. Rows are in this order; several may share one.
    seq: U64 required,
    /// When its directory was removed, by the wall clock; of an inferred row: when it was found missing.
    ts: Timestamp required,
    /// The same moment, ns of CLOCK_BOOTTIME.
    boot_ns: U64 required,
    /// The tree of the directory that stands for the container: v2 (0) if it has one there, else the first v1 tree seen.
    hierarchy_id: U32 required,
    /// That directory's inode number, all 64 bits.
    cgroup_id: U64 required,
    /// Its path from the hierarchy's root, with a leading `/`, escaped.
    cgroup_path: Text required,
    /// The record of the directory's creation; null if it was there before or its creation was lost.
    created_seq: U64 optional,
    /// When it was created: by the kernel's event if seen, else by what its runtime says.
    created_at: Timestamp optional,
    /// From creation to removal in ns of the boot clock; null if the creation was not seen.
    lifetime_ns: U64 optional,
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
    /// Process id of the task that removed the directory, in the initial pid namespace; null of an inferred row.
    removed_by_pid: U32 optional,
    /// Its real user id.
    removed_by_uid: U32 optional,
    /// Its thread name, escaped.
    removed_by_comm: Text optional,
    /// Name of its parent process, escaped.
    removed_by_parent_comm: Text optional,
    /// Its argument vector as recorded; null if none was read.
    removed_by_argv: TextList optional,
    /// When its last task left for good; null if that was not seen.
    emptied_at: Timestamp optional,
    /// Highest memory charge seen on any of its directories, in bytes.
    memory_peak_bytes: U64 optional,
    /// Last memory charge seen, in bytes.
    memory_usage_bytes: U64 optional,
    /// Last CPU time seen, in ns.
    cpu_usage_ns: U64 optional,
    /// Most tasks it had at one time.
    pids_peak: U64 optional,
    /// Its tasks that the OOM killer killed.
    oom_kills: U64 optional,
    /// The claim that won: `oci_argv`, `oci_state`, `oci_bundle`, `docker`, `podman`, `containerd`, `cri` or `path`.
    identified_by: Text required,
    /// Claims that say otherwise, each as `source: field value`.
    conflicts: TextList required,
    /// Whether it was not seen leaving but found missing at a walk of cgroupfs.
    inferred: Bool required,
    /// Whether no task ever entered it (a create that failed); null if its whole life was not seen.
    never_started: Bool optional,
    /// Whether events were lost within its life.
    after_gap: Bool required,
    /// The record of the removal; null of an inferred row.
    rmdir_seq: U64 optional,
    /// The records that the row came from, ascending.
    evidence_seqs: SeqList required,
});
