//! A column as it is gathered, row by row.

use arrow_array::ArrayRef;

use super::{ColumnType, Nulls};

/// The values of a column so far.
///
/// Most columns are null in most rows, and many in all rows of a batch. So nothing is done for a null: they are put in
/// together when a value follows them, for a value comes with its row.
#[derive(Debug)]
pub(crate) struct Gathered<T: ColumnType> {
    builder: T::Builder,
    /// Rows that the builder holds: up to the last value.
    held: usize,
}

impl<T: ColumnType> Gathered<T> {
    /// Empty.
    pub(crate) fn new() -> Self {
        Self { builder: T::builder(), held: 0 }
    }

    /// Puts in the value of a row, which must come after those that have theirs. Rows that are passed over are null.
    #[inline]
    pub(crate) fn put(&mut self, row: usize, value: T::Value<'_>) {
        debug_assert!(row >= self.held, "row {row} has its value already");
        if row > self.held {
            self.put_nulls(row);
        }
        self.held = row + 1;
        T::push(&mut self.builder, value);
    }

    /// Puts in nulls up to that row.
    #[inline(never)]
    fn put_nulls(&mut self, row: usize) {
        T::push_nulls(&mut self.builder, row - self.held);
    }

    /// What was gathered of so many rows; empty afterwards.
    pub(crate) fn finish(&mut self, rows: usize, nulls: &mut Nulls) -> ArrayRef {
        if self.held == 0 {
            return nulls.of::<T>(rows);
        }
        if rows > self.held {
            self.put_nulls(rows);
        }
        self.held = 0;
        T::finish(&mut self.builder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::{Bool, Pairs, Text, TextList, TextMap, Texts, Timestamp, U64};
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::UInt64Type;

    #[test]
    fn nulls_keep_their_places() {
        let (mut column, mut nulls) = (Gathered::<U64>::new(), Nulls::default());
        for (row, value) in [(2, 1), (4, 2)] {
            column.put(row, value);
        }
        let array = column.finish(6, &mut nulls);
        let values: Vec<_> = array.as_primitive::<UInt64Type>().iter().collect();
        assert_eq!(values, [None, None, Some(1), None, Some(2), None]);
        // What came before is gone, also where there were only nulls.
        for rows in [1, 5, 2, 0] {
            let array = column.finish(rows, &mut nulls);
            assert_eq!((array.len(), array.null_count()), (rows, rows));
        }
        column.put(0, 3);
        assert_eq!(column.finish(1, &mut nulls).null_count(), 0);
    }

    #[test]
    fn a_column_of_nulls_has_its_type() {
        fn check<T: ColumnType>(value: T::Value<'_>) {
            let (mut column, mut all_null) = (Gathered::<T>::new(), Nulls::default());
            let nulls = column.finish(1, &mut all_null);
            assert_eq!((nulls.data_type(), nulls.null_count()), (&T::data_type(), 1));
            column.put(1, value);
            let mixed = column.finish(2, &mut all_null);
            assert_eq!((mixed.data_type(), mixed.len(), mixed.null_count()), (&T::data_type(), 2, 1));
        }
        check::<Bool>(true);
        check::<Timestamp>(obit_derivation::WallNs(1));
        check::<Text>("a");
        check::<TextList>(Texts::Borrowed(&["a"]));
        check::<TextMap>(Pairs::Borrowed(&[]));
    }
}
