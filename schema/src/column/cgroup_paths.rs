//! Directories by hierarchy.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayBuilder, ArrayRef, ListArray, ListBuilder, StringBuilder, StructBuilder, UInt32Builder};
use arrow::datatypes::{DataType, Field, Fields};
use obit_derivation::record::HierarchyId;

use super::{ColumnType, ELEMENT};

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
