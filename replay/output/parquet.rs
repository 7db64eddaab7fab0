//! Parquet, with the types of the case.

use anyhow::Context;
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::batch_writer::{BatchWriter, WriterNotes};
use super::destination::NewFile;

/// Writes rows into one Parquet file.
pub struct ParquetWriter {
    writer: ArrowWriter<NewFile>,
}

impl ParquetWriter {
    /// Begins a file; `notes` become its key-value metadata.
    pub fn new(schema: SchemaRef, notes: &[(&str, String)], output: NewFile) -> anyhow::Result<Self> {
        let notes = notes.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), value.clone())).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(notes))
            .build();
        let writer = ArrowWriter::try_new(output, schema, Some(properties)).context("cannot begin a Parquet file")?;
        Ok(Self { writer })
    }
}

impl BatchWriter for ParquetWriter {
    fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        self.writer.write(batch).context("cannot write rows as Parquet")
    }

    fn finish(self: Box<Self>) -> anyhow::Result<WriterNotes> {
        self.writer.into_inner().context("cannot write the footer of a Parquet file")?.finish()?;
        Ok(WriterNotes::default())
    }
}
