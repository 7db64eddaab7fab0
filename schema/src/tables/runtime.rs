//! raw/runtime: what container runtimes and their files said, a row for each question.

use crate::column::table;

table!("runtime" {
    /// Place in the total order of the case.
    seq: U64 required,
    /// When the answer (or its failure) was there, by the wall clock.
    ts: Timestamp required,
    /// The same moment, ns of CLOCK_BOOTTIME.
    boot_ns: U64 required,
    /// Who is speaking: `docker`, `containerd`, `cri`, `podman`, `oci_state` or `oci_bundle`.
    source: Text required,
    /// What was asked or read, e.g. a file's path; escaped.
    request: Text required,
    /// How it went: `ok`, `not_found`, `timeout`, `refused`, `denied`, `invalid` or `dropped`. The columns after
    /// `container_id` mean something only with `ok`.
    outcome: Text required,
    /// How long the answer took, in ns.
    latency_ns: U64 required,
    /// The container asked about, or found.
    container_id: Text optional,
    /// The container that the answer is about, if it is another than the one asked about; `outcome` is then `invalid`.
    answered_id: Text optional,
    /// Its engine: `docker`, `containerd`, `crio`, `podman`, …
    runtime: Text optional,
    /// The bundle directory that the answer is about; escaped.
    bundle: Text optional,
    /// containerd's namespace.
    namespace: Text optional,
    /// The container's name.
    container_name: Text optional,
    /// The image's reference, as the user wrote it.
    image_name: Text optional,
    /// The image's config digest.
    image_id: Text optional,
    /// The image's manifest digest.
    image_digest: Text optional,
    /// Kubernetes pod name.
    pod_name: Text optional,
    /// Kubernetes namespace.
    pod_namespace: Text optional,
    /// Kubernetes pod UID.
    pod_uid: Text optional,
    /// Whether it is a pod's sandbox ("pause") container.
    sandbox: Bool optional,
    /// Process id of its init, in the initial pid namespace.
    init_pid: U32 optional,
    /// When the runtime says that it was created, by the clock of the runtime.
    created_at: Timestamp optional,
    /// When the runtime says that its init started, by the clock of the runtime.
    started_at: Timestamp optional,
    /// How often the engine restarted it.
    restart_count: U32 optional,
    /// The engine's own word for what it reports, of an answer that is an event (`die`, `destroy`, `oom`, …).
    event: Text optional,
    /// The exit code of its init, as the runtime says.
    exit_code: I32 optional,
    /// Whether the runtime says that the OOM killer ended it.
    oom_killed: Bool optional,
    /// When the runtime says that it ended, by the clock of the runtime.
    finished_at: Timestamp optional,
    /// Whether the source says that it is running, paused included, when it answers; null if it does not speak of that.
    running: Bool optional,
    /// The number of the signal that the container is to be stopped with, where the source names one.
    stop_signal: U32 optional,
    /// `linux.cgroupsPath` as the source spells it (a path, or `slice:prefix:name`); escaped.
    cgroup_path: Text optional,
    /// The container's directory on each hierarchy, where the source says so; paths escaped.
    cgroup_paths: CgroupPathList optional,
    /// Labels or annotations that were kept, by name; null if none was.
    labels: TextMap optional,
    /// The answer itself with secrets left out: no environment, no process arguments.
    document: Text optional,
    /// Of an answer of an earlier segment that comes again at the head of this one: its place then. `ts` and `boot_ns` are of
    /// then, and `document` is left out.
    carried_from_seq: U64 optional,
});
