//! Rows that wait in memory, compressed.

use std::io::Cursor;

use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::ArrowError;

/// A batch as an Arrow IPC stream of its own, whose buffers are compressed.
#[derive(Debug)]
pub struct CompressedBatch(Box<[u8]>);

impl CompressedBatch {
    /// Compresses a batch.
    ///
    /// # Errors
    /// Arrow refuses the batch.
    pub fn new(batch: &RecordBatch) -> Result<Self, ArrowError> {
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::ZSTD))?;
        let mut writer = StreamWriter::try_new_with_options(Vec::new(), batch.schema_ref(), options)?;
        writer.write(batch)?;
        Ok(Self(writer.into_inner()?.into()))
    }

    /// Returns the batch.
    ///
    /// # Errors
    /// Arrow cannot read what it wrote.
    pub fn decompress(&self) -> Result<RecordBatch, ArrowError> {
        let mut reader = StreamReader::try_new(Cursor::new(&self.0), None)?;
        match reader.next() {
            Some(batch) => batch,
            None => Ok(RecordBatch::new_empty(reader.schema())),
        }
    }

    /// Returns its size in memory.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }
}
