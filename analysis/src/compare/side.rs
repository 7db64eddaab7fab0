//! The two sides of a comparison, seen by the comparison.

use arrow_array::RecordBatch;
use obit_schema::Table;

use super::difference::ReadingNotes;
use crate::error::Error;

/// A side of a comparison: derived tables that can be read as often as needed.
pub trait Side {
    /// Starts a reading of these tables. Each reading gives the same batches; those of one table
    /// come in order.
    ///
    /// # Errors
    /// The side cannot be read at all.
    fn read(&self, tables: &[Table]) -> Result<Box<dyn SideReader + '_>, Error>;
}

/// A reading of a side, batch by batch.
pub trait SideReader: Iterator<Item = Result<(Table, RecordBatch), Error>> {
    /// Returns the notes on what was read so far.
    fn notes(&self) -> ReadingNotes;
}
