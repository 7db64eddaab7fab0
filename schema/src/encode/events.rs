//! raw/events from records.

use arrow_array::RecordBatch;
use obit_derivation::record::{
    Actor, Body, CgroupEvent, ClockReading, ExitStatus, FatalSignal, HierarchyId, KernelEventKind, Loss, OomKill,
    OomLimit, Record, Target, TaskExit,
};

use super::{carried, table_builder};
use crate::column::Texts;
use crate::error::Error;
use crate::kind::{self, LIMIT_OF_CGROUP, LIMIT_OF_HOST};
use crate::tables::Table;
use crate::tables::events::{Builders, NewRow};

table_builder!(
    /// Gathers rows of raw/events.
    EventsBuilder, Table::Events
);

impl EventsBuilder {
    /// Appends a record: a cgroup event, a loss, a clock, a mark of the capture or of a walk.
    ///
    /// # Errors
    /// The record belongs into another table; nothing is appended.
    pub fn append(&mut self, record: &Record<'_>) -> Result<(), Error> {
        let (carried_from, body) = carried(&record.body);
        let Some(kind) = kind_of(body) else {
            return Err(Error::WrongTable { table: Table::Events.name(), seq: record.seq.0 });
        };
        // Cell by cell: a row of all columns would be larger than what it holds by far.
        let mut row = self.columns.add();
        row.seq(Some(record.seq.0));
        row.ts(Some(record.ts));
        row.boot_ns(Some(record.boot_ns.0));
        match carried_from {
            None => row.kind(Some(kind)),
            Some(from) => {
                row.kind(Some(kind::CARRIED));
                row.carried_kind(Some(kind));
                row.carried_from_seq(Some(from.0));
            }
        }
        match body {
            Body::Cgroup(event) => cgroup_event(&mut row, event),
            Body::Exit(exit) => task_exit(&mut row, exit),
            Body::Signal(signal) => fatal_signal(&mut row, signal),
            Body::Oom(kill) => oom_kill(&mut row, kill),
            Body::Lost(loss) => lost(&mut row, loss),
            Body::Clock(reading) => clock(&mut row, reading),
            Body::SnapshotBegin(reason) | Body::SnapshotEnd(reason) => row.reason(Some(reason.as_str())),
            Body::SnapshotFailed(hierarchy) => row.hierarchy_id(Some(hierarchy.0)),
            // Of marks only the kind matters.
            _ => {}
        }
        Ok(())
    }
}

/// What a record is called, if it is one of this table.
fn kind_of(body: &Body<'_>) -> Option<&'static str> {
    Some(match body {
        Body::Cgroup(event) => event.kind.as_str(),
        Body::Exit(_) => KernelEventKind::Exit.as_str(),
        Body::Signal(_) => KernelEventKind::Signal.as_str(),
        Body::Oom(_) => KernelEventKind::Oom.as_str(),
        Body::Lost(_) => kind::LOST,
        Body::Clock(_) => kind::CLOCK,
        Body::CaptureStart => kind::CAPTURE_START,
        Body::CaptureStop => kind::CAPTURE_STOP,
        Body::SnapshotBegin(_) => kind::SNAPSHOT_BEGIN,
        Body::SnapshotFailed(_) => kind::SNAPSHOT_FAILED,
        Body::SnapshotEnd(_) => kind::SNAPSHOT_END,
        Body::SegmentBegin => kind::SEGMENT_BEGIN,
        _ => return None,
    })
}

fn cgroup_event(row: &mut NewRow<'_>, event: &CgroupEvent<'_>) {
    row.cpu(Some(event.cpu));
    row.hierarchy_id(Some(event.key.hierarchy.0));
    row.cgroup_id(Some(event.key.cgroup.0));
    row.parent_cgroup_id(event.parent.map(|id| id.0));
    row.level(Some(event.level));
    row.path(Some(event.path));
    row.path_truncated(Some(event.path_truncated));
    actor(row, &event.actor);
    let usage = &event.usage;
    row.memory_peak_bytes(usage.memory_peak_bytes);
    row.memory_usage_bytes(usage.memory_usage_bytes);
    row.cpu_usage_ns(usage.cpu_usage_ns);
    row.cpu_user_ns(usage.cpu_user_ns);
    row.cpu_system_ns(usage.cpu_system_ns);
    row.cpu_throttled_ns(usage.cpu_throttled_ns);
    row.cpu_throttled_count(usage.cpu_throttled_count);
    row.io_read_bytes(usage.io_read_bytes);
    row.io_written_bytes(usage.io_written_bytes);
    row.pids_peak(usage.pids_peak);
    row.ooms(usage.ooms);
    row.oom_kills(usage.oom_kills);
}

fn actor(row: &mut NewRow<'_>, actor: &Actor<'_>) {
    // No process has a parent that is process 0 and has no name: a probe without type information knows no parent.
    let knows_parent = actor.ppid != 0 || !actor.parent_comm.is_empty();
    row.actor_pid(Some(actor.pid));
    row.actor_tid(Some(actor.tid));
    row.actor_ppid(knows_parent.then_some(actor.ppid));
    row.actor_uid(Some(actor.uid));
    row.actor_comm(Some(actor.comm));
    row.actor_parent_comm(knows_parent.then_some(actor.parent_comm));
    row.actor_cgroup_id(actor.cgroup.map(|id| id.0));
    row.actor_argv((!actor.argv.is_empty()).then_some(Texts::Borrowed(actor.argv)));
    row.actor_argv_truncated(Some(actor.argv_truncated));
}

/// What is told of the process that something happens to.
fn target(row: &mut NewRow<'_>, cpu: u32, target: &Target<'_>) {
    row.cpu(Some(cpu));
    row.hierarchy_id(Some(HierarchyId::V2.0));
    row.cgroup_id(Some(target.cgroup.0));
    row.target_pid(Some(target.pid));
    row.target_pid_inside(Some(target.pid_inside));
    row.target_ppid(Some(target.ppid));
    row.target_started_boot_ns(Some(target.started.0));
    row.target_comm(Some(target.comm));
    row.target_is_reaper(Some(target.is_reaper));
    row.target_is_frozen(target.is_frozen);
    row.v1_hierarchy_id(target.v1.map(|key| key.hierarchy.0));
    row.v1_cgroup_id(target.v1.map(|key| key.cgroup.0));
}

fn task_exit(row: &mut NewRow<'_>, exit: &TaskExit<'_>) {
    let (exit_code, exit_signal, core_dumped) = match exit.status {
        ExitStatus::Exited(code) => (Some(i32::from(code)), None, false),
        ExitStatus::Signalled { signal, core_dumped } => (None, Some(u32::from(signal)), core_dumped),
    };
    target(row, exit.cpu, &exit.target);
    row.actor_parent_comm(Some(exit.parent_comm));
    row.exit_code(exit_code);
    row.exit_signal(exit_signal);
    row.core_dumped(Some(core_dumped));
    row.oom_victim(Some(exit.oom_victim));
}

fn fatal_signal(row: &mut NewRow<'_>, signal: &FatalSignal<'_>) {
    target(row, signal.cpu, &signal.target);
    actor(row, &signal.sender);
    row.signal(Some(signal.signal));
    row.signal_code(Some(signal.code));
    row.signal_origin(signal.origin.map(|origin| origin.as_str()));
    row.signal_to_group(Some(signal.to_group));
    row.signal_result(signal.result.map(|result| result.as_str()));
    row.actor_loginuid(signal.sender_loginuid);
    row.actor_ancestors((!signal.sender_ancestors.is_empty()).then_some(&signal.sender_ancestors));
}

fn oom_kill(row: &mut NewRow<'_>, kill: &OomKill<'_>) {
    let (scope, limit, level) = match kill.limit {
        Some(OomLimit::Cgroup(key, level)) => (Some(LIMIT_OF_CGROUP), Some(key), Some(level)),
        Some(OomLimit::Host) => (Some(LIMIT_OF_HOST), None, None),
        None => (None, None, None),
    };
    target(row, kill.cpu, &kill.target);
    actor(row, &kill.invoker);
    row.victim_memory_bytes(kill.memory_bytes);
    row.limit_scope(scope);
    row.limit_hierarchy_id(limit.map(|key| key.hierarchy.0));
    row.limit_cgroup_id(limit.map(|key| key.cgroup.0));
    row.limit_level(level);
}

fn clock(row: &mut NewRow<'_>, reading: &ClockReading) {
    row.clock_reason(reading.reason.map(|reason| reason.as_str()));
    row.clock_step_ns(reading.step_ns);
    row.suspended_ns(reading.suspended_ns);
    row.clock_synchronized(reading.synchronized);
    row.clock_max_error_ns(reading.max_error_ns);
    row.clock_estimated_error_ns(reading.estimated_error_ns);
}

fn lost(row: &mut NewRow<'_>, loss: &Loss) {
    row.cpu(loss.cpu);
    row.lost(Some(loss.count));
    row.lost_since_seq(Some(loss.since.0));
    row.lost_kind(loss.kind.map(|kind| kind.as_str()));
}
