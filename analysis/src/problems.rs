//! What is wrong with a case, told to its user, and what that does to an answer.

use std::path::Path;

use anyhow::Context;
use obit_case::Error;
use obit_case::manifest::SUMS_NAME;
use obit_case::manifest::{DropTotals, MissingRange};
use obit_case::reader::PartSource;
use obit_case::{Case, Problem};
use obit_schema::Table;
use obit_schema::text::time::rfc3339;

/// What a problem does to an answer that is drawn from the raw log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing is missing from it.
    None,
    /// The capture was cut off before this was whole on disk, as is to be expected of a case that was never closed.
    CutOff,
    /// A file is not as it was when the case was closed; all of it could be read.
    Changed,
    /// Recorded rows are affected; what is derived again is whole.
    DerivedOnly,
    /// Records may be missing from it.
    Damage,
}

/// Opens a case as far as it can be read. A missing or corrupt case.json becomes a problem; a directory that is no case, or
/// one of a newer format, an error.
pub fn open(path: &Path) -> anyhow::Result<Case> {
    match Case::open(path) {
        Err(Error::Manifest { parts: 1.., .. }) => Case::open_lenient(path),
        opened => opened,
    }
    .context("cannot open the case")
}

/// What `problem` does to an answer drawn from this case's raw log.
pub fn effect(case: &Case, problem: &Problem) -> Effect {
    match problem {
        Problem::NewerSchema { .. } => Effect::None,
        Problem::Changed { .. }
        | Problem::NotAsListed { .. }
        | Problem::Unlisted { .. }
        | Problem::Unchained { .. }
        | Problem::Head { .. }
        | Problem::Signature { .. }
        | Problem::Anchor { .. } => Effect::Changed,
        Problem::Damaged { file, .. } if file == SUMS_NAME => Effect::Changed,
        Problem::TornJournal { .. } if is_cut_off(case) => Effect::CutOff,
        // The journals of the raw tables need not reach equally far. What was sealed has no holes.
        Problem::Hole { first_seq, .. } if is_past_the_cut(case, *first_seq) => Effect::CutOff,
        Problem::MissingPart { file } | Problem::Damaged { file, .. } | Problem::Foreign { file, .. }
            if is_derived(file) =>
        {
            Effect::DerivedOnly
        }
        // Without case.json nobody knows how many parts there were.
        _ => Effect::Damage,
    }
}

/// Whether the case says of itself that it was never closed, or that its end is missing. Without a manifest, nothing is
/// said.
pub fn is_cut_off(case: &Case) -> bool {
    case.manifest().is_some_and(|manifest| !case.is_closed() || !manifest.incomplete.is_empty())
}

/// Whether the case says of itself that this record may be missing.
fn is_past_the_cut(case: &Case, seq: u64) -> bool {
    let Some(manifest) = case.manifest() else { return false };
    let is_told = manifest.incomplete.iter().any(|shortfall| shortfall.first_seq <= seq);
    is_told || (!case.is_closed() && sealed_end(case) < Some(seq))
}

/// The last record of the sealed parts.
fn sealed_end(case: &Case) -> Option<u64> {
    let parts = Table::RAW.iter().flat_map(|table| case.parts(*table));
    parts.filter(|part| part.source == PartSource::Sealed).filter_map(|part| part.last_seq).max()
}

/// Problems found when the case was opened and in a pass over it, each once.
pub fn all(case: &Case, found: &[Problem]) -> Vec<Problem> {
    let mut problems = case.problems().to_vec();
    for problem in found {
        if !problems.contains(problem) {
            problems.push(problem.clone());
        }
    }
    problems
}

/// What is missing, and why.
pub fn missing_range_text(shortfall: &MissingRange) -> String {
    let MissingRange { first_seq, last_seq, reason } = shortfall;
    match last_seq {
        Some(last_seq) => format!("records {first_seq} to {last_seq} may be missing: {reason}"),
        None => format!("from record {first_seq} on something may be missing: {reason}"),
    }
}

/// What the recorder dropped, as it was told to.
pub fn dropped_in_words(dropped: &DropTotals) -> String {
    let DropTotals { segments, parts, bytes, last_seq, began, ended, dropped_at, .. } = dropped;
    let (began, ended, at) = (rfc3339(began.ts.0), rfc3339(ended.ts.0), rfc3339(dropped_at.ts.0));
    format!(
        "records 0 to {last_seq}, of {began} to {ended}, dropped by the recorder to make room, as it was told to, last at \
         {at} ({segments} segments, {parts} parts, {bytes} bytes)"
    )
}

/// The worst effect of several problems.
pub fn worst(case: &Case, problems: &[Problem]) -> Effect {
    problems.iter().map(|problem| effect(case, problem)).max().unwrap_or(Effect::None)
}

/// A file that could not be read to its end.
pub fn damaged(file: &str, error: Error) -> Problem {
    let why = match error {
        Error::Damaged { why, .. } => why,
        other => other.to_string(),
    };
    Problem::Damaged { file: file.to_owned(), why }
}

fn is_derived(file: &str) -> bool {
    Table::DERIVED.iter().any(|table| {
        let name = file.rsplit('/').next().unwrap_or(file);
        file.starts_with("derived/") || name.strip_prefix(table.name()).is_some_and(|rest| rest.starts_with(['-', '.']))
    })
}
