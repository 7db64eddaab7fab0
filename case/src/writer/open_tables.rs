//! The tables of a case that is being written, each with its open part.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use arrow_array::RecordBatch;
use obit_schema::leaf::SaltSeed;
use obit_schema::tables::Table;

use super::folders::WriterFolders;
use super::options::WriterOptions;
use super::table::{SealedPart, TableWriter};
use crate::error::Error;
use crate::manifest::PartEntry;
use crate::origin::FileOrigin;

/// Longest time, by the rows' boot clock, that rows of derived tables wait to be brought to disk.
/// They follow from records, which are brought there first: a power cut takes only rows that can be
/// derived again.
const DERIVED_MAX_AGE: Duration = Duration::from_secs(2);
/// Bytes of derived rows in one journal that do not wait for that: until synced they are in memory
/// too.
const DERIVED_MAX_BYTES: usize = 256 << 10;

/// Derived rows that wait for their records at most: a walk may show a hundred thousand containers
/// at once.
const MAX_WAITING_ROWS: usize = 4096;
/// Bytes of a derived row in a journal or part, at most but for very long texts.
const DERIVED_ROW_BYTES: u64 = 512;

/// The writers of all tables.
///
/// Rows of derived tables reach their journals only once the records before them are on disk: a
/// power cut drops writes that were not synced in any combination, and a row without its record is
/// proof of nothing.
#[derive(Debug)]
pub(super) struct OpenTables {
    folders: WriterFolders,
    origin: FileOrigin,
    seed: Option<SaltSeed>,
    /// Made when a table is first used, in the order of [`Table`].
    writers: BTreeMap<Table, TableWriter>,
    /// Derived rows that wait for their records, in order.
    waiting: VecDeque<(Table, RecordBatch)>,
    /// How many rows these are.
    waiting_rows: usize,
    /// Boot clock of the newest row when derived tables were last brought to disk.
    derived_synced_boot_ns: u64,
}

impl OpenTables {
    /// Returns the tables of a case without parts.
    pub(super) fn new(folders: WriterFolders, origin: FileOrigin, seed: Option<SaltSeed>) -> Self {
        Self {
            folders,
            origin,
            seed,
            writers: BTreeMap::new(),
            waiting: VecDeque::new(),
            waiting_rows: 0,
            derived_synced_boot_ns: 0,
        }
    }

    /// Returns the writer of a table.
    pub(super) fn writer(&mut self, table: Table) -> &mut TableWriter {
        let (folders, origin, seed) = (&self.folders, &self.origin, self.seed.as_ref());
        self.writers.entry(table).or_insert_with(|| TableWriter::new(table, folders, origin, seed))
    }

    /// Adds rows to a table.
    pub(super) fn append(&mut self, table: Table, batch: &RecordBatch) -> Result<(), Error> {
        if Table::RAW.contains(&table) {
            return self.writer(table).append(batch);
        }
        self.writer(table).accept(batch)?;
        self.waiting.push_back((table, batch.clone()));
        self.waiting_rows += batch.num_rows();
        if self.waiting_rows >= MAX_WAITING_ROWS {
            // What fails now is tried again by the next sync.
            let _ = self.sync_raw().and_then(|()| self.write_waiting());
        }
        Ok(())
    }

    /// Seals the open part of a table, if there is one. The records before its last one are on disk
    /// first, as a sealed part is final.
    pub(super) fn seal(&mut self, table: Table) -> Result<Option<SealedPart>, Error> {
        self.sync_raw()?;
        self.write_waiting()?;
        self.writer(table).seal()
    }

    /// Brings the journals of records to disk.
    fn sync_raw(&mut self) -> Result<(), Error> {
        let raw = self.writers.iter_mut().filter(|(table, _)| Table::RAW.contains(table));
        raw.map(|(_, writer)| writer.sync()).fold(Ok(()), Result::and)
    }

    /// Writes the derived rows whose records are on disk.
    fn write_waiting(&mut self) -> Result<(), Error> {
        while let Some((table, batch)) = self.waiting.pop_front() {
            if let Err(error) = self.writer(table).write(&batch) {
                self.waiting.push_front((table, batch));
                return Err(error);
            }
            self.waiting_rows -= batch.num_rows();
        }
        Ok(())
    }

    /// Gives up all open parts, and the rows that wait. Returns the tables that had one, with its
    /// number.
    pub(super) fn discard(&mut self) -> Vec<(Table, u32)> {
        self.waiting.clear();
        self.waiting_rows = 0;
        self.writers.iter_mut().filter_map(|(table, writer)| Some((*table, writer.discard()?))).collect()
    }

    /// Writes and seals a part of a table without rows.
    pub(super) fn seal_empty(&mut self, table: Table) -> Result<PartEntry, Error> {
        self.writer(table).seal_empty()
    }

    /// Returns the tables whose open part is to be sealed.
    pub(super) fn due(&self, options: &WriterOptions) -> Vec<Table> {
        self.writers.iter().filter(|(_, writer)| writer.is_due(options)).map(|(table, _)| *table).collect()
    }

    /// Brings the journals of records to disk, writes the derived rows that waited for that, and
    /// brings those to disk that have waited long enough.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        self.sync_raw()?;
        let mut result = self.write_waiting();
        let newest = self.writers.values().filter_map(TableWriter::newest_boot_ns).max().unwrap_or(0);
        let age = Duration::from_nanos(newest.saturating_sub(self.derived_synced_boot_ns));
        let is_derived_due = age >= DERIVED_MAX_AGE;
        for writer in self.writers.values_mut() {
            if is_derived_due || writer.unsynced_bytes() >= DERIVED_MAX_BYTES {
                result = result.and(writer.sync());
            }
        }
        if is_derived_due && result.is_ok() {
            self.derived_synced_boot_ns = newest;
        }
        result
    }

    /// Bytes of all open parts: of each, the part or its journal, whichever is longer.
    pub(super) fn open_bytes(&self) -> u64 {
        let waiting = self.waiting_rows as u64 * DERIVED_ROW_BYTES;
        self.writers.values().map(TableWriter::open_bytes).sum::<u64>() + waiting
    }

    /// Returns how many parts are open.
    pub(super) fn open_parts(&self) -> u64 {
        self.writers.values().filter(|writer| writer.is_open()).count() as u64
    }
}
