//! `info`: text and JSON.

use crate::case::{self, Recorder};
use crate::program::replay;

fn json(case: &case::RecordedCase, code: i32) -> serde_json::Value {
    let run = replay(["info", case.arg(), "--format", "json"]).expect_code(code);
    serde_json::from_str(&run.stdout).expect("one JSON value")
}

#[test]
fn a_closed_case_tells_all_about_itself() {
    let case = case::everyday().close();
    let info = json(&case, 0);
    assert_eq!(info["closed"], true);
    assert_eq!(info["manifest"]["case_id"], "11111111-2222-3333-4444-555555555555");
    assert_eq!(info["counts"]["by_table"]["container_remove"], 4);
    assert_eq!(info["counts"]["by_table"]["container_create"], 4);
    assert_eq!(info["counts"]["by_table"]["existing_container"], 1);
    assert_eq!(info["counts"]["by_table"]["runtime"], 1);
    // a, b, the directory inside b, a again, and e.
    assert_eq!(info["counts"]["by_kind"]["cgroup_rmdir"], 5);
    assert_eq!(info["counts"]["by_kind"]["capture_stop"], 1);
    assert_eq!(info["counts"]["truncated"], serde_json::json!({"actor_argv": 0, "path": 0}));
    assert_eq!(info["counts"]["lost"], 0);
    assert_eq!(info["problems"], serde_json::json!([]));
    assert_eq!(info["lost_intervals"], serde_json::json!([]));
    let parts = info["parts"].as_array().expect("a list");
    assert_eq!(parts.len(), 8, "one for each table");
    assert!(parts.iter().all(|part| part["sealed"] == true && part["bytes"].as_u64() > Some(0)));
}

#[test]
fn the_text_names_the_same_things() {
    let case = case::everyday().close();
    let run = replay(["info", case.arg()]).expect_code(0);
    for part in [
        "11111111-2222-3333-4444-555555555555",
        "closed",
        "cgroup_rmdir",
        "container_remove",
        "events-000000.parquet",
        "9.9.9",
        "cut to fit: 0 actor_argv, 0 path",
        "readings and questions: ",
        "problems: 0",
    ] {
        assert!(run.stdout.contains(part), "{part} is not in {run:#?}");
    }
    assert_eq!(run.stderr, "");
}

#[test]
fn an_open_case_is_counted_as_it_is() {
    let case = case::everyday().kill();
    let info = json(&case, 0);
    assert_eq!(info["closed"], false);
    assert_eq!(info["counts"]["by_kind"]["cgroup_rmdir"], 5);
    // `info` counts an open case as the recorder would have.
    let closed = json(&case::everyday().close(), 0);
    for counted in ["outcomes", "truncated"] {
        assert_eq!(info["counts"][counted], closed["counts"][counted]);
        assert_ne!(info["counts"][counted], serde_json::json!({}));
    }
    assert_eq!(info["counts"]["by_table"]["container_remove"], 4);
    assert!(info["parts"].as_array().expect("a list").iter().all(|part| part["sealed"] == false));
    let run = replay(["info", case.arg()]).expect_code(0);
    assert!(run.stdout.contains("open") && run.stderr.contains("never closed"), "{run:#?}");
}

#[test]
fn a_case_that_is_being_recorded_is_not_called_cut_off() {
    let mut recorder = case::everyday();
    recorder.sync();
    let path = recorder.path().to_str().expect("UTF-8").to_owned();
    let info = replay(["info", &path]).expect_code(0);
    assert!(info.stdout.contains("open: it is being recorded"), "{info:#?}");
    let verify = replay(["verify", &path]).expect_code(0);
    assert!(verify.stdout.contains("the case is being recorded"), "{verify:#?}");
    for run in [&info, &verify] {
        assert!(run.stderr.contains("this case is being recorded") && !run.stderr.contains("cut off"), "{run:#?}");
    }
    // Looking at it does not hold up its writer.
    let case = recorder.kill();
    let info = replay(["info", case.arg()]).expect_code(0);
    assert!(info.stdout.contains("open: its capture was cut off") && info.stderr.contains("never closed"), "{info:#?}");
    replay(["close", case.arg()]).expect_code(0);
}

#[test]
fn lost_intervals_of_closed_and_of_open_cases_are_listed() {
    let record = || {
        let mut recorder = Recorder::new();
        recorder.walk(&["/system.slice"]);
        recorder.lose(7);
        recorder.lose(5);
        recorder
    };
    for case in [record().close(), record().kill()] {
        let info = json(&case, 0);
        assert_eq!(info["counts"]["lost"], 12);
        let intervals = info["lost_intervals"].as_array().expect("a list");
        assert_eq!(intervals.len(), 2);
        assert_eq!(intervals[0]["lost"], 7);
        assert_eq!(intervals[0]["kind"], "cgroup_rmdir");
        assert_eq!(
            intervals[0]["since_seq"].as_u64().expect("a number") + 1,
            intervals[0]["seq"].as_u64().expect("a number")
        );
        let run = replay(["info", case.arg()]).expect_code(0);
        assert!(run.stdout.contains("lost events: 12"), "{run:#?}");
    }
}
