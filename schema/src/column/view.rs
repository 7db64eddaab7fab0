//! Columns of a batch that anyone may have written, by their declared type.

use std::borrow::Cow;

use arrow::array::{Array, PrimitiveArray, RecordBatch, StringArray, StringViewArray, StructArray, UInt32Array};
use arrow::datatypes::{UInt32Type, UInt64Type};
use obit_derivation::record::{HierarchyId, Seq, WallNs};

use super::{
    Bool, CgroupPathList, Column, ColumnType, I32, I64, PidList, SeqList, Text, TextList, TextMap, Timestamp, U32, U64,
    same_type,
};
use crate::error::Error;

/// A column of a batch, by its declared type. A column that the batch does not have reads as null.
#[derive(Debug)]
pub(crate) struct View<T: ColumnType> {
    name: &'static str,
    array: Option<T::Array>,
    /// Whether a value may be null.
    has_nulls: bool,
}

impl<T: ColumnType> View<T> {
    /// Finds the column.
    ///
    /// # Errors
    /// It is missing or holds nulls although it must not, or has another type.
    pub(crate) fn find(table: &'static str, column: &Column, batch: &RecordBatch) -> Result<Self, Error> {
        let Some(found) = batch.column_by_name(column.name) else {
            return match column.nullable {
                true => Ok(Self { name: column.name, array: None, has_nulls: false }),
                false => Err(Error::ColumnMissing { table, column: column.name }),
            };
        };
        let other_type = || Error::ColumnType {
            table,
            column: column.name,
            found: found.data_type().to_string(),
            expected: column.type_name,
        };
        if !same_type(found.data_type(), &T::data_type()) {
            return Err(other_type());
        }
        if !column.nullable && found.null_count() > 0 {
            return Err(Error::ColumnNull { table, column: column.name });
        }
        // A column of nulls only reads as one that is not there, and costs as little.
        if column.nullable && found.null_count() == found.len() {
            return Ok(Self { name: column.name, array: None, has_nulls: false });
        }
        let array = Some(T::of(found.as_ref()).ok_or_else(other_type)?);
        Ok(Self { name: column.name, array, has_nulls: found.null_count() > 0 })
    }

    /// The array, if the value in that row is not null. Rows past the end are null.
    #[inline]
    pub(super) fn at(&self, row: usize) -> Option<&T::Array> {
        self.array.as_ref().filter(|array| row < array.len() && !(self.has_nulls && array.is_null(row)))
    }

    /// What [`Self::need`] says of a null.
    #[cold]
    fn missing(&self) -> Error {
        Error::ValueMissing { column: self.name }
    }
}

/// Declares `get` and `need` of a view whose value is one thing.
macro_rules! scalar_view {
    ($type:ty, $value:ty, |$array:ident, $row:ident| $read:expr) => {
        impl View<$type> {
            /// The value in that row.
            #[inline]
            pub(crate) fn get(&self, $row: usize) -> Option<$value> {
                self.at($row).map(|$array| $read)
            }

            /// The value in that row, which this kind of row must have.
            #[allow(dead_code)] // not every type is needed somewhere
            #[inline]
            pub(crate) fn need(&self, row: usize) -> Result<$value, Error> {
                self.get(row).ok_or_else(|| self.missing())
            }
        }
    };
}

scalar_view!(I32, i32, |array, row| array.value(row));
scalar_view!(I64, i64, |array, row| array.value(row));
scalar_view!(U32, u32, |array, row| array.value(row));
scalar_view!(U64, u64, |array, row| array.value(row));
scalar_view!(Bool, bool, |array, row| array.value(row));
scalar_view!(Timestamp, WallNs, |array, row| WallNs(array.value(row)));
scalar_view!(Text, &str, |array, row| array.value(row));

/// Where the elements of a list, or the entries of a map, are. Arrow checked the offsets when the array was made.
pub(crate) fn element_range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let at = |index: usize| offsets.get(index).and_then(|offset| usize::try_from(*offset).ok());
    at(row).unwrap_or_default()..at(row + 1).unwrap_or_default()
}

/// The elements in a range that are not null.
fn elements<T: arrow::datatypes::ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    range: std::ops::Range<usize>,
) -> impl Iterator<Item = T::Native> + '_ {
    range.filter(|index| *index < array.len() && array.is_valid(*index)).map(|index| array.value(index))
}

impl View<PidList> {
    /// The list in that row; empty if null.
    pub(crate) fn list(&self, row: usize) -> Vec<u32> {
        let Some(list) = self.at(row) else { return Vec::new() };
        match list.values().as_any().downcast_ref::<PrimitiveArray<UInt32Type>>() {
            Some(values) => elements(values, element_range(list.value_offsets(), row)).collect(),
            None => Vec::new(),
        }
    }
}

impl View<SeqList> {
    /// The list in that row; empty if null.
    #[allow(dead_code)] // derived tables are read cell by cell
    pub(crate) fn list(&self, row: usize) -> Vec<Seq> {
        let Some(list) = self.at(row) else { return Vec::new() };
        match list.values().as_any().downcast_ref::<PrimitiveArray<UInt64Type>>() {
            Some(values) => elements(values, element_range(list.value_offsets(), row)).map(Seq).collect(),
            None => Vec::new(),
        }
    }
}

/// How many texts of a batch are remembered.
const MAX_REMEMBERED: usize = 32;

impl View<Text> {
    /// What each row's text reads as; nothing if all are null. A text of a dictionary is read once for all rows that have it.
    pub(crate) fn map<T: Copy>(&self, read: impl Fn(&str) -> T) -> Vec<T> {
        let Some(array) = &self.array else { return Vec::new() };
        // The view is where the text lies, or a short text itself: rows with the same view have the same text.
        let mut known: Vec<(u128, T)> = Vec::new();
        let values = array.views().iter().enumerate().map(|(row, view)| {
            if let Some((_, value)) = known.iter().find(|(seen, _)| seen == view) {
                return *value;
            }
            let value = read(array.value(row));
            if known.len() < MAX_REMEMBERED {
                known.push((*view, value));
            }
            value
        });
        values.collect()
    }
}

impl View<TextList> {
    /// Appends the texts in that row, borrowed from the batch.
    pub(crate) fn extend<'a>(&'a self, row: usize, out: &mut Vec<&'a str>) {
        let Some(list) = self.at(row) else { return };
        let (values, range) = (list.values().as_any(), element_range(list.value_offsets(), row));
        if let Some(values) = values.downcast_ref::<StringViewArray>() {
            let has_nulls = values.null_count() > 0;
            for i in range.start..range.end.min(values.len()) {
                if !(has_nulls && values.is_null(i)) {
                    out.push(values.value(i));
                }
            }
        } else if let Some(values) = values.downcast_ref::<StringArray>() {
            out.extend(range.filter(|i| *i < values.len() && values.is_valid(*i)).map(|i| values.value(i)));
        }
    }
}

impl View<TextMap> {
    /// The names and texts in that row, borrowed from the batch; empty if null.
    pub(crate) fn pairs(&self, row: usize) -> Vec<(&str, &str)> {
        let Some(map) = self.at(row) else { return Vec::new() };
        let (Some(names), Some(values)) =
            (map.keys().as_any().downcast_ref::<StringArray>(), map.values().as_any().downcast_ref::<StringArray>())
        else {
            return Vec::new();
        };
        element_range(map.value_offsets(), row)
            .filter(|i| *i < names.len() && *i < values.len() && names.is_valid(*i) && values.is_valid(*i))
            .map(|i| (names.value(i), values.value(i)))
            .collect()
    }
}

impl View<CgroupPathList> {
    /// The directories in that row, borrowed from the batch; empty if null.
    pub(crate) fn paths(&self, row: usize) -> Vec<(HierarchyId, Cow<'_, str>)> {
        let Some(list) = self.at(row) else { return Vec::new() };
        let Some(entries) = list.values().as_any().downcast_ref::<StructArray>() else {
            return Vec::new();
        };
        let hierarchies = entries.column_by_name("hierarchy_id").and_then(|c| c.as_any().downcast_ref::<UInt32Array>());
        let paths = entries.column_by_name("path").and_then(|c| c.as_any().downcast_ref::<StringArray>());
        let (Some(hierarchies), Some(paths)) = (hierarchies, paths) else {
            return Vec::new();
        };
        element_range(list.value_offsets(), row)
            .filter(|i| *i < entries.len() && hierarchies.is_valid(*i) && paths.is_valid(*i))
            .map(|i| (HierarchyId(hierarchies.value(i)), Cow::Borrowed(paths.value(i))))
            .collect()
    }
}
