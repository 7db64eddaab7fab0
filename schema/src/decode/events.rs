//! Records of raw/events.

use std::borrow::Cow;

use obit_derivation::record::{
    Actor, Body, BootNs, Carried, CgroupEvent, CgroupEventKind, CgroupId, CgroupKey, ClockReading, ClockReason,
    ExitStatus, FatalSignal, HierarchyId, KernelEventKind, Loss, OomKill, OomLimit, ProcessAttach, ProcessExec, Record,
    Seq, SignalOrigin, SignalResult, SnapshotReason, Target, TaskExit, Thinning, UnreadPart, Usage,
};

use super::batch_view::{BatchView, RawTable};
use super::row_kind::RowKind;
use crate::column::{ColumnReader, Timestamp, U64};
use crate::error::Error;
use crate::kind;
use crate::tables::events::{Events, Readers};

/// A batch of raw/events.
pub type EventsView = BatchView<Events>;

/// The kinds of a batch's rows, and what its rows lack altogether.
#[derive(Debug)]
pub struct EventIndex {
    kinds: Vec<RowKind>,
    /// True if some row has a usage value.
    has_usage: bool,
}

impl RawTable for Events {
    type Index = EventIndex;

    fn index(columns: &Readers) -> EventIndex {
        EventIndex { kinds: columns.kind.map(RowKind::from_name), has_usage: !columns.usage.is_null() }
    }
    fn place(columns: &Readers) -> (&ColumnReader<U64>, &ColumnReader<Timestamp>, &ColumnReader<U64>) {
        (&columns.seq, &columns.ts, &columns.boot_ns)
    }
}

impl EventsView {
    /// Returns the record of a row. `scratch` is cleared, then holds the record's argument vector.
    ///
    /// A kind unknown to this version gives [`Body::Unknown`].
    ///
    /// # Errors
    /// The row lacks a value that its kind must have, or is past the end.
    pub fn get<'b, 'a: 'b>(&'a self, row: usize, scratch: &'b mut Vec<&'a str>) -> Result<Record<'b>, Error> {
        scratch.clear();
        let columns = &self.columns;
        let body = match self.index.kinds.get(row) {
            Some(RowKind::Carried) => {
                let from = Seq(columns.carried_from_seq.require(row)?);
                // A record is never carried twice: such a kind is unknown.
                let body = self.body(row, RowKind::from_name(columns.carried_kind.require(row)?), scratch)?;
                Body::Carried(Box::new(Carried { from, body }))
            }
            // The most frequent by far.
            Some(RowKind::Kernel(KernelEventKind::Cgroup(kind))) => return self.cgroup_event(row, *kind, scratch),
            Some(kind) => self.body(row, *kind, scratch)?,
            None => return Err(Error::ValueMissing { column: "kind" }),
        };
        self.record(row, body)
    }

    /// Returns the body of a row of this kind.
    #[inline]
    fn body<'b, 'a: 'b>(&'a self, row: usize, kind: RowKind, scratch: &'b mut Vec<&'a str>) -> Result<Body<'b>, Error> {
        let columns = &self.columns;
        let body = match kind {
            RowKind::Kernel(KernelEventKind::Cgroup(kind)) => self.cgroup_event(row, kind, scratch)?.body,
            RowKind::Kernel(KernelEventKind::Attach) => Body::Attach(self.process_attach(row, scratch)?),
            RowKind::Kernel(KernelEventKind::Exec) => Body::Exec(self.process_exec(row)?),
            RowKind::Kernel(KernelEventKind::Exit) => Body::Exit(self.task_exit(row)?),
            RowKind::Kernel(KernelEventKind::Signal) => Body::Signal(self.fatal_signal(row, scratch)?),
            RowKind::Kernel(KernelEventKind::Oom) => Body::Oom(self.oom_kill(row, scratch)?),
            RowKind::Lost => Body::Lost(Loss {
                count: columns.lost.require(row)?,
                kind: columns.lost_kind.get(row).and_then(KernelEventKind::from_name),
                cpu: columns.cpu.get(row),
                since: Seq(columns.lost_since_seq.require(row)?),
            }),
            RowKind::Thinned => Body::Thinned(Thinning {
                count: columns.thinned.require(row)?,
                uid: columns.actor_uid.get(row),
                since: BootNs(columns.thinned_since_boot_ns.require(row)?),
            }),
            RowKind::Clock => Body::Clock(self.clock(row)),
            RowKind::CaptureStart => Body::CaptureStart,
            RowKind::CaptureStop => Body::CaptureStop,
            RowKind::SegmentBegin => Body::SegmentBegin,
            RowKind::SnapshotBegin => self.reason(row)?.map_or(Body::Unknown, Body::SnapshotBegin),
            RowKind::SnapshotEnd => self.reason(row)?.map_or(Body::Unknown, Body::SnapshotEnd),
            RowKind::SnapshotFailed => Body::SnapshotFailed(UnreadPart {
                hierarchy: HierarchyId(columns.hierarchy_id.require(row)?),
                below: columns.path.get(row).map(Cow::Borrowed),
            }),
            RowKind::Carried | RowKind::Unknown => Body::Unknown,
        };
        Ok(body)
    }

    fn clock(&self, row: usize) -> ClockReading {
        let columns = &self.columns;
        ClockReading {
            reason: columns.clock_reason.get(row).and_then(ClockReason::from_name),
            step_ns: columns.clock_step_ns.get(row),
            suspended_ns: columns.suspended_ns.get(row),
            synchronized: columns.clock_synchronized.get(row),
            max_error_ns: columns.clock_max_error_ns.get(row),
            estimated_error_ns: columns.clock_estimated_error_ns.get(row),
        }
    }

    /// Returns the reason of a walk; `None` if it is unknown to this version.
    fn reason(&self, row: usize) -> Result<Option<SnapshotReason>, Error> {
        self.columns.reason.require(row).map(SnapshotReason::from_name)
    }

    /// Returns the whole record, so that no part of it is moved once it is made.
    fn cgroup_event<'b, 'a: 'b>(
        &'a self,
        row: usize,
        kind: CgroupEventKind,
        argv: &'b mut Vec<&'a str>,
    ) -> Result<Record<'b>, Error> {
        let columns = &self.columns;
        let (seq, ts, boot_ns) = self.place(row)?;
        Ok(Record {
            seq,
            ts,
            boot_ns,
            body: Body::Cgroup(CgroupEvent {
                kind,
                cpu: columns.cpu.require(row)?,
                key: key(columns.hierarchy_id.require(row)?, columns.cgroup_id.require(row)?),
                parent: columns.parent_cgroup_id.get(row).map(CgroupId),
                level: columns.level.require(row)?,
                path: columns.path.require(row)?,
                path_truncated: columns.path_truncated.require(row)?,
                actor: self.actor(row, argv)?,
                usage: if self.index.has_usage { columns.usage.get(row) } else { Usage::default() },
            }),
        })
    }

    #[inline(always)] // made where the record lies: there are millions
    fn actor<'b, 'a: 'b>(&'a self, row: usize, argv: &'b mut Vec<&'a str>) -> Result<Actor<'b>, Error> {
        let columns = &self.columns;
        columns.actor_argv.extend(row, argv);
        Ok(Actor {
            pid: columns.actor_pid.require(row)?,
            tid: columns.actor_tid.require(row)?,
            ppid: columns.actor_ppid.get(row).unwrap_or_default(),
            uid: columns.actor_uid.require(row)?,
            comm: columns.actor_comm.require(row)?,
            parent_comm: columns.actor_parent_comm.get(row).unwrap_or_default(),
            cgroup: columns.actor_cgroup_id.get(row).map(CgroupId),
            argv,
            argv_truncated: columns.actor_argv_truncated.require(row)?,
        })
    }

    fn target(&self, row: usize) -> Result<Target<'_>, Error> {
        let columns = &self.columns;
        let v1 = columns.v1_hierarchy_id.get(row).zip(columns.v1_cgroup_id.get(row));
        Ok(Target {
            pid: columns.target_pid.require(row)?,
            pid_inside: columns.target_pid_inside.require(row)?,
            ppid: columns.target_ppid.require(row)?,
            started: BootNs(columns.target_started_boot_ns.require(row)?),
            comm: columns.target_comm.require(row)?,
            is_reaper: columns.target_is_reaper.require(row)?,
            is_frozen: columns.target_is_frozen.get(row),
            cgroup: CgroupId(columns.cgroup_id.require(row)?),
            v1: v1.map(|(hierarchy, cgroup)| key(hierarchy, cgroup)),
            parent_cgroup: columns.target_parent_cgroup_id.get(row).map(CgroupId),
            parent_v1: columns.target_parent_v1_cgroup_id.get(row).map(CgroupId),
        })
    }

    fn process_attach<'b, 'a: 'b>(
        &'a self,
        row: usize,
        argv: &'b mut Vec<&'a str>,
    ) -> Result<ProcessAttach<'b>, Error> {
        let columns = &self.columns;
        let key = key(columns.hierarchy_id.require(row)?, columns.cgroup_id.require(row)?);
        let mut target = self.target(row)?;
        if key.hierarchy != HierarchyId::V2 {
            // The row has the directory in the place of the process's cgroup on v2.
            target.cgroup = CgroupId(0);
        }
        Ok(ProcessAttach {
            cpu: columns.cpu.require(row)?,
            target,
            key,
            level: columns.level.require(row)?,
            path: columns.path.require(row)?,
            path_truncated: columns.path_truncated.require(row)?,
            mover: self.actor(row, argv)?,
        })
    }

    fn process_exec(&self, row: usize) -> Result<ProcessExec<'_>, Error> {
        let columns = &self.columns;
        Ok(ProcessExec {
            cpu: columns.cpu.require(row)?,
            target: self.target(row)?,
            parent_comm: columns.actor_parent_comm.require(row)?,
        })
    }

    fn task_exit(&self, row: usize) -> Result<TaskExit<'_>, Error> {
        let columns = &self.columns;
        // A number that no kernel gives counts as missing.
        let status = match columns.exit_signal.get(row) {
            Some(signal) => ExitStatus::Signalled {
                signal: u8::try_from(signal).map_err(|_| Error::ValueMissing { column: "exit_signal" })?,
                core_dumped: columns.core_dumped.require(row)?,
            },
            None => {
                let code = u8::try_from(columns.exit_code.require(row)?);
                ExitStatus::Exited(code.map_err(|_| Error::ValueMissing { column: "exit_code" })?)
            }
        };
        Ok(TaskExit {
            cpu: columns.cpu.require(row)?,
            target: self.target(row)?,
            status,
            oom_victim: columns.oom_victim.require(row)?,
            rebooted: columns.rebooted.get(row),
            parent_comm: columns.actor_parent_comm.require(row)?,
        })
    }

    fn fatal_signal<'b, 'a: 'b>(&'a self, row: usize, argv: &'b mut Vec<&'a str>) -> Result<FatalSignal<'b>, Error> {
        let columns = &self.columns;
        let code = columns.signal_code.require(row)?;
        Ok(FatalSignal {
            cpu: columns.cpu.require(row)?,
            target: self.target(row)?,
            signal: columns.signal.require(row)?,
            code,
            // Older builds gave no origin to timers and the like.
            origin: columns.signal_origin.get(row).map_or_else(|| SignalOrigin::of_code(code), SignalOrigin::from_name),
            to_group: columns.signal_to_group.require(row)?,
            result: columns.signal_result.get(row).and_then(SignalResult::from_name),
            sender: self.actor(row, argv)?,
            sender_v1: columns.actor_v1_cgroup_id.get(row).map(CgroupId),
            sender_loginuid: columns.actor_loginuid.get(row),
            sender_ancestors: columns.actor_ancestors.ancestors(row),
        })
    }

    fn oom_kill<'b, 'a: 'b>(&'a self, row: usize, argv: &'b mut Vec<&'a str>) -> Result<OomKill<'b>, Error> {
        let columns = &self.columns;
        let limit = match columns.limit_scope.get(row) {
            Some(kind::LIMIT_OF_CGROUP) => Some(OomLimit::Cgroup(
                key(columns.limit_hierarchy_id.require(row)?, columns.limit_cgroup_id.require(row)?),
                columns.limit_level.require(row)?,
            )),
            Some(kind::LIMIT_OF_HOST) => Some(OomLimit::Host),
            _ => None,
        };
        Ok(OomKill {
            cpu: columns.cpu.require(row)?,
            target: self.target(row)?,
            memory_bytes: columns.victim_memory_bytes.get(row),
            limit,
            invoker: self.actor(row, argv)?,
        })
    }
}

fn key(hierarchy: u32, cgroup: u64) -> CgroupKey {
    CgroupKey { hierarchy: HierarchyId(hierarchy), cgroup: CgroupId(cgroup) }
}
