//! Texts by name.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::builder::{MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::{Array, ArrayRef, MapArray, StringArray};
use arrow_schema::{DataType, Field, Fields};

use super::column_type::ColumnType;
use super::elements::{Elements, element_range};
use super::reader::ColumnReader;

/// Name of a map's entries in Parquet (Parquet's LogicalTypes.md, "Maps").
const MAP_ENTRIES: &str = "key_value";

/// Texts by name, as records and as rows hold them.
#[derive(Clone, Copy, Debug)]
pub enum Pairs<'a> {
    /// Texts of a record.
    Borrowed(&'a [(Cow<'a, str>, Cow<'a, str>)]),
    /// Texts of a derived row, or of a record's details.
    Owned(&'a [(String, String)]),
}

/// Text by name.
#[derive(Debug)]
pub struct TextMap;

impl ColumnType for TextMap {
    type Value<'a> = Pairs<'a>;
    type Builder = MapBuilder<StringBuilder, StringBuilder>;
    type Array = MapArray;
    const NAME: &'static str = "map<utf8, utf8>";

    fn data_type() -> DataType {
        let entry = vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, false)];
        DataType::Map(Arc::new(Field::new(MAP_ENTRIES, DataType::Struct(Fields::from(entry)), false)), false)
    }

    fn builder() -> Self::Builder {
        let names = MapFieldNames { entry: MAP_ENTRIES.to_owned(), key: "key".to_owned(), value: "value".to_owned() };
        MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new()).with_values_field(Field::new(
            "value",
            DataType::Utf8,
            false,
        ))
    }

    fn push(builder: &mut Self::Builder, pairs: Self::Value<'_>) {
        let mut append = |name: &str, text: &str| {
            builder.keys().append_value(name);
            builder.values().append_value(text);
        };
        match pairs {
            Pairs::Owned(pairs) => pairs.iter().for_each(|(name, text)| append(name, text)),
            Pairs::Borrowed(pairs) => pairs.iter().for_each(|(name, text)| append(name, text)),
        }
        // Fails only where names and texts differ in number, and both were appended just above.
        let appended = builder.append(true);
        debug_assert!(appended.is_ok());
    }

    fn push_nulls(builder: &mut Self::Builder, count: usize) {
        // Fails only where names and texts differ in number, and none is appended here.
        let appended = builder.append_nulls(count);
        debug_assert!(appended.is_ok());
    }

    fn finish(builder: &mut Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }

    fn equals(array: &Self::Array, row: usize, pairs: Self::Value<'_>) -> bool {
        let (names, texts) = (Elements::keys_of(array, row), Elements::values_of(array, row));
        match pairs {
            Pairs::Owned(pairs) => {
                names.are_texts(pairs.iter().map(|(name, _)| name.as_str()))
                    && texts.are_texts(pairs.iter().map(|(_, text)| text.as_str()))
            }
            Pairs::Borrowed(pairs) => {
                names.are_texts(pairs.iter().map(|(name, _)| name.as_ref()))
                    && texts.are_texts(pairs.iter().map(|(_, text)| text.as_ref()))
            }
        }
    }
}

impl ColumnReader<TextMap> {
    /// Returns the names and texts of a row, borrowed from the batch; empty if null.
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
