//! The rows of a life, sorted by what they tell.

use obit_derivation::record::Seq;
use obit_derivation::row::{
    ContainerCreate, ContainerExit, ContainerRemove, Death, Disagreement, ExistingContainer, Identity, Place,
};
use obit_derivation::{Row, WallNs};

/// The rows of a life, by kind.
#[derive(Default)]
pub(super) struct LifeFacts<'a> {
    pub(super) create: Option<&'a ContainerCreate>,
    /// The first walk that found it; later segments' walks find it again.
    pub(super) existing: Option<&'a ExistingContainer>,
    pub(super) exit: Option<&'a ContainerExit>,
    pub(super) remove: Option<&'a ContainerRemove>,
    pub(super) disagreements: Vec<&'a Disagreement>,
    /// The identities that the rows state, the newest first.
    identities: Vec<&'a Identity>,
}

impl<'a> LifeFacts<'a> {
    pub(super) fn of(rows: &'a [Row]) -> Self {
        let mut facts = Self::default();
        for row in rows {
            match row {
                Row::Create(row) => facts.create = facts.create.or(Some(row)),
                Row::Existing(row) => facts.existing = facts.existing.or(Some(row)),
                Row::Exit(row) => facts.exit = facts.exit.or(Some(row)),
                Row::Remove(row) => facts.remove = facts.remove.or(Some(row)),
                Row::Disagreement(row) => facts.disagreements.push(row),
            }
        }
        facts.identities = rows.iter().rev().map(Row::identity).collect();
        facts
    }

    /// Iterates over the identities that the rows state, the newest first.
    pub(super) fn identities(&self) -> impl Iterator<Item = &'a Identity> + '_ {
        self.identities.iter().copied()
    }

    /// Returns the newest value of a field of the identity that any row has.
    pub(super) fn newest<T>(&self, field: impl Fn(&'a Identity) -> Option<T>) -> Option<T> {
        self.identities().find_map(field)
    }

    /// Returns the account of its end: that of the exit or, without such a row, of the removal.
    pub(super) fn death(&self) -> Option<&'a Death> {
        self.exit.map(|row| &row.death).or(self.remove.map(|row| &row.death))
    }

    /// Returns true if its program was never executed, as far as that was to be seen.
    pub(super) fn never_started(&self) -> Option<bool> {
        self.exit.and_then(|row| row.never_started).or(self.remove.and_then(|row| row.never_started))
    }

    /// Returns the time from its creation to its exit or, without such a row, to its removal.
    pub(super) fn lifetime_ns(&self) -> Option<u64> {
        self.exit.and_then(|row| row.lifetime_ns).or(self.remove.and_then(|row| row.lifetime_ns))
    }

    /// Returns the record of its creation, if that was seen: of a life that goes on in a later
    /// segment, the row of the creation may be gone with an earlier one.
    pub(super) fn created_seq(&self) -> Option<Seq> {
        self.exit.and_then(|row| row.created_seq).or(self.remove.and_then(|row| row.created_seq))
    }

    /// Returns the time of its creation, as a row of its end or of the first walk has it.
    pub(super) fn created_at(&self) -> Option<WallNs> {
        let ends = [self.exit.and_then(|row| row.created_at), self.remove.and_then(|row| row.created_at)];
        ends.into_iter().flatten().next().or(self.existing.and_then(|row| row.created_at))
    }

    /// Returns the directory that stands for it, as its first row has it.
    pub(super) fn place(&self) -> Option<&'a Place> {
        let first = self.create.map(|row| &row.place).or(self.existing.map(|row| &row.place));
        first.or(self.exit.and_then(|row| row.place.as_ref())).or(self.remove.map(|row| &row.place))
    }

    /// Returns the process id of its init, if a row states one.
    pub(super) fn init_pid(&self) -> Option<u32> {
        self.newest(|identity| identity.init_pid)
    }

    /// Returns true if events were lost within its life.
    pub(super) fn is_after_gap(&self) -> bool {
        self.create.is_some_and(|row| row.after_gap)
            || self.exit.is_some_and(|row| row.after_gap)
            || self.remove.is_some_and(|row| row.after_gap)
    }
}
