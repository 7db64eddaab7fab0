//! Recorded rows read as far as derived ones have come: whether these are the next ones.
//!
//! Values are compared, not texts of rows, and derived rows are not put into columns for it. What cannot be read, or is laid
//! out otherwise than this build writes it, counts as different here: whoever asks then compares in the slow way, which names
//! it.

use std::collections::BTreeMap;

use obit_case::hasher::Hasher;
use obit_derivation::Row;
use obit_schema::Table;
use obit_schema::recorded::RecordedRows;

use super::side::{Side, TableBatches};
use crate::compare::Sum;
use crate::derive::table_of;

/// The rows of some tables that were not yet compared.
pub struct Lockstep<'a> {
    tables: Vec<Rows<'a>>,
    /// Of the batches read so far.
    digests: Hasher,
}

struct Rows<'a> {
    table: Table,
    batches: TableBatches<'a>,
    /// The last batch read.
    batch: Option<RecordedRows>,
    /// How many of its rows were compared.
    compared: usize,
}

impl<'a> Lockstep<'a> {
    /// At the first row of each table; `None` if that side can only give all of them at once.
    pub fn of(side: &'a dyn Side, tables: &[Table]) -> Option<Self> {
        let rows = |table: &Table| Some(Rows { table: *table, batches: side.table(*table)?, batch: None, compared: 0 });
        Some(Self { tables: tables.iter().map(rows).collect::<Option<_>>()?, digests: side.digests(tables) })
    }

    /// Whether the next row of its table is this one; one of another table is not looked at. Once it is not, the answers mean
    /// nothing.
    pub fn is_next(&mut self, row: &Row) -> bool {
        let table = table_of(row);
        let rows = self.tables.iter_mut().find(|rows| rows.table == table);
        rows.is_none_or(|rows| rows.is_next(row, &mut self.digests))
    }

    /// Rows and digest of each table; `None` if one has another row, or one that cannot be read.
    pub fn ends(self) -> Option<BTreeMap<Table, Sum>> {
        self.tables.into_iter().try_for_each(Rows::ends)?;
        let digests = self.digests.finish().ok()?;
        Some(digests.into_iter().map(|digest| (digest.table(), Sum::of(digest))).collect())
    }
}

impl Rows<'_> {
    fn is_next(&mut self, row: &Row, digests: &mut Hasher) -> bool {
        while self.rest() == 0 {
            if self.read(digests).is_none() {
                return false;
            }
        }
        let at = self.compared;
        self.compared += 1;
        self.batch.as_ref().is_some_and(|batch| batch.matches(at, row))
    }

    /// Rows of the last batch that were not yet compared.
    fn rest(&self) -> usize {
        self.batch.as_ref().map_or(0, |batch| batch.len().saturating_sub(self.compared))
    }

    /// Goes on to the next batch; `None` if there is none that can be compared.
    fn read(&mut self, digests: &mut Hasher) -> Option<()> {
        let batch = self.batches.next()?.ok()?;
        digests.update(self.table, &batch).ok()?;
        self.batch = Some(RecordedRows::new(self.table, &batch)?);
        self.compared = 0;
        Some(())
    }

    /// `None` if there are more rows, or something that cannot be read.
    fn ends(self) -> Option<()> {
        if self.rest() > 0 {
            return None;
        }
        for batch in self.batches {
            if batch.ok()?.num_rows() > 0 {
                return None;
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::side::EachBatch;
    use super::sides::Recorded;
    use super::*;
    use crate::derive as rederive;
    use arrow_array::{ArrayRef, RecordBatch, UInt64Array, new_null_array};
    use arrow_schema::DataType;
    use obit_case::{Case, Error, Problem};
    use obit_derivation::Profile;
    use obit_schema::digest::TableDigest;
    use obit_schema::encode::RowsBuilder;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::slice;
    use std::sync::Arc;

    const TABLE: Table = Table::ContainerRemove;

    /// Batches of one table in memory, which can be asked for.
    struct Batches(Vec<RecordBatch>);

    impl Side for Batches {
        fn batches(&self, _: &[Table], _: &mut EachBatch<'_>) -> anyhow::Result<Vec<Problem>> {
            panic!("asked for all at once")
        }

        fn table(&self, _: Table) -> Option<TableBatches<'_>> {
            Some(Box::new(self.0.iter().cloned().map(Ok)))
        }
    }

    /// The recorded cases that were closed.
    fn cases() -> Vec<PathBuf> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases");
        let paths =
            fs::read_dir(folder).expect("recorded cases").map(|entry| entry.expect("a name").path().join("case"));
        let is_closed = |path: &PathBuf| path.exists() && Case::open(path).expect("a case").is_closed();
        let mut cases: Vec<_> = paths.filter(is_closed).collect();
        cases.sort();
        cases
    }

    fn derived(case: &Case) -> Vec<Row> {
        let mut rows = Vec::new();
        rederive::rows(case, Profile::Strict, |row| {
            rows.push(row.clone());
            Ok(())
        })
        .expect("records");
        rows
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

    /// What the rows in these batches come to, if they are these rows, to the end.
    fn same(batches: &[RecordBatch], rows: &[Row]) -> Option<Sum> {
        let side = Batches(batches.to_vec());
        let mut lockstep = Lockstep::of(&side, &[TABLE]).expect("tables can be asked for");
        let is_same = rows.iter().all(|row| lockstep.is_next(row));
        lockstep.ends().filter(|_| is_same)?.remove(&TABLE)
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
        let sum = Some(Sum::of(digest));
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

    /// Or each verification would take the slow way.
    #[test]
    fn recorded_cases_are_laid_out_as_derived_rows_are() {
        let mut compared = 0;
        for path in cases() {
            let case = Case::open(&path).expect("a case");
            let recorded = Recorded::all(&case);
            let mut rows = Lockstep::of(&recorded, &Table::DERIVED).expect("tables can be asked for");
            for row in derived(&case) {
                assert!(rows.is_next(&row), "{row:?} of {}", path.display());
                compared += 1;
            }
            assert!(rows.ends().is_some(), "{}", path.display());
        }
        assert!(compared > 0);
    }

    #[test]
    fn what_cannot_be_read_is_a_difference() {
        struct Damaged;
        impl Side for Damaged {
            fn batches(&self, _: &[Table], _: &mut EachBatch<'_>) -> anyhow::Result<Vec<Problem>> {
                panic!("asked for all at once")
            }

            fn table(&self, _: Table) -> Option<TableBatches<'_>> {
                let damaged = Error::Schema(obit_schema::Error::ColumnMissing { table: TABLE.name(), column: "seq" });
                Some(Box::new(std::iter::once(Err(damaged))))
            }
        }
        let mut rows = Lockstep::of(&Damaged, &[TABLE]).expect("tables can be asked for");
        assert!(!rows.is_next(&ends()[0]));
        assert!(Lockstep::of(&Damaged, &[TABLE]).expect("tables can be asked for").ends().is_none());
    }
}
