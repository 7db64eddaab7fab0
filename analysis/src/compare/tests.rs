use super::*;
use arrow_array::{ArrayRef, StringArray, UInt64Array};
use std::sync::Arc;

/// Rows of one table in memory: container id, and a value that may be absent.
struct Rows(Vec<(&'static str, Option<u64>)>);

impl Side for Rows {
    fn read(&self, tables: &[Table]) -> Result<Box<dyn SideReader + '_>, Error> {
        let table = tables[0];
        // Two rows a batch, so that no test depends on batches.
        let batches = self.0.chunks(2).map(move |rows| {
            let ids: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row.0)));
            let values: ArrayRef = Arc::new(UInt64Array::from_iter(rows.iter().map(|row| row.1)));
            let columns = [("container_id", ids, false), ("cpu_usage_ns", values, true)];
            Ok((table, RecordBatch::try_from_iter_with_nullable(columns).expect("a batch")))
        });
        Ok(Box::new(InMemory(batches)))
    }
}

struct InMemory<I>(I);

impl<I: Iterator> Iterator for InMemory<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        self.0.next()
    }
}

impl<I: Iterator<Item = Result<(Table, RecordBatch), Error>>> SideReader for InMemory<I> {
    fn notes(&self) -> ReadingNotes {
        ReadingNotes::default()
    }
}

fn compare_rows(
    left: &[(&'static str, Option<u64>)],
    right: &[(&'static str, Option<u64>)],
    max_listed: usize,
) -> TableComparison {
    let (left, right) = (Rows(left.to_vec()), Rows(right.to_vec()));
    let options = CompareOptions { pair_by: PairBy::Id, is_ignored: &|_, _| false, max_listed };
    let mut comparison = compare(&[Table::ContainerRemove], &left, &right, &options).expect("rows in memory");
    comparison.tables.remove(0)
}

fn keys(comparison: &TableComparison) -> Vec<(&str, u64)> {
    comparison.differences.iter().map(|row| (row.key.container_id.as_str(), row.key.occurrence)).collect()
}

#[test]
fn the_same_rows_are_the_same() {
    let rows = [("a", Some(1)), ("b", None), ("a", Some(2))];
    let comparison = compare_rows(&rows, &rows, 9);
    assert!(comparison.is_same() && comparison.different_rows == 0 && comparison.left.rows == 3);
}

#[test]
fn rows_of_one_container_are_paired_by_their_number() {
    let comparison =
        compare_rows(&[("a", Some(1)), ("a", Some(2)), ("a", Some(3))], &[("a", Some(1)), ("a", Some(9))], 9);
    assert_eq!(comparison.different_rows, 2);
    assert_eq!(keys(&comparison), [("a", 1), ("a", 2)]);
    let changed = FieldDifference { column: "cpu_usage_ns".to_owned(), left: "2".to_owned(), right: "9".to_owned() };
    assert_eq!(comparison.differences[0].change, Change::Fields(vec![changed]));
    assert!(matches!(comparison.differences[1].change, Change::OnlyLeft(_)));
}

#[test]
fn absent_is_not_zero() {
    let comparison = compare_rows(&[("a", None)], &[("a", Some(0))], 9);
    let changed = FieldDifference { column: "cpu_usage_ns".to_owned(), left: "null".to_owned(), right: "0".to_owned() };
    assert_eq!(comparison.differences[0].change, Change::Fields(vec![changed]));
}

#[test]
fn differences_come_in_the_order_of_the_rows_and_all_are_counted() {
    let left = [("d", Some(1)), ("c", Some(1)), ("b", Some(1)), ("a", Some(1))];
    let right = [("x", Some(1)), ("a", Some(2)), ("c", Some(1)), ("d", Some(2)), ("y", Some(1))];
    let comparison = compare_rows(&left, &right, 9);
    // Those of the left first, in its order, changed or missing; then those that only the right
    // has.
    assert_eq!(keys(&comparison), [("d", 0), ("b", 0), ("a", 0), ("x", 0), ("y", 0)]);
    let comparison = compare_rows(&left, &right, 2);
    assert_eq!((comparison.different_rows, keys(&comparison)), (5, vec![("d", 0), ("b", 0)]));
}

#[test]
fn another_order_is_not_the_same_table_though_no_row_differs() {
    let comparison = compare_rows(&[("a", None), ("b", None)], &[("b", None), ("a", None)], 9);
    assert!(!comparison.is_same());
    assert_eq!(comparison.different_rows, 0);
}

#[test]
fn a_column_left_out_makes_no_difference_but_still_pairs() {
    let (left, right) = (Rows(vec![("a", Some(1))]), Rows(vec![("a", Some(2))]));
    let without_value = |_: Table, column: &str| column == "cpu_usage_ns";
    let options = CompareOptions { pair_by: PairBy::Id, is_ignored: &without_value, max_listed: 9 };
    let comparison = compare(&[Table::ContainerRemove], &left, &right, &options).expect("rows in memory");
    assert!(comparison.tables[0].is_same());
    // Even the key may be left out of the comparison: rows are still paired by it.
    let without_id = |_: Table, column: &str| column == "container_id";
    let options = CompareOptions { is_ignored: &without_id, ..options };
    let comparison = compare(&[Table::ContainerRemove], &left, &right, &options).expect("rows in memory");
    assert_eq!(keys(&comparison.tables[0]), [("a", 0)]);
}
