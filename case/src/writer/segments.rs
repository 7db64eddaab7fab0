//! Segments of a recording: cutting it, and dropping the oldest to make room.
//!
//! case.json says first what is dropped, as an entry of the chain, and is on disk before the first file goes. So at any
//! moment a file is either listed, or of a number that case.json says is gone.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use super::CaseWriter;
use super::table::OpenPart;
use crate::chain::{self, ChainLink};
use crate::error::Error;
use crate::manifest::{CaseCounts, ClockPair, DropEntry, DropTotals, PartEntry, Segment};
use crate::part;
use obit_schema::tables::Table;

/// What a small part takes beyond its rows: the footer with the statistics of each column, and the head of its journal.
const PART_OVERHEAD_BYTES: u64 = 24 << 10;

impl CaseWriter {
    /// Ends the segment and begins the next one with this record: parts that are open are sealed. Only of a case whose
    /// manifest had a first segment from the start.
    ///
    /// # Errors
    /// [`Error::Io`]; it can be tried again, with the same record.
    pub fn cut(&mut self, first_seq: u64, began: ClockPair) -> Result<(), Error> {
        let Some(last) = self.manifest.segments.last() else { return Ok(()) };
        if last.first_seq < first_seq {
            let number = last.number.saturating_add(1);
            for table in Table::ALL {
                self.seal(table)?;
            }
            self.manifest.segments.push(Segment { number, first_seq, began, counts: CaseCounts::default() });
            self.saved = false;
        }
        self.save()
    }

    /// Bytes of the segment that is being written: sealed parts, and journals or open parts, whichever is longer.
    pub fn segment_bytes(&self) -> u64 {
        let number = self.manifest.segments.last().map(|segment| segment.number);
        let sealed = self.manifest.parts.iter().filter(|part| part.segment == number).map(|part| part.bytes);
        sealed.sum::<u64>() + self.open_bytes()
    }

    /// Bytes of all files of the case at the moment when they are most: an open part is there twice while it is sealed.
    pub fn bytes_at_most(&self) -> u64 {
        let sealed: u64 = self.manifest.parts.iter().chain(&self.doomed).map(|part| part.bytes).sum();
        let open = self.tables.iter().filter(|writer| writer.open.is_some()).count() as u64;
        sealed + 2 * self.open_bytes() + open * PART_OVERHEAD_BYTES
    }

    pub(super) fn open_bytes(&self) -> u64 {
        let open = self.tables.iter().filter_map(|writer| writer.open.as_ref());
        open.map(OpenPart::bytes).sum()
    }

    /// Drops the oldest segment, unless it is the one being written. Gives whether there was one to drop. On a full disk
    /// the room that is kept for last words is used for saying so, and kept again of what the segment leaves.
    ///
    /// # Errors
    /// [`Error::Io`]: case.json could not be written, or the files of the segment dropped before not be removed. The next
    /// [`CaseWriter::sync`] tries both again.
    pub fn drop_oldest(&mut self, dropped_at: ClockPair) -> Result<bool, Error> {
        // One that could not be brought to disk, or whose files could not be removed, comes first.
        self.save_on_any_disk()?;
        self.expect_no_doomed()?;
        let [segment, next, ..] = self.manifest.segments.as_slice() else { return Ok(false) };
        let (segment, first_seq_left, ended) = (segment.clone(), next.first_seq, next.began);
        let is_gone = |part: &PartEntry| part.segment == Some(segment.number);
        let parts: Vec<_> = self.manifest.parts.iter().filter(|part| is_gone(part)).cloned().collect();
        let bytes = parts.iter().map(|part| part.bytes).sum();
        let base = self.manifest.dropped.as_ref().map_or(0, |dropped| dropped.entries);
        // The last entry of the segment: all before it are of this segment, or of ones that are gone already.
        let links = chain::links(&self.manifest);
        let last = links.iter().rposition(
            |link| matches!(link, ChainLink::Part(index) if self.manifest.parts.get(*index).is_some_and(is_gone)),
        );
        let entries = base + last.map_or(0, |last| last as u64 + 1);
        let sha256 = match parts.last() {
            Some(part) => {
                chain::entry_digest(&self.manifest.case_id, part.previous.as_deref().unwrap_or(chain::START), part)
            }
            None => self.manifest.dropped.as_ref().map_or(chain::START, |dropped| &dropped.sha256).to_owned(),
        };
        let drop = DropEntry {
            entry: 0,
            previous: String::new(),
            segment: segment.number,
            first_seq: segment.first_seq,
            last_seq: first_seq_left.saturating_sub(1),
            began: segment.began,
            ended,
            dropped_at,
            bytes,
            counts: segment.counts,
            entries,
            sha256,
            parts,
        };
        let sum = sum(self.manifest.dropped.take(), &drop);
        self.manifest.dropped = Some(sum);
        self.manifest.counts.subtract(&drop.counts);
        self.manifest.segments.remove(0);
        self.manifest.parts.retain(|part| !is_gone(part));
        self.manifest.drops.retain(|drop| drop.entry >= entries);
        self.doomed.extend(drop.parts.iter().cloned());
        chain::push_drop(&mut self.manifest, drop);
        self.saved = false;
        self.save_on_any_disk()?;
        let reserve_bytes = self.options.reserve_bytes;
        if reserve_bytes > 0 {
            // For a case.json that may be longer the next time.
            let needed = usize::try_from(self.manifest_bytes.saturating_mul(2)).unwrap_or(reserve_bytes);
            self.reserve.renew(self.root.as_ref(), reserve_bytes.max(needed));
        }
        Ok(true)
    }

    /// Saves case.json, if need be in the room that is kept for it.
    fn save_on_any_disk(&mut self) -> Result<(), Error> {
        match self.save() {
            Err(error) if error.is_disk_full() && self.reserve.free(self.root.as_ref()) => self.save(),
            saved => saved,
        }
    }

    /// Removes the files of what case.json says is dropped, as far as that works; the rest is tried again.
    pub(super) fn remove_doomed(&mut self) {
        let (raw, derived) = (Arc::clone(&self.raw), Arc::clone(&self.derived));
        self.doomed.retain(|part| {
            let Some(table) = Table::ALL.into_iter().find(|table| table.name() == part.table) else { return false };
            let folder = if table.folder() == "raw" { &raw } else { &derived };
            match folder.remove_file(&part::file_name(table, part.number)) {
                Ok(()) => false,
                Err(Error::Io { cause, .. }) => cause.kind() != io::ErrorKind::NotFound,
                Err(_) => true,
            }
        });
    }

    /// Nothing that is gone may be among the files of a closed case.
    pub(super) fn expect_no_doomed(&self) -> Result<(), Error> {
        match self.doomed.first() {
            None => Ok(()),
            Some(part) => {
                let cause = io::Error::other("it is of a segment that was dropped, and could not be removed");
                Err(Error::Io { action: "remove", path: self.root.path().join(&part.file), cause })
            }
        }
    }
}

/// All that was dropped, with one segment more.
fn sum(before: Option<DropTotals>, drop: &DropEntry) -> DropTotals {
    let mut sum = before.unwrap_or_else(|| DropTotals {
        segments: 0,
        parts: 0,
        bytes: 0,
        last_seq: 0,
        counts: CaseCounts::default(),
        began: drop.began,
        ended: drop.ended,
        dropped_at: drop.dropped_at,
        entries: 0,
        sha256: String::new(),
        next_parts: BTreeMap::new(),
    });
    sum.segments = drop.segment.saturating_add(1);
    sum.parts += drop.parts.len() as u64;
    sum.bytes += drop.bytes;
    sum.last_seq = drop.last_seq;
    sum.counts.add(&drop.counts);
    (sum.ended, sum.dropped_at, sum.entries) = (drop.ended, drop.dropped_at, drop.entries);
    sum.sha256.clone_from(&drop.sha256);
    for part in &drop.parts {
        sum.next_parts.insert(part.table.clone(), part.number.saturating_add(1));
    }
    sum
}
