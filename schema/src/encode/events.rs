//! raw/events from records.

use obit_derivation::record::{
    Actor, Body, CgroupEvent, ClockReading, ExitStatus, FatalSignal, HierarchyId, KernelEventKind, Loss, OomKill,
    OomLimit, ProcessAttach, ProcessExec, Record, Target, TaskExit, Thinning,
};

use super::batch_builder::BatchBuilder;
use super::body::split_carried;
use crate::column::Texts;
use crate::error::Error;
use crate::kind::{self, LIMIT_OF_CGROUP, LIMIT_OF_HOST};
use crate::tables::Table;
use crate::tables::events::{Builders, Events};

/// Builds batches of raw/events.
pub type EventsBuilder = BatchBuilder<Events>;

impl EventsBuilder {
    /// Appends a record: a kernel event, a loss, a clock, a mark of the capture or of a walk.
    ///
    /// # Errors
    /// The record belongs to another table; nothing is appended.
    pub fn append(&mut self, record: &Record<'_>) -> Result<(), Error> {
        let (carried_from, body) = split_carried(&record.body);
        let Some(kind) = kind_of(body) else {
            return Err(Error::WrongTable { table: Table::Events.name(), seq: record.seq.0 });
        };
        // Value by value: a row of all columns would be far larger than the values it holds.
        let (columns, row) = self.add_row();
        columns.seq.put(row, record.seq.0);
        columns.ts.put(row, record.ts);
        columns.boot_ns.put(row, record.boot_ns.0);
        match carried_from {
            None => columns.kind.put(row, kind),
            Some(from) => {
                columns.kind.put(row, kind::CARRIED);
                columns.carried_kind.put(row, kind);
                columns.carried_from_seq.put(row, from.0);
            }
        }
        match body {
            Body::Cgroup(event) => cgroup_event(columns, row, event),
            Body::Attach(attach) => process_attach(columns, row, attach),
            Body::Exec(exec) => process_exec(columns, row, exec),
            Body::Exit(exit) => task_exit(columns, row, exit),
            Body::Signal(signal) => fatal_signal(columns, row, signal),
            Body::Oom(kill) => oom_kill(columns, row, kill),
            Body::Lost(loss) => lost(columns, row, loss),
            Body::Thinned(thinning) => thinned(columns, row, thinning),
            Body::Clock(reading) => clock(columns, row, reading),
            Body::SnapshotBegin(reason) | Body::SnapshotEnd(reason) => columns.reason.put(row, reason.as_str()),
            Body::SnapshotFailed(part) => {
                columns.hierarchy_id.put(row, part.hierarchy.0);
                if let Some(path) = &part.below {
                    columns.path.put(row, path);
                }
            }
            // Marks have only a kind.
            _ => {}
        }
        Ok(())
    }
}

/// Returns the kind of a record, if it belongs to this table.
fn kind_of(body: &Body<'_>) -> Option<&'static str> {
    Some(match body {
        Body::Cgroup(event) => event.kind.as_str(),
        Body::Attach(_) => KernelEventKind::Attach.as_str(),
        Body::Exec(_) => KernelEventKind::Exec.as_str(),
        Body::Exit(_) => KernelEventKind::Exit.as_str(),
        Body::Signal(_) => KernelEventKind::Signal.as_str(),
        Body::Oom(_) => KernelEventKind::Oom.as_str(),
        Body::Lost(_) => kind::LOST,
        Body::Thinned(_) => kind::THINNED,
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

fn cgroup_event(columns: &mut Builders, row: usize, event: &CgroupEvent<'_>) {
    columns.cpu.put(row, event.cpu);
    columns.hierarchy_id.put(row, event.key.hierarchy.0);
    columns.cgroup_id.put(row, event.key.cgroup.0);
    columns.parent_cgroup_id.set(row, event.parent.map(|id| id.0));
    columns.level.put(row, event.level);
    columns.path.put(row, event.path);
    columns.path_truncated.put(row, event.path_truncated);
    actor(columns, row, &event.actor);
    columns.usage.set(row, &event.usage);
}

fn actor(columns: &mut Builders, row: usize, actor: &Actor<'_>) {
    // No process has a parent that is process 0 and has no name: a probe without type information
    // knows no parent.
    let knows_parent = actor.ppid != 0 || !actor.parent_comm.is_empty();
    columns.actor_pid.put(row, actor.pid);
    columns.actor_tid.put(row, actor.tid);
    columns.actor_ppid.set(row, knows_parent.then_some(actor.ppid));
    columns.actor_uid.put(row, actor.uid);
    columns.actor_comm.put(row, actor.comm);
    columns.actor_parent_comm.set(row, knows_parent.then_some(actor.parent_comm));
    columns.actor_cgroup_id.set(row, actor.cgroup.map(|id| id.0));
    columns.actor_argv.set(row, (!actor.argv.is_empty()).then_some(Texts::Borrowed(actor.argv)));
    columns.actor_argv_truncated.put(row, actor.argv_truncated);
}

/// Puts the target: the process that exits, gets the signal or is killed.
fn target(columns: &mut Builders, row: usize, cpu: u32, target: &Target<'_>) {
    columns.hierarchy_id.put(row, HierarchyId::V2.0);
    columns.cgroup_id.put(row, target.cgroup.0);
    process(columns, row, cpu, target);
}

/// Puts the target without its cgroup on v2.
fn process(columns: &mut Builders, row: usize, cpu: u32, target: &Target<'_>) {
    columns.cpu.put(row, cpu);
    columns.target_pid.put(row, target.pid);
    columns.target_pid_inside.put(row, target.pid_inside);
    columns.target_ppid.put(row, target.ppid);
    columns.target_started_boot_ns.put(row, target.started.0);
    columns.target_comm.put(row, target.comm);
    columns.target_is_reaper.put(row, target.is_reaper);
    columns.target_is_frozen.set(row, target.is_frozen);
    columns.v1_hierarchy_id.set(row, target.v1.map(|key| key.hierarchy.0));
    columns.v1_cgroup_id.set(row, target.v1.map(|key| key.cgroup.0));
    columns.target_parent_cgroup_id.set(row, target.parent_cgroup.map(|id| id.0));
    columns.target_parent_v1_cgroup_id.set(row, target.parent_v1.map(|id| id.0));
}

fn process_attach(columns: &mut Builders, row: usize, attach: &ProcessAttach<'_>) {
    process(columns, row, attach.cpu, &attach.target);
    columns.hierarchy_id.put(row, attach.key.hierarchy.0);
    columns.cgroup_id.put(row, attach.key.cgroup.0);
    columns.level.put(row, attach.level);
    columns.path.put(row, attach.path);
    columns.path_truncated.put(row, attach.path_truncated);
    actor(columns, row, &attach.mover);
}

fn process_exec(columns: &mut Builders, row: usize, exec: &ProcessExec<'_>) {
    target(columns, row, exec.cpu, &exec.target);
    columns.actor_parent_comm.put(row, exec.parent_comm);
}

fn task_exit(columns: &mut Builders, row: usize, exit: &TaskExit<'_>) {
    let (exit_code, exit_signal, core_dumped) = match exit.status {
        ExitStatus::Exited(code) => (Some(i32::from(code)), None, false),
        ExitStatus::Signalled { signal, core_dumped } => (None, Some(u32::from(signal)), core_dumped),
    };
    target(columns, row, exit.cpu, &exit.target);
    columns.actor_parent_comm.put(row, exit.parent_comm);
    columns.exit_code.set(row, exit_code);
    columns.exit_signal.set(row, exit_signal);
    columns.core_dumped.put(row, core_dumped);
    columns.oom_victim.put(row, exit.oom_victim);
    columns.rebooted.set(row, exit.rebooted);
}

fn fatal_signal(columns: &mut Builders, row: usize, signal: &FatalSignal<'_>) {
    target(columns, row, signal.cpu, &signal.target);
    actor(columns, row, &signal.sender);
    columns.signal.put(row, signal.signal);
    columns.signal_code.put(row, signal.code);
    columns.signal_origin.set(row, signal.origin.map(|origin| origin.as_str()));
    columns.signal_to_group.put(row, signal.to_group);
    columns.signal_result.set(row, signal.result.map(|result| result.as_str()));
    columns.actor_v1_cgroup_id.set(row, signal.sender_v1.map(|id| id.0));
    columns.actor_loginuid.set(row, signal.sender_loginuid);
    columns.actor_ancestors.set(row, (!signal.sender_ancestors.is_empty()).then_some(&signal.sender_ancestors));
}

fn oom_kill(columns: &mut Builders, row: usize, kill: &OomKill<'_>) {
    let (scope, limit, level) = match kill.limit {
        Some(OomLimit::Cgroup(key, level)) => (Some(LIMIT_OF_CGROUP), Some(key), Some(level)),
        Some(OomLimit::Host) => (Some(LIMIT_OF_HOST), None, None),
        None => (None, None, None),
    };
    target(columns, row, kill.cpu, &kill.target);
    actor(columns, row, &kill.invoker);
    columns.victim_memory_bytes.set(row, kill.memory_bytes);
    columns.limit_scope.set(row, scope);
    columns.limit_hierarchy_id.set(row, limit.map(|key| key.hierarchy.0));
    columns.limit_cgroup_id.set(row, limit.map(|key| key.cgroup.0));
    columns.limit_level.set(row, level);
}

fn clock(columns: &mut Builders, row: usize, reading: &ClockReading) {
    columns.clock_reason.set(row, reading.reason.map(|reason| reason.as_str()));
    columns.clock_step_ns.set(row, reading.step_ns);
    columns.suspended_ns.set(row, reading.suspended_ns);
    columns.clock_synchronized.set(row, reading.synchronized);
    columns.clock_max_error_ns.set(row, reading.max_error_ns);
    columns.clock_estimated_error_ns.set(row, reading.estimated_error_ns);
}

fn lost(columns: &mut Builders, row: usize, loss: &Loss) {
    columns.cpu.set(row, loss.cpu);
    columns.lost.put(row, loss.count);
    columns.lost_since_seq.put(row, loss.since.0);
    columns.lost_kind.set(row, loss.kind.map(|kind| kind.as_str()));
}

fn thinned(columns: &mut Builders, row: usize, thinning: &Thinning) {
    columns.actor_uid.set(row, thinning.uid);
    columns.thinned.put(row, thinning.count);
    columns.thinned_since_boot_ns.put(row, thinning.since.0);
}
