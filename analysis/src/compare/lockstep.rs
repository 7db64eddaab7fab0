//! Quick comparison for `verify`: derived rows are compared with the recorded ones as both are
//! read.
//!
//! Nearly all cases are the same as what follows from them. So values are compared with values:
//! derived rows are not put into columns, and only the recorded side is hashed. Anything else (a
//! difference, a part that cannot be read, columns laid out otherwise than this build writes them)
//! is left to [`compare`](super::compare), which names it.

use arrow_array::RecordBatch;
use obit_case::Case;
use obit_case::hasher::Hasher;
use obit_derivation::row::RowSink;
use obit_derivation::{Profile, Row};
use obit_schema::Table;
use obit_schema::recorded::RecordedRows;

use super::difference::{Comparison, ReadingNotes, TableComparison, TableSummary};
use crate::derive::{Derivation, RowBuffer, table_of};
use crate::error::Error;
use crate::profile;

/// Compares all recorded rows of a case with those that follow from its records. Returns `None` at
/// the first difference, or if a part cannot be read.
///
/// # Errors
/// The records cannot be read.
pub(crate) fn compare_equal(case: &Case) -> Result<Option<Comparison>, Error> {
    let tables = Table::DERIVED.map(|table| RecordedCursor::new(table, case.values(table)));
    let mut recorded = Lockstep::new(tables, case.digests(&Table::DERIVED));
    let mut derivation = Derivation::new(case.records(), profile::rules(case, Profile::Strict)?);
    while derivation.fill(&mut recorded)? && recorded.is_same {}
    let problems = derivation.problems().to_vec();
    let same = |summary: (Table, TableSummary)| {
        let (table, summary) = summary;
        TableComparison { table, left: summary, right: summary, different_rows: 0, differences: Vec::new() }
    };
    Ok(recorded.finish().map(|summaries| Comparison {
        tables: summaries.into_iter().map(same).collect(),
        left: ReadingNotes::default(),
        right: ReadingNotes { problems, rows_past_end: 0 },
    }))
}

/// Recorded rows, read as far as derived ones have come.
struct Lockstep<'a, const TABLES: usize> {
    tables: [RecordedCursor<'a>; TABLES],
    /// Digests of the batches read so far.
    digests: Hasher,
    is_same: bool,
}

impl<'a, const TABLES: usize> Lockstep<'a, TABLES> {
    fn new(tables: [RecordedCursor<'a>; TABLES], digests: Hasher) -> Self {
        Self { tables, digests, is_same: true }
    }

    /// Returns rows and digest of each table; `None` if a row differs, is left, or cannot be read.
    fn finish(self) -> Option<Vec<(Table, TableSummary)>> {
        if !self.is_same || !self.tables.into_iter().all(RecordedCursor::has_no_more) {
            return None;
        }
        let digests = self.digests.finish().ok()?;
        Some(digests.into_iter().map(|digest| (digest.table(), TableSummary::new(digest))).collect())
    }
}

impl<const TABLES: usize> RowSink for Lockstep<'_, TABLES> {
    /// Compares a derived row with the next recorded one of its table. Rows of other tables count
    /// as the same.
    fn take(&mut self, row: &Row) {
        let table = table_of(row);
        if let Some(cursor) = self.tables.iter_mut().find(|cursor| cursor.table == table) {
            self.is_same = self.is_same && cursor.step(row, &mut self.digests);
        }
    }
}

impl<const TABLES: usize> RowBuffer for Lockstep<'_, TABLES> {
    fn is_full(&self) -> bool {
        !self.is_same
    }
}

/// The place reached in one recorded table.
struct RecordedCursor<'a> {
    table: Table,
    batches: Box<dyn Iterator<Item = Result<RecordBatch, obit_case::Error>> + 'a>,
    /// The last batch read.
    batch: Option<RecordedRows>,
    /// Rows of the batch that were compared.
    compared: usize,
}

impl<'a> RecordedCursor<'a> {
    fn new(table: Table, batches: impl Iterator<Item = Result<RecordBatch, obit_case::Error>> + 'a) -> Self {
        Self { table, batches: Box::new(batches), batch: None, compared: 0 }
    }

    /// Steps over the next row. Returns true if it is this one.
    fn step(&mut self, row: &Row, digests: &mut Hasher) -> bool {
        while self.rest() == 0 {
            if self.read(digests).is_none() {
                return false;
            }
        }
        let place = self.compared;
        self.compared += 1;
        self.batch.as_ref().is_some_and(|batch| batch.matches(place, row))
    }

    /// Returns the number of rows of the batch that were not compared yet.
    fn rest(&self) -> usize {
        self.batch.as_ref().map_or(0, |batch| batch.len().saturating_sub(self.compared))
    }

    /// Reads the next batch; `None` if there is none that can be compared.
    fn read(&mut self, digests: &mut Hasher) -> Option<()> {
        let batch = self.batches.next()?.ok()?;
        digests.update(self.table, &batch).ok()?;
        self.batch = Some(RecordedRows::new(self.table, &batch)?);
        self.compared = 0;
        Some(())
    }

    /// Returns true if no row is left, and what is left can be read.
    fn has_no_more(mut self) -> bool {
        self.rest() == 0 && self.batches.all(|batch| batch.is_ok_and(|batch| batch.num_rows() == 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derive::derive_rows;
    use arrow_array::{ArrayRef, UInt64Array, new_null_array};
    use arrow_schema::DataType;
    use obit_case::Error;
    use obit_derivation::fold::DERIVATION_VERSION;
    use obit_schema::digest::TableDigest;
    use obit_schema::encode::RowsBuilder;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::slice;
    use std::sync::Arc;

    const TABLE: Table = Table::ContainerRemove;

    /// Starts a comparison with batches of one table in memory.
    fn lockstep<'a>(batches: impl Iterator<Item = Result<RecordBatch, Error>> + 'a) -> Lockstep<'a, 1> {
        Lockstep::new([RecordedCursor::new(TABLE, batches)], Hasher::here(&[TABLE]))
    }

    /// The recorded cases that were closed.
    fn cases() -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cases");
        let paths =
            fs::read_dir(folder).expect("recorded cases").map(|entry| entry.expect("a name").path().join("case"));
        let is_closed = |path: &PathBuf| path.exists() && Case::open(path).expect("a case").is_closed();
        let mut cases: Vec<_> = paths.filter(is_closed).collect();
        cases.sort();
        cases
    }

    fn derived(case: &Case) -> Vec<Row> {
        derive_rows(case, Profile::Strict).expect("rules").collect::<Result<_, _>>().expect("records")
    }

    /// Three ends of containers, each another one.
    fn ends() -> [Row; 3] {
        let rows = cases().into_iter().flat_map(|path| derived(&Case::open(&path).expect("a case")));
        let ends: Vec<_> = rows.filter(|row| table_of(row) == TABLE).take(3).collect();
        ends.try_into().expect("recorded cases have more ends")
    }

    fn batch(rows: &[Row]) -> RecordBatch {
        let mut builder = RowsBuilder::new();
        rows.iter().for_each(|row| builder.append(row));
        let batch = builder.finish().expect("columns").pop();
        batch.map_or_else(|| RecordBatch::new_empty(TABLE.schema()), |(_, batch)| batch)
    }

    /// Returns rows and digest of these batches if they hold these rows, to the end.
    fn same(batches: &[RecordBatch], rows: &[Row]) -> Option<TableSummary> {
        let mut lockstep = lockstep(batches.iter().cloned().map(Ok));
        rows.iter().for_each(|row| lockstep.take(row));
        lockstep.finish().map(|summaries| summaries[0].1)
    }

    fn with_column(batch: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
        let schema = batch.schema();
        let columns = schema.fields().iter().map(|field| field.name().as_str()).zip(batch.columns().iter().cloned());
        let others = columns.filter(|(there, _)| *there != name).map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(others.chain([(name, column, true)])).expect("a batch")
    }

    #[test]
    fn where_batches_are_cut_makes_no_difference() {
        let rows = ends();
        let mut digest = TableDigest::new(TABLE);
        digest.update(&batch(&rows)).expect("a digest");
        let sum = Some(TableSummary::new(digest));
        assert_eq!(same(&[batch(&rows)], &rows), sum);
        assert_eq!(same(&[batch(&[]), batch(&rows[..1]), batch(&[]), batch(&rows[1..]), batch(&[])], &rows), sum);
        assert_eq!(same(&[batch(&[])], &[]), same(&[], &[]));
    }

    #[test]
    fn a_row_that_is_other_or_missing_or_too_many_is_a_difference() {
        let [a, b, c] = ends();
        let recorded = [batch(&[a.clone(), b.clone()])];
        assert!(same(&recorded, &[a.clone(), b.clone()]).is_some());
        for other in [vec![a.clone(), c.clone()], vec![b.clone(), a.clone()], vec![a.clone()], vec![a, b, c], vec![]] {
            assert!(same(&recorded, &other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn a_row_of_a_table_that_is_not_asked_for_is_not_looked_at() {
        let all = cases().iter().flat_map(|path| derived(&Case::open(path).expect("a case"))).collect::<Vec<_>>();
        let ends: Vec<_> = all.iter().filter(|row| table_of(row) == TABLE).cloned().collect();
        assert!(ends.len() < all.len() && same(&[batch(&ends)], &all).is_some());
    }

    #[test]
    fn a_column_that_is_not_there_is_one_of_nulls() {
        let [row, ..] = ends();
        let Row::Remove(end) = &row else { panic!("an end") };
        let mut other = end.clone();
        other.lifetime_ns = None;
        let other = Row::Remove(other);
        assert!(end.lifetime_ns.is_some());
        let whole = batch(slice::from_ref(&row));
        let place = whole.schema().index_of("lifetime_ns").expect("a column");
        let kept: Vec<usize> = (0..whole.num_columns()).filter(|column| *column != place).collect();
        let without = [whole.project(&kept).expect("fewer columns")];
        assert!(same(&without, slice::from_ref(&row)).is_none());
        assert!(same(&without, &[other]).is_some());
    }

    #[test]
    fn a_column_that_is_not_known_makes_a_difference_if_it_holds_a_value() {
        let [row, ..] = ends();
        let column = |value| -> ArrayRef { Arc::new(UInt64Array::from(vec![value])) };
        let with = |value| [with_column(&batch(slice::from_ref(&row)), "later", column(value))];
        assert!(same(&with(None), slice::from_ref(&row)).is_some());
        assert!(same(&with(Some(0)), slice::from_ref(&row)).is_none());
    }

    #[test]
    fn another_type_or_a_null_is_a_difference() {
        let [row, ..] = ends();
        let number: ArrayRef = Arc::new(UInt64Array::from(vec![1]));
        for column in [number, new_null_array(&DataType::Utf8, 1)] {
            assert!(
                same(&[with_column(&batch(slice::from_ref(&row)), "container_id", column)], slice::from_ref(&row))
                    .is_none()
            );
        }
    }

    /// Otherwise each verification would take the slow way.
    #[test]
    fn recorded_cases_are_laid_out_as_derived_rows_are() {
        let mut rows = 0;
        for path in cases() {
            let case = Case::open(&path).expect("a case");
            let version = case.manifest().expect("of a closed case").derivation_version;
            if version < DERIVATION_VERSION {
                continue; // its tables may have other columns, and its rows may be others
            }
            let comparison = compare_equal(&case).expect("records");
            let comparison = comparison.unwrap_or_else(|| panic!("{} takes the slow way", path.display()));
            rows += comparison.tables.iter().map(|table| table.left.rows).sum::<u64>();
        }
        assert!(rows > 0);
    }

    #[test]
    fn what_cannot_be_read_is_a_difference() {
        let damaged = || {
            let damaged = obit_schema::Error::ColumnMissing { table: TABLE.name(), column: "seq" };
            lockstep(std::iter::once(Err(Error::Schema(damaged))))
        };
        let mut rows = damaged();
        rows.take(&ends()[0]);
        assert!(!rows.is_same);
        assert!(damaged().finish().is_none());
    }
}
