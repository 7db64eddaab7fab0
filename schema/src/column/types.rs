//! Arrow types of columns, compared and adapted.

use std::sync::Arc;

use arrow_schema::DataType;

/// Returns true if two types hold the same values.
///
/// Names and nullability of a list's element and of a map's entries may differ: other programs
/// name them otherwise. Text may be laid out as views.
pub(crate) fn same_type(a: &DataType, b: &DataType) -> bool {
    match (a, b) {
        (DataType::List(a), DataType::List(b)) => same_type(a.data_type(), b.data_type()),
        (DataType::Map(a, _), DataType::Map(b, _)) => match (a.data_type(), b.data_type()) {
            (DataType::Struct(a), DataType::Struct(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_type(a.data_type(), b.data_type()))
            }
            _ => false,
        },
        (DataType::Struct(a), DataType::Struct(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.name() == b.name() && same_type(a.data_type(), b.data_type()))
        }
        (DataType::Utf8 | DataType::Utf8View, DataType::Utf8 | DataType::Utf8View) => true,
        _ => a == b,
    }
}

/// Returns the type to read a column as where records are made of it: text as views, also in
/// lists.
pub fn with_text_views(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 => DataType::Utf8View,
        DataType::List(element) if *element.data_type() == DataType::Utf8 => {
            DataType::List(Arc::new(element.as_ref().clone().with_data_type(DataType::Utf8View)))
        }
        other => other.clone(),
    }
}
