//! Digests of tables, made on a thread of their own while the caller uses the batches.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::Builder;

use arrow_array::RecordBatch;
use obit_schema::Error;
use obit_schema::digest::{TableDigest, TableDigests};
use obit_schema::tables::Table;

use crate::threads::{ReadThreads, WorkerThread};

/// Batches that may wait to be hashed.
const MAX_WAITING: usize = 4;

/// Digests of some tables in the making, on a thread of their own if that is worth it.
#[derive(Debug)]
pub struct Hasher(HasherThread);

#[derive(Debug)]
enum HasherThread {
    Caller(TableDigests),
    Own(WorkerThread<SyncSender<(Table, RecordBatch)>, DigestResult>),
}

/// Result of the thread.
type DigestResult = Result<Vec<TableDigest>, Error>;

impl Hasher {
    /// Returns a hasher of tables that have this many rows together.
    pub(crate) fn new(tables: &[Table], threads: ReadThreads, rows: u64) -> Self {
        if !threads.are_worth(rows) {
            return Self::here(tables);
        }
        let (send, batches) = sync_channel::<(Table, RecordBatch)>(MAX_WAITING);
        let mut digests = TableDigests::new(tables);
        let hash = move || {
            batches.into_iter().try_for_each(|(table, batch)| digests.update(table, &batch))?;
            Ok(digests.finish())
        };
        match Builder::new().name("digests".to_owned()).spawn(hash) {
            Ok(thread) => Self(HasherThread::Own(WorkerThread::new(send, thread))),
            Err(_) => Self::here(tables),
        }
    }

    /// Returns a hasher that works on the caller's thread.
    pub fn here(tables: &[Table]) -> Self {
        Self(HasherThread::Caller(TableDigests::new(tables)))
    }

    /// Adds the rows of a batch, in order, as [`TableDigests::update`] does.
    ///
    /// # Errors
    /// A value of a type that the digest does not define. A thread of its own reports it at the
    /// end.
    pub fn update(&mut self, table: Table, batch: &RecordBatch) -> Result<(), Error> {
        match &mut self.0 {
            HasherThread::Caller(digests) => digests.update(table, batch),
            HasherThread::Own(worker) => {
                // A thread that takes no more had an error, which `finish` returns.
                let _ = worker.channel().map(|batches| batches.send((table, batch.clone())));
                Ok(())
            }
        }
    }

    /// Returns the digest of each table, in the order of the tables given.
    ///
    /// # Errors
    /// The error of an [`Hasher::update`] that was not returned yet.
    pub fn finish(self) -> Result<Vec<TableDigest>, Error> {
        match self.0 {
            HasherThread::Caller(digests) => Ok(digests.finish()),
            HasherThread::Own(mut worker) => worker.join().unwrap_or_else(|| Ok(Vec::new())),
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
