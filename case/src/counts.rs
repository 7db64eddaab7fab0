//! Counts of a case's rows, by table, kind and outcome.

use std::collections::BTreeMap;

use arrow_array::{Array, BooleanArray, RecordBatch, StringArray, UInt64Array};
use obit_schema::kind;
use obit_schema::tables::Table;
use serde::{Deserialize, Serialize};

/// Counts of what a case, or a part of it, holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CaseCounts {
    /// Records of raw/events by kind.
    pub by_kind: BTreeMap<String, u64>,
    /// Rows by table.
    pub by_table: BTreeMap<String, u64>,
    /// Events lost: the sum over all `lost` records.
    pub lost: u64,
    /// Records of raw/events with a text that did not fit and is cut, by text: `path`,
    /// `actor_argv`. Cases of older builds have neither this nor `outcomes`.
    pub truncated: BTreeMap<String, u64>,
    /// Rows of raw/cgroupfs and raw/runtime by outcome.
    pub outcomes: BTreeMap<String, u64>,
}

/// Counts by name.
type CountsByName = BTreeMap<String, u64>;

impl CaseCounts {
    /// Counts the rows of a batch.
    pub fn count_rows(&mut self, table: Table, batch: &RecordBatch) {
        *self.by_table.entry(table.name().to_owned()).or_default() += batch.num_rows() as u64;
        match table {
            Table::Events => self.count_events(batch),
            Table::Cgroupfs | Table::Runtime => count_names(&mut self.outcomes, batch, "outcome"),
            _ => {}
        }
    }

    fn count_events(&mut self, batch: &RecordBatch) {
        count_names(&mut self.by_kind, batch, "kind");
        let columns = (column::<UInt64Array>(batch, "lost"), column::<StringArray>(batch, "kind"));
        if let (Some(lost), Some(kinds)) = columns {
            // Losses that a segment repeats at its head have another kind and count once.
            let new = lost.iter().zip(kinds).filter(|(_, kind)| *kind == Some(kind::LOST)).filter_map(|(lost, _)| lost);
            self.lost = new.fold(self.lost, u64::saturating_add);
        }
        for (text, flag) in [("path", "path_truncated"), ("actor_argv", "actor_argv_truncated")] {
            let cut = column::<BooleanArray>(batch, flag).map_or(0, BooleanArray::true_count);
            // A zero is an entry too: this build looks for cut texts.
            *self.truncated.entry(text.to_owned()).or_default() += cut as u64;
        }
    }

    /// Adds the counts of another part of the recording.
    pub(crate) fn add(&mut self, other: &Self) {
        for (ours, theirs) in self.zip(other) {
            for (name, count) in theirs {
                let ours = ours.entry(name.clone()).or_default();
                *ours = ours.saturating_add(*count);
            }
        }
        self.lost = self.lost.saturating_add(other.lost);
    }

    /// Subtracts the counts of a part that was dropped. A table stays with 0 rows; a kind with 0
    /// records goes.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for (ours, theirs) in self.zip(other) {
            for (name, count) in theirs {
                if let Some(ours) = ours.get_mut(name) {
                    *ours = ours.saturating_sub(*count);
                }
            }
        }
        self.by_kind.retain(|_, count| *count > 0);
        self.lost = self.lost.saturating_sub(other.lost);
    }

    /// Pairs each map of counts with the other's.
    fn zip<'a>(&'a mut self, other: &'a Self) -> [(&'a mut CountsByName, &'a CountsByName); 4] {
        [
            (&mut self.by_kind, &other.by_kind),
            (&mut self.by_table, &other.by_table),
            (&mut self.truncated, &other.truncated),
            (&mut self.outcomes, &other.outcomes),
        ]
    }
}

/// Counts a column of names. Allocates a key once for each name, not for each row.
fn count_names(counts: &mut CountsByName, batch: &RecordBatch, name: &str) {
    for name in column::<StringArray>(batch, name).into_iter().flatten().flatten() {
        match counts.get_mut(name) {
            Some(count) => *count += 1,
            None => {
                counts.insert(name.to_owned(), 1);
            }
        }
    }
}

fn column<'a, A: Array + 'static>(batch: &'a RecordBatch, name: &str) -> Option<&'a A> {
    batch.column_by_name(name)?.as_any().downcast_ref()
}
