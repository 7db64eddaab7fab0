//! raw/events: kernel events, losses, clocks and the marks of a capture, a row each.

use super::declare::table;
use super::usage::of_cgroup::UsageOfCgroup;
use crate::column::{AncestorList, Bool, I32, I64, Text, TextList, Timestamp, U32, U64};

table!(
    /// raw/events: kernel events, losses, clocks and the marks of a capture, a row each.
    Events {
        /// Place in the total order of the case. Starts at 0; the three raw tables share it and together leave no hole.
        seq: U64 required,
        /// When the event fired, by the wall clock. For people, never for order.
        ts: Timestamp required,
        /// The same moment, ns of CLOCK_BOOTTIME (suspended time included). Source: `bpf_ktime_get_boot_ns` in the probe.
        boot_ns: U64 required,
        /// What happened: `cgroup_mkdir`, `cgroup_rmdir`, `cgroup_populated`, `cgroup_empty`, `lost`, `clock`,
        /// `cgroup_freeze`, `cgroup_unfreeze`, `cgroup_frozen`, `cgroup_thawed`, `container_exit`, `fatal_signal`, `oom_kill`,
        /// `capture_start`, `capture_stop`, `segment_begin`, `carried`, `snapshot_begin`, `snapshot_failed`, `snapshot_end`.
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
        /// Null if none was read. Source: `mm->arg_start` when the event fired; of several events of one task in a row, when the
        /// first fired, at most 10 ms before.
        actor_argv: TextList optional,
        /// Whether the argument vector did not fit into the probe's record and is cut.
        actor_argv_truncated: Bool optional,
        usage: UsageOfCgroup columns,
        /// Of `snapshot_begin` and `snapshot_end`: `start`, `mkdir`, `resync` or `stop`.
        reason: Text optional,
        /// Of `lost`: how many events.
        lost: U64 optional,
        /// Of `lost`: the last `seq` before which nothing is missing.
        lost_since_seq: U64 optional,
        /// Of `lost`: their kind, where that was counted.
        lost_kind: Text optional,
        /// Of `container_exit`, `fatal_signal` and `oom_kill`: process id of the process that it happens to, in the initial pid
        /// namespace. For all columns of the target, `cgroup_id` is its cgroup on v2 (`hierarchy_id` 0).
        target_pid: U32 optional,
        /// Its process id in its own pid namespace.
        target_pid_inside: U32 optional,
        /// Process id of its parent, in the initial pid namespace.
        target_ppid: U32 optional,
        /// When it was started, ns of CLOCK_BOOTTIME: `task_struct.start_boottime`.
        target_started_boot_ns: U64 optional,
        /// Name of its first thread, escaped.
        target_comm: Text optional,
        /// Whether it is the first process of a pid namespace that is not the host's.
        target_is_reaper: Bool optional,
        /// Whether its cgroup was frozen then, on v2 or by v1's freezer, which has no event of its own; null in cases of older builds.
        target_is_frozen: Bool optional,
        /// A v1 tree that it has a cgroup in: memory's, else that of pids, cpu or cpuset; null if there is none.
        v1_hierarchy_id: U32 optional,
        /// Its cgroup there.
        v1_cgroup_id: U64 optional,
        /// Of `container_exit`: the code that it exited with, 0 to 255; null if a signal ended it.
        exit_code: I32 optional,
        /// Of `container_exit`: the signal that ended it; null if it exited by itself.
        exit_signal: U32 optional,
        /// Of `container_exit`: whether it left a core dump.
        core_dumped: Bool optional,
        /// Of `container_exit`: whether the OOM killer had chosen it (`signal_struct.oom_mm`).
        oom_victim: Bool optional,
        /// Of `fatal_signal`: the signal's number. The sender is the actor.
        signal: U32 optional,
        /// Its `si_code`; 0 (SI_USER) also where the kernel sent it on behalf of a task.
        signal_code: I32 optional,
        /// Who sent it: `user` (kill), `tkill`, `queue`, `fault` (for what the target did), `on_behalf` (by a write to
        /// `cgroup.kill`, or at a parent's end) or `kernel` (the OOM killer, the end of a pid namespace).
        signal_origin: Text optional,
        /// Whether it was sent to the process, not to one thread.
        signal_to_group: Bool optional,
        /// What became of it: `delivered`, `ignored`, `already_pending`, `dropped` or `info_lost`.
        signal_result: Text optional,
        /// Of `fatal_signal`: the sender's login user id; null if it never logged in, or the kernel keeps none.
        actor_loginuid: U32 optional,
        /// Of `fatal_signal`: the sender's ancestors, its parent first, six at most: what started what. Null if none was read.
        actor_ancestors: AncestorList optional,
        /// Of `oom_kill`: resident memory of the victim, in bytes, as the kernel counts it, which may lag by some pages. The actor asked for memory.
        victim_memory_bytes: U64 optional,
        /// Of `oom_kill`: `cgroup` if a cgroup's limit was reached, `host` if none was; null if that could not be told.
        limit_scope: Text optional,
        /// The tree of the cgroup whose limit was reached.
        limit_hierarchy_id: U32 optional,
        /// That cgroup's inode number.
        limit_cgroup_id: U64 optional,
        /// Its depth below its hierarchy's root.
        limit_level: U32 optional,
        /// Of `clock`: why the clocks were read: `start`, `interval`, `set`, `resume`, `due` or `stop`.
        clock_reason: Text optional,
        /// Of `clock`: how far the wall clock went its own way since the record before that has this, in ns: the change of `ts`
        /// less `boot_ns`. Null of the first, and of `due`.
        clock_step_ns: I64 optional,
        /// Of `clock`: how long the host had been suspended since it was booted, in ns: CLOCK_BOOTTIME less CLOCK_MONOTONIC.
        suspended_ns: U64 optional,
        /// Of `clock`: whether somebody keeps the wall clock by a reference such as NTP. Source: adjtimex(2), as the next two.
        clock_synchronized: Bool optional,
        /// Of `clock`: how far off the wall clock may be, in ns.
        clock_max_error_ns: U64 optional,
        /// Of `clock`: how far off it probably is, in ns.
        clock_estimated_error_ns: U64 optional,
        /// Of `carried`: the kind of the record that comes again. All other columns are as that kind has them.
        carried_kind: Text optional,
        /// Of `carried`: its place when it came first. It may be in a segment that was dropped.
        carried_from_seq: U64 optional,
    }
);
