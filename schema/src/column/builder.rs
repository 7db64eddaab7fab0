//! Building a column, row by row.

use arrow_array::ArrayRef;

use super::column_type::ColumnType;
use super::nulls::NullColumns;

/// Builds one column.
///
/// Most columns are null in most rows, and many in all rows of a batch. So a null costs nothing:
/// a value is given with its row, and the nulls before it are appended then, together.
#[derive(Debug)]
pub struct ColumnBuilder<T: ColumnType> {
    builder: T::Builder,
    /// Rows that the builder holds: up to the last value.
    filled: usize,
}

impl<T: ColumnType> ColumnBuilder<T> {
    /// Creates an empty builder.
    pub fn new() -> Self {
        Self { builder: T::builder(), filled: 0 }
    }

    /// Puts the value of a row, which must come after the rows that have theirs. Rows in between
    /// are null.
    #[inline]
    pub fn put(&mut self, row: usize, value: T::Value<'_>) {
        debug_assert!(row >= self.filled, "row {row} has its value already");
        if row > self.filled {
            self.put_nulls(row);
        }
        self.filled = row + 1;
        T::push(&mut self.builder, value);
    }

    /// Puts the value of a row if there is one. Of an absent value only the check remains.
    #[inline(always)]
    pub fn set(&mut self, row: usize, value: Option<T::Value<'_>>) {
        if let Some(value) = value {
            self.put(row, value);
        }
    }

    /// Appends nulls up to a row.
    #[inline(never)]
    fn put_nulls(&mut self, row: usize) {
        T::push_nulls(&mut self.builder, row - self.filled);
    }

    /// Returns the first `rows` rows as an array and leaves the builder empty.
    pub fn finish(&mut self, rows: usize, nulls: &mut NullColumns) -> ArrayRef {
        if self.filled == 0 {
            return nulls.array::<T>(rows);
        }
        if rows > self.filled {
            self.put_nulls(rows);
        }
        self.filled = 0;
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
        let (mut column, mut nulls) = (ColumnBuilder::<U64>::new(), NullColumns::default());
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
            let (mut column, mut all_null) = (ColumnBuilder::<T>::new(), NullColumns::default());
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
