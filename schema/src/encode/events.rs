//! raw/events from records.

use arrow::array::RecordBatch;
use obit_derivation::record::{
    Actor, Body, CgroupEvent, ClockReading, ExitStatus, FatalSignal, HierarchyId, KernelEventKind, Loss, OomKill,
    OomLimit, Record, Target, TaskExit,
};

use super::table_builder;
use crate::column::Texts;
use crate::error::Error;
use crate::kind::{self, LIMIT_OF_CGROUP, LIMIT_OF_HOST};
use crate::tables::Table;
use crate::tables::events::{Builders, Row};

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
        let row = match &record.body {
            Body::Carried(carried) => self::row(&carried.body).map(|row| Row {
                kind: Some(kind::CARRIED),
                carried_kind: row.kind,
                carried_from_seq: Some(carried.from.0),
                ..row
            }),
            body => self::row(body),
        };
        let Some(row) = row else {
            return Err(Error::WrongTable { table: Table::Events.name(), seq: record.seq.0 });
        };
        self.push(Row { seq: Some(record.seq.0), ts: Some(record.ts), boot_ns: Some(record.boot_ns.0), ..row });
        Ok(())
    }
}

/// What a record says, if it is one of this table.
fn row<'a>(body: &'a Body<'_>) -> Option<Row<'a>> {
    let row = match body {
        Body::Cgroup(event) => cgroup_event(event),
        Body::Exit(exit) => task_exit(exit),
        Body::Signal(signal) => fatal_signal(signal),
        Body::Oom(kill) => oom_kill(kill),
        Body::Lost(loss) => lost(loss),
        Body::Clock(reading) => clock(reading),
        Body::CaptureStart => mark(kind::CAPTURE_START),
        Body::CaptureStop => mark(kind::CAPTURE_STOP),
        Body::SnapshotBegin(reason) => Row { reason: Some(reason.as_str()), ..mark(kind::SNAPSHOT_BEGIN) },
        Body::SnapshotFailed(hierarchy) => Row { hierarchy_id: Some(hierarchy.0), ..mark(kind::SNAPSHOT_FAILED) },
        Body::SnapshotEnd(reason) => Row { reason: Some(reason.as_str()), ..mark(kind::SNAPSHOT_END) },
        Body::SegmentBegin => mark(kind::SEGMENT_BEGIN),
        _ => return None,
    };
    Some(row)
}

/// A row of which only the kind matters.
fn mark<'a>(kind: &'static str) -> Row<'a> {
    Row { kind: Some(kind), ..Row::default() }
}

fn cgroup_event<'a>(event: &CgroupEvent<'a>) -> Row<'a> {
    let vitals = &event.vitals;
    let row = Row {
        kind: Some(event.kind.as_str()),
        cpu: Some(event.cpu),
        hierarchy_id: Some(event.key.hierarchy.0),
        cgroup_id: Some(event.key.cgroup.0),
        parent_cgroup_id: event.parent.map(|id| id.0),
        level: Some(event.level),
        path: Some(event.path),
        path_truncated: Some(event.path_truncated),
        memory_peak_bytes: vitals.memory_peak_bytes,
        memory_usage_bytes: vitals.memory_usage_bytes,
        cpu_usage_ns: vitals.cpu_usage_ns,
        cpu_user_ns: vitals.cpu_user_ns,
        cpu_system_ns: vitals.cpu_system_ns,
        cpu_throttled_ns: vitals.cpu_throttled_ns,
        cpu_throttled_count: vitals.cpu_throttled_count,
        io_read_bytes: vitals.io_read_bytes,
        io_written_bytes: vitals.io_written_bytes,
        pids_peak: vitals.pids_peak,
        ooms: vitals.ooms,
        oom_kills: vitals.oom_kills,
        ..Row::default()
    };
    with_actor(row, &event.actor)
}

fn with_actor<'a>(row: Row<'a>, actor: &Actor<'a>) -> Row<'a> {
    // No process has a parent that is process 0 and has no name: a probe without type information knows no parent.
    let knows_parent = actor.ppid != 0 || !actor.parent_comm.is_empty();
    Row {
        actor_pid: Some(actor.pid),
        actor_tid: Some(actor.tid),
        actor_ppid: knows_parent.then_some(actor.ppid),
        actor_uid: Some(actor.uid),
        actor_comm: Some(actor.comm),
        actor_parent_comm: knows_parent.then_some(actor.parent_comm),
        actor_cgroup_id: actor.cgroup.map(|id| id.0),
        actor_argv: (!actor.argv.is_empty()).then_some(Texts::Borrowed(actor.argv)),
        actor_argv_truncated: Some(actor.argv_truncated),
        ..row
    }
}

/// What is told of the process that something happens to.
fn target<'a>(kind: KernelEventKind, cpu: u32, target: &Target<'a>) -> Row<'a> {
    Row {
        cpu: Some(cpu),
        hierarchy_id: Some(HierarchyId::V2.0),
        cgroup_id: Some(target.cgroup.0),
        target_pid: Some(target.pid),
        target_pid_inside: Some(target.pid_inside),
        target_ppid: Some(target.ppid),
        target_started_boot_ns: Some(target.started.0),
        target_comm: Some(target.comm),
        target_is_reaper: Some(target.is_reaper),
        target_is_frozen: target.is_frozen,
        v1_hierarchy_id: target.v1.map(|key| key.hierarchy.0),
        v1_cgroup_id: target.v1.map(|key| key.cgroup.0),
        ..mark(kind.as_str())
    }
}

fn task_exit<'a>(exit: &TaskExit<'a>) -> Row<'a> {
    let (exit_code, exit_signal, core_dumped) = match exit.status {
        ExitStatus::Exited(code) => (Some(i32::from(code)), None, false),
        ExitStatus::Signalled { signal, core_dumped } => (None, Some(u32::from(signal)), core_dumped),
    };
    Row {
        actor_parent_comm: Some(exit.parent_comm),
        exit_code,
        exit_signal,
        core_dumped: Some(core_dumped),
        oom_victim: Some(exit.oom_victim),
        ..target(KernelEventKind::Exit, exit.cpu, &exit.target)
    }
}

fn fatal_signal<'a>(signal: &'a FatalSignal<'a>) -> Row<'a> {
    let row = Row {
        signal: Some(signal.signal),
        signal_code: Some(signal.code),
        signal_origin: signal.origin.map(|origin| origin.as_str()),
        signal_to_group: Some(signal.to_group),
        signal_result: signal.result.map(|result| result.as_str()),
        actor_loginuid: signal.sender_loginuid,
        actor_ancestors: (!signal.sender_ancestors.is_empty()).then_some(&signal.sender_ancestors),
        ..target(KernelEventKind::Signal, signal.cpu, &signal.target)
    };
    with_actor(row, &signal.sender)
}

fn oom_kill<'a>(kill: &OomKill<'a>) -> Row<'a> {
    let (scope, limit, level) = match kill.limit {
        Some(OomLimit::Cgroup(key, level)) => (Some(LIMIT_OF_CGROUP), Some(key), Some(level)),
        Some(OomLimit::Host) => (Some(LIMIT_OF_HOST), None, None),
        None => (None, None, None),
    };
    let row = Row {
        victim_memory_bytes: kill.memory_bytes,
        limit_scope: scope,
        limit_hierarchy_id: limit.map(|key| key.hierarchy.0),
        limit_cgroup_id: limit.map(|key| key.cgroup.0),
        limit_level: level,
        ..target(KernelEventKind::Oom, kill.cpu, &kill.target)
    };
    with_actor(row, &kill.asker)
}

fn clock<'a>(reading: &ClockReading) -> Row<'a> {
    Row {
        clock_reason: reading.reason.map(|reason| reason.as_str()),
        clock_step_ns: reading.step_ns,
        suspended_ns: reading.suspended_ns,
        clock_synchronized: reading.synchronized,
        clock_max_error_ns: reading.max_error_ns,
        clock_estimated_error_ns: reading.estimated_error_ns,
        ..mark(kind::CLOCK)
    }
}

fn lost<'a>(loss: &Loss) -> Row<'a> {
    Row {
        cpu: loss.cpu,
        lost: Some(loss.count),
        lost_since_seq: Some(loss.since.0),
        lost_kind: loss.kind.map(|kind| kind.as_str()),
        ..mark(kind::LOST)
    }
}
