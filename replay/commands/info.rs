//! `info`: what a case holds, from its manifest and its parts' footers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use anyhow::Context;
use arrow_array::RecordBatch;
use obit_case::manifest::{self, Manifest, Segment};
use obit_case::reader::{PartInfo, PartSource};

use obit_case::{Case, Problem};
use obit_schema::value::{self, Value};
use obit_schema::{Table, kind};
use serde::Serialize;

use crate::cli::{InfoArgs, InfoFormat};
use crate::output::problems::report_problems;

use crate::Outcome;
use obit_analysis::problems::{self, Effect};
use obit_schema::text;
use obit_schema::text::json;
use obit_schema::text::time;

/// Most lost intervals kept; a storm may make one for each flush of the ring buffer.
const MAX_LOST_INTERVALS: usize = 10_000;

/// Everything that is said.
#[derive(Serialize)]
struct Info<'a> {
    path: String,
    closed: bool,
    manifest: Option<&'a Manifest>,
    counts: Counts,
    parts: Vec<Part<'a>>,
    lost_intervals: Vec<LostInterval>,
    problems: Vec<String>,
}

#[derive(Default, Serialize)]
struct Counts {
    by_kind: BTreeMap<String, u64>,
    by_table: BTreeMap<&'static str, u64>,
    lost: u64,
    /// Records whose text was cut, by what was; nothing of older cases.
    truncated: BTreeMap<String, u64>,
    /// How readings and questions went; nothing of older cases.
    outcomes: BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct Part<'a> {
    table: &'static str,
    number: u32,
    file: &'a str,
    sealed: bool,
    rows: u64,
    bytes: u64,
    first_seq: Option<u64>,
    last_seq: Option<u64>,
}

/// Events lost between two records.
#[derive(Serialize)]
struct LostInterval {
    /// The record that says so.
    seq: Option<u64>,
    /// The last record before which nothing is missing.
    since_seq: Option<u64>,
    ts: Option<String>,
    lost: u64,
    kind: Option<String>,
    cpu: Option<u64>,
}

pub fn run(args: &InfoArgs) -> anyhow::Result<Outcome> {
    let case = problems::open(&args.case)?;
    let mut found = Vec::new();
    let mut info = Info {
        path: case.path().display().to_string(),
        closed: case.is_closed(),
        manifest: case.manifest(),
        counts: Counts::default(),
        parts: Table::ALL
            .iter()
            .flat_map(|table| case.parts(*table).iter().map(|part| Part::of(*table, part)))
            .collect(),
        lost_intervals: Vec::new(),
        problems: Vec::new(),
    };
    for table in Table::ALL {
        info.counts.by_table.insert(table.name(), case.rows(table));
    }
    // A closed case has counted; any other is counted now. Lost events are looked for only where there are some.
    let mut counted = match case.manifest().filter(|_| case.is_closed()) {
        Some(manifest) => manifest.counts.clone(),
        None => manifest::CaseCounts::default(),
    };
    if !case.is_closed() {
        info.lost_intervals = scan(&case, &Table::RAW, &mut counted, &mut found)?;
    } else if counted.lost > 0 || counted.by_kind.contains_key(kind::LOST) {
        info.lost_intervals = scan(&case, &[Table::Events], &mut manifest::CaseCounts::default(), &mut found)?;
    }
    info.counts.by_kind = counted.by_kind;
    info.counts.lost = counted.lost;
    info.counts.truncated = counted.truncated;
    info.counts.outcomes = counted.outcomes;
    let problems = problems::all(&case, &found);
    info.problems = problems.iter().map(Problem::to_string).collect();

    let mut output = io::BufWriter::new(io::stdout().lock());
    match args.format {
        InfoFormat::Json => {
            json::write_pretty(&info, &mut output)?;
            output.write_all(b"\n")?;
        }
        InfoFormat::Text => output.write_all(in_words(&info).as_bytes())?,
    }
    output.flush()?;
    match report_problems(&case, &problems) {
        Effect::Damage | Effect::DerivedOnly => Ok(Outcome::Unusable),
        Effect::None | Effect::CutOff | Effect::Changed => Ok(Outcome::Ok),
    }
}

impl<'a> Part<'a> {
    fn of(table: Table, part: &'a PartInfo) -> Self {
        Self {
            table: table.name(),
            number: part.number,
            file: &part.file,
            sealed: part.source == PartSource::Sealed,
            rows: part.rows,
            bytes: part.bytes,
            first_seq: part.first_seq,
            last_seq: part.last_seq,
        }
    }
}

/// Reads tables for what they hold and, of raw/events, what was lost.
fn scan(
    case: &Case,
    tables: &[Table],
    counts: &mut manifest::CaseCounts,
    found: &mut Vec<Problem>,
) -> anyhow::Result<Vec<LostInterval>> {
    let mut intervals = Vec::new();
    for table in tables {
        let mut batches = case.batches(*table);
        while let Some(batch) = batches.next() {
            match batch {
                Ok(batch) => {
                    counts.count_rows(*table, &batch);
                    if *table == Table::Events {
                        push_losses(&mut intervals, &batch)?;
                    }
                }
                Err(error) => found.push(problems::damaged(batches.file(), error)),
            }
        }
    }
    Ok(intervals)
}

fn push_losses(intervals: &mut Vec<LostInterval>, batch: &RecordBatch) -> anyhow::Result<()> {
    let kinds = batch.column_by_name("kind").context("raw/events has no column kind")?;
    for row in 0..batch.num_rows() {
        if value::cell(kinds.as_ref(), row) != Value::Str(kind::LOST) || intervals.len() >= MAX_LOST_INTERVALS {
            continue;
        }
        let cell = |name| batch.column_by_name(name).map_or(Value::Null, |column| value::cell(column.as_ref(), row));
        intervals.push(LostInterval {
            seq: number(cell("seq")),
            since_seq: number(cell("lost_since_seq")),
            ts: match cell("ts") {
                Value::TimestampNs(ns) => Some(time::rfc3339(ns)),
                _ => None,
            },
            lost: number(cell("lost")).unwrap_or_default(),
            kind: match cell("lost_kind") {
                Value::Str(kind) => Some(kind.to_owned()),
                _ => None,
            },
            cpu: number(cell("cpu")),
        });
    }
    Ok(())
}

fn number(value: Value<'_>) -> Option<u64> {
    match value {
        Value::U64(number) => Some(number),
        _ => None,
    }
}

/// Most lines of parts and of lost intervals in the text form; the JSON has all.
const LINES: usize = 20;

fn in_words(info: &Info<'_>) -> String {
    let mut said = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(said, "case       {}", text::printable(&info.path));
    match info.manifest {
        Some(manifest) => push_manifest(&mut said, manifest, info.closed),
        None => said.push_str("state      not known: case.json could not be read\n"),
    }
    let _ = writeln!(said, "\nrows by table");
    for (table, rows) in &info.counts.by_table {
        let _ = writeln!(said, "  {rows:>12}  {table}");
    }
    let _ = writeln!(said, "\nevents by kind");
    for (kind, count) in &info.counts.by_kind {
        let _ = writeln!(said, "  {count:>12}  {}", text::shortened(kind, 60));
    }
    let _ = writeln!(said, "\nparts");
    for part in info.parts.iter().take(LINES) {
        let seqs = match (part.first_seq, part.last_seq) {
            (Some(first), Some(last)) => format!("seq {first} to {last}"),
            _ => "no rows".to_owned(),
        };
        let open = if part.sealed { "" } else { ", journal" };
        let file = text::shortened(part.file, 60);
        let _ = writeln!(said, "  {:>12}  {file} ({} bytes, {seqs}{open})", part.rows, part.bytes);
    }
    push_rest(&mut said, info.parts.len());
    let _ = writeln!(said, "\nlost events: {}", info.counts.lost);
    for interval in info.lost_intervals.iter().take(LINES) {
        let since = interval.since_seq.map_or_else(|| "?".to_owned(), |seq| seq.to_string());
        let seq = interval.seq.map_or_else(|| "?".to_owned(), |seq| seq.to_string());
        let kind = text::shortened(interval.kind.as_deref().unwrap_or("events"), 60);
        let at = interval.ts.as_deref().unwrap_or("?");
        let _ = writeln!(said, "  {:>12}  {kind} between records {since} and {seq}, noticed at {at}", interval.lost);
    }
    push_rest(&mut said, info.lost_intervals.len());
    push_counts(&mut said, "cut to fit", &info.counts.truncated);
    push_counts(&mut said, "readings and questions", &info.counts.outcomes);
    if let Some(manifest) = info.manifest {
        push_segments(&mut said, manifest);
    }
    let incomplete = info.manifest.map(|manifest| manifest.incomplete.as_slice()).unwrap_or_default();
    for shortfall in incomplete.iter().take(LINES) {
        let _ = writeln!(said, "incomplete: {}", text::printable(&problems::missing_range_text(shortfall)));
    }
    let _ = writeln!(said, "\nproblems: {}", info.problems.len());
    for problem in info.problems.iter().take(LINES) {
        let _ = writeln!(said, "  {}", text::printable(problem));
    }
    push_rest(&mut said, info.problems.len());
    said
}

fn push_manifest(said: &mut String, manifest: &Manifest, closed: bool) {
    // Writing to a String cannot fail.
    let state = if closed { "closed" } else { "open: the capture is running, or was cut off" };
    let _ = writeln!(said, "id         {}", text::shortened(&manifest.case_id, 80));
    let _ = writeln!(said, "state      {state}");
    let _ = writeln!(said, "started    {}", text::shortened(&manifest.started_at, 40));
    let _ = writeln!(said, "ended      {}", text::shortened(manifest.ended_at.as_deref().unwrap_or("-"), 40));
    let _ = writeln!(
        said,
        "recorder   obit-capture {} (git commit {})",
        text::shortened(&manifest.build.version, 40),
        text::shortened(&manifest.build.commit, 60)
    );
    let _ = writeln!(
        said,
        "versions   format {}, schema {}, derivation {}",
        manifest.format, manifest.schema_version, manifest.derivation_version
    );
    for (name, facts) in [("host", &manifest.host), ("options", &manifest.options), ("witness", &manifest.recorder)] {
        for (fact, value) in facts.iter().take(LINES) {
            let value = json::to_string(value).unwrap_or_default();
            let _ = writeln!(said, "{name:<10} {}: {}", text::shortened(fact, 40), text::shortened(&value, 200));
        }
    }
    for quirk in manifest.quirks.iter().take(LINES) {
        let _ = writeln!(said, "quirk      {}", text::shortened(quirk, 80));
    }
}

/// The segments of a flight recorder's case, and what it dropped.
fn push_segments(said: &mut String, manifest: &Manifest) {
    // Writing to a String cannot fail.
    if !manifest.segments.is_empty() {
        said.push_str("\nsegments\n");
    }
    for segment in manifest.segments.iter().take(LINES) {
        let Segment { number, first_seq, began, counts } = segment;
        let rows: u64 = counts.by_table.values().fold(0, |sum, rows| sum.saturating_add(*rows));
        let began = time::rfc3339(began.ts.0);
        let _ = writeln!(said, "  {rows:>12}  segment {number}, from record {first_seq} on, began {began}");
    }
    push_rest(said, manifest.segments.len());
    if let Some(dropped) = &manifest.dropped {
        let _ = writeln!(said, "\ndropped: {}", problems::dropped_in_words(dropped));
        for (table, rows) in &dropped.counts.by_table {
            let _ = writeln!(said, "  {rows:>12}  {}", text::shortened(table, 60));
        }
        for (kind, count) in dropped.counts.by_kind.iter().take(LINES) {
            let _ = writeln!(said, "  {count:>12}  {}", text::shortened(kind, 60));
        }
    }
}

/// Counts by name on one line.
fn push_counts(said: &mut String, what: &str, counts: &BTreeMap<String, u64>) {
    let each: Vec<_> =
        counts.iter().take(LINES).map(|(name, count)| format!("{count} {}", text::shortened(name, 40))).collect();
    let each = if counts.is_empty() { "not counted".to_owned() } else { each.join(", ") };
    // Writing to a String cannot fail.
    let _ = writeln!(said, "{what}: {each}");
}

fn push_rest(said: &mut String, count: usize) {
    if count > LINES {
        let _ = writeln!(said, "  {:>12}  more, see --format json", count - LINES);
    }
}
