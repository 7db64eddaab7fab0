//! Derived rows on their way out, in the format asked for.

use std::path::Path;

use anyhow::{Context, bail};
use arrow_schema::SchemaRef;
use obit_analysis::derive::{derive_batches, derive_rows, table_of};
use obit_analysis::profile;
use obit_case::{Case, Problem};
use obit_derivation::Profile;
use obit_schema::Table;

use super::activity::Activity;
use super::batch_writer::{BatchWriter, WriterNotes};
use super::columns;
use super::csv::{CsvPlace, CsvWriter};
use super::destination::{Destination, NewFile};
use super::format::RowFormat;
use super::jsonl::JsonLinesWriter;
use super::parquet::ParquetWriter;
use super::table::TextTableWriter;
use crate::version::version;

/// A request for the rows of one derived table.
#[derive(Clone, Copy, Debug)]
pub struct RowRequest<'a> {
    pub table: Table,
    pub profile: Profile,
    pub format: RowFormat,
    /// The new file to write; `None` for standard output.
    pub path: Option<&'a Path>,
}

/// The result of writing rows.
#[derive(Debug)]
pub struct RowsReport {
    pub rows: u64,
    pub notes: WriterNotes,
    /// The problems that reading the case met.
    pub problems: Vec<Problem>,
}

/// Derives the rows of a table and writes them: of each row, the columns that the profile fills.
pub fn write_rows(case: &Case, request: &RowRequest<'_>) -> anyhow::Result<RowsReport> {
    let path = request.path;
    match (request.format, path) {
        (RowFormat::Table, _) => write_table(case, request),
        (RowFormat::Jsonl, _) => {
            write_batches(case, request, |_| Ok(Box::new(JsonLinesWriter::new(Destination::open(path)?))))
        }
        (RowFormat::Csv, _) => write_batches(case, request, |schema| {
            let place = if path.is_some() { CsvPlace::File } else { CsvPlace::StandardOutput };
            Ok(Box::new(CsvWriter::new(&schema, place, Destination::open(path)?)?))
        }),
        (RowFormat::Parquet, None) => bail!("Parquet is not for standard output; give a file with --output PATH"),
        (RowFormat::Parquet, Some(path)) => write_batches(case, request, |schema| {
            let notes = parquet_notes(case, request);
            Ok(Box::new(ParquetWriter::new(schema, &notes, NewFile::create(path)?)?))
        }),
    }
}

fn write_table(case: &Case, request: &RowRequest<'_>) -> anyhow::Result<RowsReport> {
    let RowRequest { table, profile, path, .. } = *request;
    let mut rows = derive_rows(case, profile)?.matching(|row| table_of(row) == table);
    let (layouts, output) = (columns::layouts(table, profile), Destination::for_people(path)?);
    let mut writer = match path {
        Some(_) => TextTableWriter::for_file(layouts, output),
        None => TextTableWriter::new(layouts, output),
    };
    let mut count = 0;
    for row in rows.by_ref() {
        writer.write(columns::cells(&row?, profile)).with_context(|| cannot_write(path))?;
        count += 1;
    }
    writer.finish().and_then(Destination::finish).with_context(|| cannot_write(path))?;
    Ok(RowsReport { rows: count, notes: WriterNotes::default(), problems: rows.problems().to_vec() })
}

fn write_batches(
    case: &Case,
    request: &RowRequest<'_>,
    open: impl FnOnce(SchemaRef) -> anyhow::Result<Box<dyn BatchWriter>>,
) -> anyhow::Result<RowsReport> {
    let RowRequest { table, profile, path, .. } = *request;
    // On a terminal the rows themselves are the sign of life.
    let activity = path.map(|_| Activity::on_records("deriving rows from", &[case]));
    let mut batches = derive_batches(case, profile, &[table])?;
    let mut writer = open(profile::schema(profile, table)?)?;
    let mut rows = 0;
    for batch in batches.by_ref() {
        let (_, batch) = batch?;
        rows += batch.num_rows() as u64;
        writer.write(&batch).with_context(|| cannot_write(path))?;
    }
    let notes = writer.finish().with_context(|| cannot_write(path))?;
    drop(activity);
    Ok(RowsReport { rows, notes, problems: batches.problems().to_vec() })
}

/// Returns the facts about the rows that a Parquet file states in its metadata.
fn parquet_notes(case: &Case, request: &RowRequest<'_>) -> [(&'static str, String); 6] {
    let case_id = case.manifest().map(|manifest| manifest.case_id.clone());
    [
        ("obit.table", request.table.name().to_owned()),
        ("obit.schema_version", obit_schema::SCHEMA_VERSION.to_string()),
        ("obit.derivation_version", obit_derivation::fold::DERIVATION_VERSION.to_string()),
        ("obit.profile", request.profile.as_str().to_owned()),
        ("obit.derived_by", format!("obit-replay {}", version())),
        ("obit.case_id", case_id.unwrap_or_default()),
    ]
}

fn cannot_write(path: Option<&Path>) -> String {
    match path {
        Some(path) => format!("cannot write {} (removed again; check the disk's free space)", path.display()),
        None => "cannot write to standard output".to_owned(),
    }
}
