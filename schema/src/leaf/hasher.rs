//! Hashes the records of batches into leaves.

use arrow_array::{Array, RecordBatch, UInt64Array};
use arrow_buffer::NullBuffer;
use sha2::{Digest as _, Sha256};

use super::commitment::Commitments;
use super::entries::{LeafEntry, entries};
use crate::digest::Digest;
use crate::error::Error;
use crate::netstring::{NoCanonicalText, push_cell, push_netstring};
use crate::tables::Table;
use crate::value::Cells;

/// First byte of what a leaf is the hash of (RFC 6962, section 2.1).
const LEAF_PREFIX: u8 = 0;

/// Hashes the records of a raw table, batch by batch.
#[derive(Debug)]
pub struct LeafHasher {
    table: Table,
    /// Shapes met so far: the entries that a record has, a bit each, and their digest. There are a
    /// few for each kind of record.
    shapes: Vec<(u128, Digest)>,
    /// Reused for each record.
    input: Vec<u8>,
    text: Vec<u8>,
}

impl LeafHasher {
    /// Creates the hasher of a table's records.
    pub fn new(table: Table) -> Self {
        Self { table, shapes: Vec::new(), input: Vec::new(), text: Vec::new() }
    }

    /// Passes `seq` and leaf of each record of a batch to `each`, in order. The batch may lack
    /// columns, and those that this build does not know count for nothing.
    ///
    /// # Errors
    /// [`Error::ColumnMissing`] without `seq`, or [`Error::Digest`].
    pub fn leaves<C: Commitments>(
        &mut self,
        batch: &RecordBatch,
        commitments: &mut C,
        mut each: impl FnMut(&mut C, u64, Digest),
    ) -> Result<(), Error> {
        let table = self.table.name();
        let seqs = batch.column_by_name("seq").and_then(|column| column.as_any().downcast_ref::<UInt64Array>());
        let seqs = seqs.ok_or(Error::ColumnMissing { table, column: "seq" })?;
        // A group may have a commitment without text, where this is left out.
        let all = entries(self.table).iter().enumerate().map(|(bit, entry)| EntryCells::new(bit, entry, batch));
        let entries: Vec<_> =
            all.filter(|entry| entry.group.is_some() || entry.cells.iter().any(Option::is_some)).collect();
        for (row, seq) in seqs.values().iter().enumerate() {
            self.input.clear();
            // The shape follows when it is known.
            self.input.push(LEAF_PREFIX);
            self.input.extend_from_slice(&[0; 32]);
            let mut shape = 0_u128;
            for entry in &entries {
                let is_there = match entry.group {
                    None => entry.push_value(row, &mut self.input)?,
                    Some(group) => {
                        self.text.clear();
                        let has_text = entry.push_text(row, &mut self.text)?;
                        let commitment = commitments.commitment(*seq, group, has_text.then_some(&self.text));
                        commitment.map(|digest| self.input.extend_from_slice(digest.as_bytes())).is_some()
                    }
                };
                shape |= u128::from(is_there) << entry.bit;
            }
            let shape = self.shape(shape);
            if let Some(place) = self.input.get_mut(1..33) {
                place.copy_from_slice(shape.as_bytes());
            }
            each(commitments, *seq, Digest::from(Sha256::new_with_prefix(&self.input)));
        }
        Ok(())
    }

    /// Returns the digest of a shape.
    fn shape(&mut self, shape: u128) -> Digest {
        if let Some((_, digest)) = self.shapes.iter().find(|(known, _)| *known == shape) {
            return *digest;
        }
        let mut names = Vec::new();
        push_netstring(&mut names, self.table.name().as_bytes());
        for (bit, entry) in entries(self.table).iter().enumerate() {
            if shape >> bit & 1 == 1 {
                push_netstring(&mut names, entry.name.as_bytes());
            }
        }
        let digest = Digest::from(Sha256::new_with_prefix(names));
        self.shapes.push((shape, digest));
        digest
    }
}

/// An entry's columns in a batch.
struct EntryCells<'a> {
    bit: usize,
    entry: &'static LeafEntry,
    group: Option<u8>,
    /// The columns; `None` for one that is null in the whole batch.
    cells: Vec<Option<(Cells<'a>, Option<&'a NullBuffer>)>>,
}

impl<'a> EntryCells<'a> {
    fn new(bit: usize, entry: &'static LeafEntry, batch: &'a RecordBatch) -> Self {
        let cells = entry.columns.iter().map(|name| {
            let array = batch.column_by_name(name)?;
            let cells = Cells::new(array.as_ref());
            (!cells.are_null()).then(|| (cells, array.nulls()))
        });
        Self { bit, entry, group: entry.group, cells: cells.collect() }
    }

    /// Appends the value of a column. Returns false if it is null.
    fn push_value(&self, row: usize, out: &mut Vec<u8>) -> Result<bool, Error> {
        match self.cells.first() {
            Some(Some((cells, nulls))) if !nulls.is_some_and(|nulls| nulls.is_null(row)) => {
                push_cell(out, *cells, row).map_err(|NoCanonicalText| self.refused())?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// Appends the text of a group. Returns false if all of its columns are null.
    fn push_text(&self, row: usize, out: &mut Vec<u8>) -> Result<bool, Error> {
        let mut has_text = false;
        for cells in &self.cells {
            match cells {
                Some((cells, nulls)) if !nulls.is_some_and(|nulls| nulls.is_null(row)) => {
                    push_cell(out, *cells, row).map_err(|NoCanonicalText| self.refused())?;
                    has_text = true;
                }
                _ => out.push(b'-'),
            }
        }
        Ok(has_text)
    }

    #[cold]
    fn refused(&self) -> Error {
        Error::Digest { column: self.entry.name.to_owned(), data_type: "unknown".to_owned() }
    }
}
