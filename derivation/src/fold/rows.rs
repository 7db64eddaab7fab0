//! The rows of an life, each written once, and when it is forgotten.

use alloc::collections::btree_map::Entry;
use alloc::sync::Arc;

use super::held::HeldEnd;
use super::walk::Walk;
use super::{Fold, MAX_GHOSTS};
use crate::containers::ids::IdKey;
use crate::containers::life::{Origin, Stage, Stamp};
use crate::containers::life_table::LifeId;
use crate::record::Actor;
use crate::row::{ContainerCreate, ContainerRemove, Row, RowSink};

/// RowSink of the two kinds that most are of, each written over the one before.
#[derive(Debug)]
pub(super) struct Drafts {
    /// Always a [`Row::Create`].
    create: Row,
    /// Always a [`Row::Remove`].
    remove: Row,
}

impl Default for Drafts {
    fn default() -> Self {
        Self { create: Row::Create(ContainerCreate::default()), remove: Row::Remove(ContainerRemove::default()) }
    }
}

impl Fold {
    /// Writes the row of an life's beginning, once; `maker` is who made its directory, if that is happening.
    pub(super) fn announce(&mut self, number: LifeId, moment: Stamp, maker: Option<&Actor<'_>>, out: &mut dyn RowSink) {
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
        if existed {
            if let Some(row) = life.existing_row(moment) {
                out.take(&Row::Existing(row));
            }
        } else if let Row::Create(row) = &mut self.drafts.create
            && life.write_create(moment, maker, row)
        {
            out.take(&self.drafts.create);
        }
    }

    /// Ends an life, once. Its row follows when its grace is over.
    pub(super) fn end(&mut self, number: LifeId, moment: Stamp, removed_by: Option<&Actor<'_>>, out: &mut dyn RowSink) {
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
        let removed_by = removed_by.map(|actor| self.held.copy_of(actor));
        if let Some(early) = &mut self.early {
            let mut row = ContainerRemove::default();
            if life.write_remove(moment, &mut removed_by.clone(), &mut row) {
                early.push(row);
            }
        }
        self.held.hold(number, moment, removed_by);
        // Without grace, at once.
        while let Some(end) = self.held.take_due() {
            self.release(end, out);
        }
    }

    /// Writes the row of an end.
    pub(super) fn release(&mut self, mut end: HeldEnd, out: &mut dyn RowSink) {
        let Some(life) = self.lives.get_mut(end.number) else { return };
        life.held = false;
        if let Row::Remove(row) = &mut self.drafts.remove
            && life.write_remove(end.ended, &mut end.removed_by, row)
        {
            let differences = life.differences(row, self.clock_set);
            out.take(&self.drafts.remove);
            for difference in differences {
                out.take(&Row::Disagreement(difference));
            }
        }
        if let Some(copy) = end.removed_by {
            self.held.give_back(copy);
        }
        self.forget_if_gone(end.number);
    }

    /// Lets go of an life that has no directory left and no row to come: at once if it never was one, else after
    /// a while.
    pub(super) fn forget_if_gone(&mut self, number: LifeId) {
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

    pub(super) fn forget(&mut self, number: LifeId) {
        let Some(life) = self.lives.remove(number) else {
            return;
        };
        let mut last: Option<&Arc<str>> = None;
        for id in life.claims.iter().map(|claim| &claim.container_id) {
            if last.replace(id).is_some_and(|last| Arc::ptr_eq(last, id)) {
                continue; // nearly all share one
            }
            if let Entry::Occupied(mut numbers) = self.by_id.entry(IdKey::from(Arc::clone(id))) {
                numbers.get_mut().remove(number);
                if numbers.get().is_empty() {
                    numbers.remove();
                }
            }
        }
    }
}
