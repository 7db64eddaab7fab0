//! Lists of numbers, of times, and of the element types that other files declare with
//! [`list_type!`].

use std::sync::Arc;

use arrow_array::builder::{ArrayBuilder, ListBuilder, TimestampNanosecondBuilder, UInt32Builder, UInt64Builder};
use arrow_array::types::{TimestampNanosecondType, UInt32Type, UInt64Type};
use arrow_array::{Array, UInt32Array};
use arrow_schema::{DataType, Field};
use obit_derivation::record::Seq;
use obit_derivation::row::Step;

use super::elements::element_range;
use super::plain::Timestamp;
use super::reader::ColumnReader;

/// Name of a list's element in Parquet (Parquet's LogicalTypes.md, "Lists").
const ELEMENT: &str = "element";

/// Returns the type of a list whose elements are never null.
pub(super) fn list_of(element: DataType) -> DataType {
    DataType::List(Arc::new(Field::new(ELEMENT, element, false)))
}

/// Creates a builder of lists whose elements are never null.
pub(super) fn list_builder<B: ArrayBuilder>(elements: B, element: DataType) -> ListBuilder<B> {
    ListBuilder::new(elements).with_field(Field::new(ELEMENT, element, false))
}

/// Declares the column type of a list: its value, the builder of its elements, and how both are
/// compared.
macro_rules! list_type {
    ($(#[$doc:meta])* $name:ident: $value:ty, $text:literal, $type:expr, $element:ty = $new:expr, |$in:ident, $elements:ident| $push:expr, |$found:pat_param, $with:pat_param| $is:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;
        impl $crate::column::column_type::ColumnType for $name {
            type Value<'a> = $value;
            type Builder = arrow_array::builder::ListBuilder<$element>;
            type Array = arrow_array::ListArray;
            const NAME: &'static str = $text;

            fn data_type() -> arrow_schema::DataType {
                $crate::column::lists::list_of($type)
            }
            fn builder() -> Self::Builder {
                $crate::column::lists::list_builder($new, $type)
            }
            fn push(builder: &mut Self::Builder, $in: Self::Value<'_>) {
                let $elements = builder.values();
                $push;
                builder.append(true);
            }
            fn push_nulls(builder: &mut Self::Builder, count: usize) {
                builder.append_nulls(count);
            }
            fn finish(builder: &mut Self::Builder) -> arrow_array::ArrayRef {
                std::sync::Arc::new(builder.finish())
            }
            fn equals(array: &Self::Array, row: usize, $with: Self::Value<'_>) -> bool {
                let $found = $crate::column::elements::Elements::of(array, row);
                $is
            }
        }
    };
}
pub(super) use list_type;

list_type!(
    /// Process ids.
    PidList: &'a [u32], "list<uint32>", DataType::UInt32, UInt32Builder = UInt32Builder::new(),
    |pids, elements| elements.append_slice(pids),
    |found, pids| found.numbers::<UInt32Type>().is_some_and(|found| found == pids)
);
list_type!(
    /// Places in the total order.
    SeqList: &'a [Seq], "list<uint64>", DataType::UInt64, UInt64Builder = UInt64Builder::new(),
    |seqs, elements| seqs.iter().for_each(|seq| elements.append_value(seq.0)),
    |found, seqs| found.numbers::<UInt64Type>().is_some_and(|found| found.iter().eq(seqs.iter().map(|seq| &seq.0)))
);
list_type!(
    /// The time of each step.
    StepTimeList: &'a [Step], "list<timestamp(ns, UTC)>", Timestamp::data_type(),
    TimestampNanosecondBuilder = Timestamp::builder(),
    |steps, elements| steps.iter().for_each(|step| elements.append_value(step.at.0)),
    |found, steps| {
        let found = found.numbers::<TimestampNanosecondType>();
        found.is_some_and(|found| found.iter().eq(steps.iter().map(|step| &step.at.0)))
    }
);

impl ColumnReader<PidList> {
    /// Returns the list of a row; empty if null.
    pub(crate) fn list(&self, row: usize) -> Vec<u32> {
        let Some(list) = self.at(row) else { return Vec::new() };
        let Some(pids) = list.values().as_any().downcast_ref::<UInt32Array>() else { return Vec::new() };
        let range = element_range(list.value_offsets(), row);
        range.filter(|at| *at < pids.len() && pids.is_valid(*at)).map(|at| pids.value(at)).collect()
    }
}
