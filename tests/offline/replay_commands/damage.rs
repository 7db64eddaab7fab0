//! Cases with missing, cut, emptied, foreign, newer or corrupt files: the commands read the rest,
//! name the damage, and call nothing the same.

use std::fs::{self, OpenOptions};

use crate::case::{self, RecordedCase, Recorder, id};
use crate::program::{Run, replay};

const FIRST_EVENTS: &str = "raw/events/events-000000.parquet";
const SECOND_EVENTS: &str = "raw/events/events-000001.parquet";

/// Records a case whose events are in parts of ten.
fn in_parts() -> RecordedCase {
    let mut recorder = Recorder::with_part_rows(10);
    case::everyday_into(&mut recorder);
    recorder.close()
}

/// Fails unless every command names the damage, none reports success, and `derive` still gives
/// rows.
#[track_caller]
fn expect_damage(case: &RecordedCase, named: &str) {
    let named_in = |run: &Run| assert!(run.stderr.contains(named), "{named:?} is not in {run:#?}");
    let run = replay(["verify", case.arg()]).expect_code(2);
    named_in(&run);
    assert!(run.stdout.lines().last().expect("a verdict").starts_with("undecided"), "{run:#?}");
    let run = replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(2);
    named_in(&run);
    assert!(!run.json_lines().is_empty(), "what can be read is read: {run:#?}");
    let run = replay(["info", case.arg()]).expect_code(2);
    named_in(&run);
    assert!(run.stdout.contains(named), "{run:#?}");
    let whole = case::everyday().close();
    let run = replay(["diff", case.arg(), whole.arg()]).expect_code(2);
    named_in(&run);
    assert!(run.stdout.lines().last().expect("a verdict").starts_with("undecided"), "{run:#?}");
}

#[test]
fn a_missing_part() {
    let case = in_parts();
    fs::remove_file(case.path.join(SECOND_EVENTS)).expect("removed");
    expect_damage(&case, SECOND_EVENTS);
}

#[test]
fn a_truncated_part() {
    let case = in_parts();
    let file = OpenOptions::new().write(true).open(case.path.join(SECOND_EVENTS)).expect("a part");
    let bytes = file.metadata().expect("facts").len();
    file.set_len(bytes / 2).expect("cut");
    expect_damage(&case, SECOND_EVENTS);
}

#[test]
fn an_empty_part() {
    let case = in_parts();
    fs::write(case.path.join(SECOND_EVENTS), b"").expect("emptied");
    expect_damage(&case, SECOND_EVENTS);
}

#[test]
fn a_part_that_is_no_parquet() {
    let case = in_parts();
    fs::write(case.path.join(SECOND_EVENTS), b"not columns at all, but long enough to look for a footer")
        .expect("replaced");
    expect_damage(&case, SECOND_EVENTS);
}

#[test]
fn a_part_of_another_table() {
    let case = in_parts();
    let cgroupfs = fs::read(case.path.join("raw/cgroupfs/cgroupfs-000000.parquet")).expect("a part");
    fs::write(case.path.join(SECOND_EVENTS), cgroupfs).expect("replaced");
    expect_damage(&case, SECOND_EVENTS);
}

#[test]
fn a_part_with_flipped_bytes_never_panics_and_never_passes() {
    let case = in_parts();
    let path = case.path.join(FIRST_EVENTS);
    let whole = fs::read(&path).expect("a part");
    // One place in each part of the file: magic, data, and footer.
    for place in (0..16).map(|sixteenth| sixteenth * (whole.len() - 1) / 15) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0xff;
        fs::write(&path, &bytes).expect("replaced");
        let run = replay(["verify", case.arg()]);
        assert!(run.code == 1 || run.code == 2, "byte {place}: {run:#?}");
        assert!(!run.stderr.contains("panicked"), "byte {place}: {run:#?}");
    }
}

#[test]
fn a_missing_derived_part_spoils_verify_and_not_derive() {
    let case = case::everyday().close();
    fs::remove_file(case.path.join("derived/container_remove/container_remove-000000.parquet")).expect("removed");
    let run = replay(["verify", case.arg()]).expect_code(2);
    assert!(run.stderr.contains("container_remove-000000"), "{run:#?}");
    let run = replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0);
    assert_eq!(run.json_lines().len(), 4);
}

#[test]
fn a_corrupt_or_missing_manifest() {
    for text in [&b"{ not json"[..], b"", b"{}", b"[]", b"\xff\xff"] {
        let case = case::everyday().close();
        fs::write(case.path.join("case.json"), text).expect("replaced");
        expect_damage(&case, "case.json");
    }
    let case = case::everyday().close();
    fs::remove_file(case.path.join("case.json")).expect("removed");
    expect_damage(&case, "case.json");
}

#[test]
fn a_newer_major_version_is_refused_by_name() {
    let case = case::everyday().close();
    let path = case.path.join("case.json");
    let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("a manifest")).expect("JSON");
    manifest["format"]["major"] = 99.into();
    fs::write(&path, manifest.to_string()).expect("replaced");
    for command in ["derive", "verify", "info"] {
        let run = replay([command, case.arg()]).expect_code(2);
        run.expect_one_error(&["99", "newer"]);
        assert_eq!(run.stdout, "", "nothing is half-read");
    }
}

#[test]
fn a_torn_journal_costs_its_tail_only() {
    let case = case::everyday().kill();
    let journal = fs::read_dir(case.path.join("journal"))
        .expect("journals")
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("events-")))
        .expect("a journal of events");
    let file = OpenOptions::new().write(true).open(&journal).expect("a journal");
    let bytes = file.metadata().expect("facts").len();
    file.set_len(bytes - 5).expect("cut");
    // The last event, the start of `c`, is gone: earlier ends are not affected, and the tear is
    // named.
    let run = replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0);
    assert_eq!(run.json_lines().len(), 4);
    assert!(run.stderr.contains("journal/events-000000"), "{run:#?}");
    // The row of the torn event is not recorded either: `c` is announced when it is made.
    let run = replay(["verify", case.arg()]).expect_code(0);
    assert!(run.stdout.lines().last().expect("a verdict").starts_with("same as far as it was written"), "{run:#?}");
}

#[test]
fn rows_that_a_power_cut_took_follow_from_the_records_that_it_left() {
    // Derived tables are synced less often than records: one is torn, another was never written.
    let case = case::everyday().kill();
    let removals = case.path.join("journal/container_remove-000000.arrows");
    let file = OpenOptions::new().write(true).open(&removals).expect("a journal");
    file.set_len(file.metadata().expect("facts").len() - 5).expect("cut");
    fs::remove_file(case.path.join("journal/container_create-000000.arrows")).expect("a journal");
    let all = replay(["derive", case::everyday().kill().arg(), "--format", "jsonl"]).expect_code(0);
    let left = replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0);
    assert_eq!(left.stdout, all.stdout);
    for is_closed in [false, true] {
        if is_closed {
            replay(["close", case.arg()]).expect_code(0);
        }
        let run = replay(["verify", case.arg()]).expect_code(0);
        let verdict = run.stdout.lines().last().expect("a verdict");
        assert!(verdict.starts_with("same as far as it was written") && !verdict.contains(" 0 more"), "{run:#?}");
    }
}

#[test]
fn rows_that_outlive_their_records_are_not_called_the_same() {
    let mut recorder = case::everyday();
    recorder.live(&id('d'));
    let case = recorder.kill();
    let journal = case.path.join("journal/events-000000.arrows");
    let file = OpenOptions::new().write(true).open(&journal).expect("a journal");
    // Each record is a batch of its own: this tears the removal of `d`, whose row is in another
    // journal.
    file.set_len(file.metadata().expect("facts").len() - 5).expect("cut");
    let run = replay(["verify", case.arg()]).expect_code(2);
    assert!(run.stdout.contains("undecided") && run.stdout.contains("1 of the recorded rows come after"), "{run:#?}");
    assert!(!run.stdout.contains("dddddddddddd"), "it is no difference: {run:#?}");
}

#[test]
fn a_file_changed_after_closing_is_no_longer_the_same() {
    let case = case::everyday().close();
    let path = case.path.join("case.json");
    let text = fs::read_to_string(&path).expect("a manifest").replace("9.9.9", "9.9.8");
    fs::write(&path, text).expect("replaced");
    let run = replay(["verify", case.arg()]).expect_code(1);
    assert!(run.stderr.contains("case.json"), "{run:#?}");
    assert!(run.stdout.lines().last().expect("a verdict").starts_with("different"), "{run:#?}");
}

#[test]
fn a_whole_case_with_parts_is_fine() {
    // Damage of the tests above.
    let case = in_parts();
    assert!(case.path.join(SECOND_EVENTS).exists());
    replay(["verify", case.arg()]).expect_code(0);
    replay(["info", case.arg()]).expect_code(0);
}
