//! Two sides' rows of a derived table, compared: what `verify` and `diff` share.
//!
//! Each side can be read again, and is: once for its digest, and only if the digests differ once more for a digest of each
//! row, and once more for the fields of the few rows that are shown. So memory is bounded by a hash a row.
//!
//! Rows are paired by container id and by how many rows of that id came before in the same table (its occurrence). Ids of
//! cgroups, times and places in the log change between two recordings of the same containers; these do not. If a row in the
//! middle is missing on one side, later rows of the same container are paired one off, and all of them are counted.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use arrow::array::RecordBatch;
use obit_schema::digest::{Digest, TableDigest};
use obit_schema::value::{self, Value};
use obit_schema::{Problem, Table};

use crate::output::cell::Cell;
use crate::output::json;

/// Takes batches of derived tables.
pub type EachBatch<'a> = dyn FnMut(Table, &RecordBatch) -> anyhow::Result<()> + 'a;

/// One side of a comparison.
pub trait Side {
    /// Gives the batches of these tables; those of one table come in order. The same each time it is asked.
    fn batches(&self, tables: &[Table], each: &mut EachBatch<'_>) -> anyhow::Result<Vec<Problem>>;
}

/// Whether a column of a table is left out of a comparison.
pub type Ignored<'a> = dyn Fn(Table, &str) -> bool + 'a;

/// Which row of a table: a container id, and how many rows of that id came before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowKey {
    pub container_id: String,
    pub occurrence: u64,
}

/// A row that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowDifference {
    pub key: RowKey,
    pub how: How,
}

/// How it differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// Only the left side has it; these are its values.
    OnlyLeft(Vec<(String, String)>),
    /// Only the right side has it; these are its values.
    OnlyRight(Vec<(String, String)>),
    /// Both have it, with other values in these columns.
    Changed(Vec<FieldDifference>),
}

/// A value that differs, as JSON; `null` where absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDifference {
    pub column: String,
    pub left: String,
    pub right: String,
}

/// What two sides' rows of one table come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableComparison {
    pub table: Table,
    pub left: Sum,
    pub right: Sum,
    /// Rows that differ: all of them, shown or not.
    pub different_rows: u64,
    /// The first of them.
    pub shown: Vec<RowDifference>,
}

/// Rows and digest of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum {
    pub rows: u64,
    pub digest: Digest,
}

impl TableComparison {
    /// Whether both sides have the same rows in the same order.
    pub fn is_same(&self) -> bool {
        self.left == self.right
    }
}

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    pub tables: Vec<TableComparison>,
    pub left_problems: Vec<Problem>,
    pub right_problems: Vec<Problem>,
}

/// Compares the rows of tables. At most `show` differing rows of each are kept.
pub fn tables(
    tables: &[Table],
    left: &dyn Side,
    right: &dyn Side,
    ignored: &Ignored<'_>,
    show: usize,
) -> anyhow::Result<Comparison> {
    let (left_sums, right_sums) = (sums(tables, left, ignored)?, sums(tables, right, ignored)?);
    let mut compared = Vec::new();
    for ((table, left_sum), (_, right_sum)) in left_sums.tables.into_iter().zip(right_sums.tables) {
        let mut comparison =
            TableComparison { table, left: left_sum, right: right_sum, different_rows: 0, shown: Vec::new() };
        if !comparison.is_same() {
            let keys = different_keys(table, left, right, ignored)?;
            comparison.different_rows = keys.len() as u64;
            comparison.shown = details(table, left, right, ignored, keys.into_iter().take(show).collect())?;
        }
        compared.push(comparison);
    }
    let (left_problems, right_problems) = (left_sums.problems, right_sums.problems);
    Ok(Comparison { tables: compared, left_problems, right_problems })
}

/// What one reading of a side came to.
struct Sums {
    /// In the order of the tables asked for.
    tables: Vec<(Table, Sum)>,
    problems: Vec<Problem>,
}

/// Reads a side for the rows and the digest of each table.
fn sums(tables: &[Table], side: &dyn Side, ignored: &Ignored<'_>) -> anyhow::Result<Sums> {
    let mut digests: BTreeMap<Table, TableDigest> =
        tables.iter().map(|table| (*table, TableDigest::new(*table))).collect();
    let problems = side.batches(tables, &mut |table, batch| {
        if let Some(digest) = digests.get_mut(&table) {
            digest.update(&without(table, batch, ignored)?)?;
        }
        Ok(())
    })?;
    let sum = |digest: TableDigest| Sum { rows: digest.rows(), digest: digest.finish() };
    let tables = tables.iter().filter_map(|table| Some((*table, sum(digests.remove(table)?)))).collect();
    Ok(Sums { tables, problems })
}

/// The keys of rows that differ: those of the left in its order, then those that only the right has, in its order.
fn different_keys(
    table: Table,
    left: &dyn Side,
    right: &dyn Side,
    ignored: &Ignored<'_>,
) -> anyhow::Result<Vec<RowKey>> {
    let mut rows_of_left: HashMap<RowKey, (usize, Digest)> = HashMap::new();
    let mut only_right = Vec::new();
    let mut different = Vec::new();
    each_row(table, left, ignored, &mut |key, row| {
        let place = rows_of_left.len();
        rows_of_left.insert(key, (place, digest_of(table, row)?));
        Ok(())
    })?;
    each_row(table, right, ignored, &mut |key, row| {
        match rows_of_left.remove(&key) {
            Some((_, digest)) if digest == digest_of(table, row)? => {}
            Some((place, _)) => different.push((place, key)),
            None => only_right.push(key),
        }
        Ok(())
    })?;
    // What is left was not on the right. The order of a hash map decides nothing: places do.
    different.extend(rows_of_left.into_iter().map(|(key, (place, _))| (place, key)));
    different.sort_unstable_by_key(|(place, _)| *place);
    Ok(different.into_iter().map(|(_, key)| key).chain(only_right).collect())
}

/// Reads both sides once more, for the fields of these rows.
fn details(
    table: Table,
    left: &dyn Side,
    right: &dyn Side,
    ignored: &Ignored<'_>,
    keys: Vec<RowKey>,
) -> anyhow::Result<Vec<RowDifference>> {
    let (mut left, mut right) = (fields(table, left, ignored, &keys)?, fields(table, right, ignored, &keys)?);
    let differences = keys.into_iter().filter_map(|key| {
        let how = match (left.remove(&key), right.remove(&key)) {
            (Some(left), Some(right)) => How::Changed(changed(left, right)),
            (Some(left), None) => How::OnlyLeft(left),
            (None, Some(right)) => How::OnlyRight(right),
            (None, None) => return None,
        };
        Some(RowDifference { key, how })
    });
    Ok(differences.collect())
}

/// The fields of the rows with these keys.
fn fields(
    table: Table,
    side: &dyn Side,
    ignored: &Ignored<'_>,
    keys: &[RowKey],
) -> anyhow::Result<HashMap<RowKey, Vec<(String, String)>>> {
    let mut found = HashMap::new();
    each_row(table, side, ignored, &mut |key, row| {
        if keys.contains(&key) {
            found.insert(key, fields_of(row)?);
        }
        Ok(())
    })?;
    Ok(found)
}

/// A row's values that are not null, by column, as JSON.
fn fields_of(row: &RecordBatch) -> anyhow::Result<Vec<(String, String)>> {
    let schema = row.schema();
    let mut fields = Vec::new();
    for (field, column) in schema.fields().iter().zip(row.columns()) {
        let cell = Cell::new(column.as_ref(), 0);
        if !matches!(cell.0, Value::Null) {
            fields.push((field.name().clone(), json::to_string(&cell)?));
        }
    }
    Ok(fields)
}

/// The columns in which two rows differ: in the order of the left, then those that only the right has.
fn changed(left: Vec<(String, String)>, right: Vec<(String, String)>) -> Vec<FieldDifference> {
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

/// Gives each row, as a batch of one, with its key.
fn each_row(
    table: Table,
    side: &dyn Side,
    ignored: &Ignored<'_>,
    each: &mut dyn FnMut(RowKey, &RecordBatch) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut seen: HashMap<String, u64> = HashMap::new();
    side.batches(&[table], &mut |_, batch| {
        let ids = batch.column_by_name("container_id").context("a derived table has no column container_id")?;
        let compared = without(table, batch, ignored)?;
        for row in 0..batch.num_rows() {
            let container_id = match value::cell(ids.as_ref(), row) {
                Value::Str(id) => id.to_owned(),
                _ => String::new(),
            };
            let next = seen.entry(container_id.clone()).or_default();
            let occurrence = *next;
            *next += 1;
            each(RowKey { container_id, occurrence }, &compared.slice(row, 1))?;
        }
        Ok(())
    })?;
    Ok(())
}

fn digest_of(table: Table, row: &RecordBatch) -> anyhow::Result<Digest> {
    let mut digest = TableDigest::new(table);
    digest.update(row)?;
    Ok(digest.finish())
}

/// The batch without the columns that are left out.
fn without(table: Table, batch: &RecordBatch, ignored: &Ignored<'_>) -> anyhow::Result<RecordBatch> {
    let schema = batch.schema();
    let is_kept = |index: &usize| !ignored(table, schema.field(*index).name());
    let kept: Vec<usize> = (0..batch.num_columns()).filter(is_kept).collect();
    batch.project(&kept).context("cannot leave columns out")
}
