//! What can be compared: a side of a comparison.

use arrow_array::RecordBatch;
use obit_case::hasher::Hasher;
use obit_case::{Error, Problem};
use obit_derivation::Row;
use obit_schema::Table;

/// Takes batches of derived tables.
pub type EachBatch<'a> = dyn FnMut(Table, &RecordBatch) -> anyhow::Result<()> + 'a;

/// Takes derived rows; after an error, no more of them.
pub type EachRow<'a> = dyn FnMut(&Row) -> anyhow::Result<()> + 'a;

/// The batches of one table, in order.
pub type TableBatches<'a> = Box<dyn Iterator<Item = Result<RecordBatch, Error>> + 'a>;

/// One side of a comparison.
pub trait Side {
    /// Gives the batches of these tables; those of one table come in order. The same each time it is asked.
    fn batches(&self, tables: &[Table], each: &mut EachBatch<'_>) -> anyhow::Result<Vec<Problem>>;

    /// The batches of one table as they are asked for, if this side can give them so.
    fn table(&self, _table: Table) -> Option<TableBatches<'_>> {
        None
    }

    /// What the digests of these tables are made by, from the batches of [`Self::table`].
    fn digests(&self, tables: &[Table]) -> Hasher {
        Hasher::here(tables)
    }

    /// Gives the rows of all tables one by one, if this side can: those of [`Self::batches`], not yet put into columns.
    fn rows(&self, _each: &mut EachRow<'_>) -> Option<anyhow::Result<Vec<Problem>>> {
        None
    }
}

/// Whether a column of a table is left out of a comparison.
pub type Ignored<'a> = dyn Fn(Table, &str) -> bool + 'a;
