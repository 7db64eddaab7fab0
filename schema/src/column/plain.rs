//! Numbers, truth values and times: values that Arrow holds as they are.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Int32Builder, Int64Builder, TimestampNanosecondBuilder, UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, BooleanArray, Int32Array, Int64Array, TimestampNanosecondArray, UInt32Array, UInt64Array};
use arrow_schema::{DataType, TimeUnit};
use obit_derivation::record::WallNs;

use super::column_type::{ColumnType, ScalarType};
use super::reader::ColumnReader;

/// Time zone of every timestamp.
const UTC: &str = "UTC";

/// Declares the [`ColumnType`] of a value that Arrow holds as it is.
macro_rules! plain_type {
    (
        $(#[$doc:meta])* $name:ident: $value:ty, $text:literal, $type:expr, $builder:ty, |$capacity:ident| $new:expr,
        |$in:ident| $out:expr, $array:ty, |$from:ident, $row:ident| $get:expr
    ) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;
        impl ColumnType for $name {
            type Value<'a> = $value;
            type Builder = $builder;
            type Array = $array;
            const NAME: &'static str = $text;

            fn data_type() -> DataType {
                $type
            }
            fn builder() -> Self::Builder {
                Self::with_capacity(0)
            }
            #[inline]
            fn push(builder: &mut Self::Builder, $in: Self::Value<'_>) {
                builder.append_value($out);
            }
            fn push_nulls(builder: &mut Self::Builder, count: usize) {
                builder.append_nulls(count);
            }
            fn finish(builder: &mut Self::Builder) -> ArrayRef {
                let array = builder.finish();
                *builder = Self::with_capacity(array.len());
                Arc::new(array)
            }
            #[inline]
            fn equals(array: &Self::Array, row: usize, $in: Self::Value<'_>) -> bool {
                array.value(row) == $out
            }
        }
        impl ScalarType for $name {
            #[inline]
            fn read($from: &Self::Array, $row: usize) -> Option<Self::Value<'_>> {
                $get
            }
        }
        impl $name {
            fn with_capacity($capacity: usize) -> $builder {
                $new
            }
        }
    };
}

plain_type!(
    /// Unsigned, 32 bits.
    U32: u32, "uint32", DataType::UInt32, UInt32Builder, |rows| UInt32Builder::with_capacity(rows),
    |value| value, UInt32Array, |array, row| array.values().get(row).copied()
);
plain_type!(
    /// Signed, 32 bits.
    I32: i32, "int32", DataType::Int32, Int32Builder, |rows| Int32Builder::with_capacity(rows),
    |value| value, Int32Array, |array, row| array.values().get(row).copied()
);
plain_type!(
    /// Signed, 64 bits.
    I64: i64, "int64", DataType::Int64, Int64Builder, |rows| Int64Builder::with_capacity(rows),
    |value| value, Int64Array, |array, row| array.values().get(row).copied()
);
plain_type!(
    /// Unsigned, 64 bits.
    U64: u64, "uint64", DataType::UInt64, UInt64Builder, |rows| UInt64Builder::with_capacity(rows),
    |value| value, UInt64Array, |array, row| array.values().get(row).copied()
);
plain_type!(
    /// True or false.
    Bool: bool, "bool", DataType::Boolean, BooleanBuilder, |rows| BooleanBuilder::with_capacity(rows),
    |value| value, BooleanArray, |array, row| (row < array.len()).then(|| array.value(row))
);
plain_type!(
    /// Nanoseconds since 1970 in UTC, by the recording host's wall clock.
    Timestamp: WallNs, "timestamp(ns, UTC)", DataType::Timestamp(TimeUnit::Nanosecond, Some(Arc::from(UTC))),
    TimestampNanosecondBuilder, |rows| TimestampNanosecondBuilder::with_capacity(rows).with_timezone(UTC),
    |value| value.0, TimestampNanosecondArray, |array, row| array.values().get(row).copied().map(WallNs)
);

impl ColumnReader<U64> {
    /// Returns the values from a row on, if none is null.
    pub(crate) fn values_from(&self, row: usize) -> &[u64] {
        let array = self.array.as_ref().filter(|_| self.nulls.is_none());
        array.and_then(|array| array.values().get(row..)).unwrap_or_default()
    }
}
