//! `obit-replay close`: a case whose capture was cut off becomes a complete one with the same rows.

use std::fs;
use std::path::PathBuf;

use obit_case::manifest::{BuildInfo, Manifest};
use obit_case::writer::WriterOptions;
use obit_case::{CaseWriter, Error};

use super::keys::Key;
use crate::case::{self, RecordedCase, Recorder};
use crate::program::{Run, replay};

fn run(command: &str, case: &RecordedCase) -> Run {
    replay([command, case.arg()])
}

/// Returns the digest of the recorded rows that a verification prints.
fn digest(run: &Run) -> String {
    let after = run.stdout.split("case: ").nth(1).expect("a line about the case");
    after.split_whitespace().find(|word| word.len() == 64).expect("a digest").to_owned()
}

#[test]
fn the_rows_and_their_digest_stay_the_same() {
    // First all rows in journals, then most of them in parts.
    for part_rows in [1 << 20, 5] {
        let mut recorder = Recorder::with_part_rows(part_rows);
        case::everyday_into(&mut recorder);
        let case = recorder.kill();
        let before = run("verify", &case).expect_code(0);
        let derived = replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0).stdout;

        let closed = run("close", &case).expect_code(0);
        assert!(closed.stdout.contains("something may be missing"), "{closed:#?}");
        assert!(!case.path.join("journal").exists(), "the journals are parts now");
        let after = run("verify", &case).expect_code(0);
        assert_eq!(digest(&after), digest(&before));
        assert_eq!(replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0).stdout, derived);
        assert!(after.stdout.contains("the recording is incomplete"), "nobody may take it for whole: {after:#?}");
        assert!(run("info", &case).expect_code(0).stdout.contains("the capture was cut off"));

        let again = run("close", &case).expect_code(0);
        assert!(again.stdout.contains("closed already"), "{again:#?}");
    }
}

#[test]
fn a_torn_journal_is_closed_up_to_its_last_whole_batch() {
    let case = case::everyday().kill();
    let journal = case.path.join("journal/events-000000.arrows");
    let whole = fs::read(&journal).expect("a journal");
    fs::write(&journal, &whole[..whole.len() - 10]).expect("torn");
    let before = run("info", &case);
    run("close", &case).expect_code(0);
    let after = run("verify", &case);
    assert_ne!(after.code, 1, "what is left follows from the log: {after:#?}");
    assert!(before.stderr.contains("ends within a batch"), "{before:#?}");
    let manifest = fs::read_to_string(case.path.join("case.json")).expect("case.json");
    assert!(manifest.contains("ends within a batch"), "the tear is told for good: {manifest}");
}

#[test]
fn a_damaged_case_is_left_as_it_is() {
    let mut recorder = Recorder::with_part_rows(5);
    case::everyday_into(&mut recorder);
    let case = recorder.kill();
    fs::remove_file(case.path.join("raw/events/events-000001.parquet")).expect("removed");
    let before = files(&case.path);
    run("close", &case).expect_code(2).expect_one_error(&["raw/events/events-000001.parquet", "not closed"]);
    assert_eq!(files(&case.path), before);
}

#[test]
fn a_case_that_is_being_written_is_left_alone() {
    let recorder = case::everyday();
    let path = recorder.path().to_owned();
    replay(["close".as_ref(), path.as_os_str()]).expect_code(2).expect_one_error(&["running obit-capture"]);
    // The recording goes on as if nothing had happened.
    let case = recorder.close();
    run("verify", &case).expect_code(0);
}

#[test]
fn a_capture_into_an_unclosed_case_is_refused() {
    let case = case::everyday().kill();
    let before = files(&case.path);
    let manifest = Manifest::new("another".to_owned(), BuildInfo::default());
    let refused = CaseWriter::create(&case.path, manifest, WriterOptions::default());
    assert!(matches!(&refused, Err(Error::Unclosed { .. })), "{refused:?}");
    let text = refused.expect_err("refused").to_string();
    assert!(text.contains(&format!("{} holds a case that was never closed", case.arg())), "{text}");
    assert_eq!(files(&case.path), before);
}

#[test]
fn close_signs_with_the_key_it_is_given() {
    let key = Key::new("anna");
    let case = case::everyday().kill();
    replay(["close".as_ref(), case.path.as_os_str(), "--sign".as_ref(), key.private().as_os_str()]).expect_code(0);
    let verified = replay(["verify".as_ref(), case.path.as_os_str(), "--signers".as_ref(), key.signers().as_os_str()]);
    assert!(verified.expect_code(0).stdout.contains("anna"));
}

/// Returns every file below a directory with its contents.
fn files(path: &std::path::Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).expect("a directory") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push((path.clone(), fs::read(&path).expect("a file"))),
        }
    }
    found.sort();
    found
}
