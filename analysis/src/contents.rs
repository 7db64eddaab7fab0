//! Contents of a case: its manifest, parts, counts, lost events and problems.

use std::borrow::Cow;
use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use obit_case::manifest::{self, Manifest};
use obit_case::reader::{PartInfo, PartSource};
use obit_case::time_stamp::TimeStamp;
use obit_case::{Case, Problem};
use obit_schema::text::time;
use obit_schema::value::{self, Value};
use obit_schema::{Table, kind};
use serde::Serialize;

use crate::attachments::{self, Attachments, Handover};
use crate::error::Error;
use crate::problems;

/// Most lost intervals kept: a storm may make one for each flush of the ring buffer.
const MAX_LOST_INTERVALS: usize = 10_000;

/// The contents of a case. Their JSON is the output of `info --format json`.
#[derive(Debug, Serialize)]
pub struct CaseContents<'a> {
    /// The case's directory, as it was given.
    pub path: String,
    /// True if the capture closed the case.
    pub closed: bool,
    /// The contents of case.json, without the secret that salts are made from; `None` if it could
    /// not be read.
    pub manifest: Option<Cow<'a, Manifest>>,
    /// Counts of records and rows.
    pub counts: ContentCounts,
    /// The files of all tables.
    pub parts: Vec<ContentPart<'a>>,
    /// The intervals in which events were lost, in the order of the log; 10,000 at most.
    pub lost_intervals: Vec<LostInterval>,
    /// The hand-overs of the case.
    pub handovers: Vec<Handover>,
    /// The time stamp over case.json, whose signature is not checked.
    pub time_stamp: Option<TimeStamp>,
    /// The text of each problem.
    #[serde(rename = "problems")]
    pub problem_texts: Vec<String>,
    /// The problems of the case, each once.
    #[serde(skip)]
    pub problems: Vec<Problem>,
}

/// Counts of what a case holds.
#[derive(Debug, Default, Serialize)]
pub struct ContentCounts {
    /// Records of raw/events by kind.
    pub by_kind: BTreeMap<String, u64>,
    /// Rows by table.
    pub by_table: BTreeMap<&'static str, u64>,
    /// Lost events.
    pub lost: u64,
    /// Records whose text was cut, by the text; empty for cases of old builds.
    pub truncated: BTreeMap<String, u64>,
    /// Readings and questions by outcome; empty for cases of old builds.
    pub outcomes: BTreeMap<String, u64>,
}

/// A file of a table.
#[derive(Debug, Serialize)]
pub struct ContentPart<'a> {
    /// The table.
    pub table: &'static str,
    /// Number of the part within the table.
    pub number: u32,
    /// The file, relative to the case.
    pub file: &'a str,
    /// False for a journal.
    pub sealed: bool,
    /// Number of rows.
    pub rows: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// `seq` of the first row, if known.
    pub first_seq: Option<u64>,
    /// `seq` of the last row, if known.
    pub last_seq: Option<u64>,
}

/// An interval in which events were lost.
#[derive(Debug, Serialize)]
pub struct LostInterval {
    /// The record that reports the loss.
    pub seq: Option<u64>,
    /// The last record before which nothing is missing.
    pub since_seq: Option<u64>,
    /// Time of the report, RFC 3339.
    pub ts: Option<String>,
    /// Number of lost events.
    pub lost: u64,
    /// Kind of the lost events, if known.
    pub kind: Option<String>,
    /// Processor on which they were lost, if known.
    pub cpu: Option<u64>,
}

/// Returns a manifest as it may be printed.
fn without_secret(manifest: &Manifest) -> Cow<'_, Manifest> {
    match manifest.salt_seed {
        None => Cow::Borrowed(manifest),
        Some(_) => Cow::Owned(Manifest { salt_seed: None, ..manifest.clone() }),
    }
}

/// Lists the contents of a case from its manifest and the footers of its parts. Rows are read only
/// where counts are missing (the case was never closed) or events were lost.
///
/// # Errors
/// A table lacks a column that it must have.
pub fn list(case: &Case) -> Result<CaseContents<'_>, Error> {
    let mut found = Vec::new();
    let mut lost_intervals = Vec::new();
    // A closed case has counted its rows; any other is counted now.
    let counts = match case.manifest().filter(|_| case.is_closed()) {
        Some(manifest) => {
            let has_losses = manifest.counts.lost > 0 || manifest.counts.by_kind.contains_key(kind::LOST);
            if has_losses {
                lost_intervals = scan(case, &[Table::Events], &mut manifest::CaseCounts::default(), &mut found)?;
            }
            manifest.counts.clone()
        }
        None => {
            let mut counts = manifest::CaseCounts::default();
            lost_intervals = scan(case, &Table::RAW, &mut counts, &mut found)?;
            counts
        }
    };
    let Attachments { handovers, time_stamp, problems: mut of_attachments } = attachments::read(case, None);
    found.append(&mut of_attachments);
    let problems = problems::all(case, &found);
    let parts =
        Table::ALL.iter().flat_map(|table| case.parts(*table).iter().map(|part| ContentPart::new(*table, part)));
    Ok(CaseContents {
        path: case.path().display().to_string(),
        closed: case.is_closed(),
        manifest: case.manifest().map(without_secret),
        counts: ContentCounts {
            by_kind: counts.by_kind,
            by_table: Table::ALL.iter().map(|table| (table.name(), case.rows(*table))).collect(),
            lost: counts.lost,
            truncated: counts.truncated,
            outcomes: counts.outcomes,
        },
        parts: parts.collect(),
        lost_intervals,
        handovers,
        time_stamp,
        problem_texts: problems.iter().map(Problem::to_string).collect(),
        problems,
    })
}

impl<'a> ContentPart<'a> {
    fn new(table: Table, part: &'a PartInfo) -> Self {
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

/// Counts the rows of some tables and returns the losses that raw/events reports.
fn scan(
    case: &Case,
    tables: &[Table],
    counts: &mut manifest::CaseCounts,
    found: &mut Vec<Problem>,
) -> Result<Vec<LostInterval>, Error> {
    let mut intervals = Vec::new();
    for table in tables {
        let mut batches = case.batches(*table);
        while let Some(batch) = batches.next() {
            match batch {
                Ok(batch) => {
                    counts.count_rows(*table, &batch);
                    if *table == Table::Events {
                        add_losses(&mut intervals, &batch)?;
                    }
                }
                Err(error) => found.push(problems::damaged(batches.file(), error)),
            }
        }
    }
    Ok(intervals)
}

fn add_losses(intervals: &mut Vec<LostInterval>, batch: &RecordBatch) -> Result<(), Error> {
    let missing = obit_schema::Error::ColumnMissing { table: Table::Events.name(), column: "kind" };
    let kinds = batch.column_by_name("kind").ok_or(missing)?;
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
