//! One side of a comparison read as far as the rows of the other have come: whether these are its next ones.
//!
//! Columns are compared, not texts of rows. What cannot be read, or is laid out otherwise, counts as different here: whoever
//! asks then compares in the slow way, which names it.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch};
use obit_schema::{Error, Table};

use crate::side::{Ignored, Side, TableBatches};

/// The rows of some tables that were not yet compared.
pub struct Lockstep<'a> {
    tables: BTreeMap<Table, Rows<'a>>,
}

struct Rows<'a> {
    batches: TableBatches<'a>,
    /// What is left of the last batch.
    rest: Option<RecordBatch>,
}

impl<'a> Lockstep<'a> {
    /// At the first row of each table; `None` if that side can only give all of them at once.
    pub fn of(side: &'a dyn Side, tables: &[Table]) -> Option<Self> {
        let rows = |table: &Table| Some((*table, Rows { batches: side.table(*table)?, rest: None }));
        Some(Self { tables: tables.iter().map(rows).collect::<Option<_>>()? })
    }

    /// Whether the next rows of that table are these. Once they are not, the answers mean nothing.
    pub fn is_next(&mut self, table: Table, others: &RecordBatch, ignored: &Ignored<'_>) -> bool {
        let Some(rows) = self.tables.get_mut(&table) else { return false };
        let mut compared = 0;
        while compared < others.num_rows() {
            let Some(Ok(batch)) = rows.next() else { return false };
            let count = batch.num_rows().min(others.num_rows() - compared);
            let is_ignored = |column: &str| ignored(table, column);
            if !are_same(&batch.slice(0, count), &others.slice(compared, count), &is_ignored) {
                return false;
            }
            compared += count;
            rows.rest = Some(batch.slice(count, batch.num_rows() - count));
        }
        true
    }

    /// Whether no table has another row, nor one that cannot be read.
    pub fn ends(mut self) -> bool {
        self.tables.values_mut().all(|rows| rows.next().is_none())
    }
}

impl Rows<'_> {
    /// The next batch that has rows.
    fn next(&mut self) -> Option<Result<RecordBatch, Error>> {
        let rest = self.rest.take().map(Ok);
        rest.into_iter()
            .chain(&mut self.batches)
            .find(|batch| batch.as_ref().map_or(true, |batch| batch.num_rows() > 0))
    }
}

/// Whether two batches of as many rows have the same values. A column that is not there is one of nulls.
fn are_same(left: &RecordBatch, right: &RecordBatch, ignored: &dyn Fn(&str) -> bool) -> bool {
    let is_null = |column: &dyn Array| column.null_count() == column.len();
    let each_is_in = |one: &RecordBatch, other: &RecordBatch| {
        one.schema_ref().fields().iter().zip(one.columns()).filter(|(field, _)| !ignored(field.name())).all(
            |(field, column)| match other.column_by_name(field.name()) {
                Some(there) => column.as_ref() == there.as_ref(),
                None => is_null(column),
            },
        )
    };
    let only_right = |name: &str| left.column_by_name(name).is_none();
    each_is_in(left, right)
        && right
            .schema_ref()
            .fields()
            .iter()
            .zip(right.columns())
            .all(|(field, column)| ignored(field.name()) || !only_right(field.name()) || is_null(column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::side::EachBatch;
    use crate::sides::{Recorded, Rederived};
    use arrow::array::{ArrayRef, StringArray, UInt64Array};
    use obit_derivation::Profile;
    use obit_schema::{Case, Problem};
    use std::path::Path;
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

    fn batch(columns: &[(&str, &[Option<u64>])]) -> RecordBatch {
        let columns = columns.iter().map(|(name, values)| {
            let array: ArrayRef = Arc::new(UInt64Array::from(values.to_vec()));
            (*name, array, true)
        });
        RecordBatch::try_from_iter_with_nullable(columns).expect("a batch")
    }

    /// Whether rows in these batches are the same as those in the others, to the end.
    fn same(left: &[RecordBatch], right: &[RecordBatch]) -> bool {
        let side = Batches(left.to_vec());
        let mut rows = Lockstep::of(&side, &[TABLE]).expect("tables can be asked for");
        right.iter().all(|batch| rows.is_next(TABLE, batch, &|_, column| column == "ignored")) && rows.ends()
    }

    #[test]
    fn where_batches_are_cut_makes_no_difference() {
        let rows = |values: &[u64]| batch(&[("a", &values.iter().map(|value| Some(*value)).collect::<Vec<_>>())]);
        assert!(same(&[rows(&[1, 2, 3]), rows(&[]), rows(&[4])], &[rows(&[1]), rows(&[2, 3, 4])]));
        assert!(same(&[rows(&[])], &[]));
    }

    #[test]
    fn a_row_that_is_other_or_missing_or_too_many_is_a_difference() {
        let rows = |values: &[Option<u64>]| batch(&[("a", values)]);
        let recorded = [rows(&[Some(1), None])];
        assert!(same(&recorded, &[rows(&[Some(1), None])]));
        for other in [&[Some(1), Some(0)][..], &[None, Some(1)], &[Some(1)], &[Some(1), None, None], &[]] {
            assert!(!same(&recorded, &[rows(other)]), "{other:?}");
        }
    }

    #[test]
    fn a_column_that_is_not_there_is_one_of_nulls() {
        let with = |value| [batch(&[("a", &[Some(1)]), ("b", &[value])])];
        let without = [batch(&[("a", &[Some(1)])])];
        assert!(same(&with(None), &without) && same(&without, &with(None)));
        assert!(!same(&with(Some(0)), &without) && !same(&without, &with(Some(0))));
    }

    #[test]
    fn an_ignored_column_makes_no_difference_and_another_type_does() {
        let (one, two) = (batch(&[("ignored", &[Some(1)])]), batch(&[("ignored", &[Some(2)])]));
        assert!(same(&[one], &[two]));
        let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
        let text = RecordBatch::try_from_iter([("a", text)]).expect("a batch");
        assert!(!same(&[batch(&[("a", &[Some(1)])])], &[text]));
    }

    /// Or each verification would take the slow way.
    #[test]
    fn recorded_cases_are_laid_out_as_derived_rows_are() {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases");
        let mut compared = 0;
        for entry in std::fs::read_dir(cases).expect("recorded cases") {
            let path = entry.expect("a name").path().join("case");
            let Some(case) = path.exists().then(|| Case::open(&path).expect("a case")).filter(Case::closed) else {
                continue;
            };
            let (recorded, derived) = (Recorded::all(&case), Rederived::all(&case, Profile::Strict));
            let mut rows = Lockstep::of(&recorded, &Table::DERIVED).expect("tables can be asked for");
            let each = &mut |table, batch: &RecordBatch| {
                assert!(rows.is_next(table, batch, &|_, _| false), "{table} of {}", path.display());
                compared += batch.num_rows();
                Ok(())
            };
            derived.batches(&Table::DERIVED, each).expect("records");
            assert!(rows.ends(), "{}", path.display());
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
                let damaged = Error::ColumnMissing { table: TABLE.name(), column: "seq" };
                Some(Box::new(std::iter::once(Err(damaged))))
            }
        }
        let mut rows = Lockstep::of(&Damaged, &[TABLE]).expect("tables can be asked for");
        assert!(!rows.is_next(TABLE, &batch(&[("a", &[Some(1)])]), &|_, _| false));
        assert!(!Lockstep::of(&Damaged, &[TABLE]).expect("tables can be asked for").ends());
    }
}
