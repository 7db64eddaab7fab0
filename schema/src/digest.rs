//! The canonical digest of derived tables: over rows and their values, not over the bytes of Parquet files.
//!
//! `docs/case-format.md` defines it, with a worked example, so that another program can compute it. With
//! `netstring(x)` = decimal length of `x` in bytes, `:`, `x`, `,` :
//!
//! - a row is, for each column that is not null, in byte order of the columns' names, `netstring(name) netstring(value)`;
//! - the digest of a table is SHA-256 over `netstring(table name)`, then `netstring(row)` for each row in file order;
//! - the digest of a case is SHA-256 over, for each derived table in byte order of their names,
//!   `netstring(table name) netstring(digest in lower-case hex)`.
//!
//! Nulls are left out, so that a column which is added later changes no old digest.

use std::fmt;
use std::str::FromStr;

use arrow::array::{Array, RecordBatch};
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::tables::Table;
use crate::value::{Value, cell};

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
        let schema = batch.schema();
        let mut columns: Vec<_> =
            schema.fields().iter().map(|field| field.name().as_str()).zip(batch.columns()).collect();
        columns.sort_by_key(|(name, _)| *name);
        let (mut value, mut row_text, mut framed) = (Vec::new(), Vec::new(), Vec::new());
        for row in 0..batch.num_rows() {
            row_text.clear();
            for (name, column) in &columns {
                let column: &dyn Array = column.as_ref();
                value.clear();
                match cell(column, row) {
                    Value::Null => continue,
                    other => push_value(&mut value, other).map_err(|NoCanonicalText| Error::Digest {
                        column: (*name).to_owned(),
                        data_type: column.data_type().to_string(),
                    })?,
                }
                push_netstring(&mut row_text, name.as_bytes());
                push_netstring(&mut row_text, &value);
            }
            framed.clear();
            push_netstring(&mut framed, &row_text);
            self.hash.update(&framed);
            self.rows += 1;
        }
        Ok(())
    }

    /// The digest.
    pub fn finish(self) -> Digest {
        Digest::from(self.hash)
    }
}

/// The digest of a case, from those of its derived tables, in any order.
pub fn case_digest(tables: impl IntoIterator<Item = (Table, Digest)>) -> Digest {
    let mut tables: Vec<_> = tables.into_iter().collect();
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
    out.extend_from_slice(bytes.len().to_string().as_bytes());
    out.push(b':');
    out.extend_from_slice(bytes);
    out.push(b',');
}

/// Appends the canonical text of a value.
fn push_value(out: &mut Vec<u8>, value: Value<'_>) -> Result<(), NoCanonicalText> {
    match value {
        Value::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Value::U64(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::I64(value) | Value::TimestampNs(value) => out.extend_from_slice(value.to_string().as_bytes()),
        Value::Str(value) => out.extend_from_slice(value.as_bytes()),
        Value::List(list) => {
            for element in list.iter() {
                push_framed(out, element)?;
            }
        }
        Value::Map(map) => {
            for (key, value) in map.iter() {
                push_framed(out, key)?;
                push_framed(out, value)?;
            }
        }
        Value::Struct(fields) => {
            let mut fields: Vec<_> = fields.iter().filter(|(_, value)| !matches!(value, Value::Null)).collect();
            fields.sort_by_key(|(name, _)| *name);
            for (name, value) in fields {
                push_netstring(out, name.as_bytes());
                push_framed(out, value)?;
            }
        }
        Value::Null | Value::Unsupported(_) => return Err(NoCanonicalText),
    }
    Ok(())
}

/// Appends the netstring of a value's canonical text.
fn push_framed(out: &mut Vec<u8>, value: Value<'_>) -> Result<(), NoCanonicalText> {
    let mut text = Vec::new();
    push_value(&mut text, value)?;
    push_netstring(out, &text);
    Ok(())
}
