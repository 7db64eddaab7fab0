//! The text about what was put beside a closed case.

use std::fmt::Write as _;

use obit_analysis::attachments::Handover;
use obit_case::time_stamp::TimeStamp;
use obit_schema::text;

use super::evidence::key_text;

/// Most hand-overs that are shown.
const MAX_SHOWN: usize = 100;

/// Returns a line about the time stamp, and one for each hand-over.
pub fn attachments_text(time_stamp: Option<&TimeStamp>, handovers: &[Handover]) -> String {
    let mut lines = String::new();
    // Writing to a String cannot fail.
    if let Some(TimeStamp { at, policy, serial, .. }) = time_stamp {
        let (policy, serial) = (text::shortened(policy, 80), text::shortened(serial, 80));
        let _ = writeln!(
            lines,
            "time stamp over case.json of {at}, policy {policy}, serial {serial}: check whose it is with openssl ts -verify"
        );
    }
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
