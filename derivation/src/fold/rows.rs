//! The rows of an incarnation, each written once, and when it is forgotten.

use alloc::collections::btree_map::Entry;
use alloc::sync::Arc;

use super::held::HeldEnd;
use super::ids::IdKey;
use super::incarnation::{Moment, Origin, Stage};
use super::lives::IncarnationNo;
use super::walk::Walk;
use super::{Fold, MAX_GHOSTS};
use crate::record::Actor;
use crate::row::{ActorCopy, Row, Rows};

impl Fold {
    /// Writes the row of an incarnation's beginning, once; `maker` is who made its directory, if that is happening.
    pub(super) fn announce(
        &mut self,
        number: IncarnationNo,
        moment: Moment,
        maker: Option<&Actor<'_>>,
        out: &mut dyn Rows,
    ) {
        let starting = self.walk.as_ref().is_some_and(Walk::follows_start);
        let Some(life) = self.lives.get_mut(number) else {
            return;
        };
        if !matches!(life.stage, Stage::Provisional | Stage::Unannounced) {
            return;
        }
        if self.carrying {
            // Its row was in the segment in which it began; another follows when the walk of this one is over.
            (life.stage, life.is_carried) = (Stage::Unannounced, true);
            return;
        }
        life.stage = Stage::Announced;
        let existed = life.is_carried || life.origin == Origin::Walked && starting;
        let row = if existed {
            life.existing_row(moment).map(Row::Existing)
        } else {
            life.create_row(moment, maker).map(Row::Create)
        };
        if let Some(row) = row {
            out.take(row);
        }
    }

    /// Ends an incarnation, once. Its row follows when its grace is over.
    pub(super) fn end(
        &mut self,
        number: IncarnationNo,
        moment: Moment,
        removed_by: Option<ActorCopy>,
        out: &mut dyn Rows,
    ) {
        let Some(life) = self.lives.get_mut(number) else { return };
        if life.stage == Stage::Ended {
            return;
        }
        life.stage = Stage::Ended;
        life.end_mut().at = Some(moment.ts);
        if self.carrying {
            return; // its row is in the segment in which it ended
        }
        life.held = true;
        if let Some(early) = &mut self.early {
            early.extend(life.remove_row(moment, removed_by.clone()));
        }
        self.held.hold(number, moment, removed_by);
        // Without grace, at once.
        while let Some(end) = self.held.take_due() {
            self.release(end, out);
        }
    }

    /// Writes the row of an end.
    pub(super) fn release(&mut self, end: HeldEnd, out: &mut dyn Rows) {
        let Some(life) = self.lives.get_mut(end.number) else { return };
        life.held = false;
        if let Some(row) = life.remove_row(end.ended, end.removed_by) {
            let differences = life.differences(&row, self.clock_set);
            out.take(Row::Remove(row));
            for difference in differences {
                out.take(Row::Disagreement(difference));
            }
        }
        self.forget_if_gone(end.number);
    }

    /// Lets go of an incarnation that has no directory left and no row to come: at once if it never was one, else after
    /// a while.
    pub(super) fn forget_if_gone(&mut self, number: IncarnationNo) {
        let Some(life) = self.lives.get_mut(number) else { return };
        if life.is_present() || life.held || life.is_ghost {
            return;
        }
        if life.stage != Stage::Ended {
            self.forget(number);
            return;
        }
        life.is_ghost = true;
        self.ghosts.push_back(number);
        if self.ghosts.len() > MAX_GHOSTS
            && let Some(oldest) = self.ghosts.pop_front()
        {
            self.forget(oldest);
        }
    }

    pub(super) fn forget(&mut self, number: IncarnationNo) {
        let Some(life) = self.lives.remove(number) else {
            return;
        };
        for claim in life.claims.iter() {
            let key = IdKey::from(Arc::clone(&claim.container_id));
            if let Entry::Occupied(mut numbers) = self.by_id.entry(key) {
                numbers.get_mut().retain(|&have| have != number);
                if numbers.get().is_empty() {
                    numbers.remove();
                }
            }
        }
    }
}
