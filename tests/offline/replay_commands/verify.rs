//! `verify`: same, different, unusable.

use std::fs;

use obit_derivation::Row;

use crate::case::{self, Recorder, id};
use crate::program::replay;

/// Returns the digests in the output, each with the word before it: `recorded` or `derived`.
fn digests(stdout: &str) -> Vec<(String, String)> {
    let digest = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let (side, last) = (*words.first()?, *words.last()?);
        (last.len() == 64 && last.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .then(|| (side.to_owned(), last.to_owned()))
    };
    stdout.lines().filter_map(digest).collect()
}

#[test]
fn an_honest_case_is_the_same_with_a_digest_for_each_table_and_the_case() {
    let case = case::everyday().close();
    let run = replay(["verify", case.arg()]).expect_code(0);
    assert_eq!(run.stderr, "");
    let digests = digests(&run.stdout);
    // Five tables and the case, two sides each.
    assert_eq!(digests.len(), 12, "{run:#?}");
    for pair in digests.chunks(2) {
        assert_eq!((pair[0].0.as_str(), pair[1].0.as_str()), ("recorded", "derived"));
        assert_eq!(pair[0].1, pair[1].1);
    }
    assert!(run.stdout.lines().last().expect("a verdict").starts_with("same:"), "{run:#?}");
}

#[test]
fn digests_do_not_depend_on_parts() {
    let whole = case::everyday().close();
    let mut recorder = Recorder::with_part_rows(2);
    case::everyday_into(&mut recorder);
    let split = recorder.close();
    let digests = |case: &case::RecordedCase| digests(&replay(["verify", case.arg()]).expect_code(0).stdout);
    assert_eq!(digests(&whole), digests(&split));
}

#[test]
fn an_empty_case_is_the_same() {
    let case = Recorder::new().close();
    replay(["verify", case.arg()]).expect_code(0);
}

#[test]
fn a_changed_value_is_shown_field_by_field() {
    let mut recorder = Recorder::new().tampering(|row| {
        if let Row::Remove(row) = row
            && row.identity.container_id.starts_with('b')
        {
            row.identity.image_name = Some("forged".to_owned());
            row.after_gap = true;
        }
        true
    });
    case::everyday_into(&mut recorder);
    let run = replay(["verify", recorder.close().arg()]).expect_code(1);
    for part in [
        "container_remove: different",
        "1 row differs",
        "bbbbbbbbbbbb",
        "image_name",
        "\"forged\"",
        "nginx:1.27",
        "after_gap",
    ] {
        assert!(run.stdout.contains(part), "{part} is not in {run:#?}");
    }
    // Equal rows are not shown as different.
    assert!(
        run.stdout.contains("container_create: same") && run.stdout.contains("existing_container: same"),
        "{run:#?}"
    );
    assert!(!run.stdout.contains("lifetime_ns") && !run.stdout.contains("aaaaaaaaaaaa"), "{run:#?}");
    assert!(run.stdout.lines().last().expect("a verdict").starts_with("different"), "{run:#?}");
}

#[test]
fn a_row_left_out_is_in_one_side_only() {
    let mut recorder =
        Recorder::new().tampering(|row| !matches!(row, Row::Remove(row) if row.identity.container_id.starts_with('b')));
    case::everyday_into(&mut recorder);
    let run = replay(["verify", recorder.close().arg()]).expect_code(1);
    assert!(run.stdout.contains("1 row differs") && run.stdout.contains("bbbbbbbbbbbb is in derived only"), "{run:#?}");
}

#[test]
fn differences_are_bounded_and_counted() {
    let mut recorder = Recorder::new().tampering(|row| {
        if let Row::Remove(row) = row {
            row.identity.image_name = Some("forged".to_owned());
        }
        true
    });
    (0..30).for_each(|_| _ = recorder.live(&id('a')));
    let case = recorder.close();
    let run = replay(["verify", case.arg(), "--show", "3"]).expect_code(1);
    assert!(run.stdout.contains("30 rows differ") && run.stdout.contains("and 27 more"), "{run:#?}");
    assert_eq!(run.stdout.matches("image_name").count(), 3, "{run:#?}");
    let run = replay(["verify", case.arg(), "--show", "0"]).expect_code(1);
    assert!(run.stdout.contains("30 rows differ"), "{run:#?}");
}

#[test]
fn an_unclosed_case_is_verified_as_it_is_and_reported_as_unclosed() {
    let case = case::everyday().kill();
    let run = replay(["verify", case.arg()]).expect_code(0);
    assert!(run.stderr.contains("never closed"), "{run:#?}");
    let verdict = run.stdout.lines().last().expect("a verdict");
    assert!(verdict.starts_with("same as far as it was written") && verdict.contains("0 more rows"), "{verdict}");
}

#[test]
fn rows_that_a_killed_capture_had_no_time_for_are_counted_and_no_difference() {
    // The removal of `e`, the last, is not written, and neither is the creation of `c` after it.
    let mut recorder = Recorder::new().tampering(|row| match row {
        Row::Remove(row) => !row.identity.container_id.starts_with('e'),
        Row::Create(row) => !row.identity.container_id.starts_with('c'),
        Row::Exit(_) | Row::Existing(_) | Row::Disagreement(_) => true,
    });
    case::everyday_into(&mut recorder);
    let run = replay(["verify", recorder.kill().arg()]).expect_code(0);
    assert!(run.stdout.contains("2 more rows"), "{run:#?}");
}

#[test]
fn a_row_missing_in_the_middle_of_a_killed_capture_is_a_difference() {
    let mut recorder =
        Recorder::new().tampering(|row| !matches!(row, Row::Remove(row) if row.identity.container_id.starts_with('b')));
    case::everyday_into(&mut recorder);
    let run = replay(["verify", recorder.kill().arg()]).expect_code(1);
    assert!(run.stdout.contains("bbbbbbbbbbbb"), "{run:#?}");
}

#[test]
fn verify_does_not_change_the_case() {
    let case = case::everyday().close();
    let list = || {
        let mut files: Vec<_> = ["", "raw", "raw/events", "derived", "derived/container_remove"]
            .iter()
            .flat_map(|folder| std::fs::read_dir(case.path.join(folder)).expect("a directory"))
            .map(|entry| entry.expect("an entry"))
            .map(|entry| (entry.path(), entry.metadata().expect("facts").modified().expect("a time")))
            .collect();
        files.sort();
        files
    };
    let before = list();
    replay(["verify", case.arg()]).expect_code(0);
    replay(["derive", case.arg()]).expect_code(0);
    replay(["info", case.arg()]).expect_code(0);
    assert_eq!(before, list());
}

#[test]
fn what_must_hold_comes_from_the_command_line_or_a_policy() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let policy = folder.path().join("policy.json");
    let policy = policy.to_str().expect("text");
    let (closed, killed) = (case::everyday().close(), case::everyday().kill());
    fs::write(policy, r#"{"require": ["closed"], "case_id": "11111111-2222-3333-4444-555555555555"}"#)
        .expect("written");
    let held = replay(["verify", closed.arg(), "--policy", policy, "--require", "complete"]).expect_code(0);
    assert!(held.stdout.contains("required: closed   yes\nrequired: complete yes\n"), "{held:#?}");
    let run = replay(["verify", killed.arg(), "--policy", policy]).expect_code(1);
    assert!(run.stdout.contains("required: closed   no: the case was never closed"), "{run:#?}");
    assert!(run.stderr.contains("not proven: closed: the case was never closed"), "{run:#?}");
    let run = replay(["verify", closed.arg(), "--case-id", "another"]).expect_code(1);
    assert!(run.stderr.contains("and not another"), "{run:#?}");
    // Whoever asks for something that cannot be asked is told, and not that it holds.
    replay(["verify", closed.arg(), "--require", "signed"]).expect_code(2).expect_one_error(&["--signers"]);
    for (text, named) in [
        (r#"{"requires": ["closed"]}"#, "unknown field"),
        (r#"{"require": ["cosed"]}"#, "none of closed, signed, anchored, complete"),
    ] {
        fs::write(policy, text).expect("written");
        replay(["verify", closed.arg(), "--policy", policy]).expect_code(2).expect_one_error(&[named]);
    }
}
