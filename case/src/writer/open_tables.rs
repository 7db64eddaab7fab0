//! The tables of a case that is being written, each with its open part.

use std::collections::BTreeMap;
use std::time::Duration;

use arrow_array::RecordBatch;
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

/// The writers of all tables.
#[derive(Debug)]
pub(super) struct OpenTables {
    folders: WriterFolders,
    origin: FileOrigin,
    /// Made when a table is first used, in the order of [`Table`].
    writers: BTreeMap<Table, TableWriter>,
    /// Boot clock of the newest row when derived tables were last brought to disk.
    derived_synced_boot_ns: u64,
}

impl OpenTables {
    /// Returns the tables of a case without parts.
    pub(super) fn new(folders: WriterFolders, origin: FileOrigin) -> Self {
        Self { folders, origin, writers: BTreeMap::new(), derived_synced_boot_ns: 0 }
    }

    /// Returns the writer of a table.
    pub(super) fn writer(&mut self, table: Table) -> &mut TableWriter {
        self.writers.entry(table).or_insert_with(|| TableWriter::new(table, &self.folders, &self.origin))
    }

    /// Adds rows to a table.
    pub(super) fn append(&mut self, table: Table, batch: &RecordBatch) -> Result<(), Error> {
        self.writer(table).append(batch)
    }

    /// Seals the open part of a table, if there is one.
    pub(super) fn seal(&mut self, table: Table) -> Result<Option<SealedPart>, Error> {
        self.writer(table).seal()
    }

    /// Writes and seals a part of a table without rows.
    pub(super) fn seal_empty(&mut self, table: Table) -> Result<PartEntry, Error> {
        self.writer(table).seal_empty()
    }

    /// Returns the tables whose open part is to be sealed.
    pub(super) fn due(&self, options: &WriterOptions) -> Vec<Table> {
        self.writers.iter().filter(|(_, writer)| writer.is_due(options)).map(|(table, _)| *table).collect()
    }

    /// Brings the journals of records to disk, and those of derived rows that have waited long
    /// enough.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        let newest = self.writers.values().filter_map(TableWriter::newest_boot_ns).max().unwrap_or(0);
        let age = Duration::from_nanos(newest.saturating_sub(self.derived_synced_boot_ns));
        let is_derived_due = age >= DERIVED_MAX_AGE;
        let mut result = Ok(());
        // Raw tables come first in the order: a row is not on disk before the records that it
        // follows from.
        for (table, writer) in &mut self.writers {
            if is_derived_due || Table::RAW.contains(table) || writer.unsynced_bytes() >= DERIVED_MAX_BYTES {
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
        self.writers.values().map(TableWriter::open_bytes).sum()
    }

    /// Returns how many parts are open.
    pub(super) fn open_parts(&self) -> u64 {
        self.writers.values().filter(|writer| writer.is_open()).count() as u64
    }
}
