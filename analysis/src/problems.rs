//! Problems of a case, and their effect on an answer.

use std::path::Path;

use obit_case::manifest::SUMS_NAME;
use obit_case::{Case, Problem};
use obit_schema::Table;

use crate::error::Error;

/// The effect of a problem on an answer that is drawn from the raw log, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing is missing.
    None,
    /// The capture was cut off before this was whole on disk; a case that was never closed may have
    /// it.
    CutOff,
    /// A file is not as it was when the case was closed; all of it could be read.
    Changed,
    /// Recorded rows may be missing; rows that are derived again are whole.
    DerivedOnly,
    /// Records may be missing.
    Damage,
}

/// Opens a case as far as it can be read. A missing or corrupt case.json becomes a problem.
///
/// # Errors
/// [`Error::Open`] if the directory is no case, or if its format is newer than this build's.
pub fn open(path: &Path) -> Result<Case, Error> {
    match Case::open(path) {
        Err(obit_case::Error::Manifest { parts: 1.., .. }) => Case::open_lenient(path),
        opened => opened,
    }
    .map_err(Error::Open)
}

/// Returns the effect of a problem on an answer drawn from this case's raw log.
pub fn effect(case: &Case, problem: &Problem) -> Effect {
    match problem {
        Problem::NewerSchema { .. } => Effect::None,
        Problem::Changed { .. }
        | Problem::NotAsListed { .. }
        | Problem::Unlisted { .. }
        | Problem::Unchained { .. }
        | Problem::Head { .. }
        | Problem::Signature { .. }
        | Problem::Anchor { .. }
        | Problem::Excerpt { .. }
        | Problem::TimeStamp { .. }
        | Problem::Handover { .. } => Effect::Changed,
        Problem::Damaged { file, .. } if file == SUMS_NAME => Effect::Changed,
        Problem::TornJournal { .. } if is_cut_off(case) => Effect::CutOff,
        Problem::Hole { first_seq, .. } if case.may_lack(*first_seq) => Effect::CutOff,
        Problem::MissingPart { file } | Problem::Damaged { file, .. } | Problem::Foreign { file, .. }
            if is_derived(file) =>
        {
            Effect::DerivedOnly
        }
        // Any other problem may lose records: without case.json, even the number of parts is
        // unknown.
        _ => Effect::Damage,
    }
}

/// Returns true if the case says of itself that it was never closed, or that its end is missing.
/// Without a manifest it says nothing.
pub fn is_cut_off(case: &Case) -> bool {
    case.manifest().is_some_and(|manifest| !case.is_closed() || !manifest.incomplete.is_empty())
}

/// Returns the problems that opening the case met and those found since, each once.
pub fn all(case: &Case, found: &[Problem]) -> Vec<Problem> {
    let mut problems = case.problems().to_vec();
    for problem in found {
        if !problems.contains(problem) {
            problems.push(problem.clone());
        }
    }
    problems
}

/// Returns the worst effect of several problems.
pub fn worst(case: &Case, problems: &[Problem]) -> Effect {
    problems.iter().map(|problem| effect(case, problem)).max().unwrap_or(Effect::None)
}

/// Makes the problem of a file, relative to the case, that could not be read to its end.
pub(crate) fn damaged(file: &str, error: obit_case::Error) -> Problem {
    let why = match error {
        obit_case::Error::Damaged { why, .. } => why,
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
