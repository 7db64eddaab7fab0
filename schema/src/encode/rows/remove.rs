//! derived/container_remove from rows.

use arrow_array::RecordBatch;
use obit_derivation::row::{ActorCopy, ContainerRemove, Death, Killer};

use super::{identity_columns, place_columns};
use crate::column::Texts;
use crate::encode::table_builder;
use crate::error::Error;
use crate::tables::Table;
use crate::tables::container_remove::{Builders, Row};

table_builder!(
    /// Gathers rows of derived/container_remove.
    RemoveBuilder, Table::ContainerRemove
);

impl RemoveBuilder {
    /// Appends a row.
    pub fn append(&mut self, removal: &ContainerRemove) {
        self.columns.push(columns_of(removal));
    }
}

/// The values of a row's columns.
pub(crate) fn columns_of(removal: &ContainerRemove) -> Row<'_> {
    // Every field by name: one that is added later does not compile until it has a column.
    let ContainerRemove {
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
    let mut row = Row {
        seq: Some(seq.0),
        ts: Some(*ts),
        boot_ns: Some(boot_ns.0),
        created_seq: created_seq.map(|seq| seq.0),
        created_at: *created_at,
        lifetime_ns: *lifetime_ns,
        emptied_at: *emptied_at,
        memory_peak_bytes: usage.memory_peak_bytes,
        memory_usage_bytes: usage.memory_usage_bytes,
        cpu_usage_ns: usage.cpu_usage_ns,
        cpu_user_ns: usage.cpu_user_ns,
        cpu_system_ns: usage.cpu_system_ns,
        cpu_throttled_ns: usage.cpu_throttled_ns,
        cpu_throttled_count: usage.cpu_throttled_count,
        io_read_bytes: usage.io_read_bytes,
        io_written_bytes: usage.io_written_bytes,
        pids_peak: usage.pids_peak,
        ooms: usage.ooms,
        oom_kills: usage.oom_kills,
        inferred: Some(*inferred),
        never_started: *never_started,
        after_gap: Some(*after_gap),
        rmdir_seq: rmdir_seq.map(|seq| seq.0),
        evidence_seqs: Some(evidence_seqs),
        ..Row::default()
    };
    identity_columns!(row, identity);
    place_columns!(row, place);
    death_columns(&mut row, death);
    if let Some(ActorCopy { pid, uid, comm, parent_comm, argv }) = removed_by {
        row.removed_by_pid = Some(*pid);
        row.removed_by_uid = Some(*uid);
        row.removed_by_comm = Some(comm);
        row.removed_by_parent_comm = Some(parent_comm.as_str()).filter(|comm| !comm.is_empty());
        row.removed_by_argv = (!argv.is_empty()).then_some(Texts::Owned(argv));
    }
    row
}

fn death_columns<'a>(row: &mut Row<'a>, death: &'a Death) {
    let Death {
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
    row.cause = Some(cause.as_str());
    row.exit_code = exit_code.map(i32::from);
    row.exit_signal = exit_signal.map(u32::from);
    row.core_dumped = *core_dumped;
    row.exited_at = *exited_at;
    row.init_comm = init_comm.as_deref();
    row.oom_killed = *oom_killed;
    row.oom_limit_scope = oom_limit_scope.map(|scope| scope.as_str());
    row.oom_limit_cgroup_path = oom_limit_cgroup_path.as_deref();
    row.requested_by = (!requested_by.is_empty()).then_some(Texts::Steps(requested_by));
    row.requested_at = (!requested_by.is_empty()).then_some(requested_by);
    row.signals = exited_at.is_some().then_some(Texts::Owned(signals));
    row.cause_evidence_seqs = Some(cause_evidence_seqs);
    if let Some(Killer { task: ActorCopy { pid, uid, comm, parent_comm: _, argv }, loginuid, container_id }) = killed_by
    {
        row.killed_by_pid = Some(*pid);
        row.killed_by_uid = Some(*uid);
        row.killed_by_loginuid = *loginuid;
        row.killed_by_comm = Some(comm);
        row.killed_by_argv = (!argv.is_empty()).then_some(Texts::Owned(argv));
        row.killed_by_container_id = container_id.as_deref();
    }
}
