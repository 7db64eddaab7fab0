//! The text about the hand-overs of a case.

use std::fmt::Write as _;

use obit_analysis::handovers::Handover;
use obit_schema::text;

use super::evidence::key_text;

/// Most hand-overs that are shown.
const MAX_SHOWN: usize = 100;

/// Returns a line for each hand-over.
pub fn handovers_text(handovers: &[Handover]) -> String {
    let mut lines = String::new();
    // Writing to a String cannot fail.
    for Handover { record, key } in handovers.iter().take(MAX_SHOWN) {
        let (at, to, note) = (&record.at, &record.to, &record.note);
        let by = text::printable(&key_text(key)).into_owned();
        let (at, to) = (text::shortened(at, 40), text::shortened(to, 80));
        let _ = writeln!(lines, "handed over {at} to {to}, signed by {by}: {}", text::shortened(note, 200));
    }
    if handovers.len() > MAX_SHOWN {
        let _ = writeln!(lines, "handed over {} more times", handovers.len() - MAX_SHOWN);
    }
    lines
}
