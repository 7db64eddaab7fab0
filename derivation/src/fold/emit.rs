//! The rows of a life, each written once.

use alloc::vec::Vec;

use super::apply::Fold;
use super::output::{HeldEnd, HeldRow};
use super::walk::Walk;
use crate::containers::{Exit, ExitEvidence, Life, LifeId, Origin, Stage};
use crate::ending::reports;
use crate::record::{Actor, CgroupKey, Stamp};
use crate::row::{ContainerExit, ContainerRemove, Row, RowSink};

impl Fold {
    /// Writes the row of a life's beginning, once; `maker` is who made its directory, if that is
    /// happening.
    pub(super) fn emit_begin(&mut self, life_id: LifeId, at: Stamp, maker: Option<&Actor<'_>>, out: &mut dyn RowSink) {
        let is_start = self.walk.as_ref().is_some_and(Walk::follows_start);
        let Some(life) = self.containers.life_mut(life_id).filter(|life| life.awaits_announcement()) else { return };
        if self.is_carrying {
            // Its row was in the segment in which it began; another follows when the walk of this
            // one is over.
            life.mark_carried();
            return;
        }
        life.mark_announced();
        self.hand_on_reports(life_id);
        let Some(life) = self.containers.life_mut(life_id) else { return };
        let existed = life.is_carried() || life.origin() == Origin::Walked && is_start;
        if existed {
            if let Some(row) = life.existing_row(at) {
                out.take(&Row::Existing(row));
            }
        } else {
            let rows = self.output.rows_mut();
            if let Row::Create(row) = &mut rows.create
                && life.write_create_row(at, maker, row)
            {
                out.take(&rows.create);
            }
        }
    }

    /// Gives a life what was reported of its end before the event of its beginning was read: the
    /// life before, which has exited, was the only one to have it then.
    fn hand_on_reports(&mut self, life_id: LifeId) {
        let Some(life) = self.containers.life(life_id).filter(|life| life.origin() == Origin::Made) else { return };
        let Some(container_id) = life.container_id() else { return };
        let first = life.first();
        let is_before = |older: &Life| {
            let has_exited = older.exit().is_some_and(|exit| exit.at.boot_ns <= first.boot_ns);
            has_exited && !older.reports().is_empty() && self.gaps.is_clock_steady(older)
        };
        let mut lives = self.containers.lives_with_id(container_id);
        lives.retain(|older| *older != life_id && self.containers.life(*older).is_some_and(is_before));
        for older in lives {
            let reports = self.containers.life_mut(older).map(|life| life.take_later_reports(first.ts));
            let Some(life) = self.containers.life_mut(life_id) else { return };
            reports.unwrap_or_default().into_iter().for_each(|report| life.add_report(report));
        }
    }

    /// Ends a container's run, once. The row follows when its grace is over; without grace, at
    /// once.
    pub(super) fn exit_life(&mut self, life_id: LifeId, at: Stamp, evidence: ExitEvidence, out: &mut dyn RowSink) {
        self.hold_exit(life_id, at, evidence, out);
        self.emit_due_ends(out);
    }

    fn hold_exit(&mut self, life_id: LifeId, at: Stamp, evidence: ExitEvidence, out: &mut dyn RowSink) {
        let Some(life) = self.containers.life_mut(life_id) else { return };
        // The row of a carried one is in the segment in which it happened.
        if !life.mark_exited(at, evidence) || self.is_carrying {
            return;
        }
        self.forget_pending_run(life_id);
        // Nobody has seen the beginning of a life that an exit shows first.
        self.emit_begin(life_id, at, None, out);
        let Some(life) = self.containers.life_mut(life_id) else { return };
        life.hold();
        self.output.preview(|| {
            let mut row = ContainerExit::default();
            life.write_exit_row(Exit { at, evidence }, &mut row).then_some(Row::Exit(row))
        });
        self.output.hold(life_id, at, HeldEnd::Exit);
    }

    /// Marks a root directory of a life as gone. That removes the container if the directory stands
    /// for it, or was its last.
    pub(super) fn root_gone(
        &mut self,
        life_id: LifeId,
        key: CgroupKey,
        at: Stamp,
        removed_by: Option<&Actor<'_>>,
        out: &mut dyn RowSink,
    ) {
        let Some(life) = self.containers.life_mut(life_id) else { return };
        if life.mark_root_gone(key, at.seq) {
            self.emit_begin(life_id, at, None, out);
            self.conclude_exit(life_id, at, out);
            self.remove_life(life_id, at, removed_by);
            self.emit_due_ends(out);
        } else {
            self.exit_if_abandoned(life_id, at, out);
        }
        self.containers.reindex(life_id);
        self.containers.forget_if_gone(life_id);
    }

    /// Ends the run of a container in which nothing is left, if the end of its init was not to be
    /// seen.
    pub(super) fn exit_if_abandoned(&mut self, life_id: LifeId, at: Stamp, out: &mut dyn RowSink) {
        let Some(life) = self.containers.life(life_id) else { return };
        if life.exit().is_none() && life.is_abandoned() {
            let is_seen = life.has_seen_init_exit();
            let evidence = if is_seen { ExitEvidence::InitEnded } else { ExitEvidence::Emptied };
            self.exit_life(life_id, at, evidence, out);
        }
    }

    /// Concludes, from the removal of a container, that it has exited, unless nothing ever ran in
    /// it, or its init is known to go on elsewhere.
    fn conclude_exit(&mut self, life_id: LifeId, at: Stamp, out: &mut dyn RowSink) {
        let Some(life) = self.containers.life(life_id) else { return };
        // Of a container that was there before, a source may have stated the init of a run before.
        let is_init_known = life.init().is_some() || life.origin() == Origin::Made;
        if life.has_run() && !(is_init_known && life.awaits_init_end()) {
            self.hold_exit(life_id, at, ExitEvidence::Concluded, out);
        }
    }

    /// Removes a container, once. Its row follows when its grace is over.
    fn remove_life(&mut self, life_id: LifeId, at: Stamp, removed_by: Option<&Actor<'_>>) {
        let Some(life) = self.containers.life_mut(life_id) else { return };
        if !life.mark_ended(at.ts) {
            return;
        }
        if self.is_carrying {
            // The rows of a carried one, that of its exit among them, are in the segment in which
            // it ended.
            life.mark_exited(at, ExitEvidence::Concluded);
            return;
        }
        self.forget_pending_run(life_id);
        let Some(life) = self.containers.life_mut(life_id) else { return };
        life.hold();
        let removed_by = removed_by.map(|actor| self.output.copy_actor(actor));
        self.output.preview(|| {
            let mut row = ContainerRemove::default();
            life.write_remove_row(at, &mut removed_by.clone(), &mut row).then_some(Row::Remove(row))
        });
        self.output.hold(life_id, at, HeldEnd::Removal(removed_by));
    }

    /// Forgets what was said of a container in advance and may not hold for its next run.
    fn forget_pending_run(&mut self, life_id: LifeId) {
        if let Some(id) = self.containers.life(life_id).and_then(Life::container_id) {
            self.pending.forget_run(id);
        }
    }

    /// Writes the rows whose grace is over.
    pub(super) fn emit_due_ends(&mut self, out: &mut dyn RowSink) {
        while let Some(row) = self.output.take_due() {
            self.emit_held(row, out);
        }
    }

    /// Writes all rows that are held.
    pub(super) fn emit_held_ends(&mut self, out: &mut dyn RowSink) {
        while let Some(row) = self.output.take_next() {
            self.emit_held(row, out);
        }
    }

    /// Writes a row that was held and, with that of a removal, the rows of what contradicts it.
    fn emit_held(&mut self, held: HeldRow, out: &mut dyn RowSink) {
        let Some(life) = self.containers.life_mut(held.life_id) else { return };
        life.release();
        life.forget_reports_on_others();
        let rows = self.output.rows_mut();
        match held.end {
            HeldEnd::Exit => {
                if let (Row::Exit(row), Some(exit)) = (&mut rows.exit, life.exit())
                    && life.write_exit_row(exit, row)
                {
                    out.take(&rows.exit);
                }
            }
            HeldEnd::Removal(mut removed_by) => {
                if let Row::Remove(row) = &mut rows.remove
                    && life.write_remove_row(held.at, &mut removed_by, row)
                {
                    let end = reports::ToldEnd::of_removal(row);
                    let found = match life.is_run_doubtful() {
                        true => Vec::new(),
                        false => reports::disagreements_at_end(&end, life.reports(), self.gaps.is_clock_steady(life)),
                    };
                    out.take(&rows.remove);
                    for disagreement in found {
                        out.take(&Row::Disagreement(disagreement));
                    }
                }
                self.output.recycle(removed_by);
            }
        }
        self.containers.forget_if_gone(held.life_id);
    }

    /// Writes the rows of what contradicts the containers that are not removed at the end of the
    /// log: those that have exited, and those that were reported to have ended and run.
    pub(super) fn emit_disagreements_of_live(&mut self, last: Stamp, out: &mut dyn RowSink) {
        let living = self.containers.select(|life| life.stage() == Stage::Announced && !life.reports().is_told_alive);
        for life_id in living {
            // A report may be about another run than the one that the rows tell of.
            let can_differ = |life: &&mut Life| !life.reports().is_empty() && !life.is_run_doubtful();
            let Some(life) = self.containers.life_mut(life_id).filter(can_differ) else { continue };
            life.forget_reports_on_others();
            let mut found = Vec::new();
            if let Some(exit) = life.exit() {
                let mut row = ContainerExit::default();
                if life.write_exit_row(exit, &mut row) {
                    let end = reports::ToldEnd::of_exit(&row, last);
                    found = reports::disagreements_at_end(&end, life.reports(), self.gaps.is_clock_steady(life));
                }
            } else if life.has_processes() {
                let row = reports::disagreement_of_live(last, life.first().ts, life.evidence(), life.reports(), || {
                    life.identity()
                });
                found.extend(row);
            }
            if !found.is_empty() {
                life.mark_told_alive();
            }
            for row in found {
                out.take(&Row::Disagreement(row));
            }
        }
    }
}
