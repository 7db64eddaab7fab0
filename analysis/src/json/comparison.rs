//! Compared tables, as JSON.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::compare::{Change, RowDifference, TableComparison, TableSummary};

/// A table of both sides.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ComparedTable {
    /// The table.
    pub table: &'static str,
    /// True if both sides have the same rows in the same order.
    pub same: bool,
    /// Rows of the left side; for verify the recorded ones.
    pub left: SideSummary,
    /// Rows of the right side; for verify those that follow from the raw log.
    pub right: SideSummary,
    /// Number of rows that differ, listed or not.
    pub different_rows: u64,
    /// The first rows that differ, as many as --show says.
    pub differences: Vec<DifferentRow>,
}

/// The rows that one side has of a table.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SideSummary {
    /// Number of rows.
    pub rows: u64,
    /// Canonical digest of the rows and their order, in lower-case hex.
    pub sha256: String,
}

/// A row that differs.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DifferentRow {
    /// The container's id.
    pub container_id: String,
    /// The cgroup's path, if rows are paired by it.
    pub cgroup_path: Option<String>,
    /// Number of rows before this one with the same id and path.
    pub occurrence: u64,
    /// The sides that have the row.
    pub found: RowPresence,
    /// The values: of a row that one side has, those that are not null; else those that differ.
    pub fields: Vec<DifferentField>,
}

/// The sides that have a row.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowPresence {
    /// The left side only.
    LeftOnly,
    /// The right side only.
    RightOnly,
    /// Both sides, with other values.
    Both,
}

/// A column and its values.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DifferentField {
    /// The column.
    pub column: String,
    /// The value of the left side; null if absent.
    pub left: Value,
    /// The value of the right side; null if absent.
    pub right: Value,
}

impl From<&TableComparison> for ComparedTable {
    fn from(table: &TableComparison) -> Self {
        Self {
            table: table.table.name(),
            same: table.is_same(),
            left: table.left.into(),
            right: table.right.into(),
            different_rows: table.different_rows,
            differences: table.differences.iter().map(DifferentRow::from).collect(),
        }
    }
}

impl From<TableSummary> for SideSummary {
    fn from(summary: TableSummary) -> Self {
        Self { rows: summary.rows, sha256: summary.digest.to_string() }
    }
}

impl From<&RowDifference> for DifferentRow {
    fn from(difference: &RowDifference) -> Self {
        let field = |column: &str, left, right| DifferentField { column: column.to_owned(), left, right };
        let (found, fields) = match &difference.change {
            Change::OnlyLeft(fields) => (
                RowPresence::LeftOnly,
                fields.iter().map(|(column, text)| field(column, value(text), Value::Null)).collect(),
            ),
            Change::OnlyRight(fields) => (
                RowPresence::RightOnly,
                fields.iter().map(|(column, text)| field(column, Value::Null, value(text))).collect(),
            ),
            Change::Fields(fields) => (
                RowPresence::Both,
                fields.iter().map(|both| field(&both.column, value(&both.left), value(&both.right))).collect(),
            ),
        };
        let key = &difference.key;
        Self {
            container_id: key.container_id.clone(),
            cgroup_path: key.path.clone(),
            occurrence: key.occurrence,
            found,
            fields,
        }
    }
}

/// Returns the value that an analysis holds as JSON text.
pub(super) fn value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
