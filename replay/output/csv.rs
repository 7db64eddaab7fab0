//! CSV as RFC 4180 has it, with a header, every column, and values as they are.

use std::io::{self, Write};

use anyhow::Context;
use arrow_array::RecordBatch;
use obit_schema::value::Value;

use obit_schema::text;
use obit_schema::text::Cell;
use obit_schema::text::json;
use obit_schema::text::time;

/// What to do with characters that a terminal acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A person at a terminal: write them out as `\u{202e}`.
    Terminal,
    /// A file or a program: leave values as they are.
    Program,
}

/// Writes batches of one table.
pub struct CsvWriter {
    reader: Reader,
    header_is_written: bool,
    formulas: u64,
}

impl CsvWriter {
    pub fn new(reader: Reader) -> Self {
        Self { reader, header_is_written: false, formulas: 0 }
    }

    /// How many values so far begin as a formula does: spreadsheets run text that begins with `=`, `+`, `-` or `@`, also
    /// after a tab or a carriage return (OWASP, "CSV Injection"). Evidence is not altered; whoever prints it must say so.
    pub fn formulas(&self) -> u64 {
        self.formulas
    }

    /// Writes the header, if nothing was written yet.
    pub fn header(&mut self, schema: &arrow_schema::Schema, output: &mut impl Write) -> anyhow::Result<()> {
        if !self.header_is_written {
            self.header_is_written = true;
            write_record(schema.fields().iter().map(|field| field.name().clone()), output)?;
        }
        Ok(())
    }

    /// Writes every row of the batch.
    pub fn write(&mut self, batch: &RecordBatch, output: &mut impl Write) -> anyhow::Result<()> {
        self.header(batch.schema_ref(), output)?;
        for row in 0..batch.num_rows() {
            let mut values = Vec::with_capacity(batch.num_columns());
            for column in batch.columns() {
                values.push(self.value(Cell::new(column.as_ref(), row))?);
            }
            write_record(values, output)?;
        }
        Ok(())
    }

    fn value(&mut self, cell: Cell<'_>) -> anyhow::Result<String> {
        Ok(match cell.0 {
            Value::Null => String::new(),
            Value::Str(value) => {
                self.formulas += u64::from(value.starts_with(['=', '+', '-', '@', '\t', '\r']));
                match self.reader {
                    Reader::Terminal => text::printable(value).into_owned(),
                    Reader::Program => value.to_owned(),
                }
            }
            Value::TimestampNs(ns) => time::rfc3339(ns),
            _ => json::to_string(&cell)?,
        })
    }
}

fn write_record(values: impl IntoIterator<Item = String>, output: &mut impl Write) -> anyhow::Result<()> {
    // Into memory first: the csv crate keeps an I/O error where a closed pipe cannot be told from trouble.
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

    fn written(writer: &mut CsvWriter, text: Vec<Option<&str>>) -> String {
        let mut output = Vec::new();
        writer.write(&batch(text), &mut output).expect("a Vec takes all");
        String::from_utf8(output).expect("UTF-8")
    }

    #[test]
    fn another_reader_gets_the_same_values_back() {
        let text = written(&mut CsvWriter::new(Reader::Program), vec![Some("a,\"b\"\nc"), None, Some("")]);
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
        let mut writer = CsvWriter::new(Reader::Program);
        assert!(written(&mut writer, vec![Some("x")]).starts_with("text,"));
        assert!(written(&mut writer, vec![Some("y")]).starts_with("y,"));
    }

    #[test]
    fn formulas_are_counted_and_left_as_they_are() {
        let mut writer = CsvWriter::new(Reader::Program);
        let text = written(
            &mut writer,
            vec![Some("=cmd()"), Some("a=b"), Some("@x"), Some("-1"), Some("+1"), Some("\t=1"), None],
        );
        assert_eq!(writer.formulas(), 5);
        assert!(text.contains("\n=cmd(),"), "{text}");
    }

    #[test]
    fn a_terminal_gets_nothing_it_would_act_on() {
        let text = written(&mut CsvWriter::new(Reader::Terminal), vec![Some("\x1b[2J\u{202e}")]);
        assert!(!text.chars().any(|c| c != '\n' && obit_schema::text::is_hazard(c)), "{text:?}");
    }
}
