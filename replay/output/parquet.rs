//! Parquet, with the types of the case.

use std::io::Write;
use std::sync::Arc;

use anyhow::Context;
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

/// Writes batches of one table into one file.
pub struct ParquetFile<W: Write + Send> {
    writer: ArrowWriter<W>,
}

impl<W: Write + Send> ParquetFile<W> {
    /// Begins a file; `notes` become its key-value metadata.
    pub fn new(schema: Arc<Schema>, notes: &[(&str, String)], output: W) -> anyhow::Result<Self> {
        let notes = notes.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone())).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(notes))
            .build();
        let writer = ArrowWriter::try_new(output, schema, Some(properties)).context("cannot begin a Parquet file")?;
        Ok(Self { writer })
    }

    /// Writes every row of the batch.
    pub fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        self.writer.write(batch).context("cannot write rows as Parquet")
    }

    /// Writes the footer and gives the output back.
    pub fn into_inner(self) -> anyhow::Result<W> {
        self.writer.into_inner().context("cannot write the footer of a Parquet file")
    }
}
