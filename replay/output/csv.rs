//! CSV as RFC 4180 has it, with a header and every column. In a file values are as they are.

use std::io::{self, Write};

use anyhow::Context;
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use obit_schema::text;
use obit_schema::text::Cell;
use obit_schema::text::json;
use obit_schema::text::time;
use obit_schema::value::Value;

use super::batch_writer::{BatchWriter, WriterNotes};
use super::destination::Destination;

/// The place of the output, which decides about characters that a terminal acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsvPlace {
    /// Standard output: such characters are escaped, as `\u{202e}`, also in a pipe, at whose end a
    /// terminal may be.
    StandardOutput,
    /// A file: values stay as they are.
    File,
}

/// Writes rows as CSV.
pub struct CsvWriter<W: Write> {
    place: CsvPlace,
    output: W,
    /// Number of values so far that begin as a formula does: spreadsheets run text that begins with
    /// `=`, `+`, `-` or `@`, also after a tab or a carriage return (OWASP, "CSV Injection").
    /// Evidence is not altered; the user is warned.
    formulas: u64,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the header.
    pub fn new(schema: &Schema, place: CsvPlace, mut output: W) -> anyhow::Result<Self> {
        write_record(schema.fields().iter().map(|field| field.name().clone()), &mut output)?;
        Ok(Self { place, output, formulas: 0 })
    }

    fn write_rows(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        for row in 0..batch.num_rows() {
            let mut values = Vec::with_capacity(batch.num_columns());
            for column in batch.columns() {
                values.push(self.value(Cell::new(column.as_ref(), row))?);
            }
            write_record(values, &mut self.output)?;
        }
        Ok(())
    }

    fn value(&mut self, cell: Cell<'_>) -> anyhow::Result<String> {
        Ok(match cell.0 {
            Value::Null => String::new(),
            Value::Str(value) => {
                self.formulas += u64::from(value.starts_with(['=', '+', '-', '@', '\t', '\r']));
                match self.place {
                    CsvPlace::StandardOutput => text::printable(value).into_owned(),
                    CsvPlace::File => value.to_owned(),
                }
            }
            Value::TimestampNs(ns) => time::rfc3339(ns),
            _ => json::to_string(&cell)?,
        })
    }
}

impl BatchWriter for CsvWriter<Destination> {
    fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        self.write_rows(batch)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<WriterNotes> {
        self.output.finish()?;
        Ok(WriterNotes { formulas: self.formulas })
    }
}

fn write_record(values: impl IntoIterator<Item = String>, output: &mut impl Write) -> anyhow::Result<()> {
    // The line is built in memory: an I/O error inside the csv crate would hide a closed pipe.
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(values).context("building a CSV line")?;
    let line = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    Ok(output.write_all(&line)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{ArrayRef, StringArray, TimestampNanosecondArray, UInt64Array};
    use std::sync::Arc;

    fn batch(text: Vec<Option<&str>>) -> RecordBatch {
        let rows = text.len();
        let text: ArrayRef = Arc::new(StringArray::from(text));
        let number: ArrayRef = Arc::new(UInt64Array::from(vec![None; rows]));
        let time: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![0; rows]).with_timezone("UTC"));
        let mut list = ListBuilder::new(StringBuilder::new());
        (0..rows).for_each(|_| list.append_value([Some("runc"), Some("a,\"b")]));
        let list: ArrayRef = Arc::new(list.finish());
        RecordBatch::try_from_iter_with_nullable([
            ("text", text, true),
            ("n", number, true),
            ("ts", time, true),
            ("argv", list, true),
        ])
        .expect("a batch")
    }

    /// Writes batches of these texts. Returns the CSV and the number of formulas.
    fn written(place: CsvPlace, batches: &[Vec<Option<&str>>]) -> (String, u64) {
        let schema = batch(Vec::new()).schema();
        let mut writer = CsvWriter::new(&schema, place, Vec::new()).expect("a Vec takes all");
        for text in batches {
            writer.write_rows(&batch(text.clone())).expect("a Vec takes all");
        }
        (String::from_utf8(writer.output).expect("UTF-8"), writer.formulas)
    }

    #[test]
    fn another_reader_gets_the_same_values_back() {
        let (text, _) = written(CsvPlace::File, &[vec![Some("a,\"b\"\nc"), None, Some("")]]);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        assert_eq!(reader.headers().expect("a header").iter().collect::<Vec<_>>(), ["text", "n", "ts", "argv"]);
        let records: Vec<_> = reader.records().collect::<Result<_, _>>().expect("valid CSV");
        assert_eq!(records.len(), 3);
        assert_eq!((&records[0][0], &records[0][1]), ("a,\"b\"\nc", ""));
        assert_eq!(&records[1][2], "1970-01-01T00:00:00.000000000Z");
        let argv: Vec<String> = serde_json::from_str(&records[1][3]).expect("a JSON list");
        assert_eq!(argv, ["runc", "a,\"b"]);
    }

    #[test]
    fn the_header_is_written_once() {
        let (text, _) = written(CsvPlace::File, &[vec![Some("x")], vec![Some("y")]]);
        assert!(text.starts_with("text,") && text.contains("\ny,"), "{text}");
        assert_eq!(text.lines().count(), 3, "{text}");
    }

    #[test]
    fn formulas_are_counted_and_left_as_they_are() {
        let values = vec![Some("=cmd()"), Some("a=b"), Some("@x"), Some("-1"), Some("+1"), Some("\t=1"), None];
        let (text, formulas) = written(CsvPlace::File, &[values]);
        assert_eq!(formulas, 5);
        assert!(text.contains("\n=cmd(),"), "{text}");
    }

    #[test]
    fn standard_output_gets_nothing_that_a_terminal_acts_on() {
        let (text, _) = written(CsvPlace::StandardOutput, &[vec![Some("\x1b[2J\u{202e}")]]);
        assert!(!text.chars().any(|c| c != '\n' && obit_schema::text::is_hazard(c)), "{text:?}");
    }
}
