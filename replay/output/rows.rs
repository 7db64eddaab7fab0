//! Derived rows on their way out, in the format asked for.

use std::iter;
use std::path::Path;

use anyhow::{Context, bail};
use obit_analysis::derive::{BATCH_ROWS, derive_matching, derive_rows_since, table_of};
use obit_analysis::filter::RowFilter;
use obit_analysis::order::{PlacedRow, RowSorter, SortKey};
use obit_analysis::origin::{OutputColumns, RowOrigin};
use obit_case::{Case, Problem};
use obit_derivation::{Profile, Row};
use obit_schema::Table;
use obit_schema::encode::RowsBuilder;

use super::activity::Activity;
use super::batch_writer::{BatchWriter, WriterNotes};
use super::cell_table::CellTableWriter;
use super::columns;
use super::csv::{CsvPlace, CsvWriter};
use super::destination::{Destination, NewFile};
use super::format::RowFormat;
use super::hosts::host_names;
use super::jsonl::JsonLinesWriter;
use super::parquet::ParquetWriter;
use super::table::TextTableWriter;
use crate::version::version;

/// A request for rows of one derived table.
#[derive(Clone, Debug)]
pub struct RowRequest<'a> {
    pub table: Table,
    pub profile: Profile,
    pub format: RowFormat,
    /// The new file to write; `None` for standard output.
    pub path: Option<&'a Path>,
    pub filter: RowFilter,
    /// Keys to sort by; with none, rows stay in the order of their case, or of their time if there
    /// are several cases.
    pub sort: Vec<SortKey>,
    /// Most rows.
    pub limit: Option<usize>,
    /// Names of columns; with none, those that are usual for the format.
    pub columns: &'a [String],
}

/// The result of writing rows.
#[derive(Debug, Default)]
pub struct RowsReport {
    pub rows: u64,
    pub notes: WriterNotes,
    /// The problems that reading each case met.
    pub problems: Vec<Vec<Problem>>,
}

/// Derives rows of a table and writes them.
pub fn write_rows(cases: &[Case], request: &RowRequest<'_>) -> anyhow::Result<RowsReport> {
    let origins: Vec<RowOrigin> = cases.iter().map(RowOrigin::of).collect();
    let is_joined = cases.len() > 1;
    let output = OutputColumns::choose(request.table, request.profile, request.columns, is_joined)?;
    let sink: Box<dyn PlacedRowSink> = if request.format == RowFormat::Table && request.columns.is_empty() {
        Box::new(PeopleTable::begin(request, if is_joined { host_names(&origins) } else { Vec::new() })?)
    } else {
        let writer = open_writer(cases, request, &output)?;
        if let ([case], [origin], []) = (cases, origins.as_slice(), request.sort.as_slice()) {
            return write_batches(case, origin, request, &output, writer);
        }
        Box::new(BatchRows { output: &output, origins: &origins, rows: Vec::new(), writer })
    };
    let limit = request.limit.unwrap_or(usize::MAX);
    match cases {
        [case] if request.sort.is_empty() => write_as_they_come(case, request, limit, sink),
        _ => write_in_order(cases, &origins, request, sink),
    }
}

/// Opens the writer of a format that takes rows in columns.
fn open_writer(
    cases: &[Case],
    request: &RowRequest<'_>,
    output: &OutputColumns,
) -> anyhow::Result<Box<dyn BatchWriter>> {
    let (path, schema) = (request.path, output.schema());
    Ok(match (request.format, path) {
        (RowFormat::Table, _) => Box::new(CellTableWriter::new(&schema, &output.names(), path)?),
        (RowFormat::Jsonl, _) => Box::new(JsonLinesWriter::new(Destination::open(path)?)),
        (RowFormat::Csv, _) => {
            let place = if path.is_some() { CsvPlace::File } else { CsvPlace::StandardOutput };
            Box::new(CsvWriter::new(&schema, place, Destination::open(path)?)?)
        }
        (RowFormat::Parquet, None) => bail!("Parquet is not for standard output; give a file with --output PATH"),
        (RowFormat::Parquet, Some(path)) => {
            Box::new(ParquetWriter::new(schema, &parquet_notes(cases, request), NewFile::create(path)?)?)
        }
    })
}

/// Writes the rows of one case in the order in which they were decided, in columns all the way.
fn write_batches(
    case: &Case,
    origin: &RowOrigin,
    request: &RowRequest<'_>,
    output: &OutputColumns,
    mut writer: Box<dyn BatchWriter>,
) -> anyhow::Result<RowsReport> {
    // On a terminal the rows themselves are the sign of life.
    let activity = request.path.map(|_| Activity::on_records("deriving rows from", &[case]));
    let mut batches = derive_matching(case, request.profile, &[request.table], request.filter.clone())?;
    let mut left = request.limit.unwrap_or(usize::MAX);
    let mut rows = 0;
    while left > 0
        && let Some(batch) = batches.next()
    {
        let (_, batch) = batch?;
        let batch = batch.slice(0, left.min(batch.num_rows()));
        left -= batch.num_rows();
        rows += batch.num_rows() as u64;
        let selected = output.select(&batch, iter::repeat(origin))?;
        writer.write(&selected).with_context(|| cannot_write(request.path))?;
    }
    let notes = writer.finish().with_context(|| cannot_write(request.path))?;
    drop(activity);
    Ok(RowsReport { rows, notes, problems: vec![batches.problems().to_vec()] })
}

/// Writes the rows of one case in the order in which they were decided.
fn write_as_they_come(
    case: &Case,
    request: &RowRequest<'_>,
    limit: usize,
    mut sink: Box<dyn PlacedRowSink + '_>,
) -> anyhow::Result<RowsReport> {
    let is_wanted = |row: &Row| table_of(row) == request.table && request.filter.matches(row);
    let mut derived = derive_rows_since(case, request.profile, request.filter.since)?.matching(is_wanted);
    let mut rows = 0;
    for row in derived.by_ref().take(limit) {
        sink.write(PlacedRow { case: 0, row: row? }).with_context(|| cannot_write(request.path))?;
        rows += 1;
    }
    let notes = sink.finish().with_context(|| cannot_write(request.path))?;
    Ok(RowsReport { rows, notes, problems: vec![derived.problems().to_vec()] })
}

/// Writes the rows of all cases in the order asked for, else as one time line.
fn write_in_order(
    cases: &[Case],
    origins: &[RowOrigin],
    request: &RowRequest<'_>,
    mut sink: Box<dyn PlacedRowSink + '_>,
) -> anyhow::Result<RowsReport> {
    let mut keys = request.sort.clone();
    // An unknown column would sort nothing.
    OutputColumns::choose(
        request.table,
        request.profile,
        &keys.iter().map(|key| key.column.clone()).collect::<Vec<_>>(),
        false,
    )
    .context("cannot sort")?;
    if keys.is_empty() {
        keys.push(SortKey::parse("ts"));
    }
    // Nothing is written before the last case is read.
    let activity = Activity::on_records("deriving rows from", &cases.iter().collect::<Vec<_>>());
    let mut sorter = RowSorter::new(keys, request.limit, origins);
    let mut report = RowsReport::default();
    for (place, case) in cases.iter().enumerate() {
        let is_wanted = |row: &Row| table_of(row) == request.table && request.filter.matches(row);
        let mut derived = derive_rows_since(case, request.profile, request.filter.since)?.matching(is_wanted);
        for row in derived.by_ref() {
            sorter.push(PlacedRow { case: place, row: row? })?;
        }
        report.problems.push(derived.problems().to_vec());
    }
    drop(activity);
    for row in sorter.finish()? {
        sink.write(row).with_context(|| cannot_write(request.path))?;
        report.rows += 1;
    }
    report.notes = sink.finish().with_context(|| cannot_write(request.path))?;
    Ok(report)
}

/// Writes rows one by one.
trait PlacedRowSink {
    fn write(&mut self, row: PlacedRow) -> anyhow::Result<()>;
    fn finish(self: Box<Self>) -> anyhow::Result<WriterNotes>;
}

/// The table of the columns that matter first.
struct PeopleTable {
    profile: Profile,
    /// The host of each case; empty if there is one case only.
    hosts: Vec<String>,
    table: TextTableWriter<Destination>,
}

impl PeopleTable {
    fn begin(request: &RowRequest<'_>, hosts: Vec<String>) -> anyhow::Result<Self> {
        let host = (!hosts.is_empty()).then_some(columns::HOST);
        let layouts = host.into_iter().chain(columns::layouts(request.table, request.profile)).collect();
        let table = TextTableWriter::open(layouts, request.path)?;
        Ok(Self { profile: request.profile, hosts, table })
    }
}

impl PlacedRowSink for PeopleTable {
    fn write(&mut self, PlacedRow { case, row }: PlacedRow) -> anyhow::Result<()> {
        let host = self.hosts.get(case).cloned();
        Ok(self.table.write(host.into_iter().chain(columns::cells(&row, self.profile)).collect())?)
    }

    fn finish(self: Box<Self>) -> anyhow::Result<WriterNotes> {
        self.table.finish()?.finish()?;
        Ok(WriterNotes::default())
    }
}

/// Puts rows into columns for a writer that takes these.
struct BatchRows<'a> {
    output: &'a OutputColumns,
    origins: &'a [RowOrigin],
    rows: Vec<PlacedRow>,
    writer: Box<dyn BatchWriter>,
}

impl BatchRows<'_> {
    fn write_pending(&mut self) -> anyhow::Result<()> {
        let mut builder = RowsBuilder::new();
        self.rows.iter().for_each(|placed| builder.append(&placed.row));
        // All rows are of one table.
        for (_, batch) in builder.finish()? {
            let origins = self.rows.iter().map(|placed| self.origins.get(placed.case).unwrap_or(RowOrigin::UNKNOWN));
            let selected = self.output.select(&batch, origins)?;
            self.writer.write(&selected)?;
        }
        self.rows.clear();
        Ok(())
    }
}

impl PlacedRowSink for BatchRows<'_> {
    fn write(&mut self, row: PlacedRow) -> anyhow::Result<()> {
        self.rows.push(row);
        if self.rows.len() >= BATCH_ROWS { self.write_pending() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> anyhow::Result<WriterNotes> {
        self.write_pending()?;
        self.writer.finish()
    }
}

/// Returns the facts about the rows that a Parquet file states in its metadata.
fn parquet_notes(cases: &[Case], request: &RowRequest<'_>) -> [(&'static str, String); 6] {
    let case_ids: Vec<_> = cases.iter().filter_map(Case::manifest).map(|manifest| manifest.case_id.as_str()).collect();
    [
        ("obit.table", request.table.name().to_owned()),
        ("obit.schema_version", obit_schema::SCHEMA_VERSION.to_string()),
        ("obit.derivation_version", obit_derivation::fold::DERIVATION_VERSION.to_string()),
        ("obit.profile", request.profile.as_str().to_owned()),
        ("obit.derived_by", format!("obit-replay {}", version())),
        ("obit.case_id", case_ids.join(",")),
    ]
}

fn cannot_write(path: Option<&Path>) -> String {
    match path {
        Some(path) => format!("cannot write {} (removed again; check the disk's free space)", path.display()),
        None => "cannot write to standard output".to_owned(),
    }
}
