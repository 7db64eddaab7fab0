//! Columns as arguments of events. They are most of a trace, so they are encoded as they come.

use obit_schema::text::time;
use obit_schema::value::{Cells, Value};
use prost::encoding::{WireType, encode_key, encode_varint};

/// Field of `TrackEvent` that an argument is.
const DEBUG_ANNOTATIONS: u32 = 4;

// Fields of `DebugAnnotation` (protos/perfetto/trace/track_event/debug_annotation.proto).
const BOOL_VALUE: u32 = 2;
const UINT_VALUE: u32 = 3;
const INT_VALUE: u32 = 4;
const STRING_VALUE: u32 = 6;
const NAME: u32 = 10;
const ARRAY_VALUES: u32 = 12;

/// Arguments of one event, as the fields of its message that they are.
#[derive(Default)]
pub struct EventArguments {
    fields: Vec<u8>,
    value: Vec<u8>,
    element: Vec<u8>,
}

impl EventArguments {
    /// Returns the encoded fields.
    pub fn fields(&self) -> &[u8] {
        &self.fields
    }

    /// Forgets all arguments.
    pub fn clear(&mut self) {
        self.fields.clear();
    }

    /// Adds a text, or nothing if it is absent.
    pub fn push_text(&mut self, name: &str, text: Option<&str>) {
        self.push(name, text.map_or(Value::Null, Value::Str));
    }

    /// Adds the columns of a row that are not absent.
    pub fn push_columns(&mut self, columns: &[(String, Cells<'_>)], row: usize) {
        columns.iter().for_each(|(name, cells)| self.push(name, cells.value(row)));
    }

    /// Adds a value, or nothing if it is absent.
    pub fn push(&mut self, name: &str, value: Value<'_>) {
        self.value.clear();
        if push_value(value, &mut self.value, &mut self.element) {
            push_bytes(NAME, name.as_bytes(), &mut self.value);
            push_bytes(DEBUG_ANNOTATIONS, &self.value, &mut self.fields);
        }
    }
}

/// Appends a value without a name. Returns false if it is absent; a list without elements has no
/// form of its own, so it counts as absent.
fn push_value(value: Value<'_>, out: &mut Vec<u8>, element: &mut Vec<u8>) -> bool {
    match value {
        Value::Bool(value) => push_number(BOOL_VALUE, value.into(), out),
        Value::U64(value) => push_number(UINT_VALUE, value, out),
        Value::I64(value) => push_number(INT_VALUE, value.cast_unsigned(), out),
        Value::TimestampNs(ns) => push_bytes(STRING_VALUE, time::rfc3339(ns).as_bytes(), out),
        Value::Str(text) => push_bytes(STRING_VALUE, text.as_bytes(), out),
        Value::List(list) => list.iter().for_each(|value| push_element(value, out, element)),
        Value::Map(map) => map.iter().for_each(|label| {
            if let (Value::Str(name), Value::Str(value)) = label {
                push_element(Value::Str(&format!("{name}={value}")), out, element);
            }
        }),
        _ => {}
    }
    !out.is_empty()
}

/// Appends an element of a list. Lists of lists are in no table.
fn push_element(value: Value<'_>, out: &mut Vec<u8>, element: &mut Vec<u8>) {
    element.clear();
    if push_value(value, element, &mut Vec::new()) {
        push_bytes(ARRAY_VALUES, element, out);
    }
}

fn push_number(field: u32, number: u64, out: &mut Vec<u8>) {
    encode_key(field, WireType::Varint, out);
    encode_varint(number, out);
}

fn push_bytes(field: u32, bytes: &[u8], out: &mut Vec<u8>) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wire format of protobuf: a key is the field's number times eight plus 0 for a number or 2
    /// for bytes with their length.
    #[test]
    fn an_argument_is_a_field_with_value_and_name() {
        let mut arguments = EventArguments::default();
        arguments.push("n", Value::I64(-1));
        arguments.push("absent", Value::Null);
        let of_minus_one = [[0xff; 9].as_slice(), &[0x01]].concat();
        let value = [&[4 << 3], of_minus_one.as_slice(), &[10 << 3 | 2, 1, b'n']].concat();
        assert_eq!(arguments.fields(), [&[4 << 3 | 2, value.len() as u8], value.as_slice()].concat());
        arguments.clear();
        arguments.push_text("t", Some("ab"));
        arguments.push_text("t", None);
        assert_eq!(arguments.fields(), [4 << 3 | 2, 7, 6 << 3 | 2, 2, b'a', b'b', 10 << 3 | 2, 1, b't']);
    }
}
