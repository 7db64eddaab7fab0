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

mod decimal;
mod pair;
mod text;
mod values;

pub use pair::TableDigests;
pub use pair::hash_by_turns;

use std::fmt;
use std::str::FromStr;

use arrow_array::RecordBatch;
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::tables::Table;
use text::RowTexts;

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

/// Bytes of text that are hashed at once, or little more: what stays in the processor's cache.
const TEXT_BYTES: usize = 16 << 10;

/// Bytes that SHA-256 takes at a time (FIPS 180-4, 5.2.1).
const BLOCK_BYTES: usize = 64;

/// The digest of one table, as its batches come.
#[derive(Debug)]
pub struct TableDigest {
    table: Table,
    /// Of whole blocks only.
    hash: Sha256,
    /// The text that was not yet hashed.
    text: Vec<u8>,
    rows: u64,
}

impl TableDigest {
    /// Of a table without rows.
    pub fn new(table: Table) -> Self {
        let mut text = Vec::new();
        values::push_netstring(&mut text, table.name().as_bytes());
        Self { table, hash: Sha256::new(), text, rows: 0 }
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
        let mut texts = RowTexts::of(batch);
        while !texts.are_made() {
            self.make(&mut texts)?;
            self.hash();
        }
        Ok(())
    }

    /// Makes some text of the next rows.
    fn make(&mut self, texts: &mut RowTexts) -> Result<(), Error> {
        self.rows += texts.write(&mut self.text, TEXT_BYTES)?;
        Ok(())
    }

    /// Hashes the text that was made but for the bytes past the last whole block.
    fn hash(&mut self) {
        let whole = self.text.len() / BLOCK_BYTES * BLOCK_BYTES;
        self.hash.update(self.text.get(..whole).unwrap_or_default());
        self.text.drain(..whole);
    }

    /// The digest.
    pub fn finish(mut self) -> Digest {
        self.hash.update(&self.text);
        Digest::from(self.hash)
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
        values::push_netstring(&mut text, table.name().as_bytes());
        values::push_netstring(&mut text, digest.to_string().as_bytes());
    }
    Digest(Sha256::digest(&text).into())
}
