//! Digests that are made while the batches are used for something else.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::Builder;

use arrow_array::RecordBatch;

use crate::reader::ReadThreads;
use crate::threads::Worker;
use obit_schema::Error;
use obit_schema::digest::{TableDigest, TableDigests};
use obit_schema::tables::Table;

/// Batches that may wait to be hashed.
const MAX_WAITING: usize = 4;

/// What makes the digests of some tables, on a thread of its own if that is worth it.
#[derive(Debug)]
pub struct Hasher(Place);

#[derive(Debug)]
enum Place {
    Here(TableDigests),
    There(Worker<SyncSender<(Table, RecordBatch)>, Digests>),
}

/// What the thread ends with.
type Digests = Result<Vec<TableDigest>, Error>;

impl Hasher {
    /// Of tables that have so many rows together.
    pub(crate) fn new(tables: &[Table], threads: ReadThreads, rows: u64) -> Self {
        if !threads.are_worth(rows) {
            return Self::here(tables);
        }
        let (send, batches) = sync_channel::<(Table, RecordBatch)>(MAX_WAITING);
        let mut digests = TableDigests::new(tables);
        let hash = move || {
            batches.into_iter().try_for_each(|(table, batch)| digests.update(table, &batch))?;
            digests.finish()
        };
        match Builder::new().name("digests".to_owned()).spawn(hash) {
            Ok(thread) => Self(Place::There(Worker::new(send, thread))),
            Err(_) => Self::here(tables),
        }
    }

    /// Of tables, on the thread that asks for it.
    pub fn here(tables: &[Table]) -> Self {
        Self(Place::Here(TableDigests::new(tables)))
    }

    /// Adds the rows of a batch, in order, as [`TableDigests::update`] does.
    ///
    /// # Errors
    /// A value of a type that the digest does not define; that may also be said only at the end.
    pub fn update(&mut self, table: Table, batch: &RecordBatch) -> Result<(), Error> {
        match &mut self.0 {
            Place::Here(digests) => digests.update(table, batch),
            Place::There(worker) => {
                // If it is not taken, an error came first: the end says which.
                let _ = worker.channel().map(|batches| batches.send((table, batch.clone())));
                Ok(())
            }
        }
    }

    /// The digest of each table, in the order they were named.
    ///
    /// # Errors
    /// As of [`Self::update`].
    pub fn finish(self) -> Result<Vec<TableDigest>, Error> {
        match self.0 {
            Place::Here(digests) => digests.finish(),
            Place::There(mut worker) => worker.end().unwrap_or_else(|| Ok(Vec::new())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{ArrayRef, Float64Array, UInt64Array};
    use std::sync::Arc;

    const TABLES: [Table; 2] = [Table::ContainerCreate, Table::ContainerRemove];

    fn batch(column: ArrayRef) -> RecordBatch {
        RecordBatch::try_from_iter([("seq", column)]).expect("a batch")
    }

    fn numbers(from: u64) -> RecordBatch {
        batch(Arc::new(UInt64Array::from_iter_values(from..from + 100)))
    }

    #[test]
    fn digests_are_the_same_on_each_thread() {
        let [here, there] = [ReadThreads::One, ReadThreads::EachTable].map(|threads| {
            let mut hasher = Hasher::new(&TABLES, threads, 0);
            for (number, table) in TABLES.into_iter().cycle().take(50).enumerate() {
                hasher.update(table, &numbers(number as u64)).expect("numbers have digests");
            }
            let digests = hasher.finish().expect("numbers have digests");
            digests.into_iter().map(|digest| (digest.table(), digest.rows(), digest.finish())).collect::<Vec<_>>()
        });
        assert_eq!(here, there);
        assert_eq!(
            here.iter().map(|(table, rows, _)| (*table, *rows)).collect::<Vec<_>>(),
            TABLES.map(|table| (table, 2_500))
        );
    }

    #[test]
    fn what_has_no_digest_is_said_at_the_end_at_latest() {
        let refused = batch(Arc::new(Float64Array::from(vec![1.0])));
        for threads in [ReadThreads::One, ReadThreads::EachTable] {
            let mut hasher = Hasher::new(&TABLES, threads, 0);
            let updated: Vec<_> = (0..20).map(|_| hasher.update(TABLES[0], &refused)).collect();
            assert!(updated.into_iter().chain([hasher.finish().map(drop)]).any(|done| done.is_err()), "{threads:?}");
        }
    }

    #[test]
    fn a_thread_whose_digests_are_not_asked_for_ends() {
        let mut hasher = Hasher::new(&TABLES, ReadThreads::EachTable, 0);
        hasher.update(TABLES[0], &numbers(0)).expect("numbers have digests");
        drop(hasher);
    }
}
