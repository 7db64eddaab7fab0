//! Prepares a case that was never closed for closing: checks it, counts its rows, and finds the
//! range of records that may be missing.

use std::path::Path;

use obit_schema::tables::Table;

use crate::counts::CaseCounts;
use crate::error::Error;
use crate::manifest::{Manifest, MissingRange, Segment};
use crate::problem::Problem;
use crate::reader::{Case, PartInfo};

/// Returns true if a path holds a case that was never closed.
pub(super) fn is_unclosed(path: &Path) -> bool {
    Case::open(path).is_ok_and(|case| !case.is_closed())
}

/// Returns the manifest of a case that was never closed, with the counts of what is there and the
/// range that may be missing.
///
/// # Errors
/// [`Error::AlreadyClosed`], [`Error::NotClosable`] if it is damaged beyond a torn end, or an error
/// of reading it.
pub(super) fn unclosed_manifest(case: &Case) -> Result<Manifest, Error> {
    let Some(manifest) = case.manifest().filter(|_| !case.is_closed()) else {
        return Err(Error::AlreadyClosed { path: case.path().to_owned() });
    };
    if let Some(problem) = case.problems().iter().find(|problem| !is_torn_end(problem)) {
        return Err(Error::NotClosable { path: case.path().to_owned(), problem: problem.clone() });
    }
    let mut manifest = manifest.clone();
    manifest.incomplete.push(missing_range(case)?);
    count(case, &mut manifest)?;
    Ok(manifest)
}

/// Returns the number of the segment that a part belongs to, by its first row.
pub(super) fn segment_number(manifest: &Manifest, part: &PartInfo) -> Option<u32> {
    let first = part.first_seq.unwrap_or(0);
    let segments: &[Segment] = &manifest.segments;
    segments.iter().rev().find(|segment| segment.first_seq <= first).or(segments.first()).map(|segment| segment.number)
}

/// Returns true for what a cut-off leaves.
fn is_torn_end(problem: &Problem) -> bool {
    matches!(problem, Problem::TornJournal { .. })
}

/// Returns the range that may be missing: nobody can know how many records followed the last one.
fn missing_range(case: &Case) -> Result<MissingRange, Error> {
    let mut last = None;
    let mut records = case.records();
    records.for_each(|record| -> Result<(), Error> {
        last = Some(record.seq.0);
        Ok(())
    })?;
    let mut first_missing = last.map_or(0, |last| last.saturating_add(1));
    for problem in records.problems() {
        match problem {
            // A hole that the recorder told of is in case.json already.
            Problem::Hole { first_seq, .. } if case.may_lack(*first_seq) => {
                first_missing = first_missing.min(*first_seq);
            }
            problem if is_torn_end(problem) => {}
            problem => return Err(Error::NotClosable { path: case.path().to_owned(), problem: problem.clone() }),
        }
    }
    let torn = case.problems().iter().filter(|problem| is_torn_end(problem));
    let torn: Vec<_> = torn.map(|problem| format!("; {problem}")).collect();
    let reason = format!("the capture was cut off and the case sealed afterwards{}", torn.concat());
    Ok(MissingRange { first_seq: first_missing, last_seq: None, reason })
}

/// Counts the rows that are there: the manifest of an open case has the counts of an earlier
/// moment.
fn count(case: &Case, manifest: &mut Manifest) -> Result<(), Error> {
    manifest.counts = CaseCounts::default();
    for segment in &mut manifest.segments {
        segment.counts = CaseCounts::default();
    }
    for table in Table::ALL {
        manifest.counts.by_table.insert(table.name().to_owned(), 0);
        for part in case.parts(table) {
            let mut counts = CaseCounts::default();
            for batch in case.batches_of(table, part) {
                counts.count_rows(table, &batch?);
            }
            manifest.counts.add(&counts);
            let number = segment_number(manifest, part);
            if let Some(segment) = manifest.segments.iter_mut().find(|segment| Some(segment.number) == number) {
                segment.counts.add(&counts);
            }
        }
    }
    Ok(())
}
