//! The canonical text of values: a column's type is looked at once, not for each value.

use std::ops::Range;

use arrow_array::{
    Array, ArrayRef, BooleanArray, Int32Array, Int64Array, ListArray, StringArray, StringViewArray,
    TimestampNanosecondArray, UInt32Array, UInt64Array,
};

use super::decimal;
use crate::column::{element_range, is_same_text};
use crate::value::{Cells, Value};

/// A value that has no canonical text: of a type that no table has, or null inside a list.
pub(super) struct NoCanonicalText;

/// The values of a column. None of the rows that are asked for is null.
#[derive(Debug)]
pub(super) enum Values {
    U32(UInt32Array),
    U64(UInt64Array),
    I32(Int32Array),
    I64(Int64Array),
    TimestampNs(TimestampNanosecondArray),
    Bool(BooleanArray),
    Text(StringArray),
    TextView(StringViewArray),
    Numbers(ListArray, UInt64Array),
    Texts(ListArray, StringArray),
    TextViews(ListArray, StringViewArray),
    /// Of any other type.
    Other(ArrayRef),
}

impl Values {
    pub(super) fn of(array: &ArrayRef) -> Self {
        Self::known(array.as_ref()).unwrap_or_else(|| Self::Other(array.clone()))
    }

    fn known(array: &dyn Array) -> Option<Self> {
        fn typed<T: Clone + 'static>(array: &dyn Array) -> Option<T> {
            array.as_any().downcast_ref::<T>().cloned()
        }
        if let Some(lists) = typed::<ListArray>(array) {
            let elements = lists.values().clone();
            // A null among them is found, and refused, where any value is looked at.
            if elements.null_count() > 0 {
                return None;
            }
            return typed(&elements)
                .map(|values| Self::Numbers(lists.clone(), values))
                .or_else(|| typed(&elements).map(|values| Self::Texts(lists.clone(), values)))
                .or_else(|| typed(&elements).map(|values| Self::TextViews(lists, values)));
        }
        typed(array)
            .map(Self::U32)
            .or_else(|| typed(array).map(Self::U64))
            .or_else(|| typed(array).map(Self::I32))
            .or_else(|| typed(array).map(Self::I64))
            .or_else(|| typed(array).map(Self::TimestampNs))
            .or_else(|| typed(array).map(Self::Bool))
            .or_else(|| typed(array).map(Self::Text))
            .or_else(|| typed(array).map(Self::TextView))
    }

    /// Whether these rows, of which there is one, are known to have the same value.
    pub(super) fn are_same(&self, rows: Range<usize>) -> bool {
        fn all<T: PartialEq>(values: Option<&[T]>) -> bool {
            values.is_some_and(|values| values.first().is_some_and(|first| values.iter().all(|value| value == first)))
        }
        let first = rows.start;
        match self {
            Self::U32(array) => all(array.values().get(rows)),
            Self::U64(array) => all(array.values().get(rows)),
            Self::I32(array) => all(array.values().get(rows)),
            Self::I64(array) => all(array.values().get(rows)),
            Self::TimestampNs(array) => all(array.values().get(rows)),
            Self::Bool(array) => same(rows, |row| array.value(row)),
            Self::Text(array) => rows.clone().all(|row| is_same_text(array.value(row), array.value(first))),
            // The view is where the text lies, or a short text itself: rows with the same view have the same text.
            Self::TextView(array) => all(array.views().get(rows)),
            Self::Numbers(lists, values) => same_lists(lists, rows, |a, b| values.value(a) == values.value(b)),
            Self::Texts(lists, values) => {
                same_lists(lists, rows, |a, b| is_same_text(values.value(a), values.value(b)))
            }
            Self::TextViews(lists, values) => {
                let view = |at: usize| values.views().get(at);
                same_lists(lists, rows, |a, b| view(a) == view(b))
            }
            Self::Other(array) => {
                let cells = Cells::new(array.as_ref());
                same(rows, |row| cells.value(row))
            }
        }
    }

    /// Appends the netstring of the value in that row.
    #[inline]
    pub(super) fn push(&self, row: usize, scratch: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<(), NoCanonicalText> {
        match self {
            Self::U32(array) => decimal::push_netstring(out, array.value(row).into()),
            Self::U64(array) => decimal::push_netstring(out, array.value(row)),
            Self::I32(array) => push_signed(out, array.value(row).into()),
            Self::I64(array) => push_signed(out, array.value(row)),
            Self::TimestampNs(array) => push_signed(out, array.value(row)),
            Self::Bool(array) => return push_value(out, Value::Bool(array.value(row))),
            Self::Text(array) => push_netstring(out, array.value(row).as_bytes()),
            Self::TextView(array) => push_netstring(out, array.value(row).as_bytes()),
            Self::Numbers(lists, values) => {
                scratch.clear();
                let values = values.values().get(element_range(lists.value_offsets(), row)).unwrap_or_default();
                values.iter().for_each(|value| decimal::push_netstring(scratch, *value));
                push_netstring(out, scratch);
            }
            Self::Texts(lists, values) => {
                scratch.clear();
                let range = element_range(lists.value_offsets(), row);
                range.for_each(|at| push_netstring(scratch, values.value(at).as_bytes()));
                push_netstring(out, scratch);
            }
            Self::TextViews(lists, values) => {
                scratch.clear();
                let range = element_range(lists.value_offsets(), row);
                range.for_each(|at| push_netstring(scratch, values.value(at).as_bytes()));
                push_netstring(out, scratch);
            }
            Self::Other(array) => return push_value(out, Cells::new(array.as_ref()).value(row)),
        }
        Ok(())
    }
}

fn same<V: PartialEq>(rows: Range<usize>, value: impl Fn(usize) -> V) -> bool {
    let first = value(rows.start);
    rows.skip(1).all(|row| value(row) == first)
}

/// Whether lists are as long and, by what is said of two elements' places, have the same elements.
fn same_lists(lists: &ListArray, rows: Range<usize>, is_same: impl Fn(usize, usize) -> bool) -> bool {
    let elements = |row| element_range(lists.value_offsets(), row);
    let first = elements(rows.start);
    rows.skip(1).all(|row| {
        let range = elements(row);
        range.len() == first.len() && range.zip(first.clone()).all(|(a, b)| is_same(a, b))
    })
}

#[inline]
fn push_signed(out: &mut Vec<u8>, number: i64) {
    match u64::try_from(number) {
        Ok(number) => decimal::push_netstring(out, number),
        Err(_) => push_netstring(out, itoa::Buffer::new().format(number).as_bytes()),
    }
}

/// Appends decimal length, colon, the bytes, comma (D. J. Bernstein, "Netstrings").
#[inline]
pub(super) fn push_netstring(out: &mut Vec<u8>, bytes: &[u8]) {
    push_length(out, bytes.len());
    out.extend_from_slice(bytes);
    out.push(b',');
}

/// Appends a length and a colon.
#[inline]
fn push_length(out: &mut Vec<u8>, length: usize) {
    decimal::push(out, length as u64);
    out.push(b':');
}

/// Makes a netstring of what was appended since `begin`.
fn frame(out: &mut Vec<u8>, begin: usize) {
    let end = out.len();
    push_length(out, end.saturating_sub(begin));
    let head = out.len() - end;
    if let Some(framed) = out.get_mut(begin..) {
        framed.rotate_right(head);
    }
    out.push(b',');
}

/// Appends the netstring of a value's canonical text.
fn push_value(out: &mut Vec<u8>, value: Value<'_>) -> Result<(), NoCanonicalText> {
    match value {
        Value::Bool(value) => push_netstring(out, if value { b"true" } else { b"false" }),
        Value::U64(value) => decimal::push_netstring(out, value),
        Value::I64(value) | Value::TimestampNs(value) => push_signed(out, value),
        Value::Str(value) => push_netstring(out, value.as_bytes()),
        Value::List(list) => {
            let begin = out.len();
            list.iter().try_for_each(|element| push_value(out, element))?;
            frame(out, begin);
        }
        Value::Map(map) => {
            let begin = out.len();
            for (key, value) in map.iter() {
                push_value(out, key)?;
                push_value(out, value)?;
            }
            frame(out, begin);
        }
        Value::Struct(fields) => {
            let begin = out.len();
            let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !matches!(value, Value::Null)).collect();
            fields.sort_by_key(|(name, _)| *name);
            for (name, value) in fields {
                push_netstring(out, name.as_bytes());
                push_value(out, value)?;
            }
            frame(out, begin);
        }
        Value::Null | Value::Unsupported(_) => return Err(NoCanonicalText),
    }
    Ok(())
}
