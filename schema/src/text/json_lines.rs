//! JSON lines: one object a row, every column in the order of the schema.

use std::io::{self, Write};

use arrow_array::RecordBatch;

use super::cell::Cell;
use super::printable::is_plain_byte;
use super::{json, time};
use crate::value::{Cells, Value};

/// Bytes of text that are collected before they are written.
const CHUNK_BYTES: usize = 64 << 10;

/// Writes each row of the batch on a line of its own.
pub fn write(batch: &RecordBatch, output: &mut impl Write) -> io::Result<()> {
    let line = Line::of(batch)?;
    let mut lines = Vec::with_capacity(CHUNK_BYTES);
    for row in 0..batch.num_rows() {
        for (before, cells) in &line.columns {
            lines.extend_from_slice(before);
            push_value(&mut lines, cells.value(row))?;
        }
        lines.extend_from_slice(&line.end);
        if lines.len() >= CHUNK_BYTES {
            output.write_all(&lines)?;
            lines.clear();
        }
    }
    output.write_all(&lines)
}

/// The text that all lines have in common, and the columns whose values stand in between.
struct Line<'a> {
    /// Columns that hold a value somewhere, each with the text that comes before it.
    columns: Vec<(Vec<u8>, Cells<'a>)>,
    /// The text after the last of them.
    end: Vec<u8>,
}

impl<'a> Line<'a> {
    fn of(batch: &'a RecordBatch) -> io::Result<Self> {
        let mut columns = Vec::new();
        let mut before = vec![b'{'];
        for (index, (field, array)) in batch.schema_ref().fields().iter().zip(batch.columns()).enumerate() {
            if index > 0 {
                before.push(b',');
            }
            push_text(&mut before, field.name())?;
            before.push(b':');
            let cells = Cells::new(array.as_ref());
            match cells.are_null() {
                true => before.extend_from_slice(b"null"),
                false => columns.push((std::mem::take(&mut before), cells)),
            }
        }
        before.extend_from_slice(b"}\n");
        Ok(Self { columns, end: before })
    }
}

/// Appends a value as JSON: frequent types here, the rest by [`json::write`], which writes all of
/// them alike.
///
/// # Errors
/// The value has a type that no table has.
pub fn push_value(out: &mut Vec<u8>, value: Value<'_>) -> io::Result<()> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Value::U64(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Value::I64(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Value::TimestampNs(ns) => {
            out.push(b'"');
            time::push_rfc3339(out, ns);
            out.push(b'"');
        }
        Value::Str(value) => push_text(out, value)?,
        Value::List(list) => {
            out.push(b'[');
            for (index, element) in list.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                push_value(out, element)?;
            }
            out.push(b']');
        }
        other => json::write(&Cell(other), out)?,
    }
    Ok(())
}

/// Appends a text as JSON, with quotation marks.
///
/// # Errors
/// None: a `Vec` takes all.
pub fn push_text(out: &mut Vec<u8>, text: &str) -> io::Result<()> {
    // No early return, so that many bytes are tested at once.
    let is_as_it_is =
        text.bytes().fold(true, |so_far, byte| so_far & is_plain_byte(byte) & !matches!(byte, b'"' | b'\\'));
    if !is_as_it_is {
        return json::write(&text, out);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{
        ArrayRef, BooleanArray, Int32Array, StringArray, TimestampNanosecondArray, UInt32Array, UInt64Array,
    };
    use std::sync::Arc;

    #[test]
    fn one_line_a_row_and_every_column_in_order() {
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("a\nb"), None]));
        let number: ArrayRef = Arc::new(UInt32Array::from(vec![None, Some(0)]));
        let batch =
            RecordBatch::try_from_iter_with_nullable([("z", text, true), ("a", number, true)]).expect("a batch");
        let mut output = Vec::new();
        write(&batch, &mut output).expect("a Vec takes all");
        let expected = "{\"z\":\"a\\nb\",\"a\":null}\n{\"z\":null,\"a\":0}\n";
        assert_eq!(String::from_utf8(output).expect("UTF-8"), expected);
    }

    #[test]
    fn columns_of_nulls_are_written_wherever_they_stand() {
        let null: ArrayRef = Arc::new(UInt32Array::from(vec![None, None]));
        let number: ArrayRef = Arc::new(UInt32Array::from(vec![1, 2]));
        let columns = [("a", &null), ("b", &null), ("c", &number), ("d", &null)];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array.clone(), true)));
        let mut output = Vec::new();
        write(&batch.expect("a batch"), &mut output).expect("a Vec takes all");
        let expected = [1, 2].map(|c| format!("{{\"a\":null,\"b\":null,\"c\":{c},\"d\":null}}\n")).concat();
        assert_eq!(String::from_utf8(output).expect("UTF-8"), expected);
    }

    /// What is written here by itself must be what serde_json writes.
    #[test]
    fn every_value_is_written_as_json_writes_it() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("a"), None, Some("\u{202e}\"")]);
        lists.append_value(std::iter::empty::<Option<&str>>());
        let columns: [(&str, ArrayRef, bool); 6] = [
            ("bool", Arc::new(BooleanArray::from(vec![true, false])), true),
            ("unsigned", Arc::new(UInt64Array::from(vec![0, u64::MAX])), true),
            ("signed", Arc::new(Int32Array::from(vec![i32::MIN, 7])), true),
            ("time", Arc::new(TimestampNanosecondArray::from(vec![-1, 1_234_567_890_000_000_001])), true),
            ("text", Arc::new(StringArray::from(vec!["\\ \x7f \u{9b}31m größe", "plain"])), true),
            ("quoted \"", Arc::new(lists.finish()), true),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("a batch");
        let mut output = Vec::new();
        write(&batch, &mut output).expect("a Vec takes all");
        for (row, line) in String::from_utf8(output).expect("UTF-8").lines().enumerate() {
            let fields = batch.schema_ref().fields().iter().zip(batch.columns()).map(|(field, column)| {
                let name = json::to_string(field.name()).expect("text");
                format!("{name}:{}", json::to_string(&Cell::new(column.as_ref(), row)).expect("a known type"))
            });
            assert_eq!(line, format!("{{{}}}", fields.collect::<Vec<_>>().join(",")));
        }
    }
}
