//! Finds columns of a Parquet file that hold nothing but nulls: reading them would take time for
//! each row.
//!
//! Statistics only say where to look, as anyone may have written them. The definition levels of
//! each page decide, as they do for a reader of the column.

use std::sync::Arc;

use parquet::basic::{Encoding, Repetition};
use parquet::column::page::{Page, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::serialized_reader::SerializedPageReader;

use super::part_file::PartFile;

/// Returns true if a column, by its place in the schema, is null in every row. Returns false also
/// where the pages alone cannot tell, or have another layout than a recorder's.
pub(super) fn is_null(file: &PartFile, metadata: &ParquetMetaData, root: usize) -> Result<bool, ParquetError> {
    let schema = metadata.file_metadata().schema_descr();
    let leaves: Vec<usize> =
        (0..schema.num_columns()).filter(|leaf| schema.get_column_root_idx(*leaf) == root).collect();
    // In an optional column the lowest definition level means null, and not, say, an empty list.
    let is_optional = |leaf: &usize| {
        let root = schema.get_column_root(*leaf).get_basic_info();
        root.has_repetition() && root.repetition() == Repetition::OPTIONAL
    };
    if leaves.is_empty() || !leaves.iter().all(is_optional) {
        return Ok(false);
    }
    for (group, leaf) in metadata.row_groups().iter().flat_map(|group| leaves.iter().map(move |leaf| (group, *leaf))) {
        let (Some(chunk), Ok(rows)) = (group.columns().get(leaf), u64::try_from(group.num_rows())) else {
            return Ok(false);
        };
        let is_said_to_be_null = chunk.statistics().is_some_and(|told| told.null_count_opt() == Some(rows));
        if !is_said_to_be_null || !are_pages_null(file, chunk, rows)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns true if the levels of a chunk's pages say that this many rows are all null.
fn are_pages_null(file: &PartFile, chunk: &ColumnChunkMetaData, rows: u64) -> Result<bool, ParquetError> {
    let file = Arc::new(file.clone());
    let kinds_of_levels = if chunk.column_descr().max_rep_level() > 0 { 2 } else { 1 };
    let mut pages = SerializedPageReader::new(file, chunk, usize::try_from(rows).unwrap_or(usize::MAX), None)?;
    let mut seen = 0;
    while let Some(page) = pages.get_next_page()? {
        match page {
            Page::DictionaryPage { .. } => {}
            Page::DataPage {
                buf,
                num_values,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                ..
            } if are_levels_zero(&buf, kinds_of_levels, num_values) => seen += u64::from(num_values),
            _ => return Ok(false),
        }
    }
    Ok(seen == rows)
}

/// Returns true if a page begins with this many kinds of levels, each a single run of zeros for all
/// values: four bytes of length, then the run's length and its value (Parquet's Encodings.md, "Run
/// Length Encoding / Bit-Packing Hybrid").
fn are_levels_zero(page: &[u8], kinds: usize, values: u32) -> bool {
    let mut rest = page;
    (0..kinds).all(|_| {
        let Some((length, page)) = rest.split_first_chunk() else { return false };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((levels, page)) = page.split_at_checked(length) else { return false };
        rest = page;
        is_one_run_of_zeros(levels, values)
    })
}

fn is_one_run_of_zeros(levels: &[u8], values: u32) -> bool {
    let [run @ .., 0] = levels else { return false };
    let (mut header, mut shift) = (0_u64, 0);
    for (index, byte) in run.iter().enumerate() {
        header |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        let is_last = byte & 0x80 == 0;
        if is_last || shift > 28 {
            return is_last && index + 1 == run.len() && header == u64::from(values) << 1;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::types::UInt64Type;
    use arrow_array::{ArrayRef, BooleanArray, ListArray, RecordBatch, StringArray, UInt64Array};
    use arrow_schema::{DataType, Field};
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::ParquetMetaDataReader;
    use parquet::file::properties::WriterProperties;

    const ROWS: usize = 50_000;

    /// Writes a file with two row groups of several pages each.
    fn written(columns: &[(&str, ArrayRef)]) -> (PartFile, ParquetMetaData) {
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.iter().map(|(name, array)| (*name, array.clone(), true)));
        let batch = batch.expect("a batch");
        let properties = WriterProperties::builder()
            .set_max_row_group_row_count(Some(ROWS / 2))
            .set_data_page_row_count_limit(1_000)
            .build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).expect("a writer");
        writer.write(&batch).expect("a Vec takes all");
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), writer.into_inner().expect("a Vec takes all")).expect("writable");
        let file = PartFile::new(file.reopen().expect("it is there")).expect("a regular file");
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).expect("a footer");
        (file, metadata)
    }

    /// Returns numbers that are null but for that row.
    fn only(row: usize) -> ArrayRef {
        Arc::new(UInt64Array::from_iter((0..ROWS).map(|at| (at == row).then_some(7))))
    }

    #[test]
    fn columns_of_nulls_are_found_and_one_value_anywhere_is_not_overlooked() {
        let lists = ListArray::from_iter_primitive::<UInt64Type, _, _>((0..ROWS).map(|_| Some(Vec::new())));
        let null = |data_type: DataType| arrow_array::new_null_array(&data_type, ROWS);
        let list_type = DataType::List(Arc::new(Field::new("element", DataType::UInt64, false)));
        let columns: [(&str, ArrayRef); 9] = [
            ("number", null(DataType::UInt64)),
            ("text", null(DataType::Utf8)),
            ("truth", null(DataType::Boolean)),
            ("first", only(0)),
            ("middle", only(ROWS / 2)),
            ("last", only(ROWS - 1)),
            ("all", Arc::new(StringArray::from(vec!["a"; ROWS]))),
            // An empty list is no null, though it has no element.
            ("empty", Arc::new(lists)),
            ("lists", null(list_type)),
        ];
        let (file, metadata) = written(&columns);
        let found: Vec<_> =
            (0..columns.len()).map(|root| is_null(&file, &metadata, root).expect("whole pages")).collect();
        assert_eq!(found, [true, true, true, false, false, false, false, false, true]);
    }

    #[test]
    fn pages_are_believed_and_statistics_are_not() {
        let columns: [(&str, ArrayRef); 2] =
            [("value", only(ROWS - 1)), ("false", Arc::new(BooleanArray::from(vec![false; ROWS])))];
        let (file, metadata) = written(&columns);
        let of = |group: usize, leaf: usize| {
            let rows = metadata.row_group(group).num_rows().unsigned_abs();
            are_pages_null(&file, metadata.row_group(group).column(leaf), rows).expect("whole pages")
        };
        assert_eq!([of(0, 0), of(1, 0), of(0, 1)], [true, false, false]);
        // The pages have fewer rows than the footer says.
        assert!(!are_pages_null(&file, metadata.row_group(0).column(0), ROWS as u64).expect("whole pages"));
    }

    #[test]
    fn levels_that_are_anything_but_one_run_of_zeros_are_not_taken_for_one() {
        let page = |levels: &[u8]| [&(levels.len() as u32).to_le_bytes()[..], levels, &[1, 2, 3]].concat();
        assert!(are_levels_zero(&page(&[6, 0]), 1, 3));
        assert!(are_levels_zero(&page(&[0x80 | 0x40, 0x9c, 0x01, 0]), 1, 10_016));
        // Another count, a run of ones, bit-packed levels, two runs, an endless count, a count cut
        // off, nothing at all.
        for levels in [&[8, 0][..], &[6, 1], &[3, 0], &[2, 0, 4, 0], &[0xff; 12], &[0x86, 0], &[0], &[]] {
            assert!(!are_levels_zero(&page(levels), 1, 3), "{levels:?}");
        }
        // Both kinds of a list must be zeros.
        let both = |first: [u8; 2], second: [u8; 2]| {
            let [[a, b], [c, d]] = [first, second];
            are_levels_zero(&[2, 0, 0, 0, a, b, 2, 0, 0, 0, c, d], 2, 3)
        };
        assert!(both([6, 0], [6, 0]) && !both([6, 1], [6, 0]) && !both([6, 0], [6, 1]));
        for cut in [&[][..], &[2, 0, 0], &[2, 0, 0, 0, 6], &[255, 255, 255, 255, 6, 0]] {
            assert!(!are_levels_zero(cut, 1, 3), "{cut:?}");
        }
    }
}
