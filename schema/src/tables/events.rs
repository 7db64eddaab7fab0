//! raw/events: kernel events, losses, clocks and the marks of a capture, a row each.

use crate::column::table;

table!("events" {
    /// Place in the total order of the case. Starts at 0; the three raw tables share it and together leave no hole.
    seq: U64 required,
    /// When the event fired, by the wall clock. For people, never for order.
    ts: Timestamp required,
    /// The same moment, ns of CLOCK_BOOTTIME (suspended time included). Source: `bpf_ktime_get_boot_ns` in the probe.
    boot_ns: U64 required,
    /// What happened: `cgroup_mkdir`, `cgroup_rmdir`, `cgroup_populated`, `cgroup_empty`, `lost`, `clock`,
    /// `capture_start`, `capture_stop`, `snapshot_begin`, `snapshot_failed`, `snapshot_end`.
    kind: Text required,
    /// Processor the event fired on; of `lost`: the one that lost, where that was counted.
    cpu: U32 optional,
    /// The cgroup tree: `cgroup_root.hierarchy_id`, 0 is v2. Also of `snapshot_failed`.
    hierarchy_id: U32 optional,
    /// The directory's inode number, all 64 bits: `kernfs_node.id`. Unique within its hierarchy only.
    cgroup_id: U64 optional,
    /// Inode number of the directory above; null where the kernel's structures did not give it.
    parent_cgroup_id: U64 optional,
    /// Depth below the hierarchy's root, which is 0. Source: the tracepoint's `level`.
    level: U32 optional,
    /// Path from the hierarchy's root, with a leading `/`, escaped. Source: the tracepoint's `path`.
    path: Text optional,
    /// Whether the path did not fit into the probe's record and is cut.
    path_truncated: Bool optional,
    /// Process id (tgid) of the task in whose context the event fired, in the initial pid namespace.
    actor_pid: U32 optional,
    /// Its thread id, in the initial pid namespace.
    actor_tid: U32 optional,
    /// Process id of its parent, in the initial pid namespace.
    actor_ppid: U32 optional,
    /// Its real user id, in the initial user namespace.
    actor_uid: U32 optional,
    /// Its thread name, up to 15 bytes, escaped. Source: `task_struct.comm`.
    actor_comm: Text optional,
    /// Name of its parent process, escaped.
    actor_parent_comm: Text optional,
    /// Its cgroup on the v2 hierarchy; null where there is none.
    actor_cgroup_id: U64 optional,
    /// Its argument vector, escaped: of an OCI runtime what its identity needs, of anything else the program name only.
    /// Null if none was read. Source: `mm->arg_start` when the event fired.
    actor_argv: TextList optional,
    /// Whether the argument vector did not fit into the probe's record and is cut.
    actor_argv_truncated: Bool optional,
    /// Highest memory charge of the cgroup, in bytes: `page_counter.watermark`.
    memory_peak_bytes: U64 optional,
    /// Its memory charge at that moment, in bytes.
    memory_usage_bytes: U64 optional,
    /// CPU time it used, in ns.
    cpu_usage_ns: U64 optional,
    /// Most tasks it had at one time.
    pids_peak: U64 optional,
    /// Its tasks that the OOM killer killed.
    oom_kills: U64 optional,
    /// Of `snapshot_begin` and `snapshot_end`: `start`, `mkdir`, `resync` or `stop`.
    reason: Text optional,
    /// Of `lost`: how many events.
    lost: U64 optional,
    /// Of `lost`: the last `seq` before which nothing is missing.
    lost_since_seq: U64 optional,
    /// Of `lost`: their kind, where that was counted.
    lost_kind: Text optional,
});
