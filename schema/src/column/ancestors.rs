//! Ancestors of a task, nearest first.

use arrow_array::builder::{ArrayBuilder, StringBuilder, StructBuilder, UInt32Builder, UInt64Builder};
use arrow_array::{Array, ListArray, StringArray, StructArray, UInt32Array, UInt64Array};
use arrow_schema::{DataType, Field, Fields};
use obit_derivation::BootNs;
use obit_derivation::record::Ancestor;

use super::elements::element_range;
use super::lists::list_type;
use super::reader::ColumnReader;

list_type!(
    /// Ancestors of a task.
    AncestorList: &'a [Ancestor<'a>], "list<struct<pid: uint32, uid: uint32, started_boot_ns: uint64, comm: utf8>>",
    DataType::Struct(fields()), StructBuilder = tasks(),
    |ancestors, elements| push(elements, ancestors),
    // No derived table has such a column.
    |_, _| false
);

fn fields() -> Fields {
    vec![
        Field::new("pid", DataType::UInt32, false),
        Field::new("uid", DataType::UInt32, false),
        Field::new("started_boot_ns", DataType::UInt64, false),
        Field::new("comm", DataType::Utf8, false),
    ]
    .into()
}

fn tasks() -> StructBuilder {
    let columns: Vec<Box<dyn ArrayBuilder>> = vec![
        Box::new(UInt32Builder::new()),
        Box::new(UInt32Builder::new()),
        Box::new(UInt64Builder::new()),
        Box::new(StringBuilder::new()),
    ];
    StructBuilder::new(fields(), columns)
}

fn push(elements: &mut StructBuilder, ancestors: &[Ancestor<'_>]) {
    for ancestor in ancestors {
        // All exist with these types: `tasks` made them.
        for (column, number) in [(0, ancestor.pid), (1, ancestor.uid)] {
            if let Some(column) = elements.field_builder::<UInt32Builder>(column) {
                column.append_value(number);
            }
        }
        if let Some(column) = elements.field_builder::<UInt64Builder>(2) {
            column.append_value(ancestor.started.0);
        }
        if let Some(column) = elements.field_builder::<StringBuilder>(3) {
            column.append_value(ancestor.comm);
        }
        elements.append(true);
    }
}

impl ColumnReader<AncestorList> {
    /// Returns the ancestors of a row, borrowed from the batch; none if null.
    pub(crate) fn ancestors(&self, row: usize) -> Vec<Ancestor<'_>> {
        self.at(row).and_then(|list| read(list, row)).unwrap_or_default()
    }
}

fn read(list: &ListArray, row: usize) -> Option<Vec<Ancestor<'_>>> {
    let entries = list.values().as_any().downcast_ref::<StructArray>()?;
    let column = |name: &str| entries.column_by_name(name).map(|column| column.as_any());
    let pids = column("pid")?.downcast_ref::<UInt32Array>()?;
    let uids = column("uid")?.downcast_ref::<UInt32Array>()?;
    let starts = column("started_boot_ns")?.downcast_ref::<UInt64Array>()?;
    let names = column("comm")?.downcast_ref::<StringArray>()?;
    let is_whole = |at: &usize| {
        *at < entries.len() && pids.is_valid(*at) && uids.is_valid(*at) && starts.is_valid(*at) && names.is_valid(*at)
    };
    let told = element_range(list.value_offsets(), row).filter(is_whole).map(|at| Ancestor {
        pid: pids.value(at),
        uid: uids.value(at),
        started: BootNs(starts.value(at)),
        comm: names.value(at),
    });
    Some(told.collect())
}
