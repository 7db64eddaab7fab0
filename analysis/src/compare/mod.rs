//! Two sides' rows of a derived table, compared: what `verify` and `diff` share.
//!
//! The left side is read along with the right if both can be read so ([`self::lockstep`]): rows that are the same have one
//! digest. If they are not, each side is read again: once for its digest, once for a digest of each row, and once for the
//! fields of the few rows that are shown. So memory is bounded by a hash a row.
//!
//! Rows are paired by container id and by how many rows of that id came before in the same table (its occurrence). Ids of
//! cgroups, times and places in the log change between two recordings of the same containers; these do not. If a row in the
//! middle is missing on one side, later rows of the same container are paired one off, and all of them are counted. Two
//! answers from one log are paired by path as well.

pub mod lockstep;
pub mod side;
pub mod sides;

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, bail};
use arrow_array::RecordBatch;
use obit_case::Problem;
use obit_schema::Table;
use obit_schema::digest::{Digest, TableDigest};
use obit_schema::value::{self, Value};

use obit_schema::text::Cell;
use obit_schema::text::json;

use self::lockstep::Lockstep;
use self::side::{Ignored, Side};

/// Which rows of two sides are compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// Those of the same container id and occurrence.
    ById,
    /// Those of the same container id, path and occurrence among these: for two answers from one log, of which one may have
    /// rows for directories that the other has none for.
    ByIdAndPath,
}

/// How two sides are compared.
pub struct Terms<'a> {
    pub pairing: Pairing,
    pub ignored: &'a Ignored<'a>,
    /// At most so many differing rows of each table are kept.
    pub show: usize,
}

/// Which row of a table: a container id (and a path, if rows are paired by it), and how many rows of these came before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RowKey {
    pub container_id: String,
    pub path: Option<String>,
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

impl Sum {
    /// What was hashed.
    pub fn of(digest: TableDigest) -> Self {
        Self { rows: digest.rows(), digest: digest.finish() }
    }
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

/// Compares the rows of tables.
pub fn tables(tables: &[Table], left: &dyn Side, right: &dyn Side, terms: &Terms<'_>) -> anyhow::Result<Comparison> {
    if let Some(same) = if_same(tables, left, right, terms)? {
        return Ok(same);
    }
    let right_sums = sums(tables, right, terms.ignored)?;
    let left_sums = sums(tables, left, terms.ignored)?;
    let mut compared = Vec::new();
    for ((table, left_sum), (_, right_sum)) in left_sums.tables.into_iter().zip(right_sums.tables) {
        let mut comparison =
            TableComparison { table, left: left_sum, right: right_sum, different_rows: 0, shown: Vec::new() };
        if !comparison.is_same() {
            let keys = different_keys(table, left, right, terms)?;
            comparison.different_rows = keys.len() as u64;
            comparison.shown = details(table, left, right, terms, keys.into_iter().take(terms.show).collect())?;
        }
        compared.push(comparison);
    }
    let (left_problems, right_problems) = (left_sums.problems, right_sums.problems);
    Ok(Comparison { tables: compared, left_problems, right_problems })
}

/// Reads both sides at once, as far as they are the same; `None` if that is not to the end, or they cannot be read so.
fn if_same(
    tables: &[Table],
    left: &dyn Side,
    right: &dyn Side,
    terms: &Terms<'_>,
) -> anyhow::Result<Option<Comparison>> {
    // Here whole rows are compared.
    if tables.iter().any(|table| table.columns().iter().any(|column| (terms.ignored)(*table, column.name))) {
        return Ok(None);
    }
    let Some(mut lockstep) = Lockstep::of(left, tables) else { return Ok(None) };
    let mut differs = false;
    let read = right.rows(&mut |row| {
        differs = !lockstep.is_next(row);
        if differs {
            bail!("a row differs");
        }
        Ok(())
    });
    let right_problems = match read {
        // The error is the one above, which ended the reading.
        Some(_) if differs => return Ok(None),
        Some(problems) => problems?,
        None => return Ok(None),
    };
    let Some(sums) = lockstep.ends() else { return Ok(None) };
    let same = |table: &Table| {
        let sum = *sums.get(table)?;
        Some(TableComparison { table: *table, left: sum, right: sum, different_rows: 0, shown: Vec::new() })
    };
    let tables = tables.iter().filter_map(same).collect();
    Ok(Some(Comparison { tables, left_problems: Vec::new(), right_problems }))
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
    let tables = tables.iter().filter_map(|table| Some((*table, Sum::of(digests.remove(table)?)))).collect();
    Ok(Sums { tables, problems })
}

/// The keys of rows that differ: those of the left in its order, then those that only the right has, in its order.
fn different_keys(table: Table, left: &dyn Side, right: &dyn Side, terms: &Terms<'_>) -> anyhow::Result<Vec<RowKey>> {
    let mut rows_of_left: HashMap<RowKey, (usize, Digest)> = HashMap::new();
    let mut only_right = Vec::new();
    let mut different = Vec::new();
    each_row(table, left, terms, &mut |key, row| {
        let place = rows_of_left.len();
        rows_of_left.insert(key, (place, digest_of(table, row)?));
        Ok(())
    })?;
    each_row(table, right, terms, &mut |key, row| {
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
    terms: &Terms<'_>,
    keys: Vec<RowKey>,
) -> anyhow::Result<Vec<RowDifference>> {
    let (mut left, mut right) = (fields(table, left, terms, &keys)?, fields(table, right, terms, &keys)?);
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
    terms: &Terms<'_>,
    keys: &[RowKey],
) -> anyhow::Result<HashMap<RowKey, Vec<(String, String)>>> {
    let mut found = HashMap::new();
    each_row(table, side, terms, &mut |key, row| {
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
    terms: &Terms<'_>,
    each: &mut dyn FnMut(RowKey, &RecordBatch) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut seen: HashMap<(String, Option<String>), u64> = HashMap::new();
    side.batches(&[table], &mut |_, batch| {
        let compared = without(table, batch, terms.ignored)?;
        for row in 0..batch.num_rows() {
            let container_id = text(batch, "container_id", row)?;
            let path = match terms.pairing {
                Pairing::ById => None,
                Pairing::ByIdAndPath => Some(text(batch, "cgroup_path", row)?),
            };
            let next = seen.entry((container_id.clone(), path.clone())).or_default();
            let occurrence = *next;
            *next += 1;
            each(RowKey { container_id, path, occurrence }, &compared.slice(row, 1))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// The text in a column that each derived table has.
fn text(batch: &RecordBatch, column: &str, row: usize) -> anyhow::Result<String> {
    let values = batch.column_by_name(column).with_context(|| format!("a derived table has no column {column}"))?;
    Ok(match value::cell(values.as_ref(), row) {
        Value::Str(text) => text.to_owned(),
        _ => String::new(),
    })
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

#[cfg(test)]
mod tests {
    use self::side::EachBatch;
    use super::*;
    use arrow_array::{ArrayRef, StringArray, UInt64Array};
    use std::sync::Arc;

    /// Rows of one table in memory: container id, and a value that may be absent.
    struct Rows(Vec<(&'static str, Option<u64>)>);

    impl Side for Rows {
        fn batches(&self, tables: &[Table], each: &mut EachBatch<'_>) -> anyhow::Result<Vec<Problem>> {
            // Two rows a batch, so that no test depends on batches.
            for rows in self.0.chunks(2) {
                let ids: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)));
                let values: ArrayRef = Arc::new(UInt64Array::from_iter(rows.iter().map(|row| row.1)));
                let columns = [("container_id", ids, false), ("cpu_usage_ns", values, true)];
                each(tables[0], &RecordBatch::try_from_iter_with_nullable(columns)?)?;
            }
            Ok(Vec::new())
        }
    }

    fn compare(
        left: &[(&'static str, Option<u64>)],
        right: &[(&'static str, Option<u64>)],
        show: usize,
    ) -> TableComparison {
        let (left, right) = (Rows(left.to_vec()), Rows(right.to_vec()));
        let terms = Terms { pairing: Pairing::ById, ignored: &|_, _| false, show };
        let mut comparison = tables(&[Table::ContainerRemove], &left, &right, &terms).expect("rows in memory");
        comparison.tables.remove(0)
    }

    fn keys(comparison: &TableComparison) -> Vec<(&str, u64)> {
        comparison.shown.iter().map(|row| (row.key.container_id.as_str(), row.key.occurrence)).collect()
    }

    #[test]
    fn the_same_rows_are_the_same() {
        let rows = [("a", Some(1)), ("b", None), ("a", Some(2))];
        let comparison = compare(&rows, &rows, 9);
        assert!(comparison.is_same() && comparison.different_rows == 0 && comparison.left.rows == 3);
    }

    #[test]
    fn rows_of_one_container_are_paired_by_their_number() {
        let comparison =
            compare(&[("a", Some(1)), ("a", Some(2)), ("a", Some(3))], &[("a", Some(1)), ("a", Some(9))], 9);
        assert_eq!(comparison.different_rows, 2);
        assert_eq!(keys(&comparison), [("a", 1), ("a", 2)]);
        let changed =
            FieldDifference { column: "cpu_usage_ns".to_owned(), left: "2".to_owned(), right: "9".to_owned() };
        assert_eq!(comparison.shown[0].how, How::Changed(vec![changed]));
        assert!(matches!(comparison.shown[1].how, How::OnlyLeft(_)));
    }

    #[test]
    fn absent_is_not_zero() {
        let comparison = compare(&[("a", None)], &[("a", Some(0))], 9);
        let changed =
            FieldDifference { column: "cpu_usage_ns".to_owned(), left: "null".to_owned(), right: "0".to_owned() };
        assert_eq!(comparison.shown[0].how, How::Changed(vec![changed]));
    }

    #[test]
    fn differences_come_in_the_order_of_the_rows_and_all_are_counted() {
        let left = [("d", Some(1)), ("c", Some(1)), ("b", Some(1)), ("a", Some(1))];
        let right = [("x", Some(1)), ("a", Some(2)), ("c", Some(1)), ("d", Some(2)), ("y", Some(1))];
        let comparison = compare(&left, &right, 9);
        // Those of the left first, in its order, changed or missing; then those that only the right has.
        assert_eq!(keys(&comparison), [("d", 0), ("b", 0), ("a", 0), ("x", 0), ("y", 0)]);
        let comparison = compare(&left, &right, 2);
        assert_eq!((comparison.different_rows, keys(&comparison)), (5, vec![("d", 0), ("b", 0)]));
    }

    #[test]
    fn another_order_is_not_the_same_table_though_no_row_differs() {
        let comparison = compare(&[("a", None), ("b", None)], &[("b", None), ("a", None)], 9);
        assert!(!comparison.is_same());
        assert_eq!(comparison.different_rows, 0);
    }

    #[test]
    fn a_column_left_out_makes_no_difference_but_still_pairs() {
        let (left, right) = (Rows(vec![("a", Some(1))]), Rows(vec![("a", Some(2))]));
        let without_value = |_: Table, column: &str| column == "cpu_usage_ns";
        let terms = Terms { pairing: Pairing::ById, ignored: &without_value, show: 9 };
        let comparison = tables(&[Table::ContainerRemove], &left, &right, &terms).expect("rows in memory");
        assert!(comparison.tables[0].is_same());
        // Even the key may be left out of the comparison: rows are still paired by it.
        let without_id = |_: Table, column: &str| column == "container_id";
        let terms = Terms { ignored: &without_id, ..terms };
        let comparison = tables(&[Table::ContainerRemove], &left, &right, &terms).expect("rows in memory");
        assert_eq!(keys(&comparison.tables[0]), [("a", 0)]);
    }
}
