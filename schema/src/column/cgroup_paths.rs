//! Directories by hierarchy.

use std::borrow::Cow;

use arrow_array::builder::{ArrayBuilder, StringBuilder, StructBuilder, UInt32Builder};
use arrow_array::{Array, StringArray, StructArray, UInt32Array};
use arrow_schema::{DataType, Field, Fields};
use obit_derivation::record::HierarchyId;

use super::elements::element_range;
use super::lists::list_type;
use super::reader::ColumnReader;

list_type!(
    /// Directories by hierarchy.
    CgroupPathList: &'a [(HierarchyId, Cow<'a, str>)], "list<struct<hierarchy_id: uint32, path: utf8>>",
    DataType::Struct(fields()), StructBuilder = directories(),
    |paths, elements| push(elements, paths),
    // No derived table has such a column.
    |_, _| false
);

fn fields() -> Fields {
    vec![Field::new("hierarchy_id", DataType::UInt32, false), Field::new("path", DataType::Utf8, false)].into()
}

fn directories() -> StructBuilder {
    let columns: Vec<Box<dyn ArrayBuilder>> = vec![Box::new(UInt32Builder::new()), Box::new(StringBuilder::new())];
    StructBuilder::new(fields(), columns)
}

fn push(elements: &mut StructBuilder, paths: &[(HierarchyId, Cow<'_, str>)]) {
    for (hierarchy, path) in paths {
        // Both exist with these types: `directories` made them.
        if let Some(column) = elements.field_builder::<UInt32Builder>(0) {
            column.append_value(hierarchy.0);
        }
        if let Some(column) = elements.field_builder::<StringBuilder>(1) {
            column.append_value(path);
        }
        elements.append(true);
    }
}

impl ColumnReader<CgroupPathList> {
    /// Returns the directories of a row, borrowed from the batch; empty if null.
    pub(crate) fn paths(&self, row: usize) -> Vec<(HierarchyId, Cow<'_, str>)> {
        let Some(list) = self.at(row) else { return Vec::new() };
        let Some(entries) = list.values().as_any().downcast_ref::<StructArray>() else {
            return Vec::new();
        };
        let hierarchies = entries.column_by_name("hierarchy_id").and_then(|c| c.as_any().downcast_ref::<UInt32Array>());
        let paths = entries.column_by_name("path").and_then(|c| c.as_any().downcast_ref::<StringArray>());
        let (Some(hierarchies), Some(paths)) = (hierarchies, paths) else {
            return Vec::new();
        };
        element_range(list.value_offsets(), row)
            .filter(|i| *i < entries.len() && hierarchies.is_valid(*i) && paths.is_valid(*i))
            .map(|i| (HierarchyId(hierarchies.value(i)), Cow::Borrowed(paths.value(i))))
            .collect()
    }
}
