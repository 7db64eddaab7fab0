//! Comparison of two sides' derived tables, for `verify` and `diff`.
//!
//! Each side is read once for the digests of its tables. Tables that differ are read again: once
//! for a digest of each row, and once for the fields of the rows that are listed. So memory is
//! bounded by one hash a row.
//!
//! Rows are paired by container id and by the number of rows of that id before them in the same
//! table (their occurrence). Ids of cgroups, times and places in the log change between two
//! recordings of the same containers; these do not. If a row in the middle is missing on one side,
//! later rows of the same container are paired one off, and all of them are counted.

mod difference;
mod lockstep;
mod side;
mod sides;

pub use difference::{
    Change, Comparison, FieldDifference, ReadingNotes, RowDifference, RowKey, TableComparison, TableSummary,
};
pub use side::{Side, SideReader};
pub use sides::{DerivedSide, RecordedSide};

pub(crate) use lockstep::compare_equal;

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow_array::RecordBatch;
use obit_schema::Table;
use obit_schema::digest::{Digest, TableDigest};
use obit_schema::text::Cell;
use obit_schema::text::json;
use obit_schema::value::{self, Value};

use crate::error::Error;
use crate::profile::columns_error;

/// The rule by which rows of two sides are paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairBy {
    /// Container id and occurrence.
    Id,
    /// Container id, path, and occurrence among these: for two answers from one log, of which one
    /// may have rows for directories that the other has none for.
    IdAndPath,
}

/// Options of a comparison.
pub struct CompareOptions<'a> {
    /// The rule by which rows are paired.
    pub pair_by: PairBy,
    /// Returns true for a column of a table that is not compared.
    pub is_ignored: &'a dyn Fn(Table, &str) -> bool,
    /// Number of differing rows of each table that are listed; all are counted.
    pub max_listed: usize,
}

/// Compares the rows of some tables.
///
/// # Errors
/// A side cannot be read, or has a value that the digest does not define.
pub fn compare(
    tables: &[Table],
    left: &dyn Side,
    right: &dyn Side,
    options: &CompareOptions<'_>,
) -> Result<Comparison, Error> {
    let (left_summaries, left_notes) = summarize(tables, left, options)?;
    let (right_summaries, right_notes) = summarize(tables, right, options)?;
    let summaries = tables.iter().zip(left_summaries.into_iter().zip(right_summaries));
    let mut compared: Vec<_> = summaries
        .map(|(&table, (left, right))| TableComparison { table, left, right, different_rows: 0, differences: vec![] })
        .collect();
    let different: Vec<Table> = compared.iter().filter(|one| !one.is_same()).map(|one| one.table).collect();
    if !different.is_empty() {
        let rows = different_rows(&different, left, right, options)?;
        for comparison in &mut compared {
            comparison.different_rows = rows.iter().filter(|(table, _)| *table == comparison.table).count() as u64;
        }
        list_differences(&mut compared, rows, left, right, options)?;
    }
    Ok(Comparison { tables: compared, left: left_notes, right: right_notes })
}

/// A row of one of several tables.
type TableRow = (Table, RowKey);

/// The values of a row that are not null, by column, as JSON.
type Fields = Vec<(String, String)>;

/// Reads a side for rows and digest of each table, in the order of the tables.
fn summarize(
    tables: &[Table],
    side: &dyn Side,
    options: &CompareOptions<'_>,
) -> Result<(Vec<TableSummary>, ReadingNotes), Error> {
    let mut digests: Vec<_> = tables.iter().map(|table| TableDigest::new(*table)).collect();
    let mut reading = side.read(tables)?;
    for batch in reading.by_ref() {
        let (table, batch) = batch?;
        if let Some(digest) = digests.iter_mut().find(|digest| digest.table() == table) {
            digest.update(&compared_columns(table, &batch, options)?)?;
        }
    }
    Ok((digests.into_iter().map(TableSummary::new).collect(), reading.notes()))
}

/// Returns the rows that differ: those of the left side in its order, then those that only the
/// right side has, in its order.
fn different_rows(
    tables: &[Table],
    left: &dyn Side,
    right: &dyn Side,
    options: &CompareOptions<'_>,
) -> Result<Vec<TableRow>, Error> {
    let mut left_rows: HashMap<TableRow, (usize, Digest)> = HashMap::new();
    for_each_row(tables, left, options, |row, values| {
        let ranked = (left_rows.len(), row_digest(row.0, values)?);
        left_rows.insert(row, ranked);
        Ok(())
    })?;
    let mut different = Vec::new();
    let mut only_right = Vec::new();
    for_each_row(tables, right, options, |row, values| {
        match left_rows.remove(&row) {
            Some((_, digest)) if digest == row_digest(row.0, values)? => {}
            Some((place, _)) => different.push((place, row)),
            None => only_right.push(row),
        }
        Ok(())
    })?;
    // The rows that are left were not on the right. Places, not the hash map, decide their order.
    different.extend(left_rows.into_iter().map(|(row, (place, _))| (place, row)));
    different.sort_unstable_by_key(|(place, _)| *place);
    Ok(different.into_iter().map(|(_, row)| row).chain(only_right).collect())
}

/// Reads both sides once more, for the fields of the first rows that differ in each table.
fn list_differences(
    compared: &mut [TableComparison],
    rows: Vec<TableRow>,
    left: &dyn Side,
    right: &dyn Side,
    options: &CompareOptions<'_>,
) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut listed: BTreeMap<Table, Vec<RowKey>> = BTreeMap::new();
    for (table, key) in rows {
        let keys = listed.entry(table).or_default();
        if keys.len() < options.max_listed {
            keys.push(key);
        }
    }
    let (mut left, mut right) = (fields(left, &listed, options)?, fields(right, &listed, options)?);
    for comparison in compared {
        for key in listed.remove(&comparison.table).unwrap_or_default() {
            let row = (comparison.table, key);
            let change = match (left.remove(&row), right.remove(&row)) {
                (Some(left), Some(right)) => Change::Fields(changed_fields(left, right)),
                (Some(left), None) => Change::OnlyLeft(left),
                (None, Some(right)) => Change::OnlyRight(right),
                (None, None) => continue,
            };
            comparison.differences.push(RowDifference { key: row.1, change });
        }
    }
    Ok(())
}

/// Returns the fields of these rows.
fn fields(
    side: &dyn Side,
    listed: &BTreeMap<Table, Vec<RowKey>>,
    options: &CompareOptions<'_>,
) -> Result<HashMap<TableRow, Fields>, Error> {
    let wanted: HashSet<TableRow> =
        listed.iter().flat_map(|(table, keys)| keys.iter().map(|key| (*table, key.clone()))).collect();
    let tables: Vec<Table> = listed.keys().copied().collect();
    let mut found = HashMap::new();
    for_each_row(&tables, side, options, |row, values| {
        if wanted.contains(&row) {
            let fields = row_fields(row.0, values)?;
            found.insert(row, fields);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Returns the values of a row that are not null, given as a batch of one.
pub(crate) fn row_fields(table: Table, values: &RecordBatch) -> Result<Fields, Error> {
    let schema = values.schema();
    let mut fields = Vec::new();
    for (field, column) in schema.fields().iter().zip(values.columns()) {
        let cell = Cell::new(column.as_ref(), 0);
        if !matches!(cell.0, Value::Null) {
            let value = json::to_string(&cell).map_err(|cause| Error::Json { table: table.name(), cause })?;
            fields.push((field.name().clone(), value));
        }
    }
    Ok(fields)
}

/// Returns the columns in which two rows differ: in the order of the left row, then those that only
/// the right row has.
fn changed_fields(left: Fields, right: Fields) -> Vec<FieldDifference> {
    let null = || "null".to_owned();
    let mut differences = Vec::new();
    for (column, value) in &left {
        let other = right.iter().find(|(name, _)| name == column).map_or_else(null, |(_, value)| value.clone());
        if *value != other {
            differences.push(FieldDifference { column: column.clone(), left: value.clone(), right: other });
        }
    }
    for (column, right) in right {
        if !left.iter().any(|(name, _)| *name == column) {
            differences.push(FieldDifference { column, left: null(), right });
        }
    }
    differences
}

/// Calls `each` for each row of a side, with the row's compared values as a batch of one.
fn for_each_row(
    tables: &[Table],
    side: &dyn Side,
    options: &CompareOptions<'_>,
    mut each: impl FnMut(TableRow, &RecordBatch) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut occurrences: HashMap<(Table, String, Option<String>), u64> = HashMap::new();
    for batch in side.read(tables)? {
        let (table, batch) = batch?;
        let values = compared_columns(table, &batch, options)?;
        for row in 0..batch.num_rows() {
            let container_id = text(table, &batch, "container_id", row)?;
            let path = match options.pair_by {
                PairBy::Id => None,
                PairBy::IdAndPath => Some(text(table, &batch, "cgroup_path", row)?),
            };
            let next = occurrences.entry((table, container_id.clone(), path.clone())).or_default();
            let occurrence = *next;
            *next += 1;
            each((table, RowKey { container_id, path, occurrence }), &values.slice(row, 1))?;
        }
    }
    Ok(())
}

/// Returns the text in a column that each derived table has.
pub(crate) fn text(table: Table, batch: &RecordBatch, column: &'static str, row: usize) -> Result<String, Error> {
    let missing = obit_schema::Error::ColumnMissing { table: table.name(), column };
    let values = batch.column_by_name(column).ok_or(missing)?;
    Ok(match value::cell(values.as_ref(), row) {
        Value::Str(text) => text.to_owned(),
        _ => String::new(),
    })
}

/// Returns the digest of a row, given as a batch of one.
fn row_digest(table: Table, values: &RecordBatch) -> Result<Digest, Error> {
    let mut digest = TableDigest::new(table);
    digest.update(values)?;
    Ok(digest.finish())
}

/// Returns the batch without the columns that are not compared.
fn compared_columns(table: Table, batch: &RecordBatch, options: &CompareOptions<'_>) -> Result<RecordBatch, Error> {
    let schema = batch.schema();
    let is_compared = |index: &usize| !(options.is_ignored)(table, schema.field(*index).name());
    let compared: Vec<usize> = (0..batch.num_columns()).filter(is_compared).collect();
    batch.project(&compared).map_err(columns_error(table))
}

#[cfg(test)]
mod tests;
