//! Rows of a derived table as they were written, to compare with rows that are derived again.
//!
//! These are not put into columns for that: values are compared with values. What is of another type than this build writes is
//! refused here, and can be compared by its [digest](crate::digest).

use arrow_array::RecordBatch;
use obit_derivation::Row;

use crate::encode::rows::{create, disagreement, existing, remove};
use crate::tables::{Table, container_create, container_remove, disagreement as disagreements, existing_container};

/// The rows of a batch.
#[derive(Debug)]
pub struct WrittenRows {
    columns: Columns,
    rows: usize,
}

#[derive(Debug)]
enum Columns {
    Create(Box<container_create::WrittenColumns>),
    Remove(Box<container_remove::WrittenColumns>),
    Existing(Box<existing_container::WrittenColumns>),
    Disagreement(Box<disagreements::WrittenColumns>),
}

impl WrittenRows {
    /// The rows of a batch of that table. `None` if it is no derived table, if a column is not of the type that this build
    /// writes, or if one that it does not know holds a value.
    pub fn of(table: Table, batch: &RecordBatch) -> Option<Self> {
        let is_known = |name: &str| table.columns().iter().any(|column| column.name == name);
        let fields = batch.schema_ref().fields().iter().zip(batch.columns());
        let mut unknown = fields.filter(|(field, _)| !is_known(field.name()));
        if unknown.any(|(_, column)| column.null_count() < column.len()) {
            return None;
        }
        let columns = match table {
            Table::ContainerCreate => Columns::Create(Box::new(container_create::WrittenColumns::of(batch)?)),
            Table::ContainerRemove => Columns::Remove(Box::new(container_remove::WrittenColumns::of(batch)?)),
            Table::ExistingContainer => Columns::Existing(Box::new(existing_container::WrittenColumns::of(batch)?)),
            Table::Disagreement => Columns::Disagreement(Box::new(disagreements::WrittenColumns::of(batch)?)),
            Table::Events | Table::Cgroupfs | Table::Runtime => return None,
        };
        Some(Self { columns, rows: batch.num_rows() })
    }

    /// How many they are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether the row at that place is this one; there is none past the end.
    pub fn has(&self, at: usize, row: &Row) -> bool {
        at < self.rows
            && match (&self.columns, row) {
                (Columns::Create(columns), Row::Create(row)) => columns.has(at, &create::columns_of(row)),
                (Columns::Remove(columns), Row::Remove(row)) => columns.has(at, &remove::columns_of(row)),
                (Columns::Existing(columns), Row::Existing(row)) => columns.has(at, &existing::columns_of(row)),
                (Columns::Disagreement(columns), Row::Disagreement(row)) => {
                    columns.has(at, &disagreement::columns_of(row))
                }
                _ => false,
            }
    }
}
