//! derived/container_remove: containers that ended, one row for each life of a container.

use obit_derivation::row;

use super::declare::table;
use super::identity::IdentityRows;
use super::identity::claim::Claim;
use super::identity::facts::Facts;
use super::identity::subject::Subject;
use super::place::Place;
use super::usage::of_container::UsageOfContainer;
use crate::column::{Bool, I32, SeqList, StepTimeList, Text, TextList, Texts, Timestamp, U32, U64};

table!(
    /// derived/container_remove: containers that ended, one row for each life of a container.
    ContainerRemove {
        subject: Subject columns,
        /// The record that decided the row. Rows are in this order; several may share one.
        seq: U64 required,
        /// Time at which the container's directory was removed, by the wall clock; in an inferred
        /// row, time at which it was found missing.
        ts: Timestamp required,
        /// Time of `ts`, ns of CLOCK_BOOTTIME.
        boot_ns: U64 required,
        place: Place columns,
        /// The record of the directory's creation, possibly a carried one; null if the directory
        /// was there before or its creation was lost.
        created_seq: U64 optional,
        /// Time of the creation: from the kernel's event if it was seen, else as the runtime
        /// reports it.
        created_at: Timestamp optional,
        /// Time from creation to removal, in ns of the boot clock; null if the creation was not
        /// seen.
        lifetime_ns: U64 optional,
        facts: Facts columns,
        /// Process id of the task that removed the directory, in the initial pid namespace; null in
        /// an inferred row.
        removed_by_pid: U32 optional,
        /// Real user id of this task.
        removed_by_uid: U32 optional,
        /// Thread name of this task, escaped.
        removed_by_comm: Text optional,
        /// Name of this task's parent process, escaped.
        removed_by_parent_comm: Text optional,
        /// Argument vector of this task as recorded; null if none was read.
        removed_by_argv: TextList optional,
        /// Time at which the container's last task left for good; null if this was not seen.
        emptied_at: Timestamp optional,
        /// Cause of the end: `exited`, `signalled`, `oom_killed`, `cgroup_killed`,
        /// `killed_by_runtime`, `host_shutdown` or `unknown` (the exit of the init was not seen).
        /// Null only in cases of older builds.
        cause: Text optional,
        /// The code with which the init exited by itself, 0 to 255; null if a signal ended it. 137
        /// here is no SIGKILL.
        exit_code: I32 optional,
        /// The signal that ended the init; null if the init exited by itself.
        exit_signal: U32 optional,
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
        /// Process id, in the initial pid namespace, of the task whose signal ended the init. If
        /// the init exited by itself: the last task that had sent it SIGTERM, SIGINT, SIGQUIT or
        /// the signal that the image names, and was not ignored. Null if there is no such task, or
        /// if it is the init.
        killed_by_pid: U32 optional,
        /// Real user id of this task.
        killed_by_uid: U32 optional,
        /// Login user id of this task; null if it never logged in.
        killed_by_loginuid: U32 optional,
        /// Thread name of this task, escaped.
        killed_by_comm: Text optional,
        /// Argument vector of this task as recorded; null if none was read.
        killed_by_argv: TextList optional,
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
        /// not delivered. Null if the exit of the init was not seen.
        signals: TextList optional,
        /// The records that the cause came from, ascending; null in cases of older builds.
        cause_evidence_seqs: SeqList optional,
        usage: UsageOfContainer columns,
        claim: Claim columns,
        /// True if the container was not seen leaving but found missing by a walk of cgroupfs.
        inferred: Bool required,
        /// True if no task ever entered the container (a create that failed); null if its whole
        /// life was not seen.
        never_started: Bool optional,
        /// True if events were lost within the container's life; lost exits count only if the exit
        /// of its init is missing.
        after_gap: Bool required,
        /// The record of the removal; null in an inferred row.
        rmdir_seq: U64 optional,
        /// The records that the row came from, ascending.
        evidence_seqs: SeqList required,
    }
);

impl<'a> From<&'a row::ContainerRemove> for Row<'a> {
    fn from(removal: &'a row::ContainerRemove) -> Self {
        // Every field by name: a new one does not compile until it has a column.
        let row::ContainerRemove {
            seq,
            ts,
            boot_ns,
            identity,
            place,
            created_seq,
            created_at,
            lifetime_ns,
            emptied_at,
            death,
            removed_by,
            usage,
            inferred,
            never_started,
            after_gap,
            rmdir_seq,
            evidence_seqs,
        } = removal;
        let IdentityRows { subject, facts, claim } = identity.into();
        let mut values = Row {
            subject: Some(subject),
            facts: Some(facts),
            claim: Some(claim),
            place: Some(place.into()),
            seq: Some(seq.0),
            ts: Some(*ts),
            boot_ns: Some(boot_ns.0),
            created_seq: created_seq.map(|seq| seq.0),
            created_at: *created_at,
            lifetime_ns: *lifetime_ns,
            emptied_at: *emptied_at,
            usage: Some(usage.into()),
            inferred: Some(*inferred),
            never_started: *never_started,
            after_gap: Some(*after_gap),
            rmdir_seq: rmdir_seq.map(|seq| seq.0),
            evidence_seqs: Some(evidence_seqs),
            ..Row::default()
        };
        put_death(&mut values, death);
        if let Some(row::ActorCopy { pid, uid, comm, parent_comm, argv }) = removed_by {
            values.removed_by_pid = Some(*pid);
            values.removed_by_uid = Some(*uid);
            values.removed_by_comm = Some(comm);
            values.removed_by_parent_comm = Some(parent_comm.as_str()).filter(|comm| !comm.is_empty());
            values.removed_by_argv = (!argv.is_empty()).then_some(Texts::Owned(argv));
        }
        values
    }
}

fn put_death<'a>(values: &mut Row<'a>, death: &'a row::Death) {
    let row::Death {
        cause,
        exit_code,
        exit_signal,
        core_dumped,
        exited_at,
        init_comm,
        oom_killed,
        oom_limit_scope,
        oom_limit_cgroup_path,
        killed_by,
        requested_by,
        signals,
        cause_evidence_seqs,
    } = death;
    values.cause = Some(cause.as_str());
    values.exit_code = exit_code.map(i32::from);
    values.exit_signal = exit_signal.map(u32::from);
    values.core_dumped = *core_dumped;
    values.exited_at = *exited_at;
    values.init_comm = init_comm.as_deref();
    values.oom_killed = *oom_killed;
    values.oom_limit_scope = oom_limit_scope.map(|scope| scope.as_str());
    values.oom_limit_cgroup_path = oom_limit_cgroup_path.as_deref();
    values.requested_by = (!requested_by.is_empty()).then_some(Texts::Steps(requested_by));
    values.requested_at = (!requested_by.is_empty()).then_some(requested_by);
    values.signals = exited_at.is_some().then_some(Texts::Owned(signals));
    values.cause_evidence_seqs = Some(cause_evidence_seqs);
    if let Some(row::Killer { task: row::ActorCopy { pid, uid, comm, parent_comm: _, argv }, loginuid, container_id }) =
        killed_by
    {
        values.killed_by_pid = Some(*pid);
        values.killed_by_uid = Some(*uid);
        values.killed_by_loginuid = *loginuid;
        values.killed_by_comm = Some(comm);
        values.killed_by_argv = (!argv.is_empty()).then_some(Texts::Owned(argv));
        values.killed_by_container_id = container_id.as_deref();
    }
}
