//! The values that a comparison gives.

use obit_case::Problem;
use obit_schema::Table;
use obit_schema::digest::{Digest, TableDigest};

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The comparison of each table, in the order asked for.
    pub tables: Vec<TableComparison>,
    /// Notes on the left side.
    pub left: ReadingNotes,
    /// Notes on the right side.
    pub right: ReadingNotes,
}

/// Notes on the reading of one side, beside its rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadingNotes {
    /// The problems that reading met.
    pub problems: Vec<Problem>,
    /// Rows that were left out because the side ends before them.
    pub rows_past_end: u64,
}

/// The comparison of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableComparison {
    /// The table.
    pub table: Table,
    /// Rows and digest of the left side.
    pub left: TableSummary,
    /// Rows and digest of the right side.
    pub right: TableSummary,
    /// Number of rows that differ, listed or not.
    pub different_rows: u64,
    /// The first rows that differ: those of the left side in its order, then those that only the
    /// right side has.
    pub differences: Vec<RowDifference>,
}

impl TableComparison {
    /// Returns true if both sides have the same rows in the same order.
    pub fn is_same(&self) -> bool {
        self.left == self.right
    }
}

/// Rows and digest of one side's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableSummary {
    /// Number of rows.
    pub rows: u64,
    /// Canonical digest of the rows and their order.
    pub digest: Digest,
}

impl TableSummary {
    /// Ends a digest.
    pub(crate) fn new(digest: TableDigest) -> Self {
        Self { rows: digest.rows(), digest: digest.finish() }
    }
}

/// The name of a row within its table, the same in two recordings of the same containers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowKey {
    /// The container's id.
    pub container_id: String,
    /// The cgroup's path, if rows are paired by it.
    pub path: Option<String>,
    /// Number of rows before this one with the same id and path.
    pub occurrence: u64,
}

/// A row that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowDifference {
    /// The row.
    pub key: RowKey,
    /// The difference.
    pub change: Change,
}

/// The difference between the two sides of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only the left side has the row, with these values by column, as JSON.
    OnlyLeft(Vec<(String, String)>),
    /// Only the right side has the row, with these values by column, as JSON.
    OnlyRight(Vec<(String, String)>),
    /// Both sides have the row, with other values in these columns.
    Fields(Vec<FieldDifference>),
}

/// A value that differs, as JSON; `null` where absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDifference {
    /// The column.
    pub column: String,
    /// The value of the left side.
    pub left: String,
    /// The value of the right side.
    pub right: String,
}
