//! A batch of one raw table.

use std::fmt::Debug;

use arrow_array::RecordBatch;
use obit_derivation::record::{Body, BootNs, Carried};
use obit_derivation::{Record, Seq, WallNs};

use crate::column::{ColumnReader, Timestamp, U64};
use crate::error::Error;
use crate::tables::TableColumns;

/// A table whose rows are records.
pub trait RawTable: TableColumns {
    /// Whatever is computed of a batch once, for all its rows.
    type Index: Debug;

    /// Computes it.
    fn index(columns: &Self::Readers) -> Self::Index;
    /// Returns the columns `seq`, `ts` and `boot_ns`.
    fn place(columns: &Self::Readers) -> (&ColumnReader<U64>, &ColumnReader<Timestamp>, &ColumnReader<U64>);
}

/// A batch of one raw table.
#[derive(Debug)]
pub struct BatchView<T: RawTable> {
    pub(super) columns: T::Readers,
    pub(super) index: T::Index,
    rows: usize,
}

impl<T: RawTable> BatchView<T> {
    /// Checks the columns of a batch.
    ///
    /// # Errors
    /// A column is missing, of another type, or null where it must not be.
    pub fn new(batch: &RecordBatch) -> Result<Self, Error> {
        let columns = T::read(batch)?;
        Ok(Self { index: T::index(&columns), columns, rows: batch.num_rows() })
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Returns true if there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns the record's place in the total order; `None` past the end.
    #[inline]
    pub fn seq(&self, row: usize) -> Option<u64> {
        T::place(&self.columns).0.get(row)
    }

    /// Returns the places of the records from this row on.
    pub fn seqs_from(&self, row: usize) -> &[u64] {
        T::place(&self.columns).0.values_from(row)
    }

    /// Returns a record with the place and the clocks of the row, and with a body that decides
    /// nothing.
    ///
    /// # Errors
    /// The row is past the end.
    pub fn get_unknown(&self, row: usize) -> Result<Record<'static>, Error> {
        self.record(row, Body::Unknown)
    }

    /// Returns the record's place and its clocks.
    #[inline]
    pub(super) fn place(&self, row: usize) -> Result<(Seq, WallNs, BootNs), Error> {
        let (seq, ts, boot_ns) = T::place(&self.columns);
        Ok((Seq(seq.require(row)?), ts.require(row)?, BootNs(boot_ns.require(row)?)))
    }

    /// Returns the record with this body.
    pub(super) fn record<'a>(&self, row: usize, body: Body<'a>) -> Result<Record<'a>, Error> {
        let (seq, ts, boot_ns) = self.place(row)?;
        Ok(Record { seq, ts, boot_ns, body })
    }
}

/// Marks a body as carried if it had a place before this one.
pub(super) fn carried(from: Option<u64>, body: Body<'_>) -> Body<'_> {
    match from {
        Some(from) => Body::Carried(Box::new(Carried { from: Seq(from), body })),
        None => body,
    }
}
