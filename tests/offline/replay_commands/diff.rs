//! `diff`: two cases side by side.

use crate::case::{self, Recorder, id};
use crate::program::replay;
use crate::terminal::golden;

#[test]
fn a_copy_is_the_same_in_every_column() {
    let case = case::everyday().close();
    let copy = case::copy(&case);
    replay(["diff", case.arg(), copy.arg()]).expect_code(0);
    let run = replay(["diff", case.arg(), copy.arg(), "--all-columns"]).expect_code(0);
    assert!(!run.stdout.contains("not compared"), "{run:#?}");
}

/// Records the same containers one record later in the log.
fn shifted() -> case::RecordedCase {
    let mut recorder = Recorder::new();
    recorder.record(obit_derivation::record::Body::Clock(obit_derivation::record::ClockReading::default()));
    case::everyday_into(&mut recorder);
    recorder.close()
}

#[test]
fn places_and_clock_readings_are_left_out_and_listed() {
    let (case, shifted) = (case::everyday().close(), shifted());
    let run = replay(["diff", case.arg(), shifted.arg()]).expect_code(0);
    let left_out = run.stdout.lines().find(|line| line.starts_with("not compared")).expect("a line");
    for column in ["seq", "evidence_seqs", "ts", "boot_ns", "rmdir_seq", "created_seq", "first_seen_seq"] {
        assert!(left_out.contains(column), "{left_out}");
    }
    let run = replay(["diff", case.arg(), shifted.arg(), "--all-columns"]).expect_code(1);
    assert!(run.stdout.contains("rmdir_seq"), "{run:#?}");
}

#[test]
fn a_container_in_one_case_only_is_named() {
    let one = case::everyday().close();
    let mut recorder = case::everyday();
    recorder.live(&id('d'));
    let other = recorder.close();
    let run = replay(["diff", one.arg(), other.arg()]).expect_code(1);
    assert!(run.stdout.contains("dddddddddddd is in B only"), "{run:#?}");
    assert!(run.stdout.contains("existing_container: same"), "{run:#?}");
    let run = replay(["diff", other.arg(), one.arg()]).expect_code(1);
    assert!(run.stdout.contains("dddddddddddd is in A only"), "{run:#?}");
    // A table without a difference shows none.
    replay(["diff", one.arg(), other.arg(), "--event", "existing_container"]).expect_code(0);
    replay(["diff", one.arg(), other.arg(), "--event", "container_remove"]).expect_code(1);
}

#[test]
fn another_image_is_shown_and_can_be_left_out() {
    let with_image = |image| {
        let mut recorder = Recorder::new();
        let cgroup = recorder.begin(&id('a'));
        recorder.answer(&id('a'), "web-1", image);
        recorder.end(&id('a'), cgroup);
        recorder.close()
    };
    let (old, new) = (with_image("nginx:1.26"), with_image("nginx:1.27"));
    let run = replay(["diff", old.arg(), new.arg(), "--event", "container_remove"]).expect_code(1);
    for part in ["image_name", "nginx:1.26", "nginx:1.27"] {
        assert!(run.stdout.contains(part), "{run:#?}");
    }
    replay(["diff", old.arg(), new.arg(), "--event", "container_remove", "--ignore", "image_name,image_id"])
        .expect_code(0);
}

#[test]
fn the_same_rows_in_another_order_are_the_same_rows() {
    let record = |first, second| {
        let mut recorder = Recorder::new();
        let mut ends = [(first, 0), (second, 0)];
        for (digit, cgroup) in &mut ends {
            *cgroup = recorder.begin(&id(*digit));
        }
        recorder
    };
    // Both containers are made in the same order and so have the same cgroup ids; they end in
    // different orders.
    let ended = |order: [usize; 2]| {
        let mut recorder = record('a', 'b');
        for index in order {
            recorder.end(&id(['a', 'b'][index]), 101 + index as u64);
        }
        recorder.close()
    };
    let run = replay(["diff", ended([0, 1]).arg(), ended([1, 0]).arg()]).expect_code(0);
    assert!(run.stdout.contains("another order"), "{run:#?}");
}

#[test]
fn a_column_that_does_not_exist_is_refused() {
    let case = case::everyday().close();
    let run = replay(["diff", case.arg(), case.arg(), "--ignore", "colour"]).expect_code(2);
    run.expect_one_error(&["colour"]);
}

#[test]
fn a_filter_chooses_the_rows_that_are_compared() {
    let one = case::everyday().close();
    let mut recorder = case::everyday();
    recorder.live(&id('d'));
    let other = recorder.close();
    let diff = |more: &[&str]| replay([&["diff", one.arg(), other.arg()], more].concat());
    diff(&["--container", &id('a')]).expect_code(0);
    diff(&["--container", &id('d')]).expect_code(1);
    // A table without causes has no row that fits.
    let run = diff(&["--cause", "unknown"]).expect_code(1);
    assert!(run.stdout.contains("container_exit: ") && !run.stdout.contains("container_create: "), "{run:#?}");
    diff(&["--cause", "unknown", "--event", "container_create"]).expect_code(2).expect_one_error(&["cause"]);
}

/// A side has the rows that `derive` has by the same filter.
#[test]
fn each_side_has_the_rows_that_derive_has() {
    let (left, right) = (golden("docker-hybrid"), golden("v2-systemd-guest"));
    for filter in
        [&["--runtime", "docker"][..], &["--name", "w*"], &["--last", "10s"], &["--cause", "killed_by_runtime"]]
    {
        let run = replay([&["diff", &left, &right, "--show", "0", "--format", "json"], filter].concat());
        let report: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        let tables = report["tables"].as_array().expect("tables");
        assert!(!tables.is_empty());
        for table in tables {
            for (side, case) in [("left", &left), ("right", &right)] {
                let event = table["table"].as_str().expect("a name");
                let rows = replay([&["derive", case, "--event", event, "--format", "jsonl"], filter].concat());
                assert_eq!(table[side]["rows"], rows.expect_code(0).json_lines().len(), "{filter:?} {event} {side}");
            }
        }
    }
}

#[test]
fn only_the_columns_that_are_named_are_compared() {
    let with_image = |image| {
        let mut recorder = Recorder::new();
        let cgroup = recorder.begin(&id('a'));
        recorder.answer(&id('a'), "web-1", image);
        recorder.end(&id('a'), cgroup);
        recorder.close()
    };
    let (old, new) = (with_image("nginx:1.26"), with_image("nginx:1.27"));
    let run = replay(["diff", old.arg(), new.arg(), "--columns", "container_name,runtime"]).expect_code(0);
    assert!(run.stdout.contains("not compared: all columns but container_name, runtime"), "{run:#?}");
    replay(["diff", old.arg(), new.arg(), "--columns", "image_name"]).expect_code(1);
    replay(["diff", old.arg(), new.arg(), "--columns", "colour"])
        .expect_code(2)
        .expect_one_error(&["--columns colour"]);
}
