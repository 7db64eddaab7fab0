//! Rows on their way out: as a table for people, as JSON lines or CSV for programs, as Parquet for both.

mod columns;
mod csv;
pub mod destination;
pub mod differences;
mod parquet;
pub mod problems;
pub mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use obit_derivation::{Profile, Row};
use obit_schema::Table;
use obit_schema::encode::RowsBuilder;
use obit_schema::text::json_lines;

use crate::cli::{self, Format};
use csv::{CsvWriter, Reader};
use destination::{Destination, NewFile};
use obit_analysis::profile;
use parquet::ParquetFile;
use table::TableWriter;

/// Rows that are gathered into one batch.
const BATCH_ROWS: usize = 4_096;

/// Writes the rows of one derived table: of each, the columns that the profile fills.
pub struct RowWriter {
    table: Table,
    profile: Profile,
    shape: Shape,
    /// The file; standard output if there is none.
    to: Option<PathBuf>,
    rows: u64,
}

enum Shape {
    Lines(TableWriter, Destination),
    Jsonl(RowsBuilder, Destination),
    Csv(RowsBuilder, CsvWriter, Destination),
    Parquet(RowsBuilder, Box<ParquetFile<NewFile>>),
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub rows: u64,
    /// Values that a spreadsheet may run as formulas; of CSV only.
    pub formulas: u64,
}

impl RowWriter {
    /// Begins the output. `case_id` is noted in formats that have a place for it.
    pub fn open(
        table: Table,
        profile: Profile,
        format: Format,
        path: Option<&Path>,
        case_id: Option<&str>,
    ) -> anyhow::Result<Self> {
        let shape = match format {
            Format::Table => Shape::Lines(TableWriter::new(columns::of(table, profile)), Destination::open(path)?),
            Format::Jsonl => Shape::Jsonl(RowsBuilder::new(), Destination::open(path)?),
            Format::Csv => {
                let to = Destination::open(path)?;
                let reader = if to.is_terminal() { Reader::Terminal } else { Reader::Program };
                Shape::Csv(RowsBuilder::new(), CsvWriter::new(reader), to)
            }
            Format::Parquet => {
                let Some(path) = path else {
                    bail!("Parquet is not for standard output; give a file with --output PATH");
                };
                let notes = [
                    ("obit.table", table.name().to_owned()),
                    ("obit.schema_version", obit_schema::SCHEMA_VERSION.to_string()),
                    ("obit.derivation_version", obit_derivation::fold::DERIVATION_VERSION.to_string()),
                    ("obit.profile", profile.as_str().to_owned()),
                    ("obit.derived_by", format!("obit-replay {}", cli::version())),
                    ("obit.case_id", case_id.unwrap_or_default().to_owned()),
                ];
                let file = ParquetFile::new(schema_of(table, profile)?, &notes, NewFile::create(path)?)?;
                Shape::Parquet(RowsBuilder::new(), Box::new(file))
            }
        };
        Ok(Self { table, profile, shape, to: path.map(Path::to_owned), rows: 0 })
    }

    /// Writes a row of the table.
    pub fn write(&mut self, row: &Row) -> anyhow::Result<()> {
        self.write_row(row).with_context(|| cannot_write(&self.to))
    }

    /// Writes what is held back and ends the output.
    pub fn finish(self) -> anyhow::Result<Written> {
        let to = self.to.clone();
        self.write_end().with_context(|| cannot_write(&to))
    }

    fn write_row(&mut self, row: &Row) -> anyhow::Result<()> {
        self.rows += 1;
        let builder = match &mut self.shape {
            Shape::Lines(lines, to) => return Ok(lines.row(columns::cells(row, self.profile), to)?),
            Shape::Jsonl(builder, _) | Shape::Csv(builder, ..) | Shape::Parquet(builder, _) => builder,
        };
        builder.append(row);
        if builder.len() >= BATCH_ROWS { self.write_batch() } else { Ok(()) }
    }

    fn write_end(mut self) -> anyhow::Result<Written> {
        self.write_batch()?;
        let mut written = Written { rows: self.rows, formulas: 0 };
        match self.shape {
            Shape::Lines(mut lines, mut to) => {
                lines.finish(&mut to)?;
                to.finish()?;
            }
            Shape::Jsonl(_, to) => to.finish()?,
            Shape::Csv(_, mut csv, mut to) => {
                csv.header(schema_of(self.table, self.profile)?.as_ref(), &mut to)?;
                to.finish()?;
                written.formulas = csv.formulas();
            }
            Shape::Parquet(_, file) => file.into_inner()?.finish()?,
        }
        Ok(written)
    }

    fn write_batch(&mut self) -> anyhow::Result<()> {
        let places = profile::filled(self.profile, self.table);
        match &mut self.shape {
            Shape::Lines(..) => {}
            Shape::Jsonl(builder, to) => {
                for batch in take(builder, &places)? {
                    json_lines::write(&batch, to)?;
                }
            }
            Shape::Csv(builder, csv, to) => {
                for batch in take(builder, &places)? {
                    csv.write(&batch, to)?;
                }
            }
            Shape::Parquet(builder, file) => {
                for batch in take(builder, &places)? {
                    file.write(&batch)?;
                }
            }
        }
        Ok(())
    }
}

/// The batches gathered, with the columns at these places; of one table, as only its rows were appended.
fn take(builder: &mut RowsBuilder, places: &[usize]) -> anyhow::Result<Vec<RecordBatch>> {
    let batches = builder.finish().context("cannot put derived rows into columns")?;
    batches.iter().map(|(_, batch)| profile::project(batch, places)).collect()
}

/// The schema of the columns that the profile fills.
fn schema_of(table: Table, profile: Profile) -> anyhow::Result<SchemaRef> {
    let places = profile::filled(profile, table);
    Ok(Arc::new(table.schema().project(&places).context("cannot leave columns out")?))
}

fn cannot_write(to: &Option<PathBuf>) -> String {
    match to {
        Some(path) => format!("cannot write {} (removed again; check the disk's free space)", path.display()),
        None => "cannot write to standard output".to_owned(),
    }
}
