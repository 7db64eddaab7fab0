//! The text about the proof behind a case.

use std::fmt::Write as _;

use obit_analysis::case_state::dropped_text;
use obit_analysis::evidence::{ChainReach, EntrySpan, LineCounts, ProofReach, ProofShortfall, ProvenSpan, SigningKey};
use obit_case::Case;
use obit_schema::text;

/// Returns the lines about how far each kind of proof reaches; none without a readable case.json.
pub fn evidence_text(case: &Case, reach: &ChainReach) -> String {
    match reach {
        ChainReach::NoManifest => String::new(),
        ChainReach::NotChained => {
            "evidence: hashed only: recorded by a version that did not chain its parts\n".to_owned()
        }
        ChainReach::Chained(reach) => reach_text(case, reach),
    }
}

fn reach_text(case: &Case, reach: &ProofReach) -> String {
    let mut lines = String::new();
    let ProofReach { entries, dropped_entries, .. } = reach;
    // Writing to a String cannot fail.
    match case.manifest().and_then(|manifest| manifest.dropped.as_ref()) {
        None => _ = writeln!(lines, "evidence: {entries} parts, chained"),
        Some(dropped) => {
            let _ = writeln!(
                lines,
                "evidence: {entries} entries, chained; the first {dropped_entries} are gone with what was dropped"
            );
            let _ = writeln!(lines, "  dropped      {}", dropped_text(dropped));
        }
    }
    let anchored = match &reach.anchored {
        Some(anchored) => {
            format!("{}{}", proven_text(anchored, reach.has_drops), line_counts_text(reach.line_counts))
        }
        None => "not looked at: see --anchor".to_owned(),
    };
    let _ = writeln!(lines, "  anchored     {anchored}");
    let keys: Vec<String> = reach.keys.iter().map(key_text).collect();
    let keys = if keys.is_empty() { String::new() } else { format!(" ({})", text::printable(&keys.join("; "))) };
    let _ = writeln!(lines, "  signed       {}{keys}", proven_text(&reach.signed, reach.has_drops));
    let _ = writeln!(lines, "  only hashed  {}", span_text(reach.only_hashed, reach.has_drops));
    if reach.unlisted_rows > 0 {
        let rows = reach.unlisted_rows;
        let _ = writeln!(lines, "  not hashed   {rows} rows in journals, or in parts that case.json does not list");
    }
    lines
}

/// Returns the sentence about something that was asked for and is not proven.
pub fn shortfall_text(shortfall: &ProofShortfall) -> String {
    let required = shortfall.requirement.map_or_else(String::new, |name| format!("{}: ", name.name()));
    format!("not proven: {required}{}", text::printable(&shortfall.why))
}

fn line_counts_text(counts: LineCounts) -> String {
    let LineCounts { ignored, torn } = counts;
    let mut lines = String::new();
    if ignored > 0 {
        let _ = write!(
            lines,
            "; {ignored} lines contradict the case and are not signed by one of the signers: anyone may \
             have written them"
        );
    }
    if torn > 0 {
        let _ = write!(lines, "; {torn} lines are torn and say nothing");
    }
    lines
}

fn proven_text(span: &ProvenSpan, has_drops: bool) -> String {
    let manifest = if span.has_manifest { ", case.json" } else { "" };
    format!("{}{manifest}", span_text(span.entries, has_drops))
}

fn span_text(span: Option<EntrySpan>, has_drops: bool) -> String {
    let Some(EntrySpan { first, last, records }) = span else { return "nothing".to_owned() };
    let records = records.map_or_else(String::new, |(first, last)| format!(" (records {first} to {last})"));
    format!("{} {first} to {last}{records}", if has_drops { "entries" } else { "parts" })
}

/// Returns the words about a key that signed.
pub fn key_text(key: &SigningKey) -> String {
    match &key.signer {
        Some(signer) => format!("{signer}, key {}", key.fingerprint),
        None => format!("key {}, whose is not known: see --signers", key.fingerprint),
    }
}
