//! Rows of a derived table as a case holds them, to compare with rows that are derived again.
//!
//! Derived rows are not put into columns for that: values are compared with values. Columns of
//! another type than this build writes are refused here; their [digest](crate::digest) can be
//! compared.

use arrow_array::RecordBatch;
use obit_derivation::Row;

use crate::column::Member;
use crate::tables::container_create::{self, ContainerCreate};
use crate::tables::container_exit::{self, ContainerExit};
use crate::tables::container_remove::{self, ContainerRemove};
use crate::tables::disagreement::{self, Disagreement};
use crate::tables::existing_container::{self, ExistingContainer};
use crate::tables::{Table, TableColumns};

/// The rows of a recorded batch.
#[derive(Debug)]
pub struct RecordedRows {
    columns: RecordedColumns,
    rows: usize,
}

#[derive(Debug)]
enum RecordedColumns {
    Create(Box<container_create::Readers>),
    Exit(Box<container_exit::Readers>),
    Remove(Box<container_remove::Readers>),
    Existing(Box<existing_container::Readers>),
    Disagreement(Box<disagreement::Readers>),
}

impl RecordedRows {
    /// Finds the columns of a batch of this table. `None` if it is no derived table, if a column
    /// has another type than this build writes, or if an unknown column holds a value.
    pub fn new(table: Table, batch: &RecordBatch) -> Option<Self> {
        let is_known = |name: &str| table.columns().iter().any(|column| column.name == name);
        let fields = batch.schema_ref().fields().iter().zip(batch.columns());
        let mut unknown = fields.filter(|(field, _)| !is_known(field.name()));
        if unknown.any(|(_, column)| column.null_count() < column.len()) {
            return None;
        }
        let columns = match table {
            Table::ContainerCreate => RecordedColumns::Create(Box::new(ContainerCreate::read(batch).ok()?)),
            Table::ContainerExit => RecordedColumns::Exit(Box::new(ContainerExit::read(batch).ok()?)),
            Table::ContainerRemove => RecordedColumns::Remove(Box::new(ContainerRemove::read(batch).ok()?)),
            Table::ExistingContainer => RecordedColumns::Existing(Box::new(ExistingContainer::read(batch).ok()?)),
            Table::Disagreement => RecordedColumns::Disagreement(Box::new(Disagreement::read(batch).ok()?)),
            Table::Events | Table::Cgroupfs | Table::Runtime => return None,
        };
        Some(Self { columns, rows: batch.num_rows() })
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Returns true if there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Returns true if the recorded row at this index equals a derived one. There is no row past
    /// the end.
    pub fn matches(&self, index: usize, row: &Row) -> bool {
        use RecordedColumns as Columns;
        index < self.rows
            && match (&self.columns, row) {
                (Columns::Create(columns), Row::Create(row)) => {
                    ContainerCreate::matches(columns, index, Some(row.into()))
                }
                (Columns::Exit(columns), Row::Exit(row)) => ContainerExit::matches(columns, index, Some(row.into())),
                (Columns::Remove(columns), Row::Remove(row)) => {
                    ContainerRemove::matches(columns, index, Some(row.into()))
                }
                (Columns::Existing(columns), Row::Existing(row)) => {
                    ExistingContainer::matches(columns, index, Some(row.into()))
                }
                (Columns::Disagreement(columns), Row::Disagreement(row)) => {
                    Disagreement::matches(columns, index, Some(row.into()))
                }
                _ => false,
            }
    }
}
