//! The age that events have when they are on disk: what a power cut would take at most.

use arrow_array::{Array as _, RecordBatch, UInt64Array};
use obit_derivation::BootNs;
use obit_schema::tables::Table;

/// The greatest age so far, and the oldest event that is not on disk yet.
#[derive(Debug, Default)]
pub struct SyncAge {
    oldest: Option<BootNs>,
    greatest_ns: u64,
}

impl SyncAge {
    /// Notes rows that are to be written.
    pub fn add(&mut self, table: Table, batch: &RecordBatch) {
        if table == Table::Events && self.oldest.is_none() {
            self.oldest = first_event(batch);
        }
    }

    /// Notes that all rows are on disk.
    pub fn sync(&mut self, now: BootNs) {
        if let Some(oldest) = self.oldest.take() {
            self.greatest_ns = self.greatest_ns.max(now.0.saturating_sub(oldest.0));
        }
    }

    /// Returns the greatest age, in milliseconds.
    pub fn greatest_ms(&self) -> u64 {
        self.greatest_ns / 1_000_000
    }
}

/// Returns the time of the first event of a batch. One that is carried from an earlier segment was
/// on disk before.
fn first_event(batch: &RecordBatch) -> Option<BootNs> {
    let carried = batch.column_by_name("carried_from_seq")?;
    let times = batch.column_by_name("boot_ns")?.as_any().downcast_ref::<UInt64Array>()?;
    let row = (0..batch.num_rows()).find(|row| carried.is_null(*row))?;
    Some(BootNs(*times.values().get(row)?))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use obit_schema::tables::Table;

    use super::*;

    fn batch(rows: &[(u64, Option<u64>)]) -> RecordBatch {
        let times: UInt64Array = rows.iter().map(|(time_ns, _)| Some(*time_ns)).collect();
        let carried: UInt64Array = rows.iter().map(|(_, carried)| *carried).collect();
        RecordBatch::try_from_iter([("boot_ns", Arc::new(times) as _), ("carried_from_seq", Arc::new(carried) as _)])
            .unwrap()
    }

    #[test]
    fn the_age_is_that_of_the_oldest_event_that_was_not_on_disk() {
        let mut age = SyncAge::default();
        age.add(Table::Events, &batch(&[(1_000_000, Some(5)), (30_000_000, None)]));
        age.add(Table::Events, &batch(&[(40_000_000, None)]));
        age.add(Table::Runtime, &batch(&[(2_000_000, None)]));
        age.sync(BootNs(50_000_000));
        assert_eq!(age.greatest_ms(), 20);
        age.sync(BootNs(90_000_000));
        assert_eq!(age.greatest_ms(), 20, "there was nothing to bring to disk");
    }
}
