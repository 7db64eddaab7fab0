//! The types a column of a case may have: each one's Arrow type, how it is built and how it is read.
//!
//! A table is declared once, with [`table!`]: the declaration gives the schema, the builders and the views, so that no
//! two of them can disagree about a column.

mod ancestors;
mod elements;
mod gathered;
mod nulls;
mod view;
mod written;

pub(crate) use ancestors::AncestorList;
pub(crate) use elements::Elements;
pub(crate) use gathered::Gathered;
pub(crate) use nulls::Nulls;
pub(crate) use view::{View, element_range};
pub(crate) use written::Written;

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, BooleanArray, BooleanBuilder, Int32Array, Int32Builder, Int64Array, Int64Builder,
    ListArray, ListBuilder, MapArray, MapBuilder, MapFieldNames, StringArray, StringBuilder, StringViewArray,
    StructBuilder, TimestampNanosecondArray, TimestampNanosecondBuilder, UInt32Array, UInt32Builder, UInt64Array,
    UInt64Builder,
};
use arrow::datatypes::{DataType, Field, Fields, TimeUnit, TimestampNanosecondType, UInt32Type, UInt64Type};
use obit_derivation::record::{HierarchyId, Seq, WallNs};
use obit_derivation::row::Step;

use crate::text::are_same;

/// One column of a table.
#[derive(Debug)]
pub struct Column {
    /// Its name in the files.
    pub name: &'static str,
    /// Its type, as `docs/case-format.md` writes it.
    pub type_name: &'static str,
    /// Its Arrow type.
    pub data_type: fn() -> DataType,
    /// Whether it may be null. A column that may not must be there.
    pub nullable: bool,
    /// What it holds: unit, clock, source.
    pub doc: &'static str,
}

impl Column {
    /// The Arrow field.
    pub fn field(&self) -> Field {
        Field::new(self.name, (self.data_type)(), self.nullable)
    }
}

/// A type that a column may have.
pub(crate) trait ColumnType: 'static {
    /// What is put in.
    type Value<'a>;
    /// Gathers values.
    type Builder: std::fmt::Debug + Send;
    /// Holds them.
    type Array: std::fmt::Debug + Clone + 'static;
    /// Its name in the documentation.
    const NAME: &'static str;

    /// Its Arrow type.
    fn data_type() -> DataType;
    /// An empty builder.
    fn builder() -> Self::Builder;
    /// Adds a value.
    fn push(builder: &mut Self::Builder, value: Self::Value<'_>);
    /// Adds so many nulls.
    fn push_nulls(builder: &mut Self::Builder, count: usize);
    /// What was gathered; the builder is empty afterwards, and may have room for as much again.
    fn finish(builder: &mut Self::Builder) -> ArrayRef;
    /// Whether the value in a row, which is not null, is this.
    fn is(array: &Self::Array, row: usize, value: Self::Value<'_>) -> bool;
    /// An array of that type, to read from.
    fn of(array: &dyn Array) -> Option<Self::Array> {
        array.as_any().downcast_ref::<Self::Array>().cloned()
    }
}

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

/// UTF-8 text, enums included.
#[derive(Debug)]
pub(crate) struct Text;

impl ColumnType for Text {
    type Value<'a> = &'a str;
    type Builder = StringBuilder;
    /// Read as views: the texts of a page or of a dictionary are not copied for each row then.
    type Array = StringViewArray;
    const NAME: &'static str = "utf8";

    fn data_type() -> DataType {
        DataType::Utf8
    }
    fn builder() -> Self::Builder {
        StringBuilder::with_capacity(0, 0)
    }
    fn push(builder: &mut Self::Builder, value: Self::Value<'_>) {
        builder.append_value(value);
    }
    fn push_nulls(builder: &mut Self::Builder, count: usize) {
        builder.append_nulls(count);
    }
    fn finish(builder: &mut Self::Builder) -> ArrayRef {
        let array = builder.finish();
        *builder = StringBuilder::with_capacity(array.len(), array.values().len());
        Arc::new(array)
    }
    #[inline]
    fn is(array: &Self::Array, row: usize, value: Self::Value<'_>) -> bool {
        is_same_text(array.value(row), value)
    }
    fn of(array: &dyn Array) -> Option<Self::Array> {
        let array = array.as_any();
        match array.downcast_ref::<StringArray>() {
            Some(texts) => Some(StringViewArray::from(texts)),
            None => array.downcast_ref::<StringViewArray>().cloned(),
        }
    }
}

/// Whether two texts are the same, of which many are empty.
#[inline]
pub(crate) fn is_same_text(a: &str, b: &str) -> bool {
    are_same(a.as_bytes(), b.as_bytes())
}

/// Time zone of every timestamp.
const UTC: &str = "UTC";

/// Name of a list's element in Parquet (Parquet's LogicalTypes.md, "Lists").
const ELEMENT: &str = "element";

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
/// Texts, e.g. an argument vector.
#[derive(Debug)]
pub(crate) struct TextList;

/// Lists of texts, and the texts of all of them.
#[derive(Clone, Debug)]
pub(crate) struct TextLists {
    lists: ListArray,
    texts: StringViewArray,
}

impl TextLists {
    /// Whether the list in a row, which there is, is exactly this.
    fn are(&self, row: usize, texts: impl ExactSizeIterator<Item = impl AsRef<str>>) -> bool {
        let range = element_range(self.lists.value_offsets(), row);
        range.len() == texts.len()
            && self.texts.null_count() == 0
            && range.end <= self.texts.len()
            && range.zip(texts).all(|(at, text)| is_same_text(self.texts.value(at), text.as_ref()))
    }
}

impl ColumnType for TextList {
    type Value<'a> = Texts<'a>;
    type Builder = ListBuilder<StringBuilder>;
    type Array = TextLists;
    const NAME: &'static str = "list<utf8>";

    fn data_type() -> DataType {
        DataType::List(Arc::new(Field::new(ELEMENT, DataType::Utf8, false)))
    }
    fn builder() -> Self::Builder {
        ListBuilder::new(StringBuilder::new()).with_field(Field::new(ELEMENT, DataType::Utf8, false))
    }
    fn push(builder: &mut Self::Builder, texts: Self::Value<'_>) {
        let elements = builder.values();
        match texts {
            Texts::Borrowed(texts) => texts.iter().for_each(|text| elements.append_value(text)),
            Texts::Owned(texts) => texts.iter().for_each(|text| elements.append_value(text)),
            Texts::Steps(steps) => steps.iter().for_each(|step| elements.append_value(&step.what)),
        }
        builder.append(true);
    }
    fn push_nulls(builder: &mut Self::Builder, count: usize) {
        builder.append_nulls(count);
    }
    fn finish(builder: &mut Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }
    fn is(array: &Self::Array, row: usize, texts: Self::Value<'_>) -> bool {
        match texts {
            Texts::Borrowed(texts) => array.are(row, texts.iter()),
            Texts::Owned(texts) => array.are(row, texts.iter()),
            Texts::Steps(steps) => array.are(row, steps.iter().map(|step| &step.what)),
        }
    }
    fn of(array: &dyn Array) -> Option<Self::Array> {
        let lists = array.as_any().downcast_ref::<ListArray>()?;
        Some(TextLists { lists: lists.clone(), texts: Text::of(lists.values().as_ref())? })
    }
}

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

/// A list of texts, as records and as rows hold one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Texts<'a> {
    /// Of a record.
    Borrowed(&'a [&'a str]),
    /// Of a row.
    Owned(&'a [String]),
    /// What each step was.
    Steps(&'a [Step]),
}

/// Texts by name, as records and as rows hold them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pairs<'a> {
    /// Of a record.
    Borrowed(&'a [(Cow<'a, str>, Cow<'a, str>)]),
    /// Of a row, or of what a record holds beside.
    Owned(&'a [(String, String)]),
}

/// Text by name.
#[derive(Debug)]
pub(crate) struct TextMap;

impl ColumnType for TextMap {
    type Value<'a> = Pairs<'a>;
    type Builder = MapBuilder<StringBuilder, StringBuilder>;
    type Array = MapArray;
    const NAME: &'static str = "map<utf8, utf8>";

    fn data_type() -> DataType {
        let entry = vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, false)];
        DataType::Map(Arc::new(Field::new(MAP_ENTRIES, DataType::Struct(Fields::from(entry)), false)), false)
    }

    fn builder() -> Self::Builder {
        let names = MapFieldNames { entry: MAP_ENTRIES.to_owned(), key: "key".to_owned(), value: "value".to_owned() };
        MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new()).with_values_field(Field::new(
            "value",
            DataType::Utf8,
            false,
        ))
    }

    fn push(builder: &mut Self::Builder, pairs: Self::Value<'_>) {
        let mut append = |name: &str, text: &str| {
            builder.keys().append_value(name);
            builder.values().append_value(text);
        };
        match pairs {
            Pairs::Owned(pairs) => pairs.iter().for_each(|(name, text)| append(name, text)),
            Pairs::Borrowed(pairs) => pairs.iter().for_each(|(name, text)| append(name, text)),
        }
        // Fails only where names and texts differ in number, and both were appended just above.
        let appended = builder.append(true);
        debug_assert!(appended.is_ok());
    }

    fn push_nulls(builder: &mut Self::Builder, count: usize) {
        // As above.
        let appended = builder.append_nulls(count);
        debug_assert!(appended.is_ok());
    }

    fn finish(builder: &mut Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }

    fn is(array: &Self::Array, row: usize, pairs: Self::Value<'_>) -> bool {
        let (names, texts) = (Elements::keys_of(array, row), Elements::values_of(array, row));
        match pairs {
            Pairs::Owned(pairs) => {
                names.are_texts(pairs.iter().map(|(name, _)| name.as_str()))
                    && texts.are_texts(pairs.iter().map(|(_, text)| text.as_str()))
            }
            Pairs::Borrowed(pairs) => {
                names.are_texts(pairs.iter().map(|(name, _)| name.as_ref()))
                    && texts.are_texts(pairs.iter().map(|(_, text)| text.as_ref()))
            }
        }
    }
}

/// Name of a map's entries in Parquet (Parquet's LogicalTypes.md, "Maps").
const MAP_ENTRIES: &str = "key_value";

/// Directories by hierarchy.
#[derive(Debug)]
pub(crate) struct CgroupPathList;

impl CgroupPathList {
    fn fields() -> Fields {
        vec![Field::new("hierarchy_id", DataType::UInt32, false), Field::new("path", DataType::Utf8, false)].into()
    }
}

impl ColumnType for CgroupPathList {
    type Value<'a> = &'a [(HierarchyId, Cow<'a, str>)];
    type Builder = CgroupPathListBuilder;
    type Array = ListArray;
    const NAME: &'static str = "list<struct<hierarchy_id: uint32, path: utf8>>";

    fn data_type() -> DataType {
        DataType::List(Arc::new(Field::new(ELEMENT, DataType::Struct(Self::fields()), false)))
    }

    fn builder() -> Self::Builder {
        let columns: Vec<Box<dyn ArrayBuilder>> = vec![Box::new(UInt32Builder::new()), Box::new(StringBuilder::new())];
        ListBuilder::new(StructBuilder::new(Self::fields(), columns)).with_field(Field::new(
            ELEMENT,
            DataType::Struct(Self::fields()),
            false,
        ))
    }

    fn push(builder: &mut Self::Builder, paths: Self::Value<'_>) {
        let elements = builder.values();
        for (hierarchy, path) in paths {
            // Both exist with these types: `builder` made them.
            if let Some(column) = elements.field_builder::<UInt32Builder>(0) {
                column.append_value(hierarchy.0);
            }
            if let Some(column) = elements.field_builder::<StringBuilder>(1) {
                column.append_value(path);
            }
            elements.append(true);
        }
        builder.append(true);
    }

    fn push_nulls(builder: &mut Self::Builder, count: usize) {
        builder.append_nulls(count);
    }

    fn finish(builder: &mut Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }

    fn is(_: &Self::Array, _: usize, _: Self::Value<'_>) -> bool {
        // No derived table has such a column.
        false
    }
}

type CgroupPathListBuilder = ListBuilder<StructBuilder>;

/// Whether two types hold the same values. Names and nullability of a list's element and of a map's entries may differ:
/// other programs name them otherwise. Text may be laid out as views.
pub(crate) fn same_type(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::List(a), DataType::List(b)) => same_type(a.data_type(), b.data_type()),
        (DataType::Map(a, _), DataType::Map(b, _)) => match (a.data_type(), b.data_type()) {
            (DataType::Struct(a), DataType::Struct(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_type(a.data_type(), b.data_type()))
            }
            _ => false,
        },
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.name() == b.name() && same_type(a.data_type(), b.data_type()))
        }
        (DataType::Utf8 | DataType::Utf8View, DataType::Utf8 | DataType::Utf8View) => true,
        _ => a == b,
    }
}

/// The type to read a column as where records are made of it: text as views, also in lists.
pub(crate) fn with_text_views(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 => DataType::Utf8View,
        DataType::List(element) if *element.data_type() == DataType::Utf8 => {
            DataType::List(Arc::new(element.as_ref().clone().with_data_type(DataType::Utf8View)))
        }
        other => other.clone(),
    }
}

/// Declares a table: its columns in file order, each with its documentation, its type and whether it may be null.
macro_rules! table {
    ($name:literal { $($(#[doc = $doc:literal])+ $column:ident: $type:ident $null:ident,)+ }) => {
        #[allow(unused_imports)] // no table has a column of every type
        use $crate::column::{AncestorList, Bool, CgroupPathList, Column, ColumnType, Gathered, I32, I64, Nulls, PidList, SeqList, StepTimeList, Text, TextList, TextMap, Timestamp, U32, U64, View, Written};

        /// The columns, in file order.
        pub(crate) const COLUMNS: &[Column] = &[$(Column {
            name: stringify!($column),
            type_name: <$type as ColumnType>::NAME,
            data_type: <$type as ColumnType>::data_type,
            nullable: $crate::column::is_nullable!($null),
            doc: concat!($($doc, "\n"),+),
        },)+];

        /// One row to append.
        #[derive(Default)]
        pub(crate) struct Row<'a> {
            $(pub(crate) $column: Option<<$type as ColumnType>::Value<'a>>,)+
        }

        /// A builder for each column.
        #[derive(Debug)]
        pub(crate) struct Builders {
            rows: usize,
            nulls: Nulls,
            $($column: Gathered<$type>,)+
        }

        #[allow(dead_code)] // a table's rows are appended whole or cell by cell
        impl Builders {
            /// Empty.
            pub(crate) fn new() -> Self {
                Self { rows: 0, nulls: Nulls::default(), $($column: Gathered::new(),)+ }
            }

            /// Rows gathered so far.
            pub(crate) fn rows(&self) -> usize {
                self.rows
            }

            /// Appends a row.
            pub(crate) fn push(&mut self, row: Row<'_>) {
                $(if let Some(value) = row.$column {
                    self.$column.put(self.rows, value);
                })+
                self.rows += 1;
            }

            /// Appends a row that is all null until its cells are set.
            pub(crate) fn add(&mut self) -> NewRow<'_> {
                let row = self.rows;
                self.rows += 1;
                NewRow { columns: self, row }
            }

            /// The columns gathered, in file order; empty afterwards.
            pub(crate) fn finish(&mut self) -> Vec<arrow::array::ArrayRef> {
                let rows = std::mem::take(&mut self.rows);
                vec![$(self.$column.finish(rows, &mut self.nulls),)+]
            }
        }

        /// The last row of what is gathered. What is null in it costs nothing: see [`Gathered`].
        #[allow(dead_code)] // as above
        pub(crate) struct NewRow<'b> {
            columns: &'b mut Builders,
            row: usize,
        }

        #[allow(dead_code)] // as above
        impl NewRow<'_> {
            $(
                /// Sets a cell, which must not be set already.
                #[inline(always)] // of what is not there not more than a look is left
                pub(crate) fn $column(&mut self, value: Option<<$type as ColumnType>::Value<'_>>) {
                    if let Some(value) = value {
                        self.columns.$column.put(self.row, value);
                    }
                }
            )+
        }

        /// Each column of a batch as it was written, to compare rows with.
        #[derive(Debug)]
        #[allow(dead_code)] // rows of derived tables are compared, not records
        pub(crate) struct WrittenColumns {
            $($column: Written<$type>,)+
        }

        #[allow(dead_code)] // as above
        impl WrittenColumns {
            /// Finds the columns by name; `None` if one is not as this build writes it.
            pub(crate) fn of(batch: &arrow::array::RecordBatch) -> Option<Self> {
                let mut columns = COLUMNS.iter();
                Some(Self { $($column: Written::find($name, columns.next()?, batch)?,)+ })
            }

            /// Whether that row, which the batch must have, is this.
            pub(crate) fn has(&self, at: usize, row: &Row<'_>) -> bool {
                $(self.$column.has(at, row.$column))&&+
            }
        }

        /// A view of each column.
        #[derive(Debug)]
        #[allow(dead_code)] // some columns are for people and for other programs only
        pub(crate) struct Views {
            $(pub(crate) $column: View<$type>,)+
        }

        #[allow(dead_code)] // derived tables are read cell by cell
        impl Views {
            /// Finds the columns by name.
            pub(crate) fn new(batch: &arrow::array::RecordBatch) -> Result<Self, $crate::error::Error> {
                let mut columns = COLUMNS.iter();
                Ok(Self { $($column: match columns.next() {
                    Some(column) => View::find($name, column, batch)?,
                    None => return Err($crate::error::Error::ColumnMissing { table: $name, column: stringify!($column) }),
                },)+ })
            }
        }
    };
}
pub(crate) use table;

/// `required` or `optional` as a boolean.
macro_rules! is_nullable {
    (required) => {
        false
    };
    (optional) => {
        true
    };
}
pub(crate) use is_nullable;
