//! The canonical text of rows.
//!
//! It is made for a column of some rows at a time, as its type is looked at once then, and then put together row by row.

use std::ops::Range;

use arrow::array::{Array, ArrowPrimitiveType, ListArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::DataType;

use crate::column::element_range;
use crate::error::Error;
use crate::value::{Cells, Typed, Value};

/// Rows that are made into text at a time: few enough to stay in the processor's cache.
const ROWS: usize = 64;

/// Bytes of text that are given at once, or little more: what stays in the processor's cache, and hashes in one go.
const TEXT_BYTES: usize = 8192;

/// Gives the netstrings of the rows of a batch, in order and some at once, and how many they are.
///
/// # Errors
/// A value of a type that has no canonical text.
pub(super) fn each_rows(batch: &RecordBatch, mut each: impl FnMut(&[u8], usize)) -> Result<(), Error> {
    let mut columns = ColumnTexts::of(batch);
    let (mut text, mut count) = (Vec::new(), 0);
    for begin in (0..batch.num_rows()).step_by(ROWS) {
        let rows = begin..batch.num_rows().min(begin + ROWS);
        columns.iter_mut().try_for_each(|column| column.read(rows.clone()))?;
        let pieces = Pieces::of(&columns);
        for row in 0..rows.len() {
            push_decimal(&mut text, pieces.len(row));
            text.push(b':');
            pieces.push(row, &mut text);
            text.push(b',');
            count += 1;
            if text.len() >= TEXT_BYTES {
                each(&text, std::mem::take(&mut count));
                text.clear();
            }
        }
    }
    each(&text, count);
    Ok(())
}

/// What the texts of some rows are put together from.
struct Pieces<'c, 'a> {
    /// The text that is the same in all of these rows.
    same: Vec<u8>,
    /// Ranges of it, and the column after each.
    pieces: Vec<(Range<usize>, Option<&'c ColumnTexts<'a>>)>,
}

impl<'c, 'a> Pieces<'c, 'a> {
    fn of(columns: &'c [ColumnTexts<'a>]) -> Self {
        let (mut same, mut pieces) = (Vec::new(), Vec::new());
        let mut begin = 0;
        for column in columns {
            if column.is_same {
                same.extend_from_slice(&column.texts);
            } else {
                pieces.push((begin..same.len(), Some(column)));
                begin = same.len();
            }
        }
        pieces.push((begin..same.len(), None));
        Self { same, pieces }
    }

    /// Bytes of the text of one of these rows.
    #[inline]
    fn len(&self, row: usize) -> usize {
        let columns = self.pieces.iter().filter_map(|(_, column)| *column);
        self.same.len() + columns.map(|column| column.row(row).len()).sum::<usize>()
    }

    /// Appends the text of one of these rows.
    #[inline]
    fn push(&self, row: usize, text: &mut Vec<u8>) {
        for (before, column) in &self.pieces {
            if !before.is_empty() {
                text.extend_from_slice(self.same.get(before.clone()).unwrap_or_default());
            }
            if let Some(column) = column {
                text.extend_from_slice(column.row(row));
            }
        }
    }
}

/// Framed names and values of a column, of some rows.
struct ColumnTexts<'a> {
    name: &'a str,
    framed_name: Vec<u8>,
    cells: Cells<'a>,
    data_type: &'a DataType,
    /// The texts of these rows, or the one that all of them have.
    texts: Vec<u8>,
    is_same: bool,
    /// Of one list, while it is made.
    elements: Vec<u8>,
    /// Where each ends, if they are not the same. That of a null is empty.
    ends: Vec<usize>,
}

impl<'a> ColumnTexts<'a> {
    /// The columns that hold a value somewhere, in the order of a row's text.
    fn of(batch: &'a RecordBatch) -> Vec<Self> {
        let columns = batch.schema_ref().fields().iter().zip(batch.columns());
        let mut columns: Vec<_> = columns
            .map(|(field, array)| {
                let mut framed_name = Vec::new();
                push_netstring(&mut framed_name, field.name().as_bytes());
                let (name, cells, data_type) = (field.name(), Cells::new(array.as_ref()), array.data_type());
                Self {
                    name,
                    framed_name,
                    cells,
                    data_type,
                    texts: Vec::new(),
                    is_same: true,
                    elements: Vec::new(),
                    ends: Vec::new(),
                }
            })
            .filter(|column| !column.cells.are_null())
            .collect();
        columns.sort_by_key(|column| column.name);
        columns
    }

    /// Makes the texts of these rows.
    fn read(&mut self, rows: Range<usize>) -> Result<(), Error> {
        let cells = self.cells;
        let made = match cells.typed() {
            Typed::U32(array) => self.push_numbers(array, rows),
            Typed::U64(array) => self.push_numbers(array, rows),
            Typed::I32(array) => self.push_numbers(array, rows),
            Typed::I64(array) => self.push_numbers(array, rows),
            Typed::TimestampNs(array) => self.push_numbers(array, rows),
            Typed::Bool(array) => self.push_each(
                rows,
                |row| array.is_valid(row).then(|| array.value(row)),
                |value, out| push_framed(out, Value::Bool(value)),
            ),
            Typed::Str(array) => self.push_each(
                rows,
                |row| array.is_valid(row).then(|| array.value(row)),
                |text, out| {
                    push_netstring(out, text.as_bytes());
                    Ok(())
                },
            ),
            Typed::List(array) => match Cells::new(array.values()).typed() {
                Typed::U64(values) => self.push_lists(array, rows, |at, out| {
                    let value = values.is_valid(at).then(|| values.value(at)).ok_or(NoCanonicalText)?;
                    push_netstring(out, itoa::Buffer::new().format(value).as_bytes());
                    Ok(())
                }),
                Typed::Str(values) => self.push_lists(array, rows, |at, out| {
                    let text = values.is_valid(at).then(|| values.value(at)).ok_or(NoCanonicalText)?;
                    push_netstring(out, text.as_bytes());
                    Ok(())
                }),
                _ => self.push_values(rows),
            },
            _ => self.push_values(rows),
        };
        made.map_err(|NoCanonicalText| Error::Digest {
            column: self.name.to_owned(),
            data_type: self.data_type.to_string(),
        })
    }

    fn push_numbers<T: ArrowPrimitiveType<Native: itoa::Integer>>(
        &mut self,
        array: &PrimitiveArray<T>,
        rows: Range<usize>,
    ) -> Result<(), NoCanonicalText> {
        self.push_each(
            rows,
            |row| array.is_valid(row).then(|| array.value(row)),
            |value, out| {
                push_netstring(out, itoa::Buffer::new().format(value).as_bytes());
                Ok(())
            },
        )
    }

    /// Values of any type.
    fn push_values(&mut self, rows: Range<usize>) -> Result<(), NoCanonicalText> {
        let cells = self.cells;
        self.push_each(
            rows,
            |row| Some(cells.value(row)).filter(|value| !matches!(value, Value::Null)),
            |value, out| push_framed(out, value),
        )
    }

    /// Lists, of which `push` appends the element at a place.
    fn push_lists(
        &mut self,
        array: &ListArray,
        rows: Range<usize>,
        push: impl Fn(usize, &mut Vec<u8>) -> Result<(), NoCanonicalText>,
    ) -> Result<(), NoCanonicalText> {
        self.texts.clear();
        self.ends.clear();
        self.is_same = false;
        let mut elements = std::mem::take(&mut self.elements);
        for row in rows {
            if array.is_valid(row) {
                elements.clear();
                element_range(array.value_offsets(), row).try_for_each(|at| push(at, &mut elements))?;
                self.texts.extend_from_slice(&self.framed_name);
                push_netstring(&mut self.texts, &elements);
            }
            self.ends.push(self.texts.len());
        }
        self.elements = elements;
        Ok(())
    }

    #[inline]
    fn push_each<V: PartialEq + Copy>(
        &mut self,
        rows: Range<usize>,
        value: impl Fn(usize) -> Option<V>,
        push: impl Fn(V, &mut Vec<u8>) -> Result<(), NoCanonicalText>,
    ) -> Result<(), NoCanonicalText> {
        let values = || rows.clone().map(&value);
        self.texts.clear();
        self.ends.clear();
        let first = values().next().flatten();
        self.is_same = values().all(|value| value == first);
        if self.is_same {
            return first.map_or(Ok(()), |value| self.push_one(value, &push));
        }
        // Of other columns, too, many values are those of the row before.
        let mut last: Option<(V, Range<usize>)> = None;
        for value in values() {
            match (value, &last) {
                (None, _) => {}
                (Some(value), Some((same, text))) if value == *same => self.texts.extend_from_within(text.clone()),
                (Some(value), _) => {
                    let begin = self.texts.len();
                    self.push_one(value, &push)?;
                    last = Some((value, begin..self.texts.len()));
                }
            }
            self.ends.push(self.texts.len());
        }
        Ok(())
    }

    #[inline]
    fn push_one<V>(
        &mut self,
        value: V,
        push: impl Fn(V, &mut Vec<u8>) -> Result<(), NoCanonicalText>,
    ) -> Result<(), NoCanonicalText> {
        self.texts.extend_from_slice(&self.framed_name);
        push(value, &mut self.texts)
    }

    /// The text of one of the rows read, counted from the first of them.
    #[inline]
    fn row(&self, row: usize) -> &[u8] {
        let end_of = |row: usize| self.ends.get(row).copied().unwrap_or_default();
        let begin = row.checked_sub(1).map_or(0, end_of);
        self.texts.get(begin..end_of(row)).unwrap_or_default()
    }
}

/// A value that has no canonical text: of a type that no table has, or null inside a list.
struct NoCanonicalText;

/// Appends decimal length, colon, the bytes, comma (D. J. Bernstein, "Netstrings").
pub(super) fn push_netstring(out: &mut Vec<u8>, bytes: &[u8]) {
    push_decimal(out, bytes.len());
    out.push(b':');
    out.extend_from_slice(bytes);
    out.push(b',');
}

/// Appends a length.
pub(super) fn push_decimal(out: &mut Vec<u8>, length: usize) {
    match length {
        0..10 => out.push(b'0' + length as u8),
        10..100 => out.extend_from_slice(&[b'0' + (length / 10) as u8, b'0' + (length % 10) as u8]),
        _ => out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes()),
    }
}

/// Makes a netstring of what was appended since `begin`.
fn frame(out: &mut Vec<u8>, begin: usize) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(out.len().saturating_sub(begin)).as_bytes();
    out.extend_from_slice(digits);
    out.push(b':');
    if let Some(framed) = out.get_mut(begin..) {
        framed.rotate_right(digits.len() + 1);
    }
    out.push(b',');
}

/// Appends the netstring of a value's canonical text.
fn push_framed(out: &mut Vec<u8>, value: Value<'_>) -> Result<(), NoCanonicalText> {
    match value {
        Value::Bool(value) => push_netstring(out, if value { b"true" } else { b"false" }),
        Value::U64(value) => push_netstring(out, itoa::Buffer::new().format(value).as_bytes()),
        Value::I64(value) | Value::TimestampNs(value) => {
            push_netstring(out, itoa::Buffer::new().format(value).as_bytes());
        }
        Value::Str(value) => push_netstring(out, value.as_bytes()),
        Value::List(list) => {
            let begin = out.len();
            for element in list.iter() {
                push_framed(out, element)?;
            }
            frame(out, begin);
        }
        Value::Map(map) => {
            let begin = out.len();
            for (key, value) in map.iter() {
                push_framed(out, key)?;
                push_framed(out, value)?;
            }
            frame(out, begin);
        }
        Value::Struct(fields) => {
            let begin = out.len();
            let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !matches!(value, Value::Null)).collect();
            fields.sort_by_key(|(name, _)| *name);
            for (name, value) in fields {
                push_netstring(out, name.as_bytes());
                push_framed(out, value)?;
            }
            frame(out, begin);
        }
        Value::Null | Value::Unsupported(_) => return Err(NoCanonicalText),
    }
    Ok(())
}
