//! `diff`: two cases side by side.

use crate::case::{self, Recorder, id};
use crate::program::replay;

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
