//! The canonical digest of derived tables: over rows and their values, not over the bytes of Parquet files.
//!
//! `docs/case-format.md` defines it, with a worked example, so that another program can compute it. With
//! `netstring(x)` = decimal length of `x` in bytes, `:`, `x`, `,` :
//!
//! - a row is, for each column that is not null, in byte order of the columns' names, `netstring(name) netstring(value)`;
//! - the digest of a table is SHA-256 over `netstring(table name)`, then `netstring(row)` for each row in file order;
//! - the digest of a case is SHA-256 over, for each derived table in byte order of their names,
//!   `netstring(table name) netstring(digest in lower-case hex)`; `disagreement` is left out if it has no rows.
//!
//! Nulls are left out, so that a column which is added later changes no old digest.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::tables::Table;
use crate::value::{Cells, Value};

/// A SHA-256. Its text is lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<Sha256> for Digest {
    fn from(hash: Sha256) -> Self {
        Self(hash.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text was not 64 hex digits.
#[derive(Debug, thiserror::Error)]
#[error("a SHA-256 has 64 hex digits")]
pub struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let mut bytes = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(NotADigest);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            let digit = |digit: u8| char::from(digit).to_digit(16).ok_or(NotADigest);
            *byte = u8::try_from(digit(*high)? << 4 | digit(*low)?).map_err(|_| NotADigest)?;
        }
        Ok(Self(bytes))
    }
}

/// The digest of one table, as its batches come.
#[derive(Debug)]
pub struct TableDigest {
    table: Table,
    hash: Sha256,
    rows: u64,
}

impl TableDigest {
    /// Of a table without rows.
    pub fn new(table: Table) -> Self {
        let mut hash = Sha256::new();
        let mut name = Vec::new();
        push_netstring(&mut name, table.name().as_bytes());
        hash.update(&name);
        Self { table, hash, rows: 0 }
    }

    /// The table.
    pub fn table(&self) -> Table {
        self.table
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds the rows of a batch, in order.
    ///
    /// # Errors
    /// A value of a type that the digest does not define; the digest is of no use then.
    pub fn update(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let mut columns = DigestColumn::of(batch);
        let (mut text, mut text_before) = (Vec::new(), Vec::new());
        let mut between = Vec::new();
        for row in 0..batch.num_rows() {
            std::mem::swap(&mut text, &mut text_before);
            text.clear();
            for column in &mut columns {
                column.push(row, &mut text, &text_before)?;
            }
            // The comma ends the row before.
            push_decimal(&mut between, text.len());
            between.push(b':');
            self.hash.update(&between);
            self.hash.update(&text);
            between.clear();
            between.push(b',');
            self.rows += 1;
        }
        self.hash.update(&between);
        Ok(())
    }

    /// The digest.
    pub fn finish(self) -> Digest {
        Digest::from(self.hash)
    }
}

/// A column of a batch on its way into a digest.
struct DigestColumn<'a> {
    name: &'a str,
    framed_name: Vec<u8>,
    cells: Cells<'a>,
    data_type: &'a DataType,
    /// The value of the row before, and where its text and the name's are in that row's text.
    before: (Value<'a>, Range<usize>),
}

impl<'a> DigestColumn<'a> {
    /// The columns that hold a value somewhere, in the order of a row's text.
    fn of(batch: &'a RecordBatch) -> Vec<Self> {
        let columns = batch.schema_ref().fields().iter().zip(batch.columns());
        let mut columns: Vec<_> = columns
            .map(|(field, array)| {
                let mut framed_name = Vec::new();
                push_netstring(&mut framed_name, field.name().as_bytes());
                let cells = Cells::new(array.as_ref());
                Self {
                    name: field.name(),
                    framed_name,
                    cells,
                    data_type: array.data_type(),
                    before: (Value::Null, 0..0),
                }
            })
            .filter(|column| !column.cells.are_null())
            .collect();
        columns.sort_by_key(|column| column.name);
        columns
    }

    /// Appends the name and the value in that row, if there is one.
    fn push(&mut self, row: usize, text: &mut Vec<u8>, text_before: &[u8]) -> Result<(), Error> {
        let value = self.cells.value(row);
        if matches!(value, Value::Null) {
            self.before = (value, 0..0);
            return Ok(());
        }
        let begin = text.len();
        // Many values are those of the row before.
        match text_before.get(self.before.1.clone()) {
            Some(same) if value == self.before.0 => text.extend_from_slice(same),
            _ => {
                text.extend_from_slice(&self.framed_name);
                push_framed(text, value).map_err(|NoCanonicalText| Error::Digest {
                    column: self.name.to_owned(),
                    data_type: self.data_type.to_string(),
                })?;
            }
        }
        self.before = (value, begin..text.len());
        Ok(())
    }
}

/// The digest of a case, from those of its derived tables, in any order. [`Table::Disagreement`] counts only if it has rows:
/// cases of older builds have none, and keep their digest.
pub fn case_digest(tables: impl IntoIterator<Item = (Table, Digest)>) -> Digest {
    let counts = |(table, digest): &(Table, Digest)| {
        *table != Table::Disagreement || *digest != TableDigest::new(*table).finish()
    };
    let mut tables: Vec<_> = tables.into_iter().filter(counts).collect();
    tables.sort_by_key(|(table, _)| table.name());
    let mut text = Vec::new();
    for (table, digest) in tables {
        push_netstring(&mut text, table.name().as_bytes());
        push_netstring(&mut text, digest.to_string().as_bytes());
    }
    Digest(Sha256::digest(&text).into())
}

/// A value that has no canonical text: of a type that no table has, or null inside a list.
struct NoCanonicalText;

/// Appends decimal length, colon, the bytes, comma (D. J. Bernstein, "Netstrings").
fn push_netstring(out: &mut Vec<u8>, bytes: &[u8]) {
    push_decimal(out, bytes.len());
    out.push(b':');
    out.extend_from_slice(bytes);
    out.push(b',');
}

/// Appends a length.
fn push_decimal(out: &mut Vec<u8>, length: usize) {
    match length {
        0..10 => out.push(b'0' + length as u8),
        10..100 => out.extend_from_slice(&[b'0' + (length / 10) as u8, b'0' + (length % 10) as u8]),
        _ => out.extend_from_slice(itoa::Buffer::new().format(length).as_bytes()),
    }
}

/// Makes a netstring of what was appended since `begin`.
fn frame(out: &mut Vec<u8>, begin: usize) {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(out.len().saturating_sub(begin)).as_bytes();
    out.extend_from_slice(digits);
    out.push(b':');
    if let Some(framed) = out.get_mut(begin..) {
        framed.rotate_right(digits.len() + 1);
    }
    out.push(b',');
}

/// Appends the netstring of a value's canonical text.
fn push_framed(out: &mut Vec<u8>, value: Value<'_>) -> Result<(), NoCanonicalText> {
    match value {
        Value::Bool(value) => push_netstring(out, if value { b"true" } else { b"false" }),
        Value::U64(value) => push_netstring(out, itoa::Buffer::new().format(value).as_bytes()),
        Value::I64(value) | Value::TimestampNs(value) => {
            push_netstring(out, itoa::Buffer::new().format(value).as_bytes());
        }
        Value::Str(value) => push_netstring(out, value.as_bytes()),
        Value::List(list) => {
            let begin = out.len();
            for element in list.iter() {
                push_framed(out, element)?;
            }
            frame(out, begin);
        }
        Value::Map(map) => {
            let begin = out.len();
            for (key, value) in map.iter() {
                push_framed(out, key)?;
                push_framed(out, value)?;
            }
            frame(out, begin);
        }
        Value::Struct(fields) => {
            let begin = out.len();
            let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !matches!(value, Value::Null)).collect();
            fields.sort_by_key(|(name, _)| *name);
            for (name, value) in fields {
                push_netstring(out, name.as_bytes());
                push_framed(out, value)?;
            }
            frame(out, begin);
        }
        Value::Null | Value::Unsupported(_) => return Err(NoCanonicalText),
    }
    Ok(())
}
