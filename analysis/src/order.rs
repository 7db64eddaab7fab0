//! Rows in an order asked for, and one time line of rows of several cases.

use std::cmp::Ordering;

use obit_derivation::Row;
use obit_schema::encode::RowsBuilder;
use obit_schema::value::{self, Value};

use crate::error::Error;
use crate::origin::RowOrigin;

/// Most rows that are put in order. A row takes some kilobytes of memory.
pub const MAX_ORDERED_ROWS: usize = 250_000;

/// Rows whose keys are read together.
const PENDING_ROWS: usize = 1_024;

/// A column to put rows in order by. Rows without a value come last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// Name of the column, of a derived table or of [`RowOrigin`].
    pub column: String,
    /// True for the greatest first.
    pub is_descending: bool,
}

impl SortKey {
    /// Makes a key of `COLUMN`, or of `-COLUMN` for the greatest first.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix('-') {
            Some(column) => Self { column: column.to_owned(), is_descending: true },
            None => Self { column: text.to_owned(), is_descending: false },
        }
    }
}

/// A value to compare.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum KeyValue {
    Bool(bool),
    Number(i128),
    Text(String),
}

/// A row with the place of its case among those that are read.
#[derive(Debug)]
pub struct PlacedRow {
    /// Place of the case.
    pub case: usize,
    /// The row.
    pub row: Row,
}

/// Puts rows of one table in order, in bounded memory.
pub struct RowSorter<'a> {
    keys: Vec<SortKey>,
    origins: &'a [RowOrigin],
    limit: Option<usize>,
    pending: Vec<PlacedRow>,
    builder: RowsBuilder,
    entries: Vec<(Vec<Option<KeyValue>>, PlacedRow)>,
}

impl<'a> RowSorter<'a> {
    /// Makes a sorter that keeps the first `limit` rows. Rows with the same keys stay in the order
    /// in which they are added.
    pub fn new(keys: Vec<SortKey>, limit: Option<usize>, origins: &'a [RowOrigin]) -> Self {
        Self { keys, origins, limit, pending: Vec::new(), builder: RowsBuilder::new(), entries: Vec::new() }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`Error::TooManyRows`], or [`Error::NoOrder`] if a key's values have none.
    pub fn push(&mut self, row: PlacedRow) -> Result<(), Error> {
        self.builder.append(&row.row);
        self.pending.push(row);
        if self.pending.len() >= PENDING_ROWS { self.read_keys() } else { Ok(()) }
    }

    /// Returns the rows in order.
    ///
    /// # Errors
    /// Those of [`RowSorter::push`].
    pub fn finish(mut self) -> Result<impl Iterator<Item = PlacedRow>, Error> {
        self.read_keys()?;
        self.sort();
        Ok(self.entries.into_iter().map(|(_, row)| row))
    }

    /// Reads the keys of the pending rows, as the columns have them.
    fn read_keys(&mut self) -> Result<(), Error> {
        let Some((_, batch)) = self.builder.finish()?.pop() else { return Ok(()) };
        for (index, row) in self.pending.drain(..).enumerate() {
            let key = |key: &SortKey| match batch.column_by_name(&key.column) {
                Some(column) => key_value(&key.column, value::cell(column.as_ref(), index)),
                None => {
                    let origin = self.origins.get(row.case);
                    Ok(origin.and_then(|origin| origin.value(&key.column)).map(|text| KeyValue::Text(text.to_owned())))
                }
            };
            self.entries.push((self.keys.iter().map(key).collect::<Result<_, _>>()?, row));
        }
        let kept = self.limit.unwrap_or(usize::MAX).min(MAX_ORDERED_ROWS);
        if self.entries.len() > kept.saturating_mul(2).max(PENDING_ROWS) || self.entries.len() > MAX_ORDERED_ROWS {
            self.sort();
        }
        if self.entries.len() > MAX_ORDERED_ROWS {
            return Err(Error::TooManyRows { limit: MAX_ORDERED_ROWS });
        }
        Ok(())
    }

    fn sort(&mut self) {
        let keys = &self.keys;
        self.entries.sort_by(|(a, _), (b, _)| {
            let each = keys.iter().zip(a.iter().zip(b)).map(|(key, (a, b))| compare(a.as_ref(), b.as_ref(), key));
            each.fold(Ordering::Equal, Ordering::then)
        });
        self.entries.truncate(self.limit.unwrap_or(usize::MAX));
    }
}

/// Compares two values of a key; absent ones come last in both directions.
fn compare(a: Option<&KeyValue>, b: Option<&KeyValue>, key: &SortKey) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if key.is_descending => b.cmp(a),
        (Some(a), Some(b)) => a.cmp(b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

fn key_value(column: &str, value: Value<'_>) -> Result<Option<KeyValue>, Error> {
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Bool(value) => KeyValue::Bool(value),
        Value::U64(value) => KeyValue::Number(value.into()),
        Value::I64(value) | Value::TimestampNs(value) => KeyValue::Number(value.into()),
        Value::Str(text) => KeyValue::Text(text.to_owned()),
        _ => return Err(Error::NoOrder { column: column.to_owned() }),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_derivation::WallNs;
    use obit_derivation::row::{ContainerRemove, Identity};

    fn removal(name: Option<&str>, ts: i64) -> Row {
        let identity = Identity { container_name: name.map(str::to_owned), ..Identity::default() };
        Row::Remove(ContainerRemove { ts: WallNs(ts), identity, ..ContainerRemove::default() })
    }

    fn sorted(keys: &[&str], limit: Option<usize>, rows: Vec<Row>) -> Vec<i64> {
        let mut sorter = RowSorter::new(keys.iter().map(|key| SortKey::parse(key)).collect(), limit, &[]);
        rows.into_iter().for_each(|row| sorter.push(PlacedRow { case: 0, row }).expect("few rows"));
        sorter.finish().expect("few rows").map(|placed| placed.row.ts().0).collect()
    }

    #[test]
    fn the_second_key_decides_between_equals_and_the_absent_come_last() {
        let rows = || vec![removal(None, 5), removal(Some("b"), 1), removal(Some("a"), 2), removal(Some("b"), 3)];
        assert_eq!(sorted(&["container_name", "-ts"], None, rows()), [2, 3, 1, 5]);
        assert_eq!(sorted(&["-container_name", "ts"], None, rows()), [1, 3, 2, 5]);
        assert_eq!(sorted(&["-container_name", "ts"], Some(2), rows()), [1, 3]);
    }

    #[test]
    fn the_first_of_many_are_those_of_all() {
        let all: Vec<i64> = (0..10_000).map(|number| number * 7_919 % 10_007).collect();
        let rows = all.iter().map(|ts| removal(None, *ts)).collect();
        let mut expected = all;
        expected.sort_unstable();
        assert_eq!(sorted(&["ts"], Some(3), rows), expected[..3]);
    }

    #[test]
    fn a_list_has_no_order() {
        let mut sorter = RowSorter::new(vec![SortKey::parse("evidence_seqs")], None, &[]);
        sorter.push(PlacedRow { case: 0, row: removal(None, 0) }).expect("pending");
        assert!(matches!(sorter.finish().err(), Some(Error::NoOrder { .. })));
    }
}
