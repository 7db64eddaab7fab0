//! Digests of tables and of a case.

use arrow_array::RecordBatch;
use sha2::{Digest as _, Sha256};

use super::row_text::RowWriter;
use super::sha256::Digest;
use crate::error::Error;
use crate::netstring::push_netstring;
use crate::tables::Table;

/// The digest of one table so far.
#[derive(Debug)]
pub struct TableDigest {
    table: Table,
    hash: Sha256,
    rows: u64,
}

impl TableDigest {
    /// Creates the digest of a table without rows.
    pub fn new(table: Table) -> Self {
        let mut digest = Self { table, hash: Sha256::new(), rows: 0 };
        digest.hash_netstring(table.name().as_bytes());
        digest
    }

    /// Returns the table.
    pub fn table(&self) -> Table {
        self.table
    }

    /// Returns the number of rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds the rows of a batch, in order.
    ///
    /// # Errors
    /// A value has a type that the digest does not define. The digest is of no use then.
    pub fn update(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let mut writer = RowWriter::new(batch);
        for row in 0..batch.num_rows() {
            self.hash_netstring(writer.row(row)?);
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Returns the digest.
    pub fn finish(self) -> Digest {
        Digest::from(self.hash)
    }

    fn hash_netstring(&mut self, text: &[u8]) {
        self.hash.update(itoa::Buffer::new().format(text.len()));
        self.hash.update(b":");
        self.hash.update(text);
        self.hash.update(b",");
    }
}

/// The digests of several tables, whose batches come in any order.
#[derive(Debug)]
pub struct TableDigests(Vec<TableDigest>);

impl TableDigests {
    /// Creates the digests of tables without rows. Each table is named once.
    pub fn new(tables: &[Table]) -> Self {
        Self(tables.iter().copied().map(TableDigest::new).collect())
    }

    /// Adds the rows of a batch, in order. Rows of a table that was not named are ignored.
    ///
    /// # Errors
    /// A value has a type that the digest does not define. The digests are of no use then.
    pub fn update(&mut self, table: Table, batch: &RecordBatch) -> Result<(), Error> {
        let digest = self.0.iter_mut().find(|digest| digest.table == table);
        digest.map_or(Ok(()), |digest| digest.update(batch))
    }

    /// Returns the digest of each table, in the order they were named.
    pub fn finish(self) -> Vec<TableDigest> {
        self.0
    }
}

/// Returns the digest of a case, from those of its derived tables in any order.
///
/// A table that cases of older builds lack counts only if it has rows, so that these cases keep
/// their digest.
pub fn case_digest(tables: impl IntoIterator<Item = (Table, Digest)>) -> Digest {
    let counts = |(table, digest): &(Table, Digest)| {
        !matches!(table, Table::ContainerExit | Table::Disagreement) || *digest != TableDigest::new(*table).finish()
    };
    let mut tables: Vec<_> = tables.into_iter().filter(counts).collect();
    tables.sort_by_key(|(table, _)| table.name());
    let mut text = Vec::new();
    for (table, digest) in tables {
        push_netstring(&mut text, table.name().as_bytes());
        push_netstring(&mut text, digest.to_string().as_bytes());
    }
    Digest::from(Sha256::new_with_prefix(&text))
}
