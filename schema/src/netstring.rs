//! The canonical text of values: netstrings.

use crate::value::{Cells, TypedArray, Value};

/// The error of a value without canonical text: of a type that no table has, or null in a list.
pub(crate) struct NoCanonicalText;

/// Appends decimal length, colon, the bytes, comma (D. J. Bernstein, "Netstrings").
pub(crate) fn push_netstring(out: &mut Vec<u8>, bytes: &[u8]) {
    push_length(out, bytes.len());
    out.extend_from_slice(bytes);
    out.push(b',');
}

/// Appends a length and a colon.
#[inline]
fn push_length(out: &mut Vec<u8>, length: usize) {
    match u8::try_from(length) {
        // The length of most values has one digit.
        Ok(digit @ ..10) => out.extend_from_slice(&[b'0' + digit, b':']),
        _ => {
            out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
            out.push(b':');
        }
    }
}

/// Appends the netstring of a row's value, which is not null. Numbers and text, which most values
/// are, go without [`Value`].
#[inline]
pub(crate) fn push_cell(out: &mut Vec<u8>, cells: Cells<'_>, row: usize) -> Result<(), NoCanonicalText> {
    match cells.typed() {
        TypedArray::U32(array) => push_number(out, array.value(row)),
        TypedArray::U64(array) => push_number(out, array.value(row)),
        TypedArray::TimestampNs(array) => push_number(out, array.value(row)),
        TypedArray::Str(array) => push_netstring(out, array.value(row).as_bytes()),
        TypedArray::StrView(array) => push_netstring(out, array.value(row).as_bytes()),
        _ => push_value(out, cells.value(row))?,
    }
    Ok(())
}

#[inline]
fn push_number(out: &mut Vec<u8>, number: impl itoa::Integer) {
    push_netstring(out, itoa::Buffer::new().format(number).as_bytes());
}

/// Appends the netstring of a value's canonical text.
fn push_value(out: &mut Vec<u8>, value: Value<'_>) -> Result<(), NoCanonicalText> {
    match value {
        Value::Bool(value) => push_netstring(out, if value { b"true" } else { b"false" }),
        Value::U64(value) => push_number(out, value),
        Value::I64(value) | Value::TimestampNs(value) => push_number(out, value),
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

/// Makes one netstring of everything appended since `begin`.
fn frame(out: &mut Vec<u8>, begin: usize) {
    let end = out.len();
    push_length(out, end.saturating_sub(begin));
    let head = out.len() - end;
    if let Some(framed) = out.get_mut(begin..) {
        framed.rotate_right(head);
    }
    out.push(b',');
}
