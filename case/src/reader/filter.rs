//! Chooses the rows of a table to read. Statistics and Bloom filters exclude row groups; of the
//! others only the columns that decide are read whole.

use std::collections::BTreeSet;
use std::fs::File;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{Array, BooleanArray, RecordBatch};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReaderBuilder, RowSelection};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;

use super::footer::unsigned_range;

/// A container id to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdMatch {
    /// Exactly this id.
    Exact(String),
    /// Every id that begins with this text.
    Prefix(String),
}

impl IdMatch {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(whole) => text == whole,
            Self::Prefix(beginning) => text.starts_with(beginning.as_str()),
        }
    }
}

/// A filter of a table's rows: a row matches by any of its fields.
#[derive(Debug, Default)]
pub(super) struct RowMatch {
    /// Places of the rows.
    pub seqs: BTreeSet<u64>,
    /// Numbers to look for in `number_columns`.
    pub numbers: BTreeSet<u64>,
    pub number_columns: &'static [&'static str],
    /// Columns that match with any value.
    pub present: &'static [&'static str],
    /// A column of text, and what to look for in it.
    pub text: Option<(&'static str, IdMatch)>,
}

impl RowMatch {
    /// Returns the names of the columns that decide.
    pub(super) fn columns(&self) -> impl Iterator<Item = &'static str> {
        let text = self.text.as_ref().map(|(column, _)| *column);
        let seq = (!self.seqs.is_empty()).then_some("seq");
        self.number_columns.iter().chain(self.present).copied().chain(text).chain(seq)
    }

    /// Returns the row groups that have matching rows, and the selection of these rows in them.
    /// Reads so many rows at once.
    pub(super) fn choose(
        &self,
        file: &File,
        metadata: &ArrowReaderMetadata,
        batch_rows: usize,
    ) -> Result<(Vec<usize>, RowSelection), ParquetError> {
        let names: Vec<_> = self.columns().collect();
        let fields = metadata.schema().fields().iter();
        let places =
            (0..).zip(fields).filter(|(_, field)| names.contains(&field.name().as_str())).map(|(place, _)| place);
        let mask = ProjectionMask::roots(metadata.parquet_schema(), places);
        let (mut groups, mut chosen) = (Vec::new(), Vec::new());
        for group in 0..metadata.metadata().num_row_groups() {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file.try_clone()?, metadata.clone());
            if !self.may_hold(&builder, group)? {
                continue;
            }
            let reader = builder
                .with_projection(mask.clone())
                .with_row_groups(vec![group])
                .with_batch_size(batch_rows)
                .build()?;
            let marks: Vec<_> = reader.map(|batch| Ok(self.marks(&batch?))).collect::<Result<_, ParquetError>>()?;
            if marks.iter().any(BooleanArray::has_true) {
                groups.push(group);
                chosen.extend(marks);
            }
        }
        Ok((groups, RowSelection::from_filters(&chosen)))
    }

    /// Returns false if the statistics and Bloom filters of a row group exclude a matching row.
    /// Those that are missing exclude nothing.
    fn may_hold(&self, builder: &ParquetRecordBatchReaderBuilder<File>, group: usize) -> Result<bool, ParquetError> {
        let chunks = builder.metadata().row_group(group).columns();
        // A list or map of that name has another path and is not found.
        let find = |name: &str| chunks.iter().position(|chunk| chunk.column_path().string() == name);
        let range = |chunk: &ColumnChunkMetaData| chunk.statistics().map(unsigned_range);
        let may_hold_one = |numbers: &BTreeSet<u64>, chunk: &ColumnChunkMetaData| match range(chunk) {
            Some(Some((low, high))) => low <= high && numbers.range(low..=high).next().is_some(),
            _ => true,
        };
        if let Some(seq) = find("seq")
            && !self.seqs.is_empty()
            && chunks.get(seq).is_none_or(|chunk| may_hold_one(&self.seqs, chunk))
        {
            return Ok(true);
        }
        let rows = u64::try_from(builder.metadata().row_group(group).num_rows()).unwrap_or_default();
        let has_values = |place: &usize| {
            let nulls = chunks.get(*place).and_then(|chunk| chunk.statistics()?.null_count_opt());
            nulls.is_none_or(|nulls| nulls < rows)
        };
        if self.present.iter().filter_map(|name| find(name)).any(|place| has_values(&place)) {
            return Ok(true);
        }
        for place in self.number_columns.iter().filter_map(|name| find(name)).filter(has_values) {
            if !chunks.get(place).is_none_or(|chunk| may_hold_one(&self.numbers, chunk)) {
                continue;
            }
            match builder.get_row_group_column_bloom_filter(group, place)? {
                Some(bloom) if !self.numbers.iter().any(|number| bloom.check(&number.cast_signed())) => {}
                _ => return Ok(true),
            }
        }
        let Some((column, wanted)) = &self.text else { return Ok(false) };
        let bloom = match (find(column), wanted) {
            (Some(place), IdMatch::Exact(_)) => builder.get_row_group_column_bloom_filter(group, place)?,
            _ => None,
        };
        Ok(match (bloom, wanted) {
            (Some(bloom), IdMatch::Exact(whole)) => bloom.check(whole.as_str()),
            _ => true,
        })
    }

    /// Marks the matching rows of a batch. A column of another type matches nothing here; the
    /// reader reports it elsewhere.
    fn marks(&self, batch: &RecordBatch) -> BooleanArray {
        let mut marks = vec![false; batch.num_rows()];
        let numbers = self.number_columns.iter().map(|column| (*column, &self.numbers)).chain([("seq", &self.seqs)]);
        for (column, wanted) in numbers.filter(|(_, wanted)| !wanted.is_empty()) {
            let Some(array) = batch.column_by_name(column) else { continue };
            let Some(values) = array.as_primitive_opt::<UInt64Type>() else { continue };
            for (mark, value) in marks.iter_mut().zip(values) {
                *mark |= value.is_some_and(|value| wanted.contains(&value));
            }
        }
        let present = self.present.iter().filter_map(|column| batch.column_by_name(column));
        for array in present.filter(|array| array.null_count() < array.len()) {
            for (row, mark) in marks.iter_mut().enumerate() {
                *mark |= array.is_valid(row);
            }
        }
        if let Some((column, wanted)) = &self.text
            && let Some(texts) = batch.column_by_name(column).and_then(|array| array.as_string_opt::<i32>())
        {
            for (mark, text) in marks.iter_mut().zip(texts) {
                *mark |= text.is_some_and(|text| wanted.matches(text));
            }
        }
        BooleanArray::from(marks)
    }
}
