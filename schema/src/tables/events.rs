//! raw/events: kernel events, losses, clocks and the marks of a capture, one row each.

use super::declare::table;
use super::usage::of_cgroup::UsageOfCgroup;
use crate::column::{AncestorList, Bool, I32, I64, Text, TextList, Timestamp, U32, U64};

table!(
    /// raw/events: kernel events, losses, clocks and the marks of a capture, one row each.
    Events {
        /// Place in the total order of the case. Starts at 0; the three raw tables share it and
        /// together leave no hole.
        seq: U64 required,
        /// Time of the event, by the wall clock. For people, never for order.
        ts: Timestamp required,
        /// Time of the event, ns of CLOCK_BOOTTIME (suspended time included). Source:
        /// `bpf_ktime_get_boot_ns` in the probe.
        boot_ns: U64 required,
        /// Kind of the record: `cgroup_mkdir`, `cgroup_rmdir`, `cgroup_populated`, `cgroup_empty`,
        /// `lost`, `clock`, `cgroup_freeze`, `cgroup_unfreeze`, `cgroup_frozen`, `cgroup_thawed`,
        /// `cgroup_rename`, `process_attach`, `process_exec`, `process_exit`, `fatal_signal`,
        /// `oom_kill`, `capture_start`, `capture_stop`, `segment_begin`, `carried`,
        /// `snapshot_begin`, `snapshot_failed`, `snapshot_end`, `thinned`. In cases of schema 1,
        /// `process_exit` is called `container_exit`.
        kind: Text required,
        /// Processor on which the event fired; for `lost` the processor that lost events, where
        /// this was counted.
        cpu: U32 optional,
        /// The cgroup tree: `cgroup_root.hierarchy_id`, 0 is v2. Also set for `snapshot_failed`.
        hierarchy_id: U32 optional,
        /// The directory's inode number, all 64 bits: `kernfs_node.id`. Unique within its hierarchy
        /// only.
        cgroup_id: U64 optional,
        /// Inode number of the directory above; null where the kernel's structures did not give it.
        parent_cgroup_id: U64 optional,
        /// Depth below the hierarchy's root, which is 0. Source: the tracepoint's `level`.
        level: U32 optional,
        /// Path from the hierarchy's root, with a leading `/`, escaped. Source: the tracepoint's
        /// `path`. For `snapshot_failed`: the directory below which a walk did not read everything;
        /// null if nothing follows from any directory missing in the hierarchy.
        path: Text optional,
        /// True if the path did not fit into the probe's record and is cut.
        path_truncated: Bool optional,
        /// Process id (tgid) of the actor, the task in whose context the event fired, in the
        /// initial pid namespace.
        actor_pid: U32 optional,
        /// Thread id of the actor, in the initial pid namespace.
        actor_tid: U32 optional,
        /// Process id of the actor's parent, in the initial pid namespace.
        actor_ppid: U32 optional,
        /// Real user id of the actor, in the initial user namespace.
        actor_uid: U32 optional,
        /// Thread name of the actor, up to 15 bytes, escaped. Source: `task_struct.comm`.
        actor_comm: Text optional,
        /// Name of the actor's parent process, escaped.
        actor_parent_comm: Text optional,
        /// The actor's cgroup on the v2 hierarchy; null where there is none.
        actor_cgroup_id: U64 optional,
        /// Argument vector of the actor, escaped: of an OCI runtime the arguments that identity
        /// needs, of another program the name only. Null if none was read. Source: `mm->arg_start`
        /// when the event fired; for several events of one task in a row, when the first fired, at
        /// most 10 ms before.
        actor_argv: TextList optional,
        /// True if the argument vector did not fit into the probe's record: an element `…` stands
        /// for what is missing in its middle.
        actor_argv_truncated: Bool optional,
        usage: UsageOfCgroup columns,
        /// For `snapshot_begin` and `snapshot_end`: `start`, `mkdir`, `resync` or `stop`.
        reason: Text optional,
        /// For `lost`: number of events.
        lost: U64 optional,
        /// For `lost`: the last `seq` before which nothing is missing.
        lost_since_seq: U64 optional,
        /// For `lost`: kind of the events, where this was counted.
        lost_kind: Text optional,
        /// For `process_attach`, `process_exec`, `process_exit`, `fatal_signal` and `oom_kill`:
        /// process id of the target, in the initial pid namespace: of the process that is put into
        /// a cgroup, executes a program, exits, gets the signal or is killed. In rows with a
        /// target, `cgroup_id` is its cgroup on v2 (`hierarchy_id` 0); for `process_attach` it is
        /// the directory that the actor put the target into.
        target_pid: U32 optional,
        /// Process id of the target in its own pid namespace.
        target_pid_inside: U32 optional,
        /// Process id of the target's parent, in the initial pid namespace.
        target_ppid: U32 optional,
        /// Start of the target, ns of CLOCK_BOOTTIME: `task_struct.start_boottime`.
        target_started_boot_ns: U64 optional,
        /// Name of the target's first thread, escaped.
        target_comm: Text optional,
        /// True if the target is the first process of a pid namespace that is not the host's.
        target_is_reaper: Bool optional,
        /// True if the target's cgroup was frozen then, on v2 or by v1's freezer, which has no
        /// event of its own; null in cases of older builds.
        target_is_frozen: Bool optional,
        /// A v1 tree in which the target has a cgroup: the one of memory, else that of pids, cpu or
        /// cpuset; null if there is none.
        v1_hierarchy_id: U32 optional,
        /// The target's cgroup in this tree.
        v1_cgroup_id: U64 optional,
        /// The cgroup of the target's parent on v2; null in cases of older builds.
        target_parent_cgroup_id: U64 optional,
        /// The cgroup of the target's parent in the tree of `v1_hierarchy_id`.
        target_parent_v1_cgroup_id: U64 optional,
        /// For `process_exit`: exit code, 0 to 255; null if a signal ended the target.
        exit_code: I32 optional,
        /// For `process_exit`: the signal that ended the target; null if it exited by itself.
        exit_signal: U32 optional,
        /// For `process_exit`: true if the target left a core dump.
        core_dumped: Bool optional,
        /// For `process_exit`: true if the OOM killer had chosen the target
        /// (`signal_struct.oom_mm`).
        oom_victim: Bool optional,
        /// For `process_exit`: true if reboot() was called in the target's pid namespace, whose
        /// first process it is: `exit_signal` is then the one that the kernel reports for that.
        rebooted: Bool optional,
        /// For `fatal_signal`: number of the signal. The sender is the actor.
        signal: U32 optional,
        /// For `fatal_signal`: the signal's `si_code`; 0 (SI_USER) also where the kernel sent the
        /// signal on behalf of a task.
        signal_code: I32 optional,
        /// For `fatal_signal`: origin of the signal. The actor is the author of `user` (kill),
        /// `tkill`, `queue`, `cgroup_kill` and `ptrace`. Of the others it is only the task that
        /// ran: `fault` (an act of the target itself), `parent_death`, `timer`, `async_io`,
        /// `message_queue`, `tty`, `pid_namespace_end`, `kernel` (the OOM killer, a limit) and, in
        /// cases of older builds, `on_behalf`. `timer`, `async_io` and `message_queue` are told by
        /// the signal's code, which a sender can choose (rt_sigqueueinfo).
        signal_origin: Text optional,
        /// For `fatal_signal`: true if the signal was sent to the process, not to one thread.
        signal_to_group: Bool optional,
        /// For `fatal_signal`: result of the sending: `delivered`, `ignored`, `already_pending`,
        /// `dropped` or `info_lost`.
        signal_result: Text optional,
        /// For `fatal_signal`: the sender's cgroup in the tree of `v1_hierarchy_id`.
        actor_v1_cgroup_id: U64 optional,
        /// For `fatal_signal`: the sender's login user id; null if the sender never logged in, or
        /// the kernel keeps none.
        actor_loginuid: U32 optional,
        /// For `fatal_signal`: the sender's ancestors, its parent first, six at most. They show
        /// which program started which. Null if none was read.
        actor_ancestors: AncestorList optional,
        /// For `oom_kill`: resident memory of the victim, in bytes, as the kernel counts it, which
        /// may lag by some pages. The actor asked for memory.
        victim_memory_bytes: U64 optional,
        /// For `oom_kill`: `cgroup` if a cgroup's limit was reached, `host` if none was; null if
        /// this is unknown.
        limit_scope: Text optional,
        /// For `oom_kill`: tree of the cgroup whose limit was reached.
        limit_hierarchy_id: U32 optional,
        /// Inode number of this cgroup.
        limit_cgroup_id: U64 optional,
        /// Depth of this cgroup below its hierarchy's root.
        limit_level: U32 optional,
        /// For `clock`: reason of the reading: `start`, `interval`, `set`, `resume`, `due` or
        /// `stop`.
        clock_reason: Text optional,
        /// For `clock`: change of the wall clock against the boot clock since the last record that
        /// has this column, in ns: the change of `ts` less that of `boot_ns`. Null in the first
        /// record, and for `due`.
        clock_step_ns: I64 optional,
        /// For `clock`: time for which the host had been suspended since it was booted, in ns:
        /// CLOCK_BOOTTIME less CLOCK_MONOTONIC.
        suspended_ns: U64 optional,
        /// For `clock`: true if the wall clock is kept by a reference such as NTP. Source:
        /// adjtimex(2), as for the next two columns.
        clock_synchronized: Bool optional,
        /// For `clock`: greatest possible error of the wall clock, in ns.
        clock_max_error_ns: U64 optional,
        /// For `clock`: probable error of the wall clock, in ns.
        clock_estimated_error_ns: U64 optional,
        /// For `carried`: kind of the record that comes again. All other columns are as this kind
        /// has them.
        carried_kind: Text optional,
        /// For `carried`: the record's first `seq`. It may be in a segment that was dropped.
        carried_from_seq: U64 optional,
        /// For `thinned`: number of events of the user `actor_uid` that were left out, because they
        /// concern no container and the user made too many. `actor_uid` is null for several users
        /// of whom no account was kept.
        thinned: U64 optional,
        /// For `thinned`: time of the first of them, ns of CLOCK_BOOTTIME. `boot_ns` is that of the
        /// last.
        thinned_since_boot_ns: U64 optional,
    }
);
