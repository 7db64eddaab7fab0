//! `info`: the contents of a case.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};

use obit_analysis::case_state::{dropped_text, missing_text};
use obit_analysis::cases;
use obit_analysis::contents::{self, CaseContents};
use obit_analysis::problems::Effect;
use obit_case::Case;
use obit_case::manifest::{Manifest, PartEntry, Segment};
use obit_schema::text;
use obit_schema::text::json;
use obit_schema::text::time;
use serde_json::Value;

use crate::cli::InfoArgs;
use crate::output::attachments::attachments_text;
use crate::output::format::ReportFormat;
use crate::output::json::JsonLayout;
use crate::output::messages::complain;
use crate::output::problems::report_problems;
use crate::status::{CommandStatus, is_closed_pipe};

/// Most lines of each list in the text form; the JSON has all.
const LINES: usize = 20;

/// Longest fact of case.json in the text form, in characters.
const FACT_CHARACTERS: usize = 200;

pub fn run(args: &InfoArgs) -> anyhow::Result<CommandStatus> {
    let cases = cases::open_each(&args.cases);
    let several = cases.len();
    let mut worst = CommandStatus::Done;
    for (place, case) in cases.into_iter().enumerate() {
        let shown = case.map_err(anyhow::Error::from).and_then(|case| {
            if place > 0 && args.format == ReportFormat::Text {
                writeln!(io::stdout())?;
            }
            show(&case, args.format, several)
        });
        worst = worst.max(match shown {
            Err(error) if several > 1 && !is_closed_pipe(&error) => {
                complain(&format!("{error:#}"));
                CommandStatus::Incomplete
            }
            shown => shown?,
        });
    }
    Ok(worst)
}

/// Prints the contents of one of several cases.
fn show(case: &Case, format: ReportFormat, several: usize) -> anyhow::Result<CommandStatus> {
    let contents = contents::list(case)?;
    let mut output = io::BufWriter::new(io::stdout().lock());
    match format {
        ReportFormat::Json => {
            match JsonLayout::of(several) {
                JsonLayout::Indented => json::write_pretty(&contents, &mut output)?,
                JsonLayout::Line => json::write(&contents, &mut output)?,
            }
            output.write_all(b"\n")?;
        }
        ReportFormat::Text => output.write_all(contents_text(&contents, state_text(case)).as_bytes())?,
    }
    output.flush()?;
    let status = match report_problems(case, &contents.problems) {
        Effect::Damage | Effect::DerivedOnly => CommandStatus::Incomplete,
        Effect::None | Effect::CutOff | Effect::Changed => CommandStatus::Done,
    };
    Ok(status)
}

fn state_text(case: &Case) -> &'static str {
    if case.is_closed() {
        "closed"
    } else if case.is_being_recorded() {
        "open: it is being recorded"
    } else {
        "open: its capture was cut off"
    }
}

fn contents_text(info: &CaseContents<'_>, state: &str) -> String {
    let mut lines = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(lines, "case       {}", text::printable(&info.path));
    match info.manifest.as_deref() {
        Some(manifest) => push_manifest(&mut lines, manifest, state),
        None => lines.push_str("state      not known: case.json could not be read\n"),
    }
    let _ = writeln!(lines, "\nrows by table");
    for (table, rows) in &info.counts.by_table {
        let _ = writeln!(lines, "  {rows:>12}  {table}");
    }
    let _ = writeln!(lines, "\nevents by kind");
    for (kind, count) in &info.counts.by_kind {
        let _ = writeln!(lines, "  {count:>12}  {}", text::shortened(kind, 60));
    }
    let _ = writeln!(lines, "\nparts");
    for part in info.parts.iter().take(LINES) {
        let seqs = match (part.first_seq, part.last_seq) {
            (Some(first), Some(last)) => format!("seq {first} to {last}"),
            _ => "no rows".to_owned(),
        };
        let open = if part.sealed { "" } else { ", journal" };
        let file = text::shortened(part.file, 60);
        let _ = writeln!(lines, "  {:>12}  {file} ({}, {seqs}{open})", part.rows, text::size(part.bytes));
    }
    push_rest(&mut lines, info.parts.len());
    let _ = writeln!(lines, "\nlost events: {}", info.counts.lost);
    for interval in info.lost_intervals.iter().take(LINES) {
        let since = interval.since_seq.map_or_else(|| "?".to_owned(), |seq| seq.to_string());
        let seq = interval.seq.map_or_else(|| "?".to_owned(), |seq| seq.to_string());
        let kind = text::shortened(interval.kind.as_deref().unwrap_or("events"), 60);
        let at = interval.ts.as_deref().unwrap_or("?");
        let _ = writeln!(lines, "  {:>12}  {kind} between records {since} and {seq}, noticed at {at}", interval.lost);
    }
    push_rest(&mut lines, info.lost_intervals.len());
    push_counts(&mut lines, "cut to fit", &info.counts.truncated);
    push_counts(&mut lines, "readings and questions", &info.counts.outcomes);
    if let Some(manifest) = info.manifest.as_deref() {
        push_segments(&mut lines, manifest);
    }
    let incomplete = info.manifest.as_deref().map(|manifest| manifest.incomplete.as_slice()).unwrap_or_default();
    for missing in incomplete.iter().take(LINES) {
        let _ = writeln!(lines, "incomplete: {}", text::printable(&missing_text(missing)));
    }
    let attachments = attachments_text(info.time_stamp.as_ref(), &info.handovers);
    if !attachments.is_empty() {
        let _ = write!(lines, "\n{attachments}");
    }
    let _ = writeln!(lines, "\nproblems: {}", info.problems.len());
    for problem in info.problem_texts.iter().take(LINES) {
        let _ = writeln!(lines, "  {}", text::printable(problem));
    }
    push_rest(&mut lines, info.problems.len());
    lines
}

fn push_manifest(lines: &mut String, manifest: &Manifest, state: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(lines, "id         {}", text::shortened(&manifest.case_id, 80));
    let _ = writeln!(lines, "state      {state}");
    if let Some(excerpt) = &manifest.excerpt {
        let _ = writeln!(lines, "excerpt    of case {}", text::shortened(&excerpt.case_id, 80));
    }
    let _ = writeln!(lines, "started    {}", text::shortened(&manifest.started_at, 40));
    let _ = writeln!(lines, "ended      {}", text::shortened(manifest.ended_at.as_deref().unwrap_or("-"), 40));
    let _ = writeln!(
        lines,
        "recorder   obit-capture {} (git commit {})",
        text::shortened(&manifest.build.version, 40),
        text::shortened(&manifest.build.commit, 60)
    );
    let _ = writeln!(
        lines,
        "versions   format {}, schema {}, derivation {}",
        manifest.format, manifest.schema_version, manifest.derivation_version
    );
    for (name, facts) in [("host", &manifest.host), ("options", &manifest.options), ("recorder", &manifest.recorder)] {
        for (fact, value) in facts.iter().take(LINES) {
            let _ = writeln!(lines, "{name:<10} {}: {}", text::shortened(fact, 40), fact_text(value));
        }
    }
    for quirk in manifest.quirks.iter().take(LINES) {
        let _ = writeln!(lines, "quirk      {}", text::shortened(quirk, 80));
    }
}

/// Returns a fact of case.json on one line: text as it is, and of a list or an object that would
/// not fit its size.
fn fact_text(value: &Value) -> String {
    let (whole, members) = match value {
        Value::String(text) => (text::printable(text).into_owned(), 0),
        Value::Array(list) => (json::to_string(value).unwrap_or_default(), list.len()),
        Value::Object(object) => (json::to_string(value).unwrap_or_default(), object.len()),
        _ => (json::to_string(value).unwrap_or_default(), 0),
    };
    if whole.chars().count() <= FACT_CHARACTERS {
        whole
    } else if members > 0 {
        format!("{members} values, see --format json")
    } else {
        text::shortened(&whole, FACT_CHARACTERS).into_owned()
    }
}

/// Adds the segments of a flight recorder's case, and what it dropped.
fn push_segments(lines: &mut String, manifest: &Manifest) {
    // Writing to a String cannot fail.
    if !manifest.segments.is_empty() {
        lines.push_str("\nsegments\n");
    }
    for segment in manifest.segments.iter().take(LINES) {
        let Segment { number, first_seq, began, counts } = segment;
        let rows: u64 = counts.by_table.values().fold(0, |sum, rows| sum.saturating_add(*rows));
        let began = time::rfc3339(began.ts.0);
        let _ = writeln!(lines, "  {rows:>12}  segment {number}, from record {first_seq} on, began {began}");
    }
    push_rest(lines, manifest.segments.len());
    if let Some(dropped) = &manifest.dropped {
        let _ = writeln!(lines, "\ndropped: {}", dropped_text(dropped));
        for (table, rows) in &dropped.counts.by_table {
            let _ = writeln!(lines, "  {rows:>12}  {}", text::shortened(table, 60));
        }
        for (kind, count) in dropped.counts.by_kind.iter().take(LINES) {
            let _ = writeln!(lines, "  {count:>12}  {}", text::shortened(kind, 60));
        }
        if !dropped.kept.is_empty() {
            let _ = writeln!(lines, "\nkept of what was dropped, as it was recorded");
        }
        for PartEntry { file, rows, .. } in dropped.kept.iter().take(LINES) {
            let _ = writeln!(lines, "  {rows:>12}  {}", text::shortened(file, 60));
        }
        push_rest(lines, dropped.kept.len());
    }
}

/// Adds counts by name, on one line.
fn push_counts(lines: &mut String, what: &str, counts: &BTreeMap<String, u64>) {
    let each: Vec<_> =
        counts.iter().take(LINES).map(|(name, count)| format!("{count} {}", text::shortened(name, 40))).collect();
    let each = if counts.is_empty() { "not counted".to_owned() } else { each.join(", ") };
    // Writing to a String cannot fail.
    let _ = writeln!(lines, "{what}: {each}");
}

fn push_rest(lines: &mut String, count: usize) {
    if count > LINES {
        let _ = writeln!(lines, "  {:>12}  more, see --format json", count - LINES);
    }
}
