//! Columns that say why a container ended, as the kernel and the daemons tell it.

use obit_derivation::row;

use crate::column::{Bool, I32, SeqList, StepTimeList, Text, TextList, Texts, Timestamp, U32, columns};

columns!(
    /// The account of a container's end.
    Death {
        /// Cause of the end: `exited`, `signalled`, `oom_killed`, `cgroup_killed`,
        /// `killed_by_runtime`, `host_shutdown`, `start_failed` (a runtime's process never executed
        /// the container's program), `never_started` (there was nothing to execute it, or what was
        /// prepared was deleted) or `unknown` (the exit of the init was not seen). Null only in
        /// cases of older builds.
        cause: Text optional,
        /// The process whose end the cause is known by: `kernel` (the init, as the kernel
        /// recorded) or `sandbox` (gVisor's, which ran the program within: what the program did is
        /// not known by it). Null if no such end was seen.
        cause_known_by: Text optional,
        /// The code with which the init exited by itself, 0 to 255; null if a signal ended it. 137
        /// here is no SIGKILL.
        exit_code: I32 optional,
        /// The signal that ended the init; null if the init exited by itself.
        exit_signal: U32 optional,
        /// Origin of the signal that ended the init: `user` (kill), `tkill`, `queue`, `cgroup_kill`
        /// and `ptrace` have an author; `fault`, `timer`, `async_io`, `message_queue`, `tty`,
        /// `parent_death`, `pid_namespace_end`, `kernel` and, in cases of older builds,
        /// `on_behalf` have none.
        signal_origin: Text optional,
        /// The exit code that a daemon or a file reported last, as it counts them: 128 plus its
        /// number stands for a signal.
        reported_exit_code: I32 optional,
        /// The source of `reported_exit_code`, as in derived/disagreement.
        reported_by: Text optional,
        /// True if the init left a core dump.
        core_dumped: Bool optional,
        /// Time at which the init ended.
        exited_at: Timestamp optional,
        /// Name of the init's first thread at the end, escaped.
        init_comm: Text optional,
        /// True if the OOM killer ended the init. A child's death is counted in `oom_kills`.
        oom_killed: Bool optional,
        /// Owner of the memory limit when the OOM killer last ended a process in the container:
        /// `own`, `ancestor` (a cgroup above the container), `inside` (a cgroup that the container
        /// made) or `host` (no cgroup). Null if there was no kill or the owner is unknown.
        oom_limit_scope: Text optional,
        /// Path of the cgroup with this limit.
        oom_limit_cgroup_path: Text optional,
        /// Process id, in the initial pid namespace, of the task that sent, by a system call, the
        /// signal that ended the init. If the init exited by itself: of the last task that had
        /// asked it to, by SIGTERM, SIGINT, SIGQUIT or the signal that the container is stopped
        /// with, and was not ignored: a runtime or the host's init at any time, any other task
        /// within one second before the exit. Null if there is no such task, or if it is the init.
        killed_by_pid: U32 optional,
        /// Real user id of this task.
        killed_by_uid: U32 optional,
        /// Login user id of this task; null if it never logged in.
        killed_by_loginuid: U32 optional,
        /// Thread name of this task, escaped.
        killed_by_comm: Text optional,
        /// Argument vector of this task as recorded; null if none was read.
        killed_by_argv: TextList optional,
        /// True if this argument vector is cut.
        killed_by_argv_truncated: Bool optional,
        /// Id of the container that this task was in; null if it was in none.
        killed_by_container_id: Text optional,
        /// The way of the order to end the container, as far as records show it, in the order of
        /// time: programs that started one another, as `name[pid]`; OCI runtimes with their
        /// arguments; a daemon's report of its part (`docker_event: kill`). An order that came over
        /// a socket, as from docker to its daemon, does not show. Null if nobody's order is known.
        requested_by: TextList optional,
        /// Time of each step in `requested_by`: for a program that only started the next one, its
        /// own start. Null in cases of older builds.
        requested_at: StepTimeList optional,
        /// Signals that the init was sent, in order: name, sender, and the result if the signal was
        /// not delivered; the first eight and the last twenty-four. Signals that do not end a
        /// process are among them only if another container or the host sent them. Null if the
        /// exit of the init was not seen.
        signals: TextList optional,
        /// Number of signals that the init was sent, those that `signals` lacks included; null
        /// where some may have been sent before the capture, or lost.
        signals_total: U32 optional,
        /// The records that the cause came from, ascending; null in cases of older builds.
        cause_evidence_seqs: SeqList optional,
    }
);

impl<'a> From<&'a row::Death> for Row<'a> {
    fn from(death: &'a row::Death) -> Self {
        // Every field by name: a new one does not compile until it has a column.
        let row::Death {
            cause,
            cause_known_by,
            exit_code,
            exit_signal,
            signal_origin,
            reported_exit_code,
            reported_by,
            core_dumped,
            exited_at,
            init_comm,
            oom_killed,
            oom_limit_scope,
            oom_limit_cgroup_path,
            killed_by,
            requested_by,
            signals,
            signals_total,
            cause_evidence_seqs,
        } = death;
        let mut values = Row {
            cause: Some(cause.as_str()),
            cause_known_by: cause_known_by.map(|by| by.as_str()),
            exit_code: exit_code.map(i32::from),
            exit_signal: exit_signal.map(u32::from),
            signal_origin: signal_origin.map(|origin| origin.as_str()),
            reported_exit_code: *reported_exit_code,
            reported_by: reported_by.map(|by| by.as_str()),
            core_dumped: *core_dumped,
            exited_at: *exited_at,
            init_comm: init_comm.as_deref(),
            oom_killed: *oom_killed,
            oom_limit_scope: oom_limit_scope.map(|scope| scope.as_str()),
            oom_limit_cgroup_path: oom_limit_cgroup_path.as_deref(),
            requested_by: (!requested_by.is_empty()).then_some(Texts::Steps(requested_by)),
            requested_at: (!requested_by.is_empty()).then_some(requested_by),
            signals: exited_at.is_some().then_some(Texts::Owned(signals)),
            signals_total: *signals_total,
            cause_evidence_seqs: Some(cause_evidence_seqs),
            ..Row::default()
        };
        if let Some(row::Killer { task, loginuid, container_id }) = killed_by {
            let row::ActorCopy { pid, uid, comm, parent_comm: _, argv, is_argv_cut } = task;
            values.killed_by_pid = Some(*pid);
            values.killed_by_uid = Some(*uid);
            values.killed_by_loginuid = *loginuid;
            values.killed_by_comm = Some(comm);
            values.killed_by_argv = (!argv.is_empty()).then_some(Texts::Owned(argv));
            values.killed_by_argv_truncated = is_argv_cut.then_some(true);
            values.killed_by_container_id = container_id.as_deref();
        }
        values
    }
}
