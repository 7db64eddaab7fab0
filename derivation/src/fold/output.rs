//! Rows of exits and removals that wait for what is still to be said about the container.
//!
//! A daemon often answers after a short container is gone. So such a row is held for a grace
//! window, counted in record time: the boot clock of later records. Nothing but the joined identity
//! and accounting changes meanwhile.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::containers::LifeId;
use crate::record::{Actor, BootNs, Stamp};
use crate::row::{ActorCopy, ContainerCreate, ContainerExit, ContainerRemove, Row};

/// A row that is not written yet.
#[derive(Clone, Debug)]
pub(super) struct HeldRow {
    pub life_id: LifeId,
    pub at: Stamp,
    pub end: HeldEnd,
    due: BootNs,
}

/// The end that a held row tells of.
#[derive(Clone, Debug)]
pub(super) enum HeldEnd {
    /// The container has exited.
    Exit,
    /// The container is removed, by this task if that was seen.
    Removal(Option<ActorCopy>),
}

/// Rows that are held, in the order in which what they tell of happened, which is that of the rows.
#[derive(Debug, Default)]
pub(super) struct HeldRows {
    grace_ns: u64,
    /// The latest moment that a record has shown; single records may lie before it.
    now: BootNs,
    held: VecDeque<HeldRow>,
    /// Rows as they are known when the end happens, where somebody wants them before their grace is
    /// over.
    previews: Option<Vec<Row>>,
    /// The memory of tasks whose rows are written: new memory for each task costs a derivation 6
    /// per cent.
    spare: Vec<ActorCopy>,
    rows: Box<LastRows>,
}

/// The last row of each of the three kinds that most rows are of. The next one is written over it.
#[derive(Debug)]
pub(super) struct LastRows {
    /// Always a [`Row::Create`].
    pub create: Row,
    /// Always a [`Row::Exit`].
    pub exit: Row,
    /// Always a [`Row::Remove`].
    pub remove: Row,
}

impl Default for LastRows {
    fn default() -> Self {
        Self {
            create: Row::Create(ContainerCreate::default()),
            exit: Row::Exit(ContainerExit::default()),
            remove: Row::Remove(ContainerRemove::default()),
        }
    }
}

/// Most tasks whose memory is kept: as many as containers that are removed at once.
const MAX_SPARE: usize = 64;

impl HeldRows {
    /// Returns an output that holds a row back for `grace_ns` nanoseconds.
    pub fn with_grace(grace_ns: u64) -> Self {
        Self { grace_ns, ..Self::default() }
    }

    /// Takes the output of the next segment: the same grace and previews, without held rows or a
    /// moment.
    pub fn take_for_next_segment(&mut self) -> Self {
        Self { grace_ns: self.grace_ns, previews: self.previews.take(), ..Self::default() }
    }

    /// Keeps a preview of each row that is held from now on.
    pub fn enable_preview(&mut self) {
        self.previews.get_or_insert_default();
    }

    /// Adds the preview that `row` makes, if previews are kept.
    pub fn preview(&mut self, row: impl FnOnce() -> Option<Row>) {
        if let Some(previews) = &mut self.previews {
            previews.extend(row());
        }
    }

    /// Takes the previews since the last call.
    pub fn take_previews(&mut self) -> Vec<Row> {
        self.previews.as_mut().map(core::mem::take).unwrap_or_default()
    }

    /// Returns the rows to write over.
    pub fn rows_mut(&mut self) -> &mut LastRows {
        &mut self.rows
    }

    /// Copies a task.
    pub fn copy_actor(&mut self, actor: &Actor<'_>) -> ActorCopy {
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.copy_from(actor);
        copy
    }

    /// Keeps the memory of a task for the next copy.
    pub fn recycle(&mut self, copy: Option<ActorCopy>) {
        if self.spare.len() < MAX_SPARE {
            self.spare.extend(copy);
        }
    }

    /// Holds a row back.
    pub fn hold(&mut self, life_id: LifeId, at: Stamp, end: HeldEnd) {
        let due = BootNs(at.boot_ns.0.max(self.now.0).saturating_add(self.grace_ns));
        self.held.push_back(HeldRow { life_id, at, end, due });
    }

    /// Advances the time to a record's moment.
    pub fn advance(&mut self, to: BootNs) {
        self.now = self.now.max(to);
    }

    /// Takes the next row whose grace is over.
    pub fn take_due(&mut self) -> Option<HeldRow> {
        let is_due = self.held.front().is_some_and(|row| row.due <= self.now);
        if is_due { self.held.pop_front() } else { None }
    }

    /// Takes the next row, because the log has ended.
    pub fn take_next(&mut self) -> Option<HeldRow> {
        self.held.pop_front()
    }

    /// Returns when the oldest row is due.
    pub fn next_due(&self) -> Option<BootNs> {
        self.held.front().map(|row| row.due)
    }
}
