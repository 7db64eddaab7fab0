//! Columns of a batch that anyone may have written, by their declared type.

use std::borrow::Cow;

use arrow_array::types::{ArrowPrimitiveType, UInt32Type, UInt64Type};
use arrow_array::{Array, PrimitiveArray, RecordBatch, StringArray, StructArray, UInt32Array};
use arrow_buffer::NullBuffer;
use obit_derivation::record::{HierarchyId, Seq, WallNs};

use super::text::TextLists;
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
    /// Which are null, if some are.
    nulls: Option<NullBuffer>,
    rows: usize,
}

impl<T: ColumnType> View<T> {
    /// Finds the column.
    ///
    /// # Errors
    /// It is missing or holds nulls although it must not, or has another type.
    pub(crate) fn find(table: &'static str, column: &Column, batch: &RecordBatch) -> Result<Self, Error> {
        let Some(found) = batch.column_by_name(column.name) else {
            return match column.nullable {
                true => Ok(Self::of_nulls(column)),
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
            return Ok(Self::of_nulls(column));
        }
        let array = Some(T::of(found.as_ref()).ok_or_else(other_type)?);
        let nulls = found.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
        Ok(Self { name: column.name, array, nulls, rows: found.len() })
    }

    fn of_nulls(column: &Column) -> Self {
        Self { name: column.name, array: None, nulls: None, rows: 0 }
    }

    /// Whether every value is null.
    pub(crate) fn is_null(&self) -> bool {
        self.array.is_none()
    }

    /// Whether the value in a row, which there is, is null.
    #[inline]
    fn is_null_at(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// The array, if the value in that row is not null. Rows past the end are null.
    #[inline(always)] // most values of a row are null
    pub(super) fn at(&self, row: usize) -> Option<&T::Array> {
        let array = self.array.as_ref()?;
        if row < self.rows && !self.is_null_at(row) { Some(array) } else { None }
    }

    /// What [`Self::need`] says of a null.
    #[cold]
    fn missing(&self) -> Error {
        Error::ValueMissing { column: self.name }
    }
}

/// Declares `get` and `need` of a view whose value is one thing.
macro_rules! scalar_view {
    ($type:ty, $value:ty, |$view:ident, $row:ident| $read:expr) => {
        impl View<$type> {
            /// The value in that row.
            #[inline]
            pub(crate) fn get(&self, $row: usize) -> Option<$value> {
                let $view = self;
                $read
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

impl<A: ArrowPrimitiveType, T: ColumnType<Array = PrimitiveArray<A>>> View<T> {
    /// The number in that row.
    #[inline]
    fn number(&self, row: usize) -> Option<A::Native> {
        let number = *self.array.as_ref()?.values().get(row)?;
        (!self.is_null_at(row)).then_some(number)
    }
}

scalar_view!(I32, i32, |view, row| view.number(row));
scalar_view!(I64, i64, |view, row| view.number(row));
scalar_view!(U32, u32, |view, row| view.number(row));
scalar_view!(U64, u64, |view, row| view.number(row));
scalar_view!(Timestamp, WallNs, |view, row| view.number(row).map(WallNs));
scalar_view!(Bool, bool, |view, row| view.at(row).map(|array| array.value(row)));
scalar_view!(Text, &str, |view, row| view.at(row).map(|array| array.value(row)));

impl View<U64> {
    /// The values from that row on, if none is null.
    pub(crate) fn values_from(&self, row: usize) -> &[u64] {
        let array = self.array.as_ref().filter(|_| self.nulls.is_none());
        array.and_then(|array| array.values().get(row..)).unwrap_or_default()
    }
}

/// Where the elements of a list, or the entries of a map, are. Arrow checked the offsets when the array was made.
pub(crate) fn element_range(offsets: &[i32], row: usize) -> std::ops::Range<usize> {
    let at = |index: usize| offsets.get(index).and_then(|offset| usize::try_from(*offset).ok());
    at(row).unwrap_or_default()..at(row + 1).unwrap_or_default()
}

/// The elements in a range that are not null.
fn elements<T: ArrowPrimitiveType>(
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

/// How many texts of a batch are remembered: more than there are kinds of records.
const REMEMBERED: usize = 64;

/// The place where a view is remembered. The upper bits of a product depend on all bits of its factors (Knuth, TAOCP 6.4).
fn place_of(view: u128) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let folded = (view >> 64) as u64 ^ (view as u64).rotate_left(32);
    (folded.wrapping_mul(FACTOR) >> (u64::BITS - REMEMBERED.ilog2())) as usize
}

impl View<Text> {
    /// What each row's text reads as; nothing if all are null. A text of a dictionary is read once for all rows that have it.
    pub(crate) fn map<T: Copy>(&self, read: impl Fn(&str) -> T) -> Vec<T> {
        let Some(array) = &self.array else { return Vec::new() };
        // The view is where the text lies, or a short text itself: rows with the same view have the same text.
        let mut known: [Option<(u128, T)>; REMEMBERED] = [None; REMEMBERED];
        let values = array.views().iter().enumerate().map(|(row, view)| {
            let known = known.get_mut(place_of(*view));
            match known {
                Some(Some((seen, value))) if seen == view => *value,
                known => {
                    let value = read(array.value(row));
                    if let Some(known) = known {
                        *known = Some((*view, value));
                    }
                    value
                }
            }
        });
        values.collect()
    }
}

impl View<TextList> {
    /// Appends the texts in that row, borrowed from the batch.
    #[inline]
    pub(crate) fn extend<'a>(&'a self, row: usize, out: &mut Vec<&'a str>) {
        let Some(TextLists { lists, texts }) = self.at(row) else { return };
        let has_nulls = texts.null_count() > 0;
        for at in element_range(lists.value_offsets(), row) {
            if at < texts.len() && !(has_nulls && texts.is_null(at)) {
                out.push(texts.value(at));
            }
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
