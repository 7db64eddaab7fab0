//! Rows as the formats read them: a batch of one derived table, its columns found once, and where
//! its rows come from.

use arrow_array::RecordBatch;
use obit_schema::Table;
use obit_schema::value::{Cells, List, MapValue, Value};

use crate::origin::RowOrigin;

/// Rows of one derived table.
pub struct RowBatch<'a> {
    /// The table.
    pub table: Table,
    /// The host and the case that the rows come from.
    pub origin: &'a RowOrigin,
    batch: &'a RecordBatch,
    columns: RowColumns<'a>,
}

impl<'a> RowBatch<'a> {
    /// Finds the columns of a batch.
    pub fn new(table: Table, origin: &'a RowOrigin, batch: &'a RecordBatch) -> Self {
        Self { table, origin, batch, columns: RowColumns::of(batch) }
    }

    /// Returns the values of a column; nulls if the table has none of this name.
    pub fn cells(&self, column: &str) -> Cells<'a> {
        find(self.batch, column)
    }

    /// Returns the rows in order.
    pub fn rows(&self) -> impl Iterator<Item = ExportRow<'_>> {
        let row = |index| ExportRow { table: self.table, origin: self.origin, columns: &self.columns, index };
        (0..self.batch.num_rows()).map(row)
    }
}

/// One row of a derived table. A column that the table lacks reads as absent.
#[derive(Clone, Copy)]
pub struct ExportRow<'a> {
    /// The table.
    pub table: Table,
    /// The host and the case that the row comes from.
    pub origin: &'a RowOrigin,
    columns: &'a RowColumns<'a>,
    /// Place of the row in its batch.
    pub index: usize,
}

fn find<'a>(batch: &'a RecordBatch, column: &str) -> Cells<'a> {
    batch.column_by_name(column).map_or(Cells::NULL, |array| Cells::new(array.as_ref()))
}

/// Turns a value into the type that a column is read as; another type reads as absent.
trait FromValue<'a>: Sized {
    fn from_value(value: Value<'a>) -> Option<Self>;
}

macro_rules! from_value {
    ($($variant:ident => $type:ty),+) => {
        $(impl<'a> FromValue<'a> for $type {
            fn from_value(value: Value<'a>) -> Option<Self> {
                match value {
                    Value::$variant(value) => Some(value),
                    _ => None,
                }
            }
        })+
    };
}
from_value!(Bool => bool, U64 => u64, Str => &'a str, List => List<'a>, Map => MapValue<'a>);

impl<'a> FromValue<'a> for i64 {
    fn from_value(value: Value<'a>) -> Option<Self> {
        match value {
            Value::I64(value) | Value::TimestampNs(value) => Some(value),
            _ => None,
        }
    }
}

/// Declares the columns that formats read by their meaning; the others they copy by name.
macro_rules! row_columns {
    ($($column:ident: $type:ty),+ $(,)?) => {
        struct RowColumns<'a> {
            $($column: Cells<'a>,)+
        }

        impl<'a> RowColumns<'a> {
            fn of(batch: &'a RecordBatch) -> Self {
                Self { $($column: find(batch, stringify!($column)),)+ }
            }
        }

        impl<'a> ExportRow<'a> {
            $(
                #[doc = concat!("Returns the value of `", stringify!($column), "`.")]
                pub fn $column(&self) -> Option<$type> {
                    <$type>::from_value(self.columns.$column.value(self.index))
                }
            )+
        }

        /// Names of the columns that are read by their meaning.
        #[cfg(test)]
        const READ_COLUMNS: &[&str] = &[$(stringify!($column)),+];
    };
}

row_columns!(
    seq: u64,
    ts: i64,
    boot_ns: u64,
    container_id: &'a str,
    runtime: &'a str,
    container_name: &'a str,
    image_name: &'a str,
    image_id: &'a str,
    image_digest: &'a str,
    pod_name: &'a str,
    pod_namespace: &'a str,
    pod_uid: &'a str,
    labels: MapValue<'a>,
    parent_container_id: &'a str,
    created_seq: u64,
    created_at: i64,
    started_at: i64,
    emptied_at: i64,
    exited_at: i64,
    lifetime_ns: u64,
    cause: &'a str,
    exit_code: i64,
    exit_signal: u64,
    oom_killed: bool,
    oom_limit_scope: &'a str,
    oom_limit_cgroup_path: &'a str,
    killed_by_pid: u64,
    killed_by_uid: u64,
    killed_by_comm: &'a str,
    killed_by_container_id: &'a str,
    requested_by: List<'a>,
    requested_at: List<'a>,
    created_by_pid: u64,
    created_by_uid: u64,
    created_by_comm: &'a str,
    removed_by_pid: u64,
    removed_by_uid: u64,
    removed_by_comm: &'a str,
    never_started: bool,
    inferred: bool,
    after_gap: bool,
    conflicts: List<'a>,
    aspect: &'a str,
    source: &'a str,
    value: &'a str,
    value_at: i64,
    other_source: &'a str,
    other_value: &'a str,
    other_value_at: i64,
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_that_is_read_is_one_of_a_derived_table() {
        for name in READ_COLUMNS {
            let has = |table: &Table| table.columns().iter().any(|column| column.name == *name);
            assert!(Table::DERIVED.iter().any(has), "{name}");
        }
    }
}
