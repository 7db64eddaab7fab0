//! Members of a table's declaration: single columns, and groups of columns.

use std::fmt::Debug;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field};

use super::builder::ColumnBuilder;
use super::column_type::ColumnType;
use super::nulls::NullColumns;
use super::reader::ColumnReader;
use crate::error::Error;

/// A column of a table.
#[derive(Debug)]
pub struct Column {
    /// Name in the files.
    pub name: &'static str,
    /// Name of the type in `docs/case-format.md`.
    pub type_name: &'static str,
    /// Arrow type.
    pub data_type: fn() -> DataType,
    /// True if the column may be null. A column that may not be null must be there.
    pub nullable: bool,
    /// Documentation: meaning, unit, clock, source.
    pub doc: &'static str,
}

impl Column {
    /// Returns the Arrow field.
    pub fn field(&self) -> Field {
        Field::new(self.name, (self.data_type)(), self.nullable)
    }
}

/// A member of a table's declaration: a column, or a group of columns that stand together.
///
/// The name, documentation and nullability in the declaration are those of a column; a group has
/// its own.
pub trait Member: Debug + 'static {
    /// The values of a row.
    type Values<'a>;
    /// Builds the columns.
    type Builders: Debug + Send;
    /// Reads the columns of a batch.
    type Readers: Debug;

    /// Appends the declarations of the columns, in file order.
    fn declare(name: &'static str, nullable: bool, doc: &'static str, columns: &mut Vec<Column>);
    /// Creates empty builders.
    fn builders() -> Self::Builders;
    /// Puts the values of a row, which must come after the rows that have theirs.
    fn put(builders: &mut Self::Builders, row: usize, values: Self::Values<'_>);
    /// Appends the first `rows` rows of each column to `arrays` and leaves the builders empty.
    fn finish(builders: &mut Self::Builders, rows: usize, nulls: &mut NullColumns, arrays: &mut Vec<ArrayRef>);
    /// Finds the columns in a batch.
    ///
    /// # Errors
    /// A column is missing, of another type, or null although it must not be.
    fn find(
        name: &'static str,
        nullable: bool,
        table: &'static str,
        batch: &RecordBatch,
    ) -> Result<Self::Readers, Error>;
    /// Returns true if a row of the batch, which must exist, has exactly these values.
    fn matches(readers: &Self::Readers, row: usize, values: Option<Self::Values<'_>>) -> bool;
}

impl<T: ColumnType> Member for T {
    type Values<'a> = T::Value<'a>;
    type Builders = ColumnBuilder<T>;
    type Readers = ColumnReader<T>;

    fn declare(name: &'static str, nullable: bool, doc: &'static str, columns: &mut Vec<Column>) {
        columns.push(Column { name, type_name: T::NAME, data_type: T::data_type, nullable, doc });
    }
    fn builders() -> Self::Builders {
        ColumnBuilder::new()
    }
    #[inline]
    fn put(builder: &mut Self::Builders, row: usize, value: Self::Values<'_>) {
        builder.put(row, value);
    }
    fn finish(builder: &mut Self::Builders, rows: usize, nulls: &mut NullColumns, arrays: &mut Vec<ArrayRef>) {
        arrays.push(builder.finish(rows, nulls));
    }
    fn find(
        name: &'static str,
        nullable: bool,
        table: &'static str,
        batch: &RecordBatch,
    ) -> Result<Self::Readers, Error> {
        ColumnReader::find(table, name, nullable, batch)
    }
    #[inline(always)] // most values are null on both sides
    fn matches(reader: &Self::Readers, row: usize, value: Option<Self::Values<'_>>) -> bool {
        match (reader.at(row), value) {
            (None, None) => true,
            (Some(array), Some(value)) => T::equals(array, row, value),
            _ => false,
        }
    }
}
