//! Lists of numbers and of times.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, ListBuilder, TimestampNanosecondBuilder, UInt32Builder, UInt64Builder};
use arrow::datatypes::{DataType, Field, TimestampNanosecondType, UInt32Type, UInt64Type};
use obit_derivation::record::Seq;
use obit_derivation::row::Step;

use super::{ColumnType, ELEMENT, Elements, Timestamp};

/// Declares the [`ColumnType`] of a list whose elements are never null.
macro_rules! list_type {
    ($(#[$doc:meta])* $name:ident: $value:ty, $element:ty, $text:literal, $type:expr, |$in:ident, $elements:ident| $push:expr, |$found:ident| $is:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name;
        impl ColumnType for $name {
            type Value<'a> = $value;
            type Builder = ListBuilder<$element>;
            type Array = ListArray;
            const NAME: &'static str = $text;

            fn data_type() -> DataType {
                DataType::List(Arc::new(Field::new(ELEMENT, $type, false)))
            }
            fn builder() -> Self::Builder {
                ListBuilder::new(<$element>::new()).with_field(Field::new(ELEMENT, $type, false))
            }
            fn push(builder: &mut Self::Builder, $in: Self::Value<'_>) {
                let $elements = builder.values();
                $push;
                builder.append(true);
            }
            fn push_nulls(builder: &mut Self::Builder, count: usize) {
                builder.append_nulls(count);
            }
            fn finish(builder: &mut Self::Builder) -> ArrayRef {
                Arc::new(builder.finish())
            }
            fn is(array: &Self::Array, row: usize, $in: Self::Value<'_>) -> bool {
                let $found = Elements::of(array, row);
                $is
            }
        }
    };
}

list_type!(
    /// Process ids.
    PidList: &'a [u32], UInt32Builder, "list<uint32>", DataType::UInt32, |pids, elements| elements.append_slice(pids),
    |found| found.numbers::<UInt32Type>().is_some_and(|found| found == pids)
);
list_type!(
    /// Places in the total order.
    SeqList: &'a [Seq], UInt64Builder, "list<uint64>", DataType::UInt64,
    |seqs, elements| seqs.iter().for_each(|seq| elements.append_value(seq.0)),
    |found| found.numbers::<UInt64Type>().is_some_and(|found| found.iter().eq(seqs.iter().map(|seq| &seq.0)))
);

/// When each step was taken.
#[derive(Debug)]
pub(crate) struct StepTimeList;

impl ColumnType for StepTimeList {
    type Value<'a> = &'a [Step];
    type Builder = ListBuilder<TimestampNanosecondBuilder>;
    type Array = ListArray;
    const NAME: &'static str = "list<timestamp(ns, UTC)>";

    fn data_type() -> DataType {
        DataType::List(Arc::new(Field::new(ELEMENT, Timestamp::data_type(), false)))
    }
    fn builder() -> Self::Builder {
        ListBuilder::new(Timestamp::builder()).with_field(Field::new(ELEMENT, Timestamp::data_type(), false))
    }
    fn push(builder: &mut Self::Builder, steps: Self::Value<'_>) {
        steps.iter().for_each(|step| builder.values().append_value(step.at.0));
        builder.append(true);
    }
    fn push_nulls(builder: &mut Self::Builder, count: usize) {
        builder.append_nulls(count);
    }
    fn finish(builder: &mut Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }
    fn is(array: &Self::Array, row: usize, steps: Self::Value<'_>) -> bool {
        let found = Elements::of(array, row);
        let found = found.numbers::<TimestampNanosecondType>();
        found.is_some_and(|found| found.iter().eq(steps.iter().map(|step| &step.at.0)))
    }
}
