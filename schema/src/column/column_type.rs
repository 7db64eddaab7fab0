//! The types that a column may have.

use std::fmt::Debug;

use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;

/// A type that a column may have: its Arrow type, and how values get into arrays and out of them.
pub trait ColumnType: Debug + 'static {
    /// The value of a row.
    type Value<'a>;
    /// Builds an array of values.
    type Builder: Debug + Send;
    /// The array to read values from.
    type Array: Debug + Clone + 'static;
    /// The name of the type in `docs/case-format.md`.
    const NAME: &'static str;

    /// Returns the Arrow type.
    fn data_type() -> DataType;
    /// Creates an empty builder.
    fn builder() -> Self::Builder;
    /// Appends a value.
    fn push(builder: &mut Self::Builder, value: Self::Value<'_>);
    /// Appends this many nulls.
    fn push_nulls(builder: &mut Self::Builder, count: usize);
    /// Returns the values as an array and leaves the builder empty, possibly with room for as many
    /// again.
    fn finish(builder: &mut Self::Builder) -> ArrayRef;
    /// Returns true if a row's value, which is not null, equals `value`.
    fn equals(array: &Self::Array, row: usize, value: Self::Value<'_>) -> bool;
    /// Returns an array of this type, to read from.
    fn downcast(array: &dyn Array) -> Option<Self::Array> {
        array.as_any().downcast_ref::<Self::Array>().cloned()
    }
}

/// A column type whose values are read as they were put in.
pub trait ScalarType: ColumnType {
    /// Returns the value of a row; any value if the row is null, `None` past the end.
    fn read(array: &Self::Array, row: usize) -> Option<Self::Value<'_>>;
}
