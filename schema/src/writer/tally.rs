//! Counts of what a case holds, kept as it is written.

use arrow::array::{RecordBatch, StringArray, UInt64Array};

use crate::kind;
use crate::manifest::Counts;
use crate::tables::Table;

/// Adds the rows of a batch.
pub(super) fn add(counts: &mut Counts, table: Table, batch: &RecordBatch) {
    *counts.by_table.entry(table.name().to_owned()).or_default() += batch.num_rows() as u64;
    if table != Table::Events {
        return;
    }
    let column = |name| batch.column_by_name(name).map(|column| column.as_any());
    let kinds = column("kind").and_then(|column| column.downcast_ref::<StringArray>());
    if let Some(kinds) = kinds {
        for kind in kinds.iter().flatten() {
            // A key is made once for each kind, not for each row.
            match counts.by_kind.get_mut(kind) {
                Some(count) => *count += 1,
                None => {
                    counts.by_kind.insert(kind.to_owned(), 1);
                }
            }
        }
    }
    let lost = column("lost").and_then(|column| column.downcast_ref::<UInt64Array>());
    if let (Some(lost), Some(kinds)) = (lost, kinds) {
        // Not those that come again at the head of a segment.
        let here = lost.iter().zip(kinds).filter(|(_, kind)| *kind == Some(kind::LOST)).filter_map(|(lost, _)| lost);
        counts.lost = here.fold(counts.lost, u64::saturating_add);
    }
}
