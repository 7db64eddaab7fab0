//! The text about what proves an excerpt.

use std::fmt::Write as _;

use obit_analysis::evidence::SigningKey;
use obit_analysis::excerpt::ExcerptEvidence;
use obit_schema::text;

use super::evidence::key_text;

/// Most containers that are named.
const MAX_NAMED: usize = 20;

/// Returns the lines about an excerpt: of which case it is, and how many of its records are shown
/// to stand there.
pub fn excerpt_text(excerpt: &ExcerptEvidence) -> String {
    let ExcerptEvidence { origin, records, included, proven, redacted, keys, .. } = excerpt;
    let head = origin.sha256.as_deref().unwrap_or("that has no chain");
    let mut lines = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(lines, "excerpt of case {}", text::shortened(&origin.case_id, 80));
    let _ = writeln!(lines, "  its head     after {} entries {}", origin.entries, text::shortened(head, 64));
    for container in origin.containers.iter().take(MAX_NAMED) {
        let _ = writeln!(lines, "  container    {}", text::shortened(container, 80));
    }
    if origin.containers.len() > MAX_NAMED {
        let _ = writeln!(lines, "  container    {} more", origin.containers.len() - MAX_NAMED);
    }
    let _ = writeln!(lines, "  in its parts {included} of {records} records are shown to stand in its chain");
    let keys: Vec<String> = keys.iter().map(|key: &SigningKey| key_text(key)).collect();
    let keys = if keys.is_empty() { String::new() } else { format!(" ({})", text::printable(&keys.join("; "))) };
    let _ = writeln!(lines, "  proven       {proven} of {records} records{keys}");
    if !origin.redacted.is_empty() || *redacted > 0 {
        let columns = origin.redacted.join(", ");
        let _ = writeln!(lines, "  left out     {redacted} texts: {}", text::shortened(&columns, 200));
    }
    lines
}
