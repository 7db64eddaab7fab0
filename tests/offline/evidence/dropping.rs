//! Segments that a flight recorder dropped, and segments that somebody took away: `verify` tells
//! them apart.

use std::fs;

use obit_case::chain;
use obit_case::manifest::Manifest;
use obit_case::writer::WriterOptions;
use tempfile::NamedTempFile;

use super::keys::Key;
use super::tampering::{assert_named, manifest, rewrite, verify};
use crate::case::{self, RecordedCase, Recorder};
use crate::program::replay;

/// Records containers that end in four segments, of which the last two are left. The anchor has a
/// line for each head.
fn flown(key: &Key) -> (RecordedCase, NamedTempFile) {
    let signer = Some(key.signer().shared());
    let mut recorder = Recorder::in_segments(WriterOptions { signer, ..WriterOptions::default() });
    let mut lines = recorder.head_line();
    for (number, digit) in "12345678".chars().enumerate() {
        if number > 0 && number % 2 == 0 {
            recorder.cut(2);
            lines.push_str(&recorder.head_line());
        }
        recorder.live(&case::id(digit));
    }
    let anchor = NamedTempFile::new().expect("a temporary file");
    fs::write(anchor.path(), lines).expect("the anchor");
    (recorder.close(), anchor)
}

#[test]
fn dropped_segments_are_listed_and_the_rest_is_proven() {
    let key = Key::new("anna@host");
    let (case, anchor) = flown(&key);
    let run = verify(&case, Some(&key), Some(anchor.path())).expect_code(0);
    assert!(run.stdout.contains("dropped by the recorder to make room, as it was told to"), "{run:#?}");
    assert!(run.stdout.contains("2 segments"), "{run:#?}");
    assert!(run.stdout.contains("only hashed  nothing") && run.stdout.contains("signed       entries"), "{run:#?}");
    for command in ["info", "derive", "explain"] {
        let mut arguments = vec![command, case.arg()];
        let last = case::id('8');
        arguments.extend((command == "explain").then_some(last.as_str()));
        let run = replay(arguments).expect_code(0);
        assert!(run.stderr.contains("not in this case any more"), "{command}: {run:#?}");
    }
    let rows = replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0).stdout;
    let ended: Vec<_> =
        rows.lines().map(|row| row.split("container_id\":\"").nth(1).expect("an id").get(..1)).collect();
    assert_eq!(ended, ["5", "6", "7", "8"].map(Some), "{rows}");
}

#[test]
fn segments_that_somebody_took_away_are_not_dropped_ones() {
    let key = Key::new("anna@host");
    let (case, anchor) = flown(&key);
    let mut edited: Manifest = serde_json::from_value(manifest(&case)).expect("case.json");
    // One more segment is taken, with all that somebody without the key can write about it.
    let gone = edited.segments.remove(0);
    let (parts, left): (Vec<_>, Vec<_>) =
        edited.parts.iter().cloned().partition(|part| part.segment == Some(gone.number));
    for part in &parts {
        fs::remove_file(case.path.join(&part.file)).expect("removed");
    }
    edited.parts = left;
    let last = parts.last().expect("a part");
    let dropped = edited.dropped.as_mut().expect("what was dropped");
    dropped.segments += 1;
    dropped.last_seq = edited.segments[0].first_seq - 1;
    dropped.sha256 = chain::entry_digest(&edited.case_id, last.previous.as_deref().expect("chained"), last);
    dropped.entries = edited.head.as_ref().expect("a head").parts - (edited.parts.len() + edited.drops.len()) as u64;
    for part in &parts {
        dropped.next_parts.insert(part.table.clone(), part.number + 1);
    }
    rewrite(&case, &serde_json::to_value(&edited).expect("JSON"));
    assert_named(&verify(&case, None, None), &["said to be dropped are not those that an entry of the chain says"]);

    // The chain has an entry for it, and a head over the entry.
    let dropped = edited.dropped.clone().expect("what was dropped");
    let drop = edited.drops.last_mut().expect("a dropping");
    (drop.segment, drop.last_seq) = (dropped.segments - 1, dropped.last_seq);
    (drop.entries, drop.sha256) = (dropped.entries, dropped.sha256);
    rewrite(&case, &serde_json::to_value(&edited).expect("JSON"));
    assert_named(&verify(&case, None, None), &["does not follow from the one before"]);
    assert_named(&verify(&case, Some(&key), Some(anchor.path())), &["signature", "anchor"]);
}

#[test]
fn a_part_that_is_missing_beside_those_that_were_dropped_is_named() {
    let key = Key::new("anna@host");
    let (case, anchor) = flown(&key);
    let file = manifest(&case)["parts"][0]["file"].as_str().expect("a name").to_owned();
    fs::remove_file(case.path.join(&file)).expect("removed");
    assert_named(&verify(&case, Some(&key), Some(anchor.path())), &[&format!("{file}: missing")]);
}
