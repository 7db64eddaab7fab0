//! Which field of a format a column becomes, and where that field's meaning is defined.

use obit_schema::Table;
use obit_schema::value::Cells;

use super::row::RowBatch;
use crate::origin::RowOrigin;

/// A field of a format that a column becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldMapping {
    /// Column of a derived table, or of [`RowOrigin`].
    pub column: &'static str,
    /// Name of the field, as a path with dots.
    pub field: &'static str,
    /// The definition of the field's meaning.
    pub defined_by: &'static str,
}

/// Makes a mapping; for tables of them.
pub const fn maps(column: &'static str, field: &'static str, defined_by: &'static str) -> FieldMapping {
    FieldMapping { column, field, defined_by }
}

/// Returns the names of the columns that any derived table has, each once, with those of the origin
/// before them.
pub fn exported_columns() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = RowOrigin::COLUMNS.to_vec();
    for column in Table::DERIVED.iter().flat_map(|table| table.columns()) {
        if !names.contains(&column.name) {
            names.push(column.name);
        }
    }
    names
}

/// Returns the columns of a table that no mapping names: a format copies them by their own names.
pub(super) fn unmapped_columns(table: Table, mappings: &[FieldMapping]) -> impl Iterator<Item = &'static str> {
    let columns = table.columns().iter().map(|column| column.name);
    columns.filter(|name| mappings.iter().all(|mapping| mapping.column != *name))
}

/// Returns the members that the columns of a batch become: a mapped one under each field of its
/// own, any other under `prefix` and its name. Columns that an encoder writes itself are left out.
pub(super) fn table_members<'a>(
    batch: &RowBatch<'a>,
    mappings: &[FieldMapping],
    written: &[&str],
    prefix: &str,
) -> Vec<(String, Cells<'a>)> {
    let is_left = |column: &str| !written.contains(&column);
    let mapped = mappings.iter().filter(|mapping| is_left(mapping.column));
    let mapped = mapped.map(|mapping| (mapping.field.to_owned(), batch.cells(mapping.column)));
    let others = unmapped_columns(batch.table, mappings).filter(|column| is_left(column));
    mapped.chain(others.map(|column| (format!("{prefix}{column}"), batch.cells(column)))).collect()
}
