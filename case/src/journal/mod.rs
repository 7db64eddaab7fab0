//! Journals: one Arrow IPC stream beside each part that is not sealed yet, with the same rows.
//!
//! Each batch is written as a whole before the next one follows, so a stream that a power cut ended
//! is read up to its last whole batch. Framing: Arrow columnar format, "Encapsulated message
//! format".

mod frame;
mod message;
mod read;

pub(crate) use read::JournalReader;

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::Schema;

use self::message::MessageEncoder;
use crate::error::Error;
use crate::files::{Folder, OutputFile};
use crate::origin::FileOrigin;
use obit_schema::tables::Table;

/// Name of the journals' folder in a case.
pub const FOLDER: &str = "journal";

/// Most rows of one message: a message stays far below the limit of a reader.
const MESSAGE_ROWS: usize = 64 << 10;

/// Bytes of memory that are kept for the rows until the next sync.
const KEPT_BYTES: usize = 256 << 10;

/// Returns the name of a journal: `events-000003.arrows`.
pub fn file_name(table: Table, number: u32) -> String {
    format!("{}-{number:06}.arrows", table.name())
}

/// State of the end of a journal's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TailState {
    /// The file holds all that was appended.
    Whole,
    /// A write failed: the file ends with bytes that are no whole batch and could not be cut off
    /// yet.
    Torn,
    /// A sync failed: all that was appended since the one before is to be written again.
    Doubtful,
}

/// Writes one journal. Each of its calls may be repeated after an error.
pub(crate) struct JournalWriter {
    folder: Arc<dyn Folder>,
    path: PathBuf,
    file: Box<dyn OutputFile>,
    encoder: MessageEncoder,
    table: Table,
    /// Bytes that are known to be on disk.
    synced_bytes: u64,
    /// Bytes that were appended since: a sync that fails may lose them.
    unsynced: Vec<u8>,
    tail: TailState,
    /// True once the file's name is on disk.
    is_named: bool,
}

impl JournalWriter {
    /// Begins a journal.
    pub(crate) fn create(
        folder: Arc<dyn Folder>,
        origin: &FileOrigin,
        table: Table,
        number: u32,
    ) -> Result<Self, Error> {
        let name = file_name(table, number);
        let path = folder.path().join(&name);
        let schema = Schema::new_with_metadata(table.schema().fields().clone(), origin.pairs(table));
        let encoder =
            MessageEncoder::new(schema).map_err(|source| obit_schema::Error::Encode { table: table.name(), source })?;
        let file = folder.create_file(&name)?;
        let (unsynced, tail) = (Vec::new(), TailState::Whole);
        Ok(Self { folder, path, file, encoder, table, synced_bytes: 0, unsynced, tail, is_named: false })
    }

    /// Adds rows: all of them, or after an error none.
    pub(crate) fn append(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.repair()?;
        let before = self.unsynced.len();
        let result = self.encode(batch).and_then(|()| {
            let added = self.unsynced.get(before..).unwrap_or_default();
            self.file.write_all(added).map_err(Error::io("write", &self.path))
        });
        if result.is_err() {
            // A torn end would hide what is appended after it.
            self.unsynced.truncate(before);
            self.tail = if self.truncate(self.bytes()).is_ok() { TailState::Whole } else { TailState::Torn };
        }
        result
    }

    /// Brings the journal to disk.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        if !self.is_named {
            self.folder.sync()?;
            self.is_named = true;
        }
        if self.unsynced.is_empty() {
            return Ok(());
        }
        self.repair()?;
        if let Err(source) = self.file.sync() {
            self.tail = TailState::Doubtful;
            return Err(Error::io("sync", &self.path)(source));
        }
        self.synced_bytes = self.bytes();
        self.unsynced.clear();
        self.unsynced.shrink_to(KEPT_BYTES);
        Ok(())
    }

    /// Repairs the end of the file after an error.
    pub(crate) fn repair(&mut self) -> Result<(), Error> {
        match self.tail {
            TailState::Whole => {}
            TailState::Torn => self.truncate(self.bytes())?,
            TailState::Doubtful => {
                self.truncate(self.synced_bytes)?;
                self.file.write_all(&self.unsynced).map_err(Error::io("write", &self.path))?;
            }
        }
        self.tail = TailState::Whole;
        Ok(())
    }

    /// Returns the length in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.synced_bytes + self.unsynced.len() as u64
    }

    /// Returns the number of bytes that are not known to be on disk.
    pub(crate) fn unsynced_bytes(&self) -> usize {
        self.unsynced.len()
    }

    /// Appends the messages of a batch to the unsynced bytes.
    fn encode(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let Self { encoder, unsynced, .. } = self;
        if self.synced_bytes == 0 && unsynced.is_empty() {
            encoder.put_schema(unsynced);
        }
        let table = self.table.name();
        (0..batch.num_rows()).step_by(MESSAGE_ROWS).try_for_each(|start| {
            let rows = batch.slice(start, MESSAGE_ROWS.min(batch.num_rows() - start));
            encoder.put_rows(&rows, unsynced).map_err(|source| obit_schema::Error::Encode { table, source }.into())
        })
    }

    fn truncate(&mut self, length: u64) -> Result<(), Error> {
        self.file.truncate(length).map_err(Error::io("write", &self.path))
    }
}

impl std::fmt::Debug for JournalWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JournalWriter").field("path", &self.path).field("bytes", &self.bytes()).finish_non_exhaustive()
    }
}
