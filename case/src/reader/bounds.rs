//! Bounds for a Parquet file of a case: the depth of its schema, the encodings and the size of its
//! pages in memory. The library that reads Parquet believes them, and a file of some kilobytes can
//! claim as much memory as a machine has. A file that is refused here is far from anything that a
//! recorder writes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

use super::budget::ReadCost;
use super::levels;
use super::part_file::PartFile;
use super::thrift::{CompactReader, ThriftKind};

/// Longest footer, in bytes. One row group with all columns takes some tens of KiB.
const MAX_FOOTER_BYTES: usize = 16 << 20;
/// Deepest schema: a list of structures takes four levels.
const MAX_SCHEMA_DEPTH: usize = 16;
/// Most columns and groups of a schema.
const MAX_SCHEMA_ELEMENTS: usize = 4096;
/// Largest page after decompression, in bytes. The writer's have 1 MiB, or one row if that is more.
const MAX_PAGE_BYTES: u64 = 64 << 20;
/// Largest dictionary, in bytes: a few bytes of a page may name one of its values thousands of
/// times. The writer's have 1 MiB.
const MAX_DICTIONARY_BYTES: u64 = 16 << 20;
/// Most bytes of one row group's pages in memory at once: the dictionary and one page of each
/// column.
const MAX_TOGETHER_BYTES: u64 = 128 << 20;
/// Most values of one column in one row group: a run of a billion nulls, or of one value, takes
/// five bytes of a page.
const MAX_VALUES: u64 = 64 << 20;
/// Bytes of the first step in which a page's header is read; with statistics of long texts it takes
/// several steps.
const HEADER_STEP_BYTES: usize = 512;
/// A page of values (parquet.thrift, PageType).
const DATA_PAGE: i64 = 0;
/// The page of a dictionary's values.
const DICTIONARY_PAGE: i64 = 2;
/// Names of encodings by their numbers (parquet.thrift, Encoding).
const ENCODINGS: [&str; 10] = [
    "PLAIN",
    "GROUP_VAR_INT",
    "PLAIN_DICTIONARY",
    "RLE",
    "BIT_PACKED",
    "DELTA_BINARY_PACKED",
    "DELTA_LENGTH_BYTE_ARRAY",
    "DELTA_BYTE_ARRAY",
    "RLE_DICTIONARY",
    "BYTE_STREAM_SPLIT",
];
/// Longest header of a page, in bytes.
const MAX_HEADER_BYTES: usize = 1 << 20;

/// Checks the schema in a file's footer before the library parses it. Leaves a file that does not
/// end as Parquet does for the library to refuse.
pub(super) fn check_footer(file: &File) -> Result<(), String> {
    let broken = || "its footer is no whole structure".to_owned();
    let length = file.metadata().map_err(|error| error.to_string())?.len();
    let Some(tail_at) = length.checked_sub(8) else { return Ok(()) };
    let mut tail = [0; 8];
    file.read_exact_at(&mut tail, tail_at).map_err(|error| error.to_string())?;
    let [size, magic] = [tail.first_chunk::<4>(), tail.last_chunk::<4>()].map(|word| word.copied().unwrap_or_default());
    let size = u32::from_le_bytes(size) as usize;
    let Some(start) = tail_at.checked_sub(size as u64).filter(|_| magic == *b"PAR1") else { return Ok(()) };
    if size > MAX_FOOTER_BYTES {
        return Err(format!("its footer has {} MiB", size >> 20));
    }
    let mut footer = vec![0; size];
    file.read_exact_at(&mut footer, start).map_err(|error| error.to_string())?;
    let mut footer = CompactReader::new(&footer);
    let mut last = 0;
    while let Some((id, kind)) = footer.field(&mut last).ok_or_else(broken)? {
        match (id, kind) {
            // parquet.thrift, FileMetaData.schema
            (2, ThriftKind::List) => check_schema(&mut footer).unwrap_or_else(|| Err(broken()))?,
            _ => footer.skip(kind).ok_or_else(broken)?,
        }
    }
    Ok(())
}

/// Checks the list of a schema's elements, in which the children of each element follow it. Returns
/// `None` if it is no such list.
fn check_schema(footer: &mut CompactReader<'_>) -> Option<Result<(), String>> {
    let (ThriftKind::Struct, count) = footer.list()? else { return None };
    if count > MAX_SCHEMA_ELEMENTS {
        return Some(Err(format!("its schema has {count} elements")));
    }
    // Number of children that are still to come, for each element above.
    let mut open: Vec<i64> = Vec::new();
    for _ in 0..count {
        let (mut last, mut children) = (0, 0);
        while let Some((id, kind)) = footer.field(&mut last)? {
            match (id, kind) {
                // parquet.thrift, SchemaElement.num_children
                (5, ThriftKind::Integer) => children = footer.integer()?,
                _ => footer.skip(kind)?,
            }
        }
        while open.pop_if(|left| *left <= 0).is_some() {}
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if children > count as i64 {
            return Some(Err(format!("an element of its schema claims {children} children")));
        }
        if children > 0 {
            open.push(children);
        }
        if open.len() > MAX_SCHEMA_DEPTH {
            return Some(Err(format!("its schema is nested deeper than {MAX_SCHEMA_DEPTH} levels")));
        }
    }
    Some(Ok(()))
}

/// Checks the encodings of a file's pages and the sizes that they state for their decompressed
/// form. Returns the work that reading the file takes.
pub(super) fn check_pages(file: &File, metadata: &ParquetMetaData) -> Result<ReadCost, String> {
    let file_bytes = file.metadata().map_err(|error| error.to_string())?.len();
    let reader = Arc::new(file.try_clone().and_then(PartFile::new).map_err(|error| error.to_string())?);
    let rows = u64::try_from(metadata.file_metadata().num_rows()).map_err(|_| "it has less than no rows")?;
    let mut cost = ReadCost { rows, ..ReadCost::default() };
    let (mut stored, mut group_rows) = (0_u64, 0_u64);
    for group in metadata.row_groups() {
        let (mut together, mut elements) = (0, 0_u64);
        group_rows = group_rows.saturating_add(group.num_rows().unsigned_abs());
        for column in group.columns() {
            let named = |why: String| format!("column {}: {why}", column.column_path());
            let (start, length) = byte_range(column).ok_or_else(|| named("it has no place".to_owned()))?;
            stored = stored.saturating_add(length);
            if stored > file_bytes {
                return Err("its columns lie over one another".to_owned());
            }
            if !matches!(column.compression(), Compression::ZSTD(_) | Compression::UNCOMPRESSED) {
                return Err(named(format!("it is compressed with {}: no recorder does so", column.compression())));
            }
            let pages = PageSizes::of(file, start, length).map_err(named)?;
            together += pages.dictionary_bytes + pages.page_bytes;
            if together > MAX_TOGETHER_BYTES {
                return Err(format!("its pages take more than {} MiB of memory together", MAX_TOGETHER_BYTES >> 20));
            }
            cost.unfolded_bytes = cost.unfolded_bytes.saturating_add(pages.all_bytes);
            if column.column_descr().max_rep_level() > 0 {
                elements = elements.saturating_add(pages.values);
            }
        }
        levels::check_lists(&reader, group, elements)?;
        cost.elements = cost.elements.saturating_add(elements);
    }
    // The library reads by the rows of the groups.
    cost.rows = cost.rows.max(group_rows);
    Ok(cost)
}

/// Returns where a column's pages begin, and their length; `None` if a file that anyone may have
/// written states a negative number. (`ColumnChunkMetaData::byte_range()` panics then.)
fn byte_range(column: &ColumnChunkMetaData) -> Option<(u64, u64)> {
    let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    Some((u64::try_from(start).ok()?, u64::try_from(column.compressed_size()).ok()?))
}

/// The largest pages of one column in one row group.
#[derive(Debug, Default)]
struct PageSizes {
    dictionary_bytes: u64,
    page_bytes: u64,
    /// Bytes of all pages after decompression.
    all_bytes: u64,
    /// Values of all pages; an empty list and a null are one.
    values: u64,
}

impl PageSizes {
    /// Reads the pages in this range of a file, from header to header.
    fn of(file: &File, start: u64, length: u64) -> Result<Self, String> {
        let mut largest = Self::default();
        let end = start.checked_add(length).ok_or("it lies outside the file")?;
        let mut at = start;
        while at < end {
            let (header, header_bytes) = PageHeader::read(file, at, end)?;
            let bytes = header.uncompressed_bytes;
            header.check_form()?;
            largest.all_bytes = largest.all_bytes.saturating_add(bytes);
            if header.kind == DICTIONARY_PAGE {
                if bytes > MAX_DICTIONARY_BYTES {
                    return Err(format!("a dictionary of {} MiB", bytes >> 20));
                }
                largest.dictionary_bytes = largest.dictionary_bytes.max(bytes);
            } else {
                if bytes > MAX_PAGE_BYTES {
                    return Err(format!("a page of {} MiB", bytes >> 20));
                }
                largest.page_bytes = largest.page_bytes.max(bytes);
                largest.values = largest.values.saturating_add(header.values);
                if largest.values > MAX_VALUES {
                    return Err(format!("more than {} million values in one row group", MAX_VALUES >> 20));
                }
            }
            at = at.saturating_add(header_bytes).saturating_add(header.stored_bytes);
        }
        Ok(largest)
    }
}

/// The fields of a page's header that count here (parquet.thrift, PageHeader).
#[derive(Debug, Default)]
struct PageHeader {
    kind: i64,
    uncompressed_bytes: u64,
    stored_bytes: u64,
    values: u64,
    /// Encodings of the values and, of a data page, of its two kinds of levels.
    encodings: Vec<i64>,
}

impl PageHeader {
    /// Reads the header at that place. Returns its length in bytes beside it.
    fn read(file: &File, at: u64, end: u64) -> Result<(Self, u64), String> {
        let left = usize::try_from(end - at).unwrap_or(usize::MAX).min(MAX_HEADER_BYTES);
        let mut bytes = Vec::new();
        while bytes.len() < left {
            let from = bytes.len();
            bytes.resize((from * 4).max(HEADER_STEP_BYTES).min(left), 0);
            let read = read_at(file, bytes.get_mut(from..).unwrap_or_default(), at + from as u64);
            let there = from + read.map_err(|error| error.to_string())?;
            bytes.truncate(there);
            let mut compact = CompactReader::new(&bytes);
            if let Some(header) = Self::parse(&mut compact) {
                return Ok((header, (bytes.len() - compact.left()) as u64));
            }
            if there == from {
                break;
            }
        }
        Err("the header of a page is no whole structure".to_owned())
    }

    fn parse(compact: &mut CompactReader<'_>) -> Option<Self> {
        let (mut header, mut last) = (Self::default(), 0);
        while let Some((id, kind)) = compact.field(&mut last)? {
            match (id, kind) {
                (1, ThriftKind::Integer) => header.kind = compact.integer()?,
                (2, ThriftKind::Integer) => header.uncompressed_bytes = u64::try_from(compact.integer()?).ok()?,
                (3, ThriftKind::Integer) => header.stored_bytes = u64::try_from(compact.integer()?).ok()?,
                // DataPageHeader and DictionaryPageHeader begin with the same fields.
                (5 | 7, ThriftKind::Struct) => header.parse_values(compact)?,
                _ => compact.skip(kind)?,
            }
        }
        Some(header)
    }

    /// Parses `num_values` and the encodings.
    fn parse_values(&mut self, compact: &mut CompactReader<'_>) -> Option<()> {
        let mut last = 0;
        while let Some((id, kind)) = compact.field(&mut last)? {
            match (id, kind) {
                (1, ThriftKind::Integer) => self.values = u64::try_from(compact.integer()?).ok()?,
                (2..=4, ThriftKind::Integer) => self.encodings.push(compact.integer()?),
                _ => compact.skip(kind)?,
            }
        }
        Some(())
    }

    /// Checks that a recorder could have written a page of this kind and these encodings. Others
    /// may unfold to more than their pages: a `DELTA_BYTE_ARRAY` of some kilobytes, to gigabytes.
    fn check_form(&self) -> Result<(), String> {
        let known: &[&[&str]] = match self.kind {
            DATA_PAGE => {
                &[&["PLAIN", "PLAIN_DICTIONARY", "RLE", "DELTA_BINARY_PACKED", "RLE_DICTIONARY"], &["RLE"], &["RLE"]]
            }
            DICTIONARY_PAGE => &[&["PLAIN", "PLAIN_DICTIONARY"]],
            kind => return Err(format!("a page of type {kind}: no recorder writes it")),
        };
        for (place, number) in self.encodings.iter().enumerate() {
            let name = usize::try_from(*number).ok().and_then(|number| ENCODINGS.get(number)).copied();
            if !name.is_some_and(|name| known.get(place).is_some_and(|known| known.contains(&name))) {
                let name = name.map_or_else(|| number.to_string(), ToOwned::to_owned);
                return Err(format!("a page in the encoding {name}: no recorder writes it"));
            }
        }
        match self.encodings.len() == known.len() {
            true => Ok(()),
            false => Err("the header of a page is no whole structure".to_owned()),
        }
    }
}

/// Fills the buffer as far as the file goes. Returns the number of bytes read.
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(buffer.get_mut(filled..).unwrap_or_default(), at + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Writes an integer as the protocol does.
    fn integer(value: i64) -> Vec<u8> {
        let mut left = ((value << 1) ^ (value >> 63)) as u64;
        let mut bytes = Vec::new();
        while left > 0x7f {
            bytes.push(left as u8 | 0x80);
            left >>= 7;
        }
        bytes.push(left as u8);
        bytes
    }

    /// Returns a page of 5 bytes that claims this many bytes and values.
    fn page(is_dictionary: bool, bytes: i64, values: i64) -> Vec<u8> {
        match is_dictionary {
            true => page_in(DICTIONARY_PAGE, bytes, values, &[0]),
            false => page_in(DATA_PAGE, bytes, values, &[0, 3, 3]),
        }
    }

    /// Returns a page of this kind with these encodings.
    fn page_in(kind: i64, bytes: i64, values: i64, encodings: &[i64]) -> Vec<u8> {
        let of_its_kind = if kind == DICTIONARY_PAGE { 0x4c } else { 0x2c };
        let fields = [&[0x15][..], &integer(kind), &[0x15], &integer(bytes), &[0x15], &integer(5)];
        let encodings: Vec<u8> = encodings.iter().flat_map(|number| [vec![0x15], integer(*number)].concat()).collect();
        let header = [&fields.concat()[..], &[of_its_kind, 0x15], &integer(values), &encodings, &[0, 0]];
        [&header.concat()[..], b"stored"[..5].as_ref()].concat()
    }

    fn largest(pages: &[Vec<u8>]) -> Result<PageSizes, String> {
        let mut file = tempfile::tempfile().unwrap();
        let bytes = pages.concat();
        file.write_all(&bytes).unwrap();
        PageSizes::of(&file, 0, bytes.len() as u64)
    }

    #[test]
    fn pages_are_added_up_by_what_they_become() {
        let found = largest(&[page(true, 1 << 20, 9), page(false, 5, 1_000), page(false, 3 << 20, 1_000)]).unwrap();
        assert_eq!((found.dictionary_bytes, found.page_bytes), (1 << 20, 3 << 20));
    }

    #[test]
    fn what_would_fill_the_memory_is_refused_by_name() {
        let refused = |pages: &[Vec<u8>]| largest(pages).unwrap_err();
        assert_eq!(refused(&[page(true, 17 << 20, 1)]), "a dictionary of 17 MiB");
        assert_eq!(refused(&[page(false, 1 << 30, 1)]), "a page of 1024 MiB");
        // Each page is small, but its values are many.
        let run = page(false, 30, 40 << 20);
        assert_eq!(refused(&[run.clone(), run]), "more than 64 million values in one row group");
        let cut = page(false, 30, 1)[..4].to_vec();
        assert_eq!(refused(&[cut]), "the header of a page is no whole structure");
        assert!(refused(&[page(false, -1, 1)]).contains("no whole structure"));
    }

    #[test]
    fn what_no_recorder_writes_is_refused_by_name() {
        let refused = |page: Vec<u8>| largest(&[page]).unwrap_err();
        for (encodings, name) in [
            (&[7, 3, 3][..], "DELTA_BYTE_ARRAY"),
            (&[6, 3, 3], "DELTA_LENGTH_BYTE_ARRAY"),
            (&[9, 3, 3], "BYTE_STREAM_SPLIT"),
            (&[0, 4, 3], "BIT_PACKED"),
            (&[3, 7, 3], "DELTA_BYTE_ARRAY"),
            (&[-1, 3, 3], "-1"),
        ] {
            let named = format!("a page in the encoding {name}: no recorder writes it");
            assert_eq!(refused(page_in(DATA_PAGE, 10, 1, encodings)), named);
        }
        assert!(refused(page_in(DICTIONARY_PAGE, 10, 1, &[8])).contains("RLE_DICTIONARY"));
        assert_eq!(refused(page_in(3, 10, 1, &[0, 3, 3])), "a page of type 3: no recorder writes it");
        assert!(refused(page_in(DATA_PAGE, 10, 1, &[0])).contains("no whole structure"));
    }

    #[test]
    fn a_long_header_is_read_in_steps() {
        // An unknown field, three steps long, before the structure of a data page.
        let mut header = vec![0x15, 0, 0x15, 10, 0x15, 10, 0x18];
        let text = vec![b'x'; 3 * HEADER_STEP_BYTES];
        header.extend([0x80 | (text.len() & 0x7f) as u8, (text.len() >> 7) as u8]);
        header.extend(text);
        header.extend([0x1c, 0x15, 2, 0x15, 0, 0x15, 6, 0x15, 6, 0, 0]);
        header.extend(b"store");
        let found = largest(&[header, page(false, 7, 1)]).unwrap();
        assert_eq!(found.page_bytes, 7);
    }
}
