//! The columns of each table.

use std::sync::{Arc, LazyLock};

use arrow_array::{RecordBatch, new_null_array};
use arrow_schema::{DataType, Schema, SchemaRef};

use super::table::Table;
use super::{
    cgroupfs, container_create, container_exit, container_remove, disagreement, events, existing_container, runtime,
};
use crate::column::{Column, Member, same_type};
use crate::error::Error;

/// The columns of a table, as they are declared and as Arrow has them.
struct TableSchema {
    columns: Vec<Column>,
    schema: SchemaRef,
}

impl TableSchema {
    fn of(table: Table) -> Self {
        let declare = match table {
            Table::Events => events::Events::declare,
            Table::Cgroupfs => cgroupfs::Cgroupfs::declare,
            Table::Runtime => runtime::Runtime::declare,
            Table::ContainerExit => container_exit::ContainerExit::declare,
            Table::ContainerRemove => container_remove::ContainerRemove::declare,
            Table::ContainerCreate => container_create::ContainerCreate::declare,
            Table::ExistingContainer => existing_container::ExistingContainer::declare,
            Table::Disagreement => disagreement::Disagreement::declare,
        };
        let mut columns = Vec::new();
        declare(table.name(), false, "", &mut columns);
        let fields: Vec<_> = columns.iter().map(Column::field).collect();
        Self { columns, schema: Arc::new(Schema::new(fields)) }
    }
}

impl Table {
    fn table_schema(self) -> &'static TableSchema {
        static SCHEMAS: LazyLock<[TableSchema; Table::ALL.len()]> = LazyLock::new(|| Table::ALL.map(TableSchema::of));
        // `ALL` lists the tables in the order of their declaration.
        &SCHEMAS[self as usize]
    }

    /// Returns the columns, in file order.
    pub fn columns(self) -> &'static [Column] {
        &self.table_schema().columns
    }

    /// Returns the Arrow schema.
    pub fn schema(self) -> SchemaRef {
        Arc::clone(&self.table_schema().schema)
    }

    /// Checks that files of this schema can be read as the table: required columns are there, and
    /// no column has another type.
    ///
    /// # Errors
    /// A column is missing or has another type; the first one is returned.
    pub fn check(self, schema: &Schema) -> Result<(), Error> {
        for column in self.columns() {
            match schema.field_with_name(column.name) {
                Ok(field) if same_type(field.data_type(), &(column.data_type)()) => {}
                Ok(field) => {
                    return Err(Error::ColumnType {
                        table: self.name(),
                        column: column.name,
                        found: field.data_type().to_string(),
                        expected: column.type_name,
                    });
                }
                Err(_) if column.nullable => {}
                Err(_) => {
                    return Err(Error::ColumnMissing { table: self.name(), column: column.name });
                }
            }
        }
        Ok(())
    }

    /// Brings a batch of an older build, or with other metadata, to the columns that this build
    /// writes.
    ///
    /// # Errors
    /// [`Error::Encode`] if a column has another type.
    pub fn conform(self, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        let schema = self.schema();
        let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
            Some(column) => Arc::clone(column),
            None => new_null_array(field.data_type(), batch.num_rows()),
        });
        let columns = columns.collect();
        RecordBatch::try_new(schema, columns).map_err(|source| Error::Encode { table: self.name(), source })
    }

    /// Returns true if the table has a column of container ids, which gets a Bloom filter.
    pub fn has_container_id(self) -> bool {
        self.columns().iter().any(|column| column.name == "container_id")
    }

    /// Returns the columns that grow from row to row, or nearly: as differences they take few bits
    /// a value.
    pub fn delta_columns(self) -> impl Iterator<Item = &'static str> {
        self.columns().iter().filter_map(|column| match (column.data_type)() {
            DataType::Timestamp(..) => Some(column.name),
            DataType::UInt64 if column.name.ends_with("seq") || column.name == "boot_ns" => Some(column.name),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_columns_of_container_remove_are_the_arguments_of_the_event() {
        let names: Vec<_> = Table::ContainerRemove.columns().iter().take(2).map(|column| column.name).collect();
        assert_eq!(names, ["runtime", "container_id"]);
    }

    #[test]
    fn names_lead_back_to_their_table_and_schema() {
        for table in Table::ALL {
            assert_eq!(Table::from_name(table.name()), Some(table));
            assert_eq!(table.schema().fields().len(), table.columns().len());
            assert!(
                table.schema().fields().iter().zip(table.columns()).all(|(field, column)| field.name() == column.name)
            );
            assert!(table.check(&table.schema()).is_ok());
        }
    }

    #[test]
    fn every_table_is_ordered_by_a_seq_that_is_never_null() {
        for table in Table::ALL {
            assert!(
                table.columns().iter().any(|c| c.name == "seq" && !c.nullable && c.type_name == "uint64"),
                "{table}"
            );
        }
    }

    #[test]
    fn other_types_are_refused_and_absent_optional_columns_are_not() {
        let all = Table::Events.schema();
        let without_path = Schema::new(all.fields().iter().filter(|f| f.name() != "path").cloned().collect::<Vec<_>>());
        assert!(Table::Events.check(&without_path).is_ok());
        let without_kind = Schema::new(all.fields().iter().filter(|f| f.name() != "kind").cloned().collect::<Vec<_>>());
        assert!(matches!(Table::Events.check(&without_kind), Err(Error::ColumnMissing { column: "kind", .. })));
        let other = Schema::new(vec![arrow_schema::Field::new("seq", DataType::Int64, false)]);
        assert!(matches!(Table::Events.check(&other), Err(Error::ColumnType { column: "seq", .. })));
    }
}
