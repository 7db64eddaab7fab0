//! raw/events from records.

use arrow::array::RecordBatch;
use obit_derivation::record::{Body, CgroupEvent, Loss, Record};

use super::table_builder;
use crate::column::Texts;
use crate::error::Error;
use crate::kind;
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
            Body::Cgroup(event) => cgroup_event(event),
            Body::Lost(loss) => lost(loss),
            Body::Clock => mark(kind::CLOCK),
            Body::CaptureStart => mark(kind::CAPTURE_START),
            Body::CaptureStop => mark(kind::CAPTURE_STOP),
            Body::SnapshotBegin(reason) => Row { reason: Some(reason.as_str()), ..mark(kind::SNAPSHOT_BEGIN) },
            Body::SnapshotFailed(hierarchy) => Row { hierarchy_id: Some(hierarchy.0), ..mark(kind::SNAPSHOT_FAILED) },
            Body::SnapshotEnd(reason) => Row { reason: Some(reason.as_str()), ..mark(kind::SNAPSHOT_END) },
            _ => {
                return Err(Error::WrongTable { table: Table::Events.name(), seq: record.seq.0 });
            }
        };
        self.push(Row { seq: Some(record.seq.0), ts: Some(record.ts), boot_ns: Some(record.boot_ns.0), ..row });
        Ok(())
    }
}

/// A row of which only the kind matters.
fn mark<'a>(kind: &'static str) -> Row<'a> {
    Row { kind: Some(kind), ..Row::default() }
}

fn cgroup_event<'a>(event: &CgroupEvent<'a>) -> Row<'a> {
    let actor = &event.actor;
    let vitals = &event.vitals;
    Row {
        kind: Some(event.kind.as_str()),
        cpu: Some(event.cpu),
        hierarchy_id: Some(event.key.hierarchy.0),
        cgroup_id: Some(event.key.cgroup.0),
        parent_cgroup_id: event.parent.map(|id| id.0),
        level: Some(event.level),
        path: Some(event.path),
        path_truncated: Some(event.path_truncated),
        actor_pid: Some(actor.pid),
        actor_tid: Some(actor.tid),
        actor_ppid: Some(actor.ppid),
        actor_uid: Some(actor.uid),
        actor_comm: Some(actor.comm),
        actor_parent_comm: Some(actor.parent_comm),
        actor_cgroup_id: actor.cgroup.map(|id| id.0),
        actor_argv: (!actor.argv.is_empty()).then_some(Texts::Borrowed(actor.argv)),
        actor_argv_truncated: Some(actor.argv_truncated),
        memory_peak_bytes: vitals.memory_peak_bytes,
        memory_usage_bytes: vitals.memory_usage_bytes,
        cpu_usage_ns: vitals.cpu_usage_ns,
        pids_peak: vitals.pids_peak,
        oom_kills: vitals.oom_kills,
        ..Row::default()
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
