//! Entries of systemd's journal, in its native protocol.

use std::io::{self, Write};

use obit_schema::text::row_words::short_id;
use obit_schema::value::Value;

use super::encoder::RowEncoder;
use super::instant::row_instant;
use super::json_line::JsonLine;
use super::row::{ExportRow, RowBatch};
use super::sentence::write_sentence;

/// Columns whose fields have the names that docker and podman give to theirs.
const NAMES: [(&str, &str); 3] =
    [("container_id", "CONTAINER_ID_FULL"), ("container_name", "CONTAINER_NAME"), ("image_name", "IMAGE_NAME")];

/// Writes an entry for each row. Whoever sends them sends each batch of one row as one datagram.
#[derive(Default)]
pub struct JournalEncoder {
    message: String,
    json: JsonLine,
}

impl RowEncoder for JournalEncoder {
    fn encode(&mut self, batch: &RowBatch<'_>, output: &mut dyn Write) -> io::Result<()> {
        for row in batch.rows() {
            self.write(batch, &row, output)?;
        }
        Ok(())
    }
}

impl JournalEncoder {
    fn write(&mut self, batch: &RowBatch<'_>, row: &ExportRow<'_>, output: &mut dyn Write) -> io::Result<()> {
        if let Some(instant) = row_instant(row) {
            write_sentence(row, &instant, &mut self.message);
            field(output, "MESSAGE", self.message.as_bytes())?;
        }
        // Notice: nothing is wrong, and somebody may want to know.
        field(output, "PRIORITY", b"5")?;
        field(output, "SYSLOG_IDENTIFIER", b"obit-capture")?;
        field(output, "OBIT_EVENT", batch.table.name().as_bytes())?;
        if let Some(id) = &row.origin.case_id {
            field(output, "OBIT_CASE_ID", id.as_bytes())?;
        }
        if let Some(id) = row.container_id() {
            field(output, "CONTAINER_ID", short_id(id).as_bytes())?;
        }
        for column in batch.table.columns() {
            let named = NAMES.iter().find(|(name, _)| *name == column.name);
            let name =
                named.map_or_else(|| format!("OBIT_{}", column.name.to_uppercase()), |(_, name)| (*name).to_owned());
            match batch.cells(column.name).value(row.index) {
                Value::Null => {}
                Value::Str(text) => field(output, &name, text.as_bytes())?,
                other => {
                    self.json.clear();
                    self.json.value(other)?;
                    // A time is the only other value that JSON has as a text.
                    let text = self.json.bytes();
                    let bare = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
                    field(output, &name, bare.unwrap_or(text))?;
                }
            }
        }
        Ok(())
    }
}

/// Writes a field by its length, so that nothing in its value begins another field.
fn field(output: &mut dyn Write, name: &str, value: &[u8]) -> io::Result<()> {
    output.write_all(name.as_bytes())?;
    output.write_all(b"\n")?;
    output.write_all(&(value.len() as u64).to_le_bytes())?;
    output.write_all(value)?;
    output.write_all(b"\n")
}
