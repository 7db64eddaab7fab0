//! The types a column of a case may have: each one's Arrow type, how it is built and how it is read.
//!
//! A table is declared once, with [`table!`]: the declaration gives the schema, the builders and the views, so that no
//! two of them can disagree about a column.

mod ancestors;
mod cgroup_paths;
mod elements;
mod gathered;
mod lists;
mod map;
mod nulls;
mod plain;
mod table;
mod text;
mod view;
mod written;

pub(crate) use ancestors::AncestorList;
pub(crate) use cgroup_paths::CgroupPathList;
pub(crate) use elements::Elements;
pub(crate) use gathered::Gathered;
pub(crate) use lists::{PidList, SeqList, StepTimeList};
pub(crate) use map::{Pairs, TextMap};
pub(crate) use nulls::Nulls;
pub(crate) use plain::{Bool, I32, I64, Timestamp, U32, U64};
pub(crate) use table::{is_nullable, table};
pub(crate) use text::{Text, TextList, Texts, is_same_text};
pub(crate) use view::{View, element_range};
pub(crate) use written::Written;

use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, Field};

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
pub fn with_text_views(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 => DataType::Utf8View,
        DataType::List(element) if *element.data_type() == DataType::Utf8 => {
            DataType::List(Arc::new(element.as_ref().clone().with_data_type(DataType::Utf8View)))
        }
        other => other.clone(),
    }
}
