//! A column as it was written, to compare rows with that were not put into columns.

use arrow::array::{Array, RecordBatch};

use super::{Column, ColumnType};

/// A column of a batch whose values can be compared. A column that the batch does not have is one of nulls.
#[derive(Debug)]
pub(crate) struct Written<T: ColumnType> {
    /// `None` where all are null.
    array: Option<T::Written>,
    has_nulls: bool,
}

impl<T: ColumnType> Written<T> {
    /// Finds the column; `None` if it is laid out otherwise than this build writes it.
    pub(crate) fn find(column: &Column, batch: &RecordBatch) -> Option<Self> {
        let Some(found) = batch.column_by_name(column.name) else {
            return Some(Self { array: None, has_nulls: true });
        };
        if *found.data_type() != T::data_type() {
            return None;
        }
        let array = match found.null_count() == found.len() {
            true => None,
            false => Some(found.as_any().downcast_ref::<T::Written>()?.clone()),
        };
        Some(Self { array, has_nulls: found.null_count() > 0 })
    }

    /// Whether the value in that row, which the batch must have, is this.
    #[inline]
    pub(crate) fn has(&self, row: usize, value: Option<T::Value<'_>>) -> bool {
        match (&self.array, value) {
            (None, value) => value.is_none(),
            (Some(array), None) => self.has_nulls && array.is_null(row),
            (Some(array), Some(value)) => !(self.has_nulls && array.is_null(row)) && T::is(array, row, value),
        }
    }
}
