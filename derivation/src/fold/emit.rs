//! The rows of a life, each written once.

use super::apply::Fold;
use super::output::HeldEnd;
use super::walk::Walk;
use crate::containers::{LifeId, Origin, Stage};
use crate::ending::reports;
use crate::record::{Actor, CgroupKey, Stamp};
use crate::row::{ContainerRemove, Row, RowSink};

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

    /// Marks a root directory of a life as gone. That ends the life if the directory stands for it,
    /// or was its last.
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
            self.end_life(life_id, at, removed_by, out);
        }
        self.containers.reindex(life_id);
        self.containers.forget_if_gone(life_id);
    }

    /// Ends a life, once. Its row follows when its grace is over.
    fn end_life(&mut self, life_id: LifeId, at: Stamp, removed_by: Option<&Actor<'_>>, out: &mut dyn RowSink) {
        let Some(life) = self.containers.life_mut(life_id) else { return };
        // The row of a carried one is in the segment in which it ended.
        if !life.mark_ended(at.ts) || self.is_carrying {
            return;
        }
        life.set_held(true);
        let removed_by = removed_by.map(|actor| self.output.copy_actor(actor));
        self.output.preview(|| {
            let mut row = ContainerRemove::default();
            life.write_remove_row(at, &mut removed_by.clone(), &mut row).then_some(row)
        });
        self.output.hold(life_id, at, removed_by);
        // Without grace, the row is due at once.
        self.emit_due_ends(out);
    }

    /// Writes the rows of the ends whose grace is over.
    pub(super) fn emit_due_ends(&mut self, out: &mut dyn RowSink) {
        while let Some(end) = self.output.take_due() {
            self.emit_end(end, out);
        }
    }

    /// Writes the rows of all ends that are held.
    pub(super) fn emit_held_ends(&mut self, out: &mut dyn RowSink) {
        while let Some(end) = self.output.take_next() {
            self.emit_end(end, out);
        }
    }

    /// Writes the row of an end, and the rows of what contradicts it.
    fn emit_end(&mut self, mut end: HeldEnd, out: &mut dyn RowSink) {
        let Some(life) = self.containers.life_mut(end.life_id) else { return };
        life.set_held(false);
        let rows = self.output.rows_mut();
        if let Row::Remove(row) = &mut rows.remove
            && life.write_remove_row(end.ended, &mut end.removed_by, row)
        {
            let disagreements = reports::disagreements_at_end(row, life.reports(), self.gaps.is_clock_steady(life));
            out.take(&rows.remove);
            for disagreement in disagreements {
                out.take(&Row::Disagreement(disagreement));
            }
        }
        self.output.recycle(end.removed_by);
        self.containers.forget_if_gone(end.life_id);
    }

    /// Writes the rows of containers that were reported to have ended and have processes at the end
    /// of the log.
    pub(super) fn emit_disagreements_of_live(&mut self, last: Stamp, out: &mut dyn RowSink) {
        let living = self
            .containers
            .select(|life| life.stage() == Stage::Announced && !life.reports().is_told_alive && life.has_processes());
        for life_id in living {
            let Some(life) = self.containers.life_mut(life_id) else { continue };
            let row = reports::disagreement_of_live(last, life.first().ts, life.evidence(), life.reports(), || {
                life.identity()
            });
            if let Some(row) = row {
                out.take(&Row::Disagreement(row));
                life.mark_told_alive();
            }
        }
    }
}
