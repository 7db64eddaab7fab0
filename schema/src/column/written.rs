//! A column as it was written, to compare rows with that were not put into columns.

use arrow_array::RecordBatch;

use super::{Column, ColumnType, View};

/// A column of a batch whose values can be compared.
#[derive(Debug)]
pub(crate) struct Written<T: ColumnType>(View<T>);

impl<T: ColumnType> Written<T> {
    /// Finds the column; `None` if it is not of the type that it must be, or holds nulls although it must not.
    pub(crate) fn find(table: &'static str, column: &Column, batch: &RecordBatch) -> Option<Self> {
        View::find(table, column, batch).ok().map(Self)
    }

    /// Whether the value in that row, which the batch must have, is this.
    #[inline(always)] // most values of a row are null on both sides
    pub(crate) fn has(&self, row: usize, value: Option<T::Value<'_>>) -> bool {
        match (self.0.at(row), value) {
            (None, None) => true,
            (Some(array), Some(value)) => T::is(array, row, value),
            _ => false,
        }
    }
}
