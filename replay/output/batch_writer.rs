//! The interface of the formats that take rows in columns.

use arrow_array::RecordBatch;

/// Writes the rows of one derived table in one format.
pub trait BatchWriter {
    /// Writes the rows of a batch.
    fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()>;

    /// Writes the end of the output.
    fn finish(self: Box<Self>) -> anyhow::Result<WriterNotes>;
}

/// Notes on what was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterNotes {
    /// Values that a spreadsheet may run as formulas; CSV only.
    pub formulas: u64,
}
