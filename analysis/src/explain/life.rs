//! Rows that belong to one life of a container.

use std::collections::BTreeSet;

use obit_derivation::record::Seq;
use obit_derivation::row::{ContainerExit, ContainerRemove};
use obit_derivation::{CgroupKey, Row};

/// The facts by which the rows of one life find together.
#[derive(Debug)]
pub(super) struct LifeSlot {
    /// `None` for a container without a directory.
    key: Option<CgroupKey>,
    /// The record of the creation; `None` if the container was there before the capture.
    created: Option<Seq>,
    has_exited: bool,
    is_removed: bool,
    /// The directories of its rows, each once.
    directories: Vec<Option<CgroupKey>>,
}

/// The rows of one life of a container: its beginning or the walk that found it, its exit, its
/// removal, and the disagreements about it.
#[derive(Debug)]
pub struct LifeRows {
    slot: LifeSlot,
    /// The rows, in the order in which they were decided.
    pub rows: Vec<Row>,
}

impl AsMut<LifeSlot> for LifeRows {
    fn as_mut(&mut self) -> &mut LifeSlot {
        &mut self.slot
    }
}

impl LifeRows {
    /// Returns the `seq` of the record that decided the first row.
    pub fn first_seq(&self) -> u64 {
        self.rows.first().map_or(0, |row| row.seq().0)
    }

    /// Returns the `seq` of the record that decided the last row.
    pub fn last_seq(&self) -> u64 {
        self.rows.iter().map(|row| row.seq().0).max().unwrap_or(0)
    }

    /// Returns the `seq` of each record that the rows came from, ascending, each once.
    pub fn evidence(&self) -> impl Iterator<Item = u64> + use<> {
        let seqs: BTreeSet<u64> = self.rows.iter().flat_map(Row::evidence_seqs).map(|seq| seq.0).collect();
        seqs.into_iter()
    }
}

/// Adds a row to the life that it belongs to, or to a new one.
pub(super) fn add(lives: &mut Vec<LifeRows>, row: Row) {
    match assign(lives, &row) {
        Ok(place) => lives[place].rows.push(row),
        Err(slot) => lives.push(LifeRows { slot, rows: vec![row] }),
    }
}

/// Returns the place of the life that a row belongs to, which takes note of it: of the lives of the
/// container that lack such a row, the one with the same creation, else the last one of the same
/// directory. Returns the facts of a new life if there is none.
///
/// The creation comes first because a container has a directory on each hierarchy, and the
/// directory that stands for it may be another at its end. Where the creation was not seen, a
/// directory's id names the life as long as the directory lives; the same id may come again.
pub(super) fn assign<L: AsMut<LifeSlot>>(lives: &mut [L], row: &Row) -> Result<usize, LifeSlot> {
    let key = row.place().map(|place| place.key);
    let mut find = |fits: &dyn Fn(&LifeSlot) -> bool| lives.iter_mut().rposition(|life| fits(life.as_mut()));
    let (is_exit, is_removal) = (matches!(row, Row::Exit(_)), matches!(row, Row::Remove(_)));
    let (created, place) = match row {
        Row::Create(row) => (Some(row.created_seq), None),
        // A life goes on in a later segment, whose walk finds it again.
        Row::Existing(_) => (None, find(&|life| !life.is_removed && life.key == key)),
        // The row comes after that of the end which it is about, or while the life lasts. The
        // directory may be any that stood for the life.
        Row::Disagreement(_) => (None, find(&|life| life.directories.contains(&key))),
        Row::Exit(ContainerExit { created_seq, .. }) | Row::Remove(ContainerRemove { created_seq, .. }) => {
            let created = *created_seq;
            let lacks_row = |life: &LifeSlot| if is_exit { !life.has_exited } else { !life.is_removed };
            let same_creation = find(&|life| lacks_row(life) && created.is_some() && life.created == created);
            (created, same_creation.or_else(|| find(&|life| lacks_row(life) && life.key == key)))
        }
    };
    let Some(place) = place else {
        return Err(LifeSlot { key, created, has_exited: is_exit, is_removed: is_removal, directories: vec![key] });
    };
    if let Some(life) = lives.get_mut(place) {
        let life = life.as_mut();
        life.has_exited |= is_exit;
        life.is_removed |= is_removal;
        if !life.directories.contains(&key) {
            life.directories.push(key);
        }
    }
    Ok(place)
}
