//! Columns as arguments of events.

use obit_schema::text::time;
use obit_schema::value::{Cells, Value};

use super::proto::DebugAnnotation;

/// Returns an argument for each column of a row that is not absent.
pub fn annotations(columns: &[(String, Cells<'_>)], row: usize) -> Vec<DebugAnnotation> {
    let argument = |(name, cells): &(String, Cells<'_>)| {
        let mut annotation = annotation(cells.value(row))?;
        annotation.name = Some(name.clone());
        Some(annotation)
    };
    columns.iter().filter_map(argument).collect()
}

/// Returns an argument that is a text, or nothing if it is absent.
pub fn text_annotation(name: &str, text: Option<&str>) -> Option<DebugAnnotation> {
    let string_value = Some(text?.to_owned());
    Some(DebugAnnotation { name: Some(name.to_owned()), string_value, ..DebugAnnotation::default() })
}

/// Returns a value without a name; `None` if it is absent. A list without elements has no form of
/// its own, so it is left out.
fn annotation(value: Value<'_>) -> Option<DebugAnnotation> {
    let mut annotation = DebugAnnotation::default();
    match value {
        Value::Bool(value) => annotation.bool_value = Some(value),
        Value::U64(value) => annotation.uint_value = Some(value),
        Value::I64(value) => annotation.int_value = Some(value),
        Value::TimestampNs(ns) => annotation.string_value = Some(time::rfc3339(ns)),
        Value::Str(text) => annotation.string_value = Some(text.to_owned()),
        Value::List(list) if !list.is_empty() => {
            annotation.array_values = list.iter().filter_map(self::annotation).collect()
        }
        Value::Map(map) => {
            let label = |(name, value): (Value<'_>, Value<'_>)| match (name, value) {
                (Value::Str(name), Value::Str(value)) => self::annotation(Value::Str(&format!("{name}={value}"))),
                _ => None,
            };
            annotation.array_values = map.iter().filter_map(label).collect();
        }
        _ => return None,
    }
    Some(annotation)
}
