//! A value of a column, to be serialized as text.

use crate::value::{self, Value};
use arrow_array::Array;
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};

use super::time;

/// A value that serializes as JSON does best: null, a boolean, a number (all 64 bits), text, a time
/// in RFC 3339, a list.
pub struct Cell<'a>(pub Value<'a>);

impl<'a> Cell<'a> {
    /// Returns the value of a row of the array.
    pub fn new(array: &'a dyn Array, row: usize) -> Self {
        Self(value::cell(array, row))
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => serializer.serialize_none(),
            Value::Bool(value) => serializer.serialize_bool(value),
            Value::U64(value) => serializer.serialize_u64(value),
            Value::I64(value) => serializer.serialize_i64(value),
            Value::TimestampNs(ns) => serializer.serialize_str(&time::rfc3339(ns)),
            Value::Str(value) => serializer.serialize_str(value),
            Value::List(list) => serializer.collect_seq(list.iter().map(Cell)),
            Value::Struct(fields) => serializer.collect_map(fields.iter().map(|(name, value)| (name, Cell(value)))),
            Value::Map(entries) => {
                let mut map = serializer.serialize_map(None)?;
                for (key, value) in entries.iter() {
                    map.serialize_entry(&Cell(key), &Cell(value))?;
                }
                map.end()
            }
            ref other => Err(S::Error::custom(format!("a value {other:?} has no text form here"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::json;
    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{BooleanArray, Float64Array, TimestampNanosecondArray, UInt64Array};

    fn json(array: &dyn Array, row: usize) -> String {
        json::to_string(&Cell::new(array, row)).expect("a known type")
    }

    #[test]
    fn all_64_bits_survive_and_null_is_no_zero() {
        let array = UInt64Array::from(vec![Some(u64::MAX), None, Some(0)]);
        assert_eq!([json(&array, 0), json(&array, 1), json(&array, 2)], ["18446744073709551615", "null", "0"]);
    }

    #[test]
    fn times_are_text_with_every_nanosecond() {
        let array = TimestampNanosecondArray::from(vec![1]).with_timezone("UTC");
        assert_eq!(json(&array, 0), "\"1970-01-01T00:00:00.000000001Z\"");
    }

    #[test]
    fn an_empty_list_is_no_null() {
        let mut builder = ListBuilder::new(StringBuilder::new());
        builder.append_value([Some("a\"b"), None]);
        builder.append_value(std::iter::empty::<Option<&str>>());
        builder.append_null();
        let array = builder.finish();
        assert_eq!([json(&array, 0), json(&array, 1), json(&array, 2)], ["[\"a\\\"b\",null]", "[]", "null"]);
    }

    #[test]
    fn a_type_that_is_not_known_is_an_error_and_no_guess() {
        assert!(json::to_string(&Cell::new(&Float64Array::from(vec![1.5]), 0)).is_err());
        assert_eq!(json(&BooleanArray::from(vec![true]), 0), "true");
    }
}
