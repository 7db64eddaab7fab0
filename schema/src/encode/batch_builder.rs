//! Building the batches of one table.

use arrow_array::RecordBatch;

use crate::column::NullColumns;
use crate::error::Error;
use crate::tables::TableColumns;

/// Builds batches of one table, row by row. It is used again after each batch.
#[derive(Debug)]
pub struct BatchBuilder<T: TableColumns> {
    columns: T::Builders,
    rows: usize,
    nulls: NullColumns,
}

impl<T: TableColumns> BatchBuilder<T> {
    /// Creates an empty builder.
    pub fn new() -> Self {
        Self { columns: T::builders(), rows: 0, nulls: NullColumns::default() }
    }

    /// Returns the number of rows since the last batch.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Returns true if there is no row since the last batch.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Appends a row.
    pub(super) fn push(&mut self, values: T::Values<'_>) {
        T::put(&mut self.columns, self.rows, values);
        self.rows += 1;
    }

    /// Appends a row that is null until its values are put into the builders returned.
    pub(super) fn add_row(&mut self) -> (&mut T::Builders, usize) {
        let row = self.rows;
        self.rows += 1;
        (&mut self.columns, row)
    }

    /// Returns the rows, possibly none, as a batch and leaves the builder empty.
    ///
    /// # Errors
    /// Arrow refuses the columns, which is a fault of the builder.
    pub fn finish(&mut self) -> Result<RecordBatch, Error> {
        let mut arrays = Vec::new();
        T::finish(&mut self.columns, std::mem::take(&mut self.rows), &mut self.nulls, &mut arrays);
        RecordBatch::try_new(T::TABLE.schema(), arrays)
            .map_err(|source| Error::Encode { table: T::TABLE.name(), source })
    }
}

impl<T: TableColumns> Default for BatchBuilder<T> {
    fn default() -> Self {
        Self::new()
    }
}
