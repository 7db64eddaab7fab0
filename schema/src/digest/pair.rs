//! The digests of several tables, two of which are hashed at a time.
//!
//! Each step of SHA-256 waits for the one before, so a processor with instructions for it is mostly idle while it hashes one
//! text. Of two texts by turns it does a step of one while the other's is under way.

use std::collections::VecDeque;

use arrow_array::RecordBatch;
use sha2::{Digest as _, Sha256};

use super::text::RowTexts;
use super::{BLOCK_BYTES, TableDigest};
use crate::error::Error;
use crate::tables::Table;

/// Batches of one table that wait for some of another.
const MAX_WAITING: usize = 2;

/// Bytes of each text that are hashed by turns: two blocks.
const TURN_BYTES: usize = 128;

/// The digests of some tables, whose batches come in any order.
#[derive(Debug)]
pub struct TableDigests {
    lanes: Vec<Lane>,
}

#[derive(Debug)]
struct Lane {
    digest: TableDigest,
    waiting: VecDeque<RowTexts>,
}

impl TableDigests {
    /// Of tables without rows, each named once.
    pub fn new(tables: &[Table]) -> Self {
        let lane = |table: &Table| Lane { digest: TableDigest::new(*table), waiting: VecDeque::new() };
        Self { lanes: tables.iter().map(lane).collect() }
    }

    /// Adds the rows of a batch, in order. Those of a table that is not one of these count nowhere.
    ///
    /// # Errors
    /// A value of a type that the digest does not define, in this batch or in one that waited; the digests are of no use then.
    pub fn update(&mut self, table: Table, batch: &RecordBatch) -> Result<(), Error> {
        let Some(lane) = self.lanes.iter_mut().find(|lane| lane.digest.table() == table) else { return Ok(()) };
        lane.waiting.push_back(RowTexts::of(batch));
        self.hash_pairs()?;
        for lane in &mut self.lanes {
            while lane.waiting.len() > MAX_WAITING {
                lane.hash()?;
            }
        }
        Ok(())
    }

    /// The digest of each table, in the order they were named.
    ///
    /// # Errors
    /// As of [`Self::update`].
    pub fn finish(mut self) -> Result<Vec<TableDigest>, Error> {
        self.hash_pairs()?;
        self.lanes.into_iter().map(Lane::finish).collect()
    }

    /// Hashes rows as long as those of two tables wait.
    fn hash_pairs(&mut self) -> Result<(), Error> {
        loop {
            let mut lanes = self.lanes.iter_mut().filter(|lane| !lane.waiting.is_empty());
            let (Some(a), Some(b)) = (lanes.next(), lanes.next()) else { return Ok(()) };
            a.make()?;
            b.make()?;
            let (a, b) = (&mut a.digest, &mut b.digest);
            let whole = a.text.len().min(b.text.len()) / BLOCK_BYTES * BLOCK_BYTES;
            hash_by_turns(
                (&mut a.hash, a.text.get(..whole).unwrap_or_default()),
                (&mut b.hash, b.text.get(..whole).unwrap_or_default()),
            );
            a.text.drain(..whole);
            b.text.drain(..whole);
        }
    }
}

/// Hashes two texts, by turns as far as both go.
pub fn hash_by_turns((a, a_text): (&mut Sha256, &[u8]), (b, b_text): (&mut Sha256, &[u8])) {
    let both = a_text.len().min(b_text.len());
    let (a_both, a_rest) = a_text.split_at(both);
    let (b_both, b_rest) = b_text.split_at(both);
    for (of_a, of_b) in a_both.chunks(TURN_BYTES).zip(b_both.chunks(TURN_BYTES)) {
        a.update(of_a);
        b.update(of_b);
    }
    a.update(a_rest);
    b.update(b_rest);
}

impl Lane {
    /// Makes some text of the first rows that wait.
    fn make(&mut self) -> Result<(), Error> {
        if let Some(texts) = self.waiting.front_mut() {
            self.digest.make(texts)?;
            if texts.are_made() {
                self.waiting.pop_front();
            }
        }
        Ok(())
    }

    /// Hashes some of the first rows that wait.
    fn hash(&mut self) -> Result<(), Error> {
        self.make()?;
        self.digest.hash();
        Ok(())
    }

    fn finish(mut self) -> Result<TableDigest, Error> {
        while !self.waiting.is_empty() {
            self.hash()?;
        }
        Ok(self.digest)
    }
}
