//! `inventory`: what was there at a moment.

use obit_case::writer::WriterOptions;
use obit_derivation::record::CgroupEventKind;
use serde_json::Value;

use crate::case::{self, Recorder, id};
use crate::golden::Golden;
use crate::program::replay;

/// A life as the rows tell of it, put together without regard to their order.
#[derive(Debug)]
struct Life {
    id: String,
    /// Time and record of the creation; `None` if it began before the capture.
    began: Option<(String, u64)>,
    exited: Option<(String, u64)>,
    removed: Option<(String, u64)>,
}

fn text(row: &Value, column: &str) -> String {
    row[column].as_str().unwrap_or_else(|| panic!("{column} of {row}")).to_owned()
}

fn change(row: &Value) -> (String, u64) {
    (text(row, "ts"), row["seq"].as_u64().expect("a number"))
}

/// Reads the lives of a case from its rows: those of an end belong to the creation that they name,
/// else to the only life of their directory that began before the capture.
fn lives(case: &Golden) -> Vec<Life> {
    let (exits, removals) = (case.derived("container_exit"), case.derived("container_remove"));
    let of = |rows: &[Value], is_it: &dyn Fn(&Value) -> bool| {
        let mut fitting = rows.iter().filter(|row| is_it(row)).map(change);
        let first = fitting.next();
        assert_eq!(fitting.next(), None, "{}: two ends of one life", case.name);
        first
    };
    let mut lives = Vec::new();
    for row in case.derived("container_create") {
        let is_it =
            |end: &Value| end["created_seq"] == row["created_seq"] && end["container_id"] == row["container_id"];
        let began = Some((text(&row, "ts"), row["created_seq"].as_u64().expect("a number")));
        let (exited, removed) = (of(&exits, &is_it), of(&removals, &is_it));
        lives.push(Life { id: text(&row, "container_id"), began, exited, removed });
    }
    for row in case.derived("existing_container") {
        let is_it = |end: &Value| {
            let has_no_creation = end["created_seq"].is_null();
            has_no_creation && end["cgroup_id"] == row["cgroup_id"] && end["container_id"] == row["container_id"]
        };
        let (exited, removed) = (of(&exits, &is_it), of(&removals, &is_it));
        lives.push(Life { id: text(&row, "container_id"), began: None, exited, removed });
    }
    lives
}

/// Returns the ids and states of the containers that were there, by the lives.
fn expected(lives: &[Life], is_by: impl Fn(&(String, u64)) -> bool) -> Vec<(String, &'static str)> {
    let is_past = |change: &Option<(String, u64)>| change.as_ref().is_some_and(&is_by);
    let present = lives.iter().filter(|life| life.began.as_ref().is_none_or(&is_by) && !is_past(&life.removed));
    let mut states: Vec<_> =
        present.map(|life| (life.id.clone(), if is_past(&life.exited) { "exited" } else { "running" })).collect();
    states.sort();
    states
}

fn listed(case: &str, at: &str) -> Vec<(String, String)> {
    let run = replay(["inventory", case, "--at", at, "--format", "json"]).expect_code(0);
    let answer: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let containers = answer["containers"].as_array().expect("a list").iter();
    let mut states: Vec<_> = containers.map(|one| (text(one, "container_id"), text(one, "state"))).collect();
    states.sort();
    states
}

#[test]
fn any_moment_is_what_a_reading_of_all_rows_tells() {
    let mut shown = 0;
    for case in Golden::all() {
        let lives = lives(&case);
        let manifest = case.manifest();
        let start = manifest["clocks"]["start"]["ts_ns"].as_i64().expect("a number");
        let last_ts =
            lives.iter().flat_map(|life| [&life.began, &life.exited, &life.removed]).flatten().map(|(ts, _)| ts).max();
        let end = manifest["clocks"]["end"]["ts_ns"].as_i64().unwrap_or(start + 1);
        let last_seq = case
            .derived("container_create")
            .iter()
            .chain(&case.derived("container_exit"))
            .map(|row| change(row).1)
            .max();
        // A fixed sequence of moments that looks random, and the moments of changes themselves.
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below.max(1)
        };
        let mut moments: Vec<String> = (0..5)
            .map(|_| obit_schema::text::time::rfc3339(start + random((end - start).unsigned_abs()).cast_signed()))
            .collect();
        moments.extend(last_ts.filter(|_| case.is_closed()).cloned());
        for at in moments {
            let expected = expected(&lives, |(ts, _)| *ts <= at);
            shown += expected.len();
            let expected: Vec<_> = expected.into_iter().map(|(id, state)| (id, state.to_owned())).collect();
            assert_eq!(listed(&case.arg(), &at), expected, "{} at {at}", case.name);
        }
        for _ in 0..5 {
            let at = random(last_seq.expect("rows"));
            let expected = expected(&lives, |(_, seq)| *seq <= at);
            shown += expected.len();
            let expected: Vec<_> = expected.into_iter().map(|(id, state)| (id, state.to_owned())).collect();
            assert_eq!(listed(&case.arg(), &at.to_string()), expected, "{} at record {at}", case.name);
        }
    }
    assert!(shown > 50, "only {shown} containers were listed");
}

#[test]
fn start_and_end_are_those_of_the_case() {
    let case = Golden::all().into_iter().find(|case| case.name == "existing-before-start").expect("the case");
    let at_start = listed(&case.arg(), "start");
    let existing = case.derived("existing_container");
    assert_eq!(at_start.len(), existing.len());
    assert!(at_start.iter().all(|(_, state)| state == "running"));
    assert_eq!(listed(&case.arg(), "end").len(), 2, "two are alive when the capture stops");
    let run = replay(["inventory", &case.arg(), "--at", "2026-11-30T20:17:00Z"]).expect_code(2);
    run.expect_one_error(&["before the first moment recorded", "2026-11-30T20:17:46"]);
    let run = replay(["inventory", &case.arg(), "--at", "2027-01-01"]).expect_code(2);
    run.expect_one_error(&["after the last moment recorded"]);
    replay(["inventory", &case.arg(), "--at", "9999999"]).expect_code(2).expect_one_error(&["record 9999999"]);
}

#[test]
fn a_later_segment_lists_what_lives_on_once() {
    let mut recorder = Recorder::in_segments(WriterOptions::default());
    recorder.walk(&[]);
    let path = format!("/docker/{}", id('a'));
    let cgroup = recorder.begin(&id('a'));
    recorder.cut(2);
    // Its creation is the record after the mark of the start and the two of the walk.
    recorder.carry(3, CgroupEventKind::Mkdir, cgroup, &path, &["runc"]);
    recorder.walk(&[]);
    recorder.live(&id('b'));
    let case = recorder.close();
    let created = replay(["derive", case.arg(), "--event", "container_create", "--format", "jsonl"]).json_lines();
    assert_eq!(created.len(), 2);
    let ids: Vec<_> = listed(case.arg(), "end").into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [id('a')]);
}

#[test]
fn filters_choose_by_identity_and_hostile_names_reach_no_terminal() {
    let mut recorder = Recorder::new();
    let cgroup = recorder.begin(&id('a'));
    recorder.begin(&id('b'));
    let at = recorder.answer(&id('a'), "x\u{1b}[2J\u{202e}\n1", "evil\u{9b}").to_string();
    recorder.end(&id('a'), cgroup);
    let case = recorder.close();
    for format in ["text", "json"] {
        let run = replay(["inventory", case.arg(), "--image", "evil*", "--at", &at, "--format", format]).expect_code(0);
        assert!(!run.stdout.chars().any(|c| c != '\n' && obit_schema::text::is_hazard(c)), "{run:?}");
        assert!(run.stdout.contains("aaaaaaaaaaaa") && !run.stdout.contains("bbbb"), "{run:?}");
    }
    let everyday = case::everyday().close();
    let run = replay(["inventory", everyday.arg(), "--at", "6"]).expect_code(0);
    assert!(run.stdout.contains("aaaaaaaaaaaa") && run.stderr.contains("2 containers ran at record 6"), "{run:#?}");
    let one = replay(["inventory", everyday.arg(), "--container", "aaaaaaaaaaaa", "--at", "6"]).expect_code(0);
    assert!(one.stderr.contains("1 container ran at record 6"), "{one:#?}");
}
