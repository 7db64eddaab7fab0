//! Text, and lists of texts.

use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{Array, ArrayRef, ListArray, StringArray, StringViewArray};
use arrow_schema::DataType;
use obit_derivation::row::Step;

use super::lists::{list_builder, list_of};
use super::{ColumnType, element_range};
use crate::text::are_same;

/// UTF-8 text, enums included.
#[derive(Debug)]
pub(crate) struct Text;

impl ColumnType for Text {
    type Value<'a> = &'a str;
    type Builder = StringBuilder;
    /// Read as views: the texts of a page or of a dictionary are not copied for each row then.
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
    fn is(array: &Self::Array, row: usize, value: Self::Value<'_>) -> bool {
        is_same_text(array.value(row), value)
    }
    fn of(array: &dyn Array) -> Option<Self::Array> {
        let array = array.as_any();
        match array.downcast_ref::<StringArray>() {
            Some(texts) => Some(StringViewArray::from(texts)),
            None => array.downcast_ref::<StringViewArray>().cloned(),
        }
    }
}

/// Whether two texts are the same, of which many are empty.
#[inline]
pub(crate) fn is_same_text(a: &str, b: &str) -> bool {
    are_same(a.as_bytes(), b.as_bytes())
}

/// A list of texts, as records and as rows hold one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Texts<'a> {
    /// Of a record.
    Borrowed(&'a [&'a str]),
    /// Of a row.
    Owned(&'a [String]),
    /// What each step was.
    Steps(&'a [Step]),
}

/// Texts, e.g. an argument vector.
#[derive(Debug)]
pub(crate) struct TextList;

/// Lists of texts, and the texts of all of them.
#[derive(Clone, Debug)]
pub(crate) struct TextLists {
    pub(super) lists: ListArray,
    pub(super) texts: StringViewArray,
}

impl TextLists {
    /// Whether the list in a row, which there is, is exactly this.
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
    fn is(array: &Self::Array, row: usize, texts: Self::Value<'_>) -> bool {
        match texts {
            Texts::Borrowed(texts) => array.are(row, texts.iter()),
            Texts::Owned(texts) => array.are(row, texts.iter()),
            Texts::Steps(steps) => array.are(row, steps.iter().map(|step| &step.what)),
        }
    }
    fn of(array: &dyn Array) -> Option<Self::Array> {
        let lists = array.as_any().downcast_ref::<ListArray>()?;
        Some(TextLists { lists: lists.clone(), texts: Text::of(lists.values().as_ref())? })
    }
}
