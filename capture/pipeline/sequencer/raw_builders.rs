//! Records as rows of the three raw tables.

use anyhow::{Context, Result};
use arrow_array::RecordBatch;
use obit_derivation::Record;
use obit_schema::Table;
use obit_schema::details::{DirectoryDetails, RuntimeDetails};
use obit_schema::encode::{CgroupfsBuilder, EventsBuilder, RuntimeBuilder};

/// Columns of a record that the derivation does not look at. They also say which raw table the
/// record belongs to.
#[derive(Clone, Copy, Debug)]
pub enum RecordDetails<'a> {
    /// A record of raw/events, which has no such columns.
    Event,
    /// Details of a record of raw/cgroupfs.
    Directory(&'a DirectoryDetails),
    /// Details of a record of raw/runtime.
    Runtime(&'a RuntimeDetails),
}

impl RecordDetails<'_> {
    /// Returns the size of the texts in them, in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Self::Event => 0,
            Self::Directory(details) => details.files.iter().map(|(name, text)| name.len() + text.len()).sum(),
            Self::Runtime(details) => details.document.as_ref().map_or(0, String::len),
        }
    }
}

/// A builder for each raw table.
#[derive(Debug, Default)]
pub struct RawBuilders {
    events: EventsBuilder,
    cgroupfs: CgroupfsBuilder,
    runtime: RuntimeBuilder,
}

impl RawBuilders {
    /// Appends a record to its table.
    pub fn append(&mut self, record: &Record<'_>, details: RecordDetails<'_>) -> Result<()> {
        match details {
            RecordDetails::Event => self.events.append(record),
            RecordDetails::Directory(details) => self.cgroupfs.append(record, details),
            RecordDetails::Runtime(details) => self.runtime.append(record, details),
        }
        .with_context(|| format!("cannot encode record {}", record.seq.0))
    }

    /// Returns the number of rows in all tables.
    pub fn rows(&self) -> usize {
        self.events.len() + self.cgroupfs.len() + self.runtime.len()
    }

    /// Takes the rows of a table; `None` if it has none.
    pub fn take(&mut self, table: Table) -> Result<Option<RecordBatch>> {
        Ok(match table {
            Table::Events if !self.events.is_empty() => Some(self.events.finish()?),
            Table::Cgroupfs if !self.cgroupfs.is_empty() => Some(self.cgroupfs.finish()?),
            Table::Runtime if !self.runtime.is_empty() => Some(self.runtime.finish()?),
            _ => None,
        })
    }
}
