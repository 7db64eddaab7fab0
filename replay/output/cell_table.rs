//! Tables for people of any columns, with the values as JSON has them.

use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, Schema};
use obit_schema::text::{Cell, json, time};
use obit_schema::value::{Cells, Value};

use super::batch_writer::{BatchWriter, WriterNotes};
use super::destination::Destination;
use super::table::{Alignment, ColumnLayout, TextTableWriter};

/// Writes rows as a table of the columns that were asked for.
pub struct CellTableWriter {
    table: TextTableWriter<Destination>,
}

impl CellTableWriter {
    /// Begins a table. `headings` are the names of the schema's columns, as they last.
    pub fn new(schema: &Schema, headings: &[&'static str], path: Option<&Path>) -> anyhow::Result<Self> {
        let layouts = schema.fields().iter().zip(headings).map(|(field, heading)| {
            let is_number =
                matches!(field.data_type(), DataType::UInt32 | DataType::UInt64 | DataType::Int32 | DataType::Int64);
            let alignment = if is_number { Alignment::Right } else { Alignment::Left };
            ColumnLayout { heading, narrowest: heading.len().min(12), alignment }
        });
        Ok(Self { table: TextTableWriter::open(layouts.collect(), path)? })
    }
}

/// Returns the text of a value.
fn cell_text(value: Value<'_>) -> anyhow::Result<String> {
    Ok(match value {
        Value::Null => "-".to_owned(),
        Value::Str(text) => text.to_owned(),
        Value::TimestampNs(ns) => time::to_millisecond(ns),
        other => json::to_string(&Cell(other))?,
    })
}

impl BatchWriter for CellTableWriter {
    fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        let columns: Vec<_> = batch.columns().iter().map(|column| Cells::new(column.as_ref())).collect();
        for row in 0..batch.num_rows() {
            let cells = columns.iter().map(|cells| cell_text(cells.value(row))).collect::<Result<_, _>>()?;
            self.table.write(cells)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> anyhow::Result<WriterNotes> {
        self.table.finish()?.finish()?;
        Ok(WriterNotes::default())
    }
}
