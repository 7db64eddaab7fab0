//! Text, and lists of texts.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{Array, ArrayRef, ListArray, StringArray, StringViewArray};
use arrow_schema::DataType;
use obit_derivation::row::Step;

use super::column_type::{ColumnType, ScalarType};
use super::elements::element_range;
use super::lists::{list_builder, list_of};
use super::reader::ColumnReader;
use crate::text::is_same_text;

/// UTF-8 text, enums included.
#[derive(Debug)]
pub struct Text;

impl ColumnType for Text {
    type Value<'a> = &'a str;
    type Builder = StringBuilder;
    /// Views, so that the texts of a page or of a dictionary are not copied for each row.
    type Array = StringViewArray;
    const NAME: &'static str = "utf8";

    fn data_type() -> DataType {
        DataType::Utf8
    }
    fn builder() -> Self::Builder {
        StringBuilder::with_capacity(0, 0)
    }
    fn push(builder: &mut Self::Builder, value: Self::Value<'_>) {
        builder.append_value(value);
    }
    fn push_nulls(builder: &mut Self::Builder, count: usize) {
        builder.append_nulls(count);
    }
    fn finish(builder: &mut Self::Builder) -> ArrayRef {
        let array = builder.finish();
        *builder = StringBuilder::with_capacity(array.len(), array.values().len());
        Arc::new(array)
    }
    #[inline]
    fn equals(array: &Self::Array, row: usize, value: Self::Value<'_>) -> bool {
        is_same_text(array.value(row), value)
    }
    fn downcast(array: &dyn Array) -> Option<Self::Array> {
        let array = array.as_any();
        match array.downcast_ref::<StringArray>() {
            Some(texts) => Some(StringViewArray::from(texts)),
            None => array.downcast_ref::<StringViewArray>().cloned(),
        }
    }
}

impl ScalarType for Text {
    #[inline]
    fn read(array: &Self::Array, row: usize) -> Option<&str> {
        (row < array.len()).then(|| array.value(row))
    }
}

/// A list of texts, as records and as rows hold one.
#[derive(Clone, Copy, Debug)]
pub enum Texts<'a> {
    /// Texts of a record.
    Borrowed(&'a [&'a str]),
    /// Texts of a derived row.
    Owned(&'a [String]),
    /// The description of each step.
    Steps(&'a [Step]),
}

/// Texts, e.g. an argument vector.
#[derive(Debug)]
pub struct TextList;

/// Lists of texts, and the texts of all of them.
#[derive(Clone, Debug)]
pub struct TextLists {
    pub(super) lists: ListArray,
    pub(super) texts: StringViewArray,
}

impl TextLists {
    /// Returns true if a row's list, which must exist, is exactly this.
    fn are(&self, row: usize, texts: impl ExactSizeIterator<Item = impl AsRef<str>>) -> bool {
        let range = element_range(self.lists.value_offsets(), row);
        range.len() == texts.len()
            && self.texts.null_count() == 0
            && range.end <= self.texts.len()
            && range.zip(texts).all(|(at, text)| is_same_text(self.texts.value(at), text.as_ref()))
    }
}

impl ColumnType for TextList {
    type Value<'a> = Texts<'a>;
    type Builder = ListBuilder<StringBuilder>;
    type Array = TextLists;
    const NAME: &'static str = "list<utf8>";

    fn data_type() -> DataType {
        list_of(DataType::Utf8)
    }
    fn builder() -> Self::Builder {
        list_builder(StringBuilder::new(), DataType::Utf8)
    }
    fn push(builder: &mut Self::Builder, texts: Self::Value<'_>) {
        let elements = builder.values();
        match texts {
            Texts::Borrowed(texts) => texts.iter().for_each(|text| elements.append_value(text)),
            Texts::Owned(texts) => texts.iter().for_each(|text| elements.append_value(text)),
            Texts::Steps(steps) => steps.iter().for_each(|step| elements.append_value(&step.what)),
        }
        builder.append(true);
    }
    fn push_nulls(builder: &mut Self::Builder, count: usize) {
        builder.append_nulls(count);
    }
    fn finish(builder: &mut Self::Builder) -> ArrayRef {
        Arc::new(builder.finish())
    }
    fn equals(array: &Self::Array, row: usize, texts: Self::Value<'_>) -> bool {
        match texts {
            Texts::Borrowed(texts) => array.are(row, texts.iter()),
            Texts::Owned(texts) => array.are(row, texts.iter()),
            Texts::Steps(steps) => array.are(row, steps.iter().map(|step| &step.what)),
        }
    }
    fn downcast(array: &dyn Array) -> Option<Self::Array> {
        let lists = array.as_any().downcast_ref::<ListArray>()?;
        Some(TextLists { lists: lists.clone(), texts: Text::downcast(lists.values().as_ref())? })
    }
}

/// Texts of a batch that are remembered: more than there are kinds of records.
const REMEMBERED: usize = 64;

/// Returns the place where a view is remembered. The upper bits of a product depend on all bits of
/// its factors (Knuth, TAOCP 6.4).
fn place_of(view: u128) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let folded = (view >> 64) as u64 ^ (view as u64).rotate_left(32);
    (folded.wrapping_mul(FACTOR) >> (u64::BITS - REMEMBERED.ilog2())) as usize
}

impl ColumnReader<Text> {
    /// Reads each row's text; returns nothing if all are null. A text of a dictionary is read once
    /// for all rows that have it.
    pub(crate) fn map<T: Copy>(&self, read: impl Fn(&str) -> T) -> Vec<T> {
        let Some(array) = &self.array else { return Vec::new() };
        // A view is the place of its text, or a short text itself: rows with the same view have
        // the same text.
        let mut known: [Option<(u128, T)>; REMEMBERED] = [None; REMEMBERED];
        let values = array.views().iter().enumerate().map(|(row, view)| {
            let known = known.get_mut(place_of(*view));
            match known {
                Some(Some((seen, value))) if seen == view => *value,
                known => {
                    let value = read(array.value(row));
                    if let Some(known) = known {
                        *known = Some((*view, value));
                    }
                    value
                }
            }
        });
        values.collect()
    }
}

impl ColumnReader<TextList> {
    /// Appends the texts of a row, borrowed from the batch.
    #[inline]
    pub(crate) fn extend<'a>(&'a self, row: usize, out: &mut Vec<&'a str>) {
        let Some(TextLists { lists, texts }) = self.at(row) else { return };
        let has_nulls = texts.null_count() > 0;
        for at in element_range(lists.value_offsets(), row) {
            if at < texts.len() && !(has_nulls && texts.is_null(at)) {
                out.push(texts.value(at));
            }
        }
    }
}
