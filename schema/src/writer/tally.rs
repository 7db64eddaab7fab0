//! Counts of what a case holds, kept as it is written.

use arrow::array::{RecordBatch, StringArray, UInt64Array};
use arrow::compute::sum;

use crate::manifest::Counts;
use crate::tables::Table;

/// Adds the rows of a batch.
pub(super) fn add(counts: &mut Counts, table: Table, batch: &RecordBatch) {
    *counts.by_table.entry(table.name().to_owned()).or_default() += batch.num_rows() as u64;
    if table != Table::Events {
        return;
    }
    let column = |name| batch.column_by_name(name).map(|column| column.as_any());
    if let Some(kinds) = column("kind").and_then(|column| column.downcast_ref::<StringArray>()) {
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
    if let Some(lost) = column("lost").and_then(|column| column.downcast_ref::<UInt64Array>()) {
        counts.lost = counts.lost.saturating_add(sum(lost).unwrap_or(0));
    }
}
