//! Segments that a flight recorder dropped, and segments that somebody took away: `verify` tells
//! them apart.

use std::fs;

use obit_case::chain;
use obit_case::manifest::Manifest;
use obit_case::writer::WriterOptions;
use obit_derivation::record::CgroupEventKind::Mkdir;
use obit_schema::digest::Digest;
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;

use super::keys::Key;
use super::tampering::{assert_named, manifest, rewrite, verify};
use crate::case::{self, RecordedCase, Recorder};
use crate::folders::assert_one_table_a_folder;
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

/// Records a container in each of four segments, of which the last two are left. Beside it somebody
/// floods the recording with long names, so that what follows from the records is a small part.
fn flooded(key: &Key) -> (RecordedCase, NamedTempFile) {
    const FLOOD: u32 = 250;
    let signer = Some(key.signer().shared());
    let mut recorder = Recorder::in_segments(WriterOptions { signer, ..WriterOptions::default() });
    for (number, digit) in "1234".chars().enumerate() {
        if number > 0 {
            recorder.cut(2);
        }
        recorder.live(&case::id(digit));
        for index in 0..FLOOD {
            let word = |part| Digest::from(Sha256::new_with_prefix(format!("{digit} {index} {part}"))).to_string();
            let words: String = (0..60).map(word).collect();
            let cgroup = recorder.new_cgroup();
            recorder.event(Mkdir, cgroup, &format!("/user.slice/{words}"), &["mkdir"]);
        }
    }
    let anchor = NamedTempFile::new().expect("a temporary file");
    recorder.seal();
    fs::write(anchor.path(), recorder.head_line()).expect("the anchor");
    (recorder.close(), anchor)
}

#[test]
fn rows_of_dropped_segments_are_kept_shown_and_proven() {
    let key = Key::new("anna@host");
    let (case, anchor) = flooded(&key);
    let run = verify(&case, Some(&key), Some(anchor.path())).expect_code(0);
    // Of two containers, each with a creation, an exit and a removal.
    let kept = "6 rows of them are kept as they were recorded: the chain vouches for these, and they cannot be derived";
    assert!(run.stdout.contains(kept), "{run:#?}");
    // They are no difference, and no row that follows.
    let rows = |event: &str| {
        let run = replay(["derive", case.arg(), "--event", event, "--format", "jsonl"]).expect_code(0);
        assert!(run.stderr.contains(kept), "{run:#?}");
        run.stdout.lines().count()
    };
    assert_eq!((rows("container_create"), rows("container_exit"), rows("container_remove")), (2, 2, 2));
    replay(["diff", case.arg(), case.arg()]).expect_code(0);
    let info = replay(["info", case.arg()]).expect_code(0).stdout;
    assert!(info.contains("1  derived/container_exit/container_exit-000000.parquet"), "{info}");
    // Who ran and how it ended is still said, of a whole id and of its beginning.
    for asked in [&case::id('1'), &case::id('1')[..8]] {
        let explained = replay(["explain", case.arg(), asked]).expect_code(0).stdout;
        for table in ["container_create", "container_exit", "container_remove"] {
            let said = format!("{table} of a dropped segment, as it was recorded");
            assert_eq!(explained.matches(&said).count(), 1, "{explained}");
        }
        assert!(explained.contains(&format!("container_id: \"{}\"", case::id('1'))), "{explained}");
    }
    let left = replay(["explain", case.arg(), &case::id('4')]).expect_code(0).stdout;
    assert!(!left.contains("of a dropped segment"), "{left}");
    assert!(replay(["explain", case.arg(), &case::id('9')]).code != 0, "there is no such container");
    // In the folder of their table they are rows among the others.
    assert_one_table_a_folder(&case.path);
}

#[test]
fn a_kept_row_that_somebody_changed_or_took_away_is_named() {
    let key = Key::new("anna@host");
    let (case, anchor) = flooded(&key);
    let file = "derived/container_exit/container_exit-000000.parquet";
    let mut edited: Manifest = serde_json::from_value(manifest(&case)).expect("case.json");
    fs::remove_file(case.path.join(file)).expect("removed");
    assert_named(&verify(&case, None, None), &[&format!("{file}: missing")]);
    edited.dropped.as_mut().expect("what was dropped").kept.retain(|part| part.file != file);
    rewrite(&case, &serde_json::to_value(&edited).expect("JSON"));
    assert_named(&verify(&case, None, None), &["said to be dropped are not those that an entry of the chain says"]);
    let kept = edited.dropped.as_ref().map(|dropped| dropped.kept.clone()).expect("what was dropped");
    edited.drops.last_mut().expect("a dropping").kept_sha256 = chain::kept_digest(&kept);
    rewrite(&case, &serde_json::to_value(&edited).expect("JSON"));
    assert_named(&verify(&case, None, None), &["does not follow from the one before"]);
    assert_named(&verify(&case, Some(&key), Some(anchor.path())), &["does not follow from the one before"]);
}
