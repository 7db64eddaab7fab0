//! Reading the columns of a batch that anyone may have written, by their declared types.

use arrow_array::{Array, RecordBatch};
use arrow_buffer::NullBuffer;

use super::column_type::{ColumnType, ScalarType};
use super::types::same_type;
use crate::error::Error;

/// Reads one column of a batch. A column that the batch lacks reads as null.
#[derive(Debug)]
pub struct ColumnReader<T: ColumnType> {
    name: &'static str,
    pub(super) array: Option<T::Array>,
    /// Marks the nulls, if there are some.
    pub(super) nulls: Option<NullBuffer>,
    rows: usize,
}

impl<T: ColumnType> ColumnReader<T> {
    /// Finds the column.
    ///
    /// # Errors
    /// It is missing or holds nulls although it must not, or has another type.
    pub(super) fn find(
        table: &'static str,
        name: &'static str,
        nullable: bool,
        batch: &RecordBatch,
    ) -> Result<Self, Error> {
        let all_null = Self { name, array: None, nulls: None, rows: 0 };
        let Some(found) = batch.column_by_name(name) else {
            return if nullable { Ok(all_null) } else { Err(Error::ColumnMissing { table, column: name }) };
        };
        let other_type =
            || Error::ColumnType { table, column: name, found: found.data_type().to_string(), expected: T::NAME };
        if !same_type(found.data_type(), &T::data_type()) {
            return Err(other_type());
        }
        if !nullable && found.null_count() > 0 {
            return Err(Error::ColumnNull { table, column: name });
        }
        // A column of nulls reads like a missing one, and costs as little.
        if nullable && found.null_count() == found.len() {
            return Ok(all_null);
        }
        let array = Some(T::downcast(found.as_ref()).ok_or_else(other_type)?);
        let nulls = found.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
        Ok(Self { name, array, nulls, rows: found.len() })
    }

    /// Returns true if every value is null.
    pub(crate) fn is_null(&self) -> bool {
        self.array.is_none()
    }

    /// Returns the array if a row's value is not null. Rows past the end are null.
    #[inline(always)] // most values of a row are null
    pub(super) fn at(&self, row: usize) -> Option<&T::Array> {
        let array = self.array.as_ref()?;
        if row < self.rows && !self.is_null_at(row) { Some(array) } else { None }
    }

    /// Returns true if the value of a row, which must exist, is null.
    #[inline]
    fn is_null_at(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }
}

impl<T: ScalarType> ColumnReader<T> {
    /// Returns the value of a row.
    #[inline]
    pub(crate) fn get(&self, row: usize) -> Option<T::Value<'_>> {
        // Looks at the row's bound once: there are millions of values.
        let value = T::read(self.array.as_ref()?, row)?;
        if self.is_null_at(row) { None } else { Some(value) }
    }

    /// Returns the value of a row, which this kind of row must have.
    #[inline]
    pub(crate) fn require(&self, row: usize) -> Result<T::Value<'_>, Error> {
        self.get(row).ok_or_else(|| self.missing())
    }

    #[cold]
    fn missing(&self) -> Error {
        Error::ValueMissing { column: self.name }
    }
}
