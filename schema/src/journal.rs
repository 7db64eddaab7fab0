//! The open tail of a table: one Arrow IPC stream beside each part that is not sealed yet.
//!
//! Each batch is on disk as a whole before the next one follows, so a stream that a power cut ended is read up to its
//! last whole batch. Framing: Arrow columnar format, "Encapsulated message format".

mod frame;
mod read;

pub(crate) use read::JournalReader;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{IpcWriteOptions, StreamEncoder};

use crate::error::Error;
use crate::files::{Folder, Sink};
use crate::origin::Origin;
use crate::tables::Table;

/// Folder of the journals in a case.
pub const FOLDER: &str = "journal";

/// Most rows of one message, so that a message stays far below what a reader accepts.
const MESSAGE_ROWS: usize = 64 << 10;

/// The name of a journal.
pub fn file_name(table: Table, number: u32) -> String {
    format!("{}-{number:06}.arrows", table.name())
}

/// What the end of a journal is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    /// All that was appended is in the file.
    Whole,
    /// A write failed: bytes follow that are no whole batch and could not be cut off yet.
    Torn,
    /// A sync failed: what was appended since the one before is to be written again.
    Doubtful,
}

/// Writes one journal. Each of its calls may be repeated after an error.
pub(crate) struct JournalWriter {
    folder: Arc<dyn Folder>,
    path: PathBuf,
    file: Box<dyn Sink>,
    schema: Schema,
    encoder: StreamEncoder,
    table: Table,
    /// Length of what is whole.
    bytes: u64,
    /// Length of what is known to be on disk.
    synced_bytes: u64,
    /// What was appended since: a sync that fails takes it along.
    unsynced: Vec<RecordBatch>,
    tail: Tail,
    /// Whether the file's name is on disk.
    named: bool,
}

impl JournalWriter {
    /// Begins a journal.
    pub(crate) fn create(folder: Arc<dyn Folder>, origin: &Origin, table: Table, number: u32) -> Result<Self, Error> {
        let name = file_name(table, number);
        let path = folder.path().join(&name);
        let schema = Schema::new_with_metadata(table.schema().fields().clone(), origin.pairs(table));
        let encoder = encoder(&schema, table)?;
        let file = folder.create_file(&name)?;
        Ok(Self {
            folder,
            path,
            file,
            schema,
            encoder,
            table,
            bytes: 0,
            synced_bytes: 0,
            unsynced: Vec::new(),
            tail: Tail::Whole,
            named: false,
        })
    }

    /// Adds rows: all of them, or after an error none.
    pub(crate) fn append(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.repair()?;
        self.write(batch)?;
        self.unsynced.push(batch.clone());
        Ok(())
    }

    /// Brings it to disk.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        if !self.named {
            self.folder.sync()?;
            self.named = true;
        }
        if self.unsynced.is_empty() {
            return Ok(());
        }
        self.repair()?;
        if let Err(source) = self.file.sync() {
            self.tail = Tail::Doubtful;
            return Err(Error::io("sync", &self.path)(source));
        }
        self.synced_bytes = self.bytes;
        self.unsynced.clear();
        Ok(())
    }

    /// Brings the file to what it is said to hold.
    pub(crate) fn repair(&mut self) -> Result<(), Error> {
        match self.tail {
            Tail::Whole => {}
            Tail::Torn => self.truncate(self.bytes)?,
            Tail::Doubtful => {
                self.truncate(self.synced_bytes)?;
                self.bytes = self.synced_bytes;
                // Still in doubt until the last of them is written.
                for batch in self.unsynced.clone() {
                    if let Err(error) = self.write(&batch) {
                        self.tail = Tail::Doubtful;
                        return Err(error);
                    }
                }
            }
        }
        self.tail = Tail::Whole;
        Ok(())
    }

    /// Its length in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let before = self.bytes;
        let mut first = 0;
        while first < batch.num_rows() {
            let rows = MESSAGE_ROWS.min(batch.num_rows() - first);
            if let Err(error) = self.write_message(&batch.slice(first, rows)) {
                // A torn end would hide what is appended after it.
                self.bytes = before;
                self.tail = if self.truncate(before).is_ok() { Tail::Whole } else { Tail::Torn };
                return Err(error);
            }
            first += rows;
        }
        Ok(())
    }

    fn write_message(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let table = self.table;
        if self.bytes == 0 {
            // The first message, the schema, was never written whole.
            self.encoder = encoder(&self.schema, table)?;
        }
        let encode = |source| Error::Encode { table: table.name(), source };
        // A message comes as several buffers for each column, most of them of some bytes: one call of the kernel for all.
        let buffers = self.encoder.encode(batch).map_err(encode)?;
        let mut message = Vec::with_capacity(buffers.iter().map(|buffer| buffer.len()).sum());
        buffers.iter().for_each(|buffer| message.extend_from_slice(buffer));
        self.file.write_all(&message).map_err(Error::io("write", &self.path))?;
        self.bytes += message.len() as u64;
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> Result<(), Error> {
        self.file.truncate(length).map_err(Error::io("write", &self.path))
    }
}

fn encoder(schema: &Schema, table: Table) -> Result<StreamEncoder, Error> {
    let encode = |source: ArrowError| Error::Encode { table: table.name(), source };
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).map_err(encode)?;
    StreamEncoder::try_new_with_options(schema, options).map_err(encode)
}

impl std::fmt::Debug for JournalWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JournalWriter").field("path", &self.path).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
