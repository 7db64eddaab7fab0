//! The pages of a column by what they unfold to: the elements of its lists, row by row, and its
//! longest value. The headers of pages do not tell either, and a run of a million elements takes
//! five bytes.

use std::sync::Arc;

use parquet::basic::{Encoding, Type};
use parquet::column::page::{Page, PageReader as _};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;

/// Rows that are looked at together: those of a batch.
const BLOCK_ROWS: u64 = 2048;
/// Most elements of lists in so many rows, of all columns together. A recorder's rows have up to a
/// thousand arguments each.
const MAX_BLOCK_ELEMENTS: u64 = 4 << 20;
/// Dictionaries up to this size are taken for one value.
const SMALL_DICTIONARY_BYTES: u64 = 512;
/// Bytes that the texts of a batch take at most if each is the longest of its column.
const MAX_BATCH_TEXT_BYTES: u64 = 64 << 20;

/// Checks that a row group has no more elements in its lists than a batch can hold.
pub(super) fn check_lists<R: ChunkReader + 'static>(
    file: &Arc<R>,
    group: &RowGroupMetaData,
    elements: u64,
) -> Result<(), String> {
    // Too few for any block of rows, so the pages need not be read.
    if elements <= MAX_BLOCK_ELEMENTS {
        return Ok(());
    }
    let mut blocks: Vec<u64> = Vec::new();
    for column in group.columns().iter().filter(|column| column.column_descr().max_rep_level() > 0) {
        count_elements(file, column, group.num_rows(), &mut blocks).map_err(|error| error.to_string())?;
    }
    match blocks.iter().max() {
        Some(most) if *most > MAX_BLOCK_ELEMENTS => {
            Err(format!("lists of {most} elements in {BLOCK_ROWS} rows: no recorder writes so many"))
        }
        _ => Ok(()),
    }
}

/// Adds the elements of a column's lists to those of each block of rows.
fn count_elements<R: ChunkReader + 'static>(
    file: &Arc<R>,
    column: &ColumnChunkMetaData,
    rows: i64,
    blocks: &mut Vec<u64>,
) -> Result<(), ParquetError> {
    let (mut row, width) = (0_u64, bit_width(column.column_descr().max_rep_level()));
    let mut pages = SerializedPageReader::new(Arc::clone(file), column, usize::try_from(rows).unwrap_or(0), None)?;
    while let Some(page) = pages.get_next_page()? {
        let Page::DataPage { buf, num_values, rep_level_encoding: Encoding::RLE, .. } = page else { continue };
        let levels = buf
            .split_first_chunk()
            .and_then(|(length, rest)| rest.get(..usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX)));
        let mut left = u64::from(num_values);
        for (level, count) in HybridRuns::new(levels.unwrap_or_default(), width) {
            let count = count.min(left);
            left -= count;
            if level > 0 {
                add(blocks, row.saturating_sub(1) / BLOCK_ROWS, count);
                continue;
            }
            // Each begins a row.
            for _ in 0..count {
                add(blocks, row / BLOCK_ROWS, 1);
                row += 1;
            }
        }
    }
    Ok(())
}

fn add(blocks: &mut Vec<u64>, block: u64, count: u64) {
    let block = usize::try_from(block).unwrap_or(usize::MAX);
    // There are no more rows than the budget of the case lets through.
    if blocks.len() <= block {
        blocks.resize(block.saturating_add(1), 0);
    }
    if let Some(elements) = blocks.get_mut(block) {
        *elements = elements.saturating_add(count);
    }
}

/// Returns a number of rows, at most `most`, whose texts fit into memory if each is the longest of
/// its column's dictionary. `is_read` tells the columns by their names.
pub(super) fn batch_rows<R: ChunkReader + 'static>(
    file: &Arc<R>,
    metadata: &ParquetMetaData,
    most: usize,
    is_read: impl Fn(&str) -> bool,
) -> Result<usize, ParquetError> {
    let mut widest = 0;
    for group in metadata.row_groups() {
        let mut width = 0_u64;
        let is_text = |column: &&ColumnChunkMetaData| {
            let name = column.column_path().parts().first();
            column.column_type() == Type::BYTE_ARRAY && name.is_some_and(|name| is_read(name))
        };
        for column in group.columns().iter().filter(is_text) {
            width = width.saturating_add(longest_value(file, column, group.num_rows())?);
        }
        widest = width.max(widest);
    }
    let fitting = MAX_BATCH_TEXT_BYTES.checked_div(widest).unwrap_or(u64::MAX);
    Ok(usize::try_from(fitting).unwrap_or(usize::MAX).clamp(1, most))
}

/// Returns a bound for the values of a column's dictionary; 0 without one.
fn longest_value<R: ChunkReader + 'static>(
    file: &Arc<R>,
    column: &ColumnChunkMetaData,
    rows: i64,
) -> Result<u64, ParquetError> {
    // Anyone may have written its place into the footer, so the first page is asked.
    let mut pages = SerializedPageReader::new(Arc::clone(file), column, usize::try_from(rows).unwrap_or(0), None)?;
    let is_dictionary = pages.peek_next_page()?.is_some_and(|page| page.is_dict);
    let Some(Page::DictionaryPage { buf, .. }) = is_dictionary.then(|| pages.get_next_page()).transpose()?.flatten()
    else {
        return Ok(0);
    };
    let bytes = buf.len() as u64;
    if bytes <= SMALL_DICTIONARY_BYTES {
        return Ok(bytes);
    }
    // Parquet's Encodings.md, "Plain": four bytes of length before each value.
    let (mut rest, mut longest) = (&buf[..], 0);
    while let Some((length, values)) = rest.split_first_chunk() {
        let length = u32::from_le_bytes(*length);
        longest = longest.max(length);
        rest = values.get(usize::try_from(length).unwrap_or(usize::MAX)..).unwrap_or_default();
    }
    Ok(u64::from(longest))
}

fn bit_width(max_level: i16) -> u32 {
    i16::BITS - max_level.max(0).leading_zeros()
}

/// The runs of levels in a page, each a level and how often it comes (Parquet's Encodings.md, "Run
/// Length Encoding / Bit-Packing Hybrid").
struct HybridRuns<'a> {
    bytes: &'a [u8],
    width: u32,
    /// Bit-packed levels that are left, and the bits of the next ones.
    packed: &'a [u8],
    packed_at: u64,
    packed_left: u64,
}

impl<'a> HybridRuns<'a> {
    fn new(bytes: &'a [u8], width: u32) -> Self {
        Self { bytes, width, packed: &[], packed_at: 0, packed_left: 0 }
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    fn header(&mut self) -> Option<u64> {
        let mut header = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            header |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(header);
            }
        }
        None
    }

    fn packed_level(&mut self) -> u64 {
        let level = (0..u64::from(self.width)).fold(0, |level, bit| {
            let at = self.packed_at + bit;
            let byte = usize::try_from(at / 8).ok().and_then(|byte| self.packed.get(byte)).copied().unwrap_or(0);
            level | u64::from(byte >> (at % 8) & 1) << bit
        });
        self.packed_at += u64::from(self.width);
        self.packed_left -= 1;
        level
    }
}

impl Iterator for HybridRuns<'_> {
    type Item = (u64, u64);

    fn next(&mut self) -> Option<(u64, u64)> {
        loop {
            if self.packed_left > 0 {
                return Some((self.packed_level(), 1));
            }
            let header = self.header()?;
            if header & 1 == 0 {
                let level = (0..self.width.div_ceil(8))
                    .try_fold(0, |level, byte| Some(level | u64::from(self.byte()?) << (8 * byte)))?;
                return Some((level, header >> 1));
            }
            // Groups of eight levels.
            let length = (header >> 1).saturating_mul(self.width.into());
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(self.bytes.len());
            let (packed, rest) = self.bytes.split_at(length);
            (self.packed, self.packed_at, self.bytes) = (packed, 0, rest);
            self.packed_left = length as u64 * 8 / u64::from(self.width.max(1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_both_kinds_are_read() {
        // Five times 1; then eight levels of a bit each: 0, 1, 1, 0, 0, 0, 0, 1.
        let runs: Vec<_> = HybridRuns::new(&[10, 1, 3, 0b1000_0110], 1).collect();
        let expected: Vec<_> = [(1, 5)].into_iter().chain([0, 1, 1, 0, 0, 0, 0, 1].map(|level| (level, 1))).collect();
        assert_eq!(runs, expected);
        // Levels of two bits: 3, 0, 2, 1 and four more.
        let levels: Vec<_> = HybridRuns::new(&[3, 0b0110_0011, 0xff], 2).map(|(level, _)| level).collect();
        assert_eq!(levels, [3, 0, 2, 1, 3, 3, 3, 3]);
        for torn in [&[][..], &[10], &[0x80], &[0xff; 12]] {
            assert_eq!(HybridRuns::new(torn, 1).next(), None, "{torn:?}");
        }
    }

    #[test]
    fn widths_are_those_of_the_highest_level() {
        assert_eq!([0, 1, 2, 3, 4].map(bit_width), [0, 1, 2, 2, 3]);
    }
}
