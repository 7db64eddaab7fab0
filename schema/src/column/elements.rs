//! The elements of one list of a recorded column.

use std::ops::Range;

use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, PrimitiveArray, StringArray};

use crate::text::is_same_text;

/// Returns the range of a list's elements, or of a map's entries. Arrow checked the offsets when
/// the array was made.
pub(crate) fn element_range(offsets: &[i32], row: usize) -> Range<usize> {
    let at = |index: usize| offsets.get(index).and_then(|offset| usize::try_from(*offset).ok());
    at(row).unwrap_or_default()..at(row + 1).unwrap_or_default()
}

/// The elements of one list, none of which should be null.
pub(crate) struct Elements<'a> {
    values: &'a ArrayRef,
    range: Range<usize>,
}

impl<'a> Elements<'a> {
    /// Finds the elements of a row's list.
    pub(crate) fn of(list: &'a ListArray, row: usize) -> Self {
        Self { values: list.values(), range: element_range(list.value_offsets(), row) }
    }

    /// Finds the keys of a row's map.
    pub(crate) fn keys_of(map: &'a MapArray, row: usize) -> Self {
        Self { values: map.keys(), range: element_range(map.value_offsets(), row) }
    }

    /// Finds the values of a row's map.
    pub(crate) fn values_of(map: &'a MapArray, row: usize) -> Self {
        Self { values: map.values(), range: element_range(map.value_offsets(), row) }
    }

    /// Returns the numbers; `None` if they have another type, or if their array holds a null.
    pub(crate) fn numbers<T: ArrowPrimitiveType>(&self) -> Option<&'a [T::Native]> {
        let values = self.values.as_any().downcast_ref::<PrimitiveArray<T>>()?;
        if values.null_count() > 0 {
            return None;
        }
        values.values().get(self.range.clone())
    }

    /// Returns true if the elements are exactly these texts.
    pub(crate) fn are_texts<'t>(&self, texts: impl ExactSizeIterator<Item = &'t str>) -> bool {
        let Some(values) = self.values.as_any().downcast_ref::<StringArray>() else { return false };
        values.null_count() == 0
            && self.range.len() == texts.len()
            && self.range.end <= values.len()
            && self.range.clone().zip(texts).all(|(at, text)| is_same_text(values.value(at), text))
    }
}
