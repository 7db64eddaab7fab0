//! Counts of what a case holds, kept as it is written.

use std::collections::BTreeMap;

use arrow_array::{Array, BooleanArray, RecordBatch, StringArray, UInt64Array};

use crate::manifest::CaseCounts;
use obit_schema::kind;
use obit_schema::tables::Table;

/// Adds the rows of a batch to what is counted.
pub fn count(counts: &mut CaseCounts, table: Table, batch: &RecordBatch) {
    *counts.by_table.entry(table.name().to_owned()).or_default() += batch.num_rows() as u64;
    match table {
        Table::Events => count_events(counts, batch),
        Table::Cgroupfs | Table::Runtime => count_names(&mut counts.outcomes, batch, "outcome"),
        _ => {}
    }
}

fn count_events(counts: &mut CaseCounts, batch: &RecordBatch) {
    count_names(&mut counts.by_kind, batch, "kind");
    if let (Some(lost), Some(kinds)) = (column::<UInt64Array>(batch, "lost"), column::<StringArray>(batch, "kind")) {
        // Not those that come again at the head of a segment.
        let here = lost.iter().zip(kinds).filter(|(_, kind)| *kind == Some(kind::LOST)).filter_map(|(lost, _)| lost);
        counts.lost = here.fold(counts.lost, u64::saturating_add);
    }
    for (what, flag) in [("path", "path_truncated"), ("actor_argv", "actor_argv_truncated")] {
        let cut = column::<BooleanArray>(batch, flag).map_or(0, BooleanArray::true_count);
        // A zero says that it was looked for.
        *counts.truncated.entry(what.to_owned()).or_default() += cut as u64;
    }
}

/// Counts a column of names. A key is made once for each, not for each row.
fn count_names(counts: &mut BTreeMap<String, u64>, batch: &RecordBatch, name: &str) {
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
