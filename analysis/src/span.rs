//! The span of time that a case is about.

use obit_case::Case;
use obit_derivation::WallNs;
use obit_schema::Table;
use obit_schema::value::{self, Value};

/// The first and the last moment that a case tells of, by the wall clock of its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseSpan {
    /// Start of the capture or, where the oldest segments were dropped, of the first one left.
    pub start: WallNs,
    /// End of the capture; in a case that was never closed, the last event that was recorded.
    pub end: WallNs,
}

impl CaseSpan {
    /// The span of all time.
    pub const UNBOUNDED: Self = Self { start: WallNs(i64::MIN), end: WallNs(i64::MAX) };

    /// Finds the span of a case. Reads one file of events if case.json does not tell the end.
    pub fn of(case: &Case) -> Self {
        let manifest = case.manifest();
        let clocks = manifest.map(|manifest| manifest.clocks).unwrap_or_default();
        let first_left = manifest
            .filter(|manifest| manifest.dropped.is_some())
            .and_then(|manifest| Some(manifest.segments.first()?.began.ts));
        let start = first_left.or_else(|| Some(clocks.start?.ts));
        let end = clocks.end.map(|clock| clock.ts).or_else(|| last_event(case)).or(start).unwrap_or_default();
        Self { start: start.unwrap_or(WallNs(i64::MIN)), end }
    }

    /// Finds the span from the first start of several cases to their last end.
    pub fn of_all<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Self {
        let spans = cases.into_iter().map(Self::of);
        let joined = spans.reduce(|a, b| Self { start: a.start.min(b.start), end: a.end.max(b.end) });
        joined.unwrap_or(Self::UNBOUNDED)
    }
}

/// Returns the time of the last event that can be read.
fn last_event(case: &Case) -> Option<WallNs> {
    case.parts(Table::Events).iter().rev().find_map(|part| {
        let batches = case.batches_of(Table::Events, part).filter_map(Result::ok);
        let batch = batches.filter(|batch| batch.num_rows() > 0).last()?;
        match value::cell(batch.column_by_name("ts")?.as_ref(), batch.num_rows() - 1) {
            Value::TimestampNs(ns) => Some(WallNs(ns)),
            _ => None,
        }
    })
}
