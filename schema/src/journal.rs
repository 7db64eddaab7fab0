//! The open tail of a table: one Arrow IPC stream beside each part that is not sealed yet.
//!
//! Each batch is on disk as a whole before the next one follows, so a stream that a power cut ended is read up to its
//! last whole batch. Framing: Arrow columnar format, "Encapsulated message format".

mod frame;
mod read;

pub(crate) use read::JournalReader;

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{IpcWriteOptions, StreamEncoder};

use crate::directory::Directory;
use crate::error::Error;
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

/// Writes one journal.
pub(crate) struct JournalWriter {
    directory: Arc<Directory>,
    name: String,
    path: PathBuf,
    file: File,
    encoder: StreamEncoder,
    table: Table,
    /// Length of what is whole.
    bytes: u64,
    unsynced: bool,
}

impl JournalWriter {
    /// Begins a journal.
    pub(crate) fn create(directory: Arc<Directory>, origin: &Origin, table: Table, number: u32) -> Result<Self, Error> {
        let name = file_name(table, number);
        let path = directory.path().join(&name);
        let schema = Schema::new_with_metadata(table.schema().fields().clone(), origin.pairs(table));
        let encode = |source: ArrowError| Error::Encode { table: table.name(), source };
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD)).map_err(encode)?;
        let encoder = StreamEncoder::try_new_with_options(&schema, options).map_err(encode)?;
        let file = directory.create_file(&name)?;
        directory.sync()?;
        Ok(Self { directory, name, path, file, encoder, table, bytes: 0, unsynced: false })
    }

    /// Adds rows. After an error the journal ends with the last batch that was whole.
    pub(crate) fn append(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let mut first = 0;
        while first < batch.num_rows() {
            let rows = MESSAGE_ROWS.min(batch.num_rows() - first);
            self.append_message(&batch.slice(first, rows))?;
            first += rows;
        }
        Ok(())
    }

    fn append_message(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        let table = self.table.name();
        let buffers = self.encoder.encode(batch).map_err(|source| Error::Encode { table, source })?;
        self.unsynced = true;
        let written = buffers.iter().try_for_each(|buffer| self.file.write_all(buffer));
        if let Err(source) = written {
            // A torn end would hide what is appended after it.
            let _ = self.file.set_len(self.bytes).and_then(|()| self.file.seek(SeekFrom::Start(self.bytes)));
            return Err(Error::io("write", &self.path)(source));
        }
        self.bytes += buffers.iter().map(|buffer| buffer.len() as u64).sum::<u64>();
        Ok(())
    }

    /// Brings it to disk.
    pub(crate) fn sync(&mut self) -> Result<(), Error> {
        if self.unsynced {
            self.file.sync_data().map_err(Error::io("sync", &self.path))?;
            self.unsynced = false;
        }
        Ok(())
    }

    /// Its length in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Removes it: its rows are in a sealed part.
    pub(crate) fn remove(self) -> Result<(), Error> {
        self.directory.remove_file(&self.name)
    }
}

impl std::fmt::Debug for JournalWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JournalWriter").field("path", &self.path).field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
