//! Numbers, truth values and times: values that Arrow holds as they are.

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Int32Builder, Int64Builder, TimestampNanosecondBuilder, UInt32Builder, UInt64Builder,
};
use arrow_array::{ArrayRef, BooleanArray, Int32Array, Int64Array, TimestampNanosecondArray, UInt32Array, UInt64Array};
use arrow_schema::{DataType, TimeUnit};
use obit_derivation::record::WallNs;

use super::ColumnType;

/// Time zone of every timestamp.
const UTC: &str = "UTC";

/// Declares the [`ColumnType`] of a value that Arrow holds as it is.
macro_rules! plain_type {
    ($(#[$doc:meta])* $name:ident: $value:ty, $builder:ty, $array:ty, $text:literal, $type:expr, |$capacity:ident| $new:expr, |$in:ident| $out:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name;
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
            fn is(array: &Self::Array, row: usize, $in: Self::Value<'_>) -> bool {
                array.value(row) == $out
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
    U32: u32, UInt32Builder, UInt32Array, "uint32", DataType::UInt32, |rows| UInt32Builder::with_capacity(rows), |value| value
);
plain_type!(
    /// Signed, 32 bits.
    I32: i32, Int32Builder, Int32Array, "int32", DataType::Int32, |rows| Int32Builder::with_capacity(rows), |value| value
);
plain_type!(
    /// Signed, 64 bits.
    I64: i64, Int64Builder, Int64Array, "int64", DataType::Int64, |rows| Int64Builder::with_capacity(rows), |value| value
);
plain_type!(
    /// Unsigned, 64 bits.
    U64: u64, UInt64Builder, UInt64Array, "uint64", DataType::UInt64, |rows| UInt64Builder::with_capacity(rows), |value| value
);
plain_type!(
    /// True or false.
    Bool: bool, BooleanBuilder, BooleanArray, "bool", DataType::Boolean, |rows| BooleanBuilder::with_capacity(rows), |value| value
);
plain_type!(
    /// Nanoseconds since 1970 in UTC, by the recording host's wall clock.
    Timestamp: WallNs, TimestampNanosecondBuilder, TimestampNanosecondArray, "timestamp(ns, UTC)",
    DataType::Timestamp(TimeUnit::Nanosecond, Some(Arc::from(UTC))),
    |rows| TimestampNanosecondBuilder::with_capacity(rows).with_timezone(UTC), |value| value.0
);
