//! Rows that belong to one life of a container.

use std::collections::BTreeSet;

use obit_derivation::record::Seq;
use obit_derivation::row::Place;
use obit_derivation::{CgroupKey, Row};

/// One life of a container: how it began, or was found, and how it ended.
#[derive(Debug)]
pub struct Incarnation {
    key: CgroupKey,
    has_ended: bool,
    /// Its rows, in the order in which they were decided.
    pub rows: Vec<Row>,
}

impl Incarnation {
    /// The records that its rows came from, ascending, each once.
    pub fn evidence(&self) -> impl Iterator<Item = u64> + use<> {
        let seqs: BTreeSet<u64> = self.rows.iter().flat_map(evidence_of).map(|seq| seq.0).collect();
        seqs.into_iter()
    }
}

/// Puts a row with the life that it belongs to: the last one of that directory that has not ended, else a new one.
///
/// A directory's id names it as long as it lives; after it the same id may come again.
pub fn add(incarnations: &mut Vec<Incarnation>, row: Row) {
    let key = place(&row).key;
    let begins = !matches!(row, Row::Remove(_));
    let living = incarnations.iter_mut().rev().find(|incarnation| incarnation.key == key && !incarnation.has_ended);
    let incarnation = match living {
        Some(incarnation) if !begins => incarnation,
        _ => {
            incarnations.push(Incarnation { key, has_ended: false, rows: Vec::new() });
            let last = incarnations.len() - 1;
            &mut incarnations[last]
        }
    };
    incarnation.has_ended |= !begins;
    incarnation.rows.push(row);
}

fn place(row: &Row) -> &Place {
    match row {
        Row::Create(row) => &row.place,
        Row::Remove(row) => &row.place,
        Row::Existing(row) => &row.place,
    }
}

fn evidence_of(row: &Row) -> &[Seq] {
    match row {
        Row::Create(row) => &row.evidence_seqs,
        Row::Remove(row) => &row.evidence_seqs,
        Row::Existing(row) => &row.evidence_seqs,
    }
}
