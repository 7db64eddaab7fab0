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
    /// The record of the directory's creation, which may be a carried one; null if it was there before or its creation was lost.
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
    /// Why it ended: `exited`, `signalled`, `oom_killed`, `cgroup_killed`, `killed_by_runtime`, `host_shutdown` or `unknown`
    /// (the exit of its init was not seen). Null only in cases of older builds.
    cause: Text optional,
    /// The code with which its init exited by itself, 0 to 255; null if a signal ended it. 137 here is no SIGKILL.
    exit_code: I32 optional,
    /// The signal that ended its init; null if it exited by itself.
    exit_signal: U32 optional,
    /// Whether its init left a core dump.
    core_dumped: Bool optional,
    /// When its init ended.
    exited_at: Timestamp optional,
    /// The name of its init's first thread at the end, escaped.
    init_comm: Text optional,
    /// Whether the OOM killer ended its init. A child's death is counted in `oom_kills`.
    oom_killed: Bool optional,
    /// Whose memory limit it was when the OOM killer last ended a process in it: `own`, `ancestor` (of a cgroup above it),
    /// `inside` (of one that it made) or `host` (no cgroup's); null if there was no kill or that could not be told.
    oom_limit_scope: Text optional,
    /// The path of the cgroup with that limit.
    oom_limit_cgroup_path: Text optional,
    /// Process id, in the initial pid namespace, of the task whose signal ended its init or, if that exited by itself, of
    /// the last one that had sent it SIGTERM, SIGINT, SIGQUIT or the signal that its image names, and was not ignored. Null if
    /// nobody did, or itself.
    killed_by_pid: U32 optional,
    /// Its real user id.
    killed_by_uid: U32 optional,
    /// Its login user id; null if it never logged in.
    killed_by_loginuid: U32 optional,
    /// Its thread name, escaped.
    killed_by_comm: Text optional,
    /// Its argument vector as recorded; null if none was read.
    killed_by_argv: TextList optional,
    /// The container that it was in itself; null if in none.
    killed_by_container_id: Text optional,
    /// How the order to end it came down, as far as records show, in the order of time: programs that started one another,
    /// as `name[pid]`; OCI runtimes with their arguments; what a daemon says of its part (`docker_event: kill`). What came
    /// over a socket, as from docker to its daemon, does not show. Null if nobody's order is known.
    requested_by: TextList optional,
    /// When each of these steps was taken: of a program that only started the next one, when it was started itself. Null in
    /// cases of older builds.
    requested_at: StepTimeList optional,
    /// The signals that its init was sent, in order: name, sender, and what became of it if it was not delivered. Null if
    /// the exit of its init was not seen.
    signals: TextList optional,
    /// The records that the cause came from, ascending; null in cases of older builds.
    cause_evidence_seqs: SeqList optional,
    /// Highest memory charge seen on any of its directories, in bytes.
    memory_peak_bytes: U64 optional,
    /// Last memory charge seen, in bytes.
    memory_usage_bytes: U64 optional,
    /// CPU time that it used, in ns, with all cgroups below it.
    cpu_usage_ns: U64 optional,
    /// The part of that in user mode, in ns: as in `cpu.stat` the kernel's samples give the ratio. Null if there was none.
    cpu_user_ns: U64 optional,
    /// The part in the kernel; both together are `cpu_usage_ns`.
    cpu_system_ns: U64 optional,
    /// How long its CPU quota kept it from running, in ns, added up over processors.
    cpu_throttled_ns: U64 optional,
    /// In how many periods of its quota it was kept from running.
    cpu_throttled_count: U64 optional,
    /// Bytes that it read from block devices, with all cgroups below it, of all devices together: one that lies on another
    /// (LVM, RAID, LUKS) counts at both. Null where v1 has the controller.
    io_read_bytes: U64 optional,
    /// Bytes that it wrote to block devices by the time it ended; what is still in the page cache is not among them.
    io_written_bytes: U64 optional,
    /// Most tasks it had at one time.
    pids_peak: U64 optional,
    /// How often the OOM killer was asked because its memory limit was reached; it may find nobody to kill.
    ooms: U64 optional,
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
    /// Whether events were lost within its life; lost exits count only where that of its init is missing.
    after_gap: Bool required,
    /// The record of the removal; null of an inferred row.
    rmdir_seq: U64 optional,
    /// The records that the row came from, ascending.
    evidence_seqs: SeqList required,
});
