//! JSON lines: one object a row.

use arrow_array::RecordBatch;
use obit_schema::text::json_lines;

use super::batch_writer::{BatchWriter, WriterNotes};
use super::destination::Destination;

/// Writes rows as JSON lines.
pub struct JsonLinesWriter {
    output: Destination,
}

impl JsonLinesWriter {
    pub fn new(output: Destination) -> Self {
        Self { output }
    }
}

impl BatchWriter for JsonLinesWriter {
    fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        Ok(json_lines::write(batch, &mut self.output)?)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<WriterNotes> {
        self.output.finish()?;
        Ok(WriterNotes::default())
    }
}
