//! RowSink of ends that wait for what is still to be said about the container.
//!
//! A daemon often answers after a short container is gone. So the row of an end is held for a grace window, counted in
//! record time: the boot clock of later records. Nothing but the joined identity and accounting changes meanwhile.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::containers::life::Stamp;
use crate::containers::life_table::LifeId;
use crate::record::{Actor, BootNs};
use crate::row::ActorCopy;

/// An end whose row is not written yet.
#[derive(Clone, Debug)]
pub(super) struct HeldEnd {
    pub number: LifeId,
    pub ended: Stamp,
    pub removed_by: Option<ActorCopy>,
    due: BootNs,
}

/// Ends in the order in which they happened, which is the order of their rows.
#[derive(Debug, Default)]
pub(super) struct HeldEnds {
    grace_ns: u64,
    /// The latest moment that a record has shown; single records may lie before it.
    now: BootNs,
    ends: VecDeque<HeldEnd>,
    /// Memory for who removes the next ones.
    spare: Vec<ActorCopy>,
}

/// OwnedClaim of that memory: as much as containers that end at once take.
const MAX_SPARE: usize = 64;

impl HeldEnds {
    pub fn with_grace(grace_ns: u64) -> Self {
        Self { grace_ns, ..Self::default() }
    }

    /// One that holds nothing and has seen no moment.
    pub fn anew(&self) -> Self {
        Self::with_grace(self.grace_ns)
    }

    /// Memory for a copy of the task.
    pub fn copy_of(&mut self, actor: &Actor<'_>) -> ActorCopy {
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.copy(actor);
        copy
    }

    /// Takes back memory that is needed no more.
    pub fn give_back(&mut self, copy: ActorCopy) {
        if self.spare.len() < MAX_SPARE {
            self.spare.push(copy);
        }
    }

    pub fn hold(&mut self, number: LifeId, ended: Stamp, removed_by: Option<ActorCopy>) {
        let due = BootNs(ended.boot_ns.0.max(self.now.0).saturating_add(self.grace_ns));
        self.ends.push_back(HeldEnd { number, ended, removed_by, due });
    }

    /// Lets time pass up to a record's moment.
    pub fn advance(&mut self, to: BootNs) {
        self.now = self.now.max(to);
    }

    /// Takes the next end whose grace is over.
    pub fn take_due(&mut self) -> Option<HeldEnd> {
        let due = self.ends.front().is_some_and(|end| end.due <= self.now);
        if due { self.ends.pop_front() } else { None }
    }

    /// Takes all, because the log has ended.
    pub fn take_all(&mut self) -> Vec<HeldEnd> {
        self.ends.drain(..).collect()
    }

    /// When the oldest is due.
    pub fn next_due(&self) -> Option<BootNs> {
        self.ends.front().map(|end| end.due)
    }
}
