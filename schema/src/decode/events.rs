//! Records of raw/events.

use arrow::array::RecordBatch;
use obit_derivation::record::{
    Actor, Body, BootNs, CgroupEvent, CgroupEventKind, CgroupId, CgroupKey, HierarchyId, Loss, Record, Seq,
    SnapshotReason, Vitals,
};

use super::table_view;
use crate::error::Error;
use crate::kind;
use crate::tables::events::Views;

table_view!(
    /// A batch of raw/events.
    EventsView
);

impl EventsView {
    /// The record in that row. `scratch` holds its argument vector and is cleared first.
    ///
    /// A kind that this version does not know gives [`Body::Unknown`].
    ///
    /// # Errors
    /// The row lacks a value that its kind must have, or is past the end.
    pub fn get<'b, 'a: 'b>(&'a self, row: usize, scratch: &'b mut Vec<&'a str>) -> Result<Record<'b>, Error> {
        scratch.clear();
        let columns = &self.columns;
        let name = columns.kind.need(row)?;
        let body = match name {
            kind::LOST => Body::Lost(Loss {
                count: columns.lost.need(row)?,
                kind: columns.lost_kind.get(row).and_then(CgroupEventKind::from_name),
                cpu: columns.cpu.get(row),
                since: Seq(columns.lost_since_seq.need(row)?),
            }),
            kind::CLOCK => Body::Clock,
            kind::CAPTURE_START => Body::CaptureStart,
            kind::CAPTURE_STOP => Body::CaptureStop,
            kind::SNAPSHOT_BEGIN => self.reason(row)?.map_or(Body::Unknown, Body::SnapshotBegin),
            kind::SNAPSHOT_END => self.reason(row)?.map_or(Body::Unknown, Body::SnapshotEnd),
            kind::SNAPSHOT_FAILED => Body::SnapshotFailed(HierarchyId(columns.hierarchy_id.need(row)?)),
            _ => match CgroupEventKind::from_name(name) {
                Some(kind) => Body::Cgroup(self.cgroup_event(row, kind, scratch)?),
                None => Body::Unknown,
            },
        };
        self.record(row, body)
    }

    /// Why a walk was made; `None` for a reason that this version does not know.
    fn reason(&self, row: usize) -> Result<Option<SnapshotReason>, Error> {
        self.columns.reason.need(row).map(SnapshotReason::from_name)
    }

    fn cgroup_event<'b, 'a: 'b>(
        &'a self,
        row: usize,
        kind: CgroupEventKind,
        argv: &'b mut Vec<&'a str>,
    ) -> Result<CgroupEvent<'b>, Error> {
        let columns = &self.columns;
        columns.actor_argv.extend(row, argv);
        Ok(CgroupEvent {
            kind,
            cpu: columns.cpu.need(row)?,
            key: CgroupKey {
                hierarchy: HierarchyId(columns.hierarchy_id.need(row)?),
                cgroup: CgroupId(columns.cgroup_id.need(row)?),
            },
            parent: columns.parent_cgroup_id.get(row).map(CgroupId),
            level: columns.level.need(row)?,
            path: columns.path.need(row)?,
            path_truncated: columns.path_truncated.need(row)?,
            actor: Actor {
                pid: columns.actor_pid.need(row)?,
                tid: columns.actor_tid.need(row)?,
                ppid: columns.actor_ppid.need(row)?,
                uid: columns.actor_uid.need(row)?,
                comm: columns.actor_comm.need(row)?,
                parent_comm: columns.actor_parent_comm.need(row)?,
                cgroup: columns.actor_cgroup_id.get(row).map(CgroupId),
                argv,
                argv_truncated: columns.actor_argv_truncated.need(row)?,
            },
            vitals: Vitals {
                memory_peak_bytes: columns.memory_peak_bytes.get(row),
                memory_usage_bytes: columns.memory_usage_bytes.get(row),
                cpu_usage_ns: columns.cpu_usage_ns.get(row),
                pids_peak: columns.pids_peak.get(row),
                oom_kills: columns.oom_kills.get(row),
            },
        })
    }
}
