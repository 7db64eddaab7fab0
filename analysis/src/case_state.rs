//! Sentences about what a case states of itself: what is missing, what was dropped, whether it is
//! closed.

use obit_case::Case;
use obit_case::manifest::{DropTotals, MissingRange};
use obit_schema::text::size;
use obit_schema::text::time::rfc3339;

/// Returns a sentence for each lack that the case states of itself.
pub fn case_warnings(case: &Case) -> Vec<String> {
    let Some(manifest) = case.manifest() else { return Vec::new() };
    let missing =
        manifest.incomplete.iter().map(|range| format!("the recording is incomplete: {}", missing_text(range)));
    let dropped = manifest.dropped.iter().map(|totals| format!("not in this case any more: {}", dropped_text(totals)));
    let open = (!case.is_closed()).then(|| match case.is_being_recorded() {
        true => "this case is being recorded; what was written so far is read".to_owned(),
        false => "this case was never closed; what was written until the capture was cut off is read".to_owned(),
    });
    missing.chain(dropped).chain(open).collect()
}

/// Returns the sentence about records that may be missing.
pub fn missing_text(missing: &MissingRange) -> String {
    let MissingRange { first_seq, last_seq, reason } = missing;
    match last_seq {
        Some(last_seq) => format!("records {first_seq} to {last_seq} may be missing: {reason}"),
        None => format!("from record {first_seq} on something may be missing: {reason}"),
    }
}

/// Returns the sentence about segments that the recorder dropped on request.
pub fn dropped_text(dropped: &DropTotals) -> String {
    let DropTotals { segments, parts, bytes, last_seq, began, ended, dropped_at, .. } = dropped;
    let (began, ended, at) = (rfc3339(began.ts.0), rfc3339(ended.ts.0), rfc3339(dropped_at.ts.0));
    let kept = match dropped.kept_rows() {
        0 => String::new(),
        rows => format!(
            "; {rows} rows of them are kept as they were recorded: the chain vouches for these, and they cannot be \
             derived again"
        ),
    };
    format!(
        "records 0 to {last_seq}, of {began} to {ended}, dropped by the recorder to make room, as it was told to, last at \
         {at} ({segments} segments, {parts} parts, {}){kept}",
        size(*bytes)
    )
}
