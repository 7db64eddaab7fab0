//! Rows that belong to one life of a container.

use std::collections::BTreeSet;

use obit_derivation::record::Seq;
use obit_derivation::{CgroupKey, Row};

/// The rows of one life of a container: its beginning or the walk that found it, its exit, its
/// removal, and the disagreements about it.
#[derive(Debug)]
pub struct LifeRows {
    /// `None` for a container without a directory.
    key: Option<CgroupKey>,
    /// The record of the creation; `None` if the container was there before the capture.
    created: Option<Seq>,
    has_exited: bool,
    is_removed: bool,
    /// The rows, in the order in which they were decided.
    pub rows: Vec<Row>,
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

/// Adds a row to the life that it belongs to: of the lives that lack such a row, the one with the
/// same creation, else the last one of the same directory; else a new one.
///
/// The creation comes first because a container has a directory on each hierarchy, and the
/// directory that stands for it may be another at its end. Where the creation was not seen, a
/// directory's id names the life as long as the directory lives; the same id may come again.
pub(super) fn add(lives: &mut Vec<LifeRows>, row: Row) {
    let key = row.place().map(|place| place.key);
    let (created, begins) = match &row {
        Row::Create(row) => (Some(row.created_seq), true),
        Row::Existing(_) => (None, true),
        Row::Exit(row) => (row.created_seq, false),
        Row::Remove(row) => (row.created_seq, false),
        // The row comes after that of the end which it is about, or while the life lasts. The
        // directory may be any that stood for the life.
        Row::Disagreement(_) => {
            let is_about = |life: &LifeRows| life.rows.iter().any(|row| row.place().map(|place| place.key) == key);
            if let Some(life) = lives.iter_mut().rfind(|life| is_about(life)) {
                life.rows.push(row);
                return;
            }
            (None, true)
        }
    };
    // A life goes on in a later segment, whose walk finds it again.
    if let Row::Existing(_) = &row
        && let Some(life) = lives.iter_mut().rfind(|life| !life.is_removed && life.key == key)
    {
        life.rows.push(row);
        return;
    }
    if !begins {
        let same_creation = |life: &LifeRows| created.is_some() && life.created == created;
        let same_directory = |life: &LifeRows| life.key == key;
        let is_exit = matches!(row, Row::Exit(_));
        let lacks_row = |life: &LifeRows| if is_exit { !life.has_exited } else { !life.is_removed };
        let find = |fits: &dyn Fn(&LifeRows) -> bool| lives.iter().rposition(|life| lacks_row(life) && fits(life));
        if let Some(life) = find(&same_creation).or_else(|| find(&same_directory)) {
            let life = &mut lives[life];
            life.has_exited |= is_exit;
            life.is_removed |= !is_exit;
            life.rows.push(row);
            return;
        }
    }
    let (has_exited, is_removed) = (matches!(row, Row::Exit(_)), matches!(row, Row::Remove(_)));
    lives.push(LifeRows { key, created, has_exited, is_removed, rows: vec![row] });
}
