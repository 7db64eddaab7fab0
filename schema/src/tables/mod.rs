//! The tables of a case. Each file below declares one: its columns in file order, documented.

pub(crate) mod cgroupfs;
pub(crate) mod container_create;
pub(crate) mod container_remove;
pub(crate) mod disagreement;
pub(crate) mod events;
pub(crate) mod existing_container;
pub(crate) mod runtime;

use std::fmt;
use std::sync::{Arc, LazyLock};

use arrow_schema::{DataType, Schema, SchemaRef};

pub use crate::column::Column;
use crate::column::same_type;
use crate::error::Error;

/// A table of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// raw/events: kernel events, losses, clocks and the marks of a capture.
    Events,
    /// raw/cgroupfs: directories as cgroupfs showed them.
    Cgroupfs,
    /// raw/runtime: what runtimes and their files said.
    Runtime,
    /// derived/container_remove: containers that ended.
    ContainerRemove,
    /// derived/container_create: containers that began.
    ContainerCreate,
    /// derived/existing_container: containers that were there before the capture.
    ExistingContainer,
    /// derived/disagreement: where sources contradict each other about an end.
    Disagreement,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 7] = [
        Self::Events,
        Self::Cgroupfs,
        Self::Runtime,
        Self::ContainerRemove,
        Self::ContainerCreate,
        Self::ExistingContainer,
        Self::Disagreement,
    ];
    /// The tables whose rows are records, in one total order.
    pub const RAW: [Self; 3] = [Self::Events, Self::Cgroupfs, Self::Runtime];
    /// The tables that the derivation fills.
    pub const DERIVED: [Self; 4] =
        [Self::ContainerRemove, Self::ContainerCreate, Self::ExistingContainer, Self::Disagreement];

    /// Its name: the start of its files' names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Cgroupfs => "cgroupfs",
            Self::Runtime => "runtime",
            Self::ContainerRemove => "container_remove",
            Self::ContainerCreate => "container_create",
            Self::ExistingContainer => "existing_container",
            Self::Disagreement => "disagreement",
        }
    }

    /// The table of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name() == name)
    }

    /// The folder of a case that holds its parts.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Events | Self::Cgroupfs | Self::Runtime => "raw",
            Self::ContainerRemove | Self::ContainerCreate | Self::ExistingContainer | Self::Disagreement => "derived",
        }
    }

    /// Its columns, in file order.
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Events => events::COLUMNS,
            Self::Cgroupfs => cgroupfs::COLUMNS,
            Self::Runtime => runtime::COLUMNS,
            Self::ContainerRemove => container_remove::COLUMNS,
            Self::ContainerCreate => container_create::COLUMNS,
            Self::ExistingContainer => existing_container::COLUMNS,
            Self::Disagreement => disagreement::COLUMNS,
        }
    }

    /// Its Arrow schema.
    pub fn schema(self) -> SchemaRef {
        static SCHEMAS: LazyLock<[SchemaRef; 7]> = LazyLock::new(|| {
            Table::ALL.map(|table| {
                let fields: Vec<_> = table.columns().iter().map(Column::field).collect();
                Arc::new(Schema::new(fields))
            })
        });
        let schemas: &[SchemaRef; 7] = &SCHEMAS;
        match self {
            Self::Events => &schemas[0],
            Self::Cgroupfs => &schemas[1],
            Self::Runtime => &schemas[2],
            Self::ContainerRemove => &schemas[3],
            Self::ContainerCreate => &schemas[4],
            Self::ExistingContainer => &schemas[5],
            Self::Disagreement => &schemas[6],
        }
        .clone()
    }

    /// Checks that files of that schema can be read as this table: what must be there is, and nothing has another type.
    ///
    /// # Errors
    /// The first column that is missing or of another type.
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

    /// Whether a column holds container ids and so gets a bloom filter.
    pub fn has_container_id(self) -> bool {
        self.columns().iter().any(|column| column.name == "container_id")
    }

    /// Columns that grow from row to row, or nearly: few bits a value as differences.
    pub fn delta_columns(self) -> impl Iterator<Item = &'static str> {
        self.columns().iter().filter_map(|column| match (column.data_type)() {
            DataType::Timestamp(..) => Some(column.name),
            DataType::UInt64 if column.name.ends_with("seq") || column.name == "boot_ns" => Some(column.name),
            _ => None,
        })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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
