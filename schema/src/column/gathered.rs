//! A column as it is gathered, row by row.

use arrow::array::{ArrayRef, new_null_array};

use super::ColumnType;

/// The values of a column so far.
///
/// Most columns are null in most rows, and many in all rows of a batch. So nulls are counted, and are put in together when a
/// value follows them.
#[derive(Debug)]
pub(crate) struct Gathered<T: ColumnType> {
    builder: T::Builder,
    /// Whether the builder holds a row.
    is_begun: bool,
    /// Nulls after what the builder holds.
    nulls: usize,
}

impl<T: ColumnType> Gathered<T> {
    /// Empty.
    pub(crate) fn new() -> Self {
        Self { builder: T::builder(), is_begun: false, nulls: 0 }
    }

    /// Adds a value or null.
    #[inline]
    pub(crate) fn push(&mut self, value: Option<T::Value<'_>>) {
        let Some(value) = value else {
            self.nulls += 1;
            return;
        };
        self.put_nulls();
        self.is_begun = true;
        T::push(&mut self.builder, value);
    }

    #[inline]
    fn put_nulls(&mut self) {
        if self.nulls > 0 {
            T::push_nulls(&mut self.builder, std::mem::take(&mut self.nulls));
        }
    }

    /// What was gathered; empty afterwards.
    pub(crate) fn finish(&mut self) -> ArrayRef {
        if !std::mem::take(&mut self.is_begun) {
            return new_null_array(&T::data_type(), std::mem::take(&mut self.nulls));
        }
        self.put_nulls();
        T::finish(&mut self.builder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::{Bool, Pairs, Text, TextList, TextMap, Texts, Timestamp, U64};
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::UInt64Type;

    #[test]
    fn nulls_keep_their_places() {
        let mut column = Gathered::<U64>::new();
        for value in [None, None, Some(1), None, Some(2), None] {
            column.push(value);
        }
        let array = column.finish();
        let values: Vec<_> = array.as_primitive::<UInt64Type>().iter().collect();
        assert_eq!(values, [None, None, Some(1), None, Some(2), None]);
        // What came before is gone, also where there were only nulls.
        column.push(None);
        let array = column.finish();
        assert_eq!((array.len(), array.null_count()), (1, 1));
        assert_eq!(column.finish().len(), 0);
    }

    #[test]
    fn a_column_of_nulls_has_its_type() {
        fn check<T: ColumnType>(value: T::Value<'_>) {
            let mut column = Gathered::<T>::new();
            column.push(None);
            let nulls = column.finish();
            assert_eq!((nulls.data_type(), nulls.null_count()), (&T::data_type(), 1));
            column.push(None);
            column.push(Some(value));
            let mixed = column.finish();
            assert_eq!((mixed.data_type(), mixed.len(), mixed.null_count()), (&T::data_type(), 2, 1));
        }
        check::<Bool>(true);
        check::<Timestamp>(obit_derivation::WallNs(1));
        check::<Text>("a");
        check::<TextList>(Texts::Borrowed(&["a"]));
        check::<TextMap>(Pairs::Borrowed(&[]));
    }
}
