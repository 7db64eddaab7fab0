//! What was admitted and derived, gathered as columns until it is handed to the recorder.

use anyhow::{Context, Result};
use arrow_array::RecordBatch;
use obit_derivation::{Record, Row};
use obit_schema::details::{DirectoryDetails, RuntimeDetails};
use obit_schema::encode::{CgroupfsBuilder, EventsBuilder, RowsBuilder, RuntimeBuilder};
use obit_schema::tables::Table;

/// Bytes, about, that are gathered before they are handed on without waiting for the interval. With [`ROW_BYTES`] these
/// are 4,096 events. Each is touched several times until it is in the case, and what goes through the processors' caches
/// pushes out what the workload has there.
const FULL_BYTES: usize = 2 << 20;
/// Bytes, about, of a row in columns: a number takes its room there whether it is known or not.
const ROW_BYTES: usize = 512;

/// Rows of all tables.
#[derive(Debug, Default)]
pub struct Gathered {
    events: EventsBuilder,
    cgroupfs: CgroupfsBuilder,
    runtime: RuntimeBuilder,
    derived: RowsBuilder,
    bytes: usize,
    /// Something was taken since that was asked last.
    was_taken: bool,
}

impl Gathered {
    /// Adds a record of raw/events.
    pub fn event(&mut self, record: &Record<'_>) -> Result<()> {
        self.bytes += ROW_BYTES;
        self.events.append(record).context("cannot encode an event")
    }

    /// Adds a record of raw/cgroupfs.
    pub fn directory(&mut self, record: &Record<'_>, details: &DirectoryDetails) -> Result<()> {
        let files = details.files.iter().map(|(name, text)| name.len() + text.len());
        self.bytes += ROW_BYTES + files.sum::<usize>();
        self.cgroupfs.append(record, details).context("cannot encode a cgroupfs directory")
    }

    /// Adds a record of raw/runtime.
    pub fn answer(&mut self, record: &Record<'_>, details: &RuntimeDetails) -> Result<()> {
        self.bytes += ROW_BYTES + details.document.as_ref().map_or(0, String::len);
        self.runtime.append(record, details).context("cannot encode a runtime's answer")
    }

    /// Adds a derived row.
    pub fn row(&mut self, row: &Row) {
        self.bytes += ROW_BYTES;
        self.derived.append(row);
    }

    /// Whether it is time to hand on what there is.
    pub fn is_full(&self) -> bool {
        self.bytes >= FULL_BYTES
    }

    /// A batch for each table that has rows; nothing is left.
    pub fn take(&mut self) -> Result<Vec<(Table, RecordBatch)>> {
        self.bytes = 0;
        let mut batches = Vec::new();
        if !self.events.is_empty() {
            batches.push((Table::Events, self.events.finish()?));
        }
        if !self.cgroupfs.is_empty() {
            batches.push((Table::Cgroupfs, self.cgroupfs.finish()?));
        }
        if !self.runtime.is_empty() {
            batches.push((Table::Runtime, self.runtime.finish()?));
        }
        if !self.derived.is_empty() {
            batches.extend(self.derived.finish()?);
        }
        self.was_taken |= !batches.is_empty();
        Ok(batches)
    }

    /// Whether there is nothing to take, nor anything that was taken since [`Self::was_taken`] was asked last.
    pub fn is_settled(&self) -> bool {
        self.bytes == 0 && !self.was_taken
    }

    /// Whether something was taken since this was asked last.
    pub fn was_taken(&mut self) -> bool {
        std::mem::take(&mut self.was_taken)
    }
}
