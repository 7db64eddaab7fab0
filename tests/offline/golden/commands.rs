//! Every command of obit-replay opens every golden case.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::case::{EVENTS, Golden, derived};
use crate::program::{Run, replay, replay_with};

/// Expects a warning on standard error if and only if the case was not closed.
fn expect_quiet(case: &Golden, run: &Run) {
    let warned = run.stderr.lines().any(|line| line.starts_with("obit-replay:"));
    assert_eq!(warned, !case.is_closed(), "{}: {run:#?}", case.name);
}

#[test]
fn info_lists_the_contents() {
    for case in Golden::all() {
        let run = replay(["info", &case.arg()]).expect_code(0);
        expect_quiet(&case, &run);
        let state = if case.is_closed() { "closed" } else { "open" };
        let line = run.stdout.lines().find(|line| line.starts_with("state")).expect("a line");
        assert!(line.contains(state), "{}: {line}", case.name);

        let run = replay(["info", &case.arg(), "--format", "json"]).expect_code(0);
        let info: Value = serde_json::from_str(&run.stdout).expect("JSON");
        assert_eq!(info["closed"], case.is_closed(), "{}", case.name);
        let lost = info["counts"]["lost"].as_u64().expect("a count");
        assert_eq!(lost > 0, case.lives.iter().any(|life| life.gap), "{}: {lost} lost", case.name);
    }
}

#[test]
fn explain_knows_every_container() {
    for case in Golden::all() {
        for id in case.lives.iter().map(|life| life.container_id.as_str()).collect::<BTreeSet<_>>() {
            let run = replay(["explain", &case.arg(), id]).expect_code(0);
            expect_quiet(&case, &run);
            assert!(run.stdout.contains(id), "{} {id}: {}", case.name, run.stdout);
        }
    }
}

#[test]
fn derive_prints_every_event_in_every_format() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for case in Golden::all() {
        for event in EVENTS {
            let rows = case.derived(event).len();
            let derive = |format| {
                let run = replay(["derive", &case.arg(), "--event", event, "--format", format]).expect_code(0);
                expect_quiet(&case, &run);
                run.stdout
            };
            let table = derive("table");
            let csv = derive("csv");
            // A line of column names, then a line for each row; no value of these cases has a line
            // break.
            assert_eq!(csv.lines().count(), rows + 1, "{} {event}", case.name);
            for row in case.derived(event) {
                let id = row["container_id"].as_str().expect("never null");
                assert!(csv.contains(id), "{} {event}: {csv}", case.name);
                assert!(table.contains(&id[..id.len().min(12)]), "{} {event}: {table}", case.name);
            }
            let output = directory.path().join(format!("{}-{event}.parquet", case.name));
            let output = output.to_str().expect("a temporary path is UTF-8");
            replay(["derive", &case.arg(), "--event", event, "--format", "parquet", "--output", output]).expect_code(0);
            let bytes = fs::read(output).expect("the file");
            assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"), "{} {event}", case.name);
        }
    }
}

#[test]
fn a_case_is_the_same_as_itself_and_no_other() {
    let cases = Golden::all();
    for (index, case) in cases.iter().enumerate() {
        replay(["diff", &case.arg(), &case.arg(), "--all-columns"]).expect_code(0);
        let other = &cases[(index + 1) % cases.len()];
        replay(["diff", &case.arg(), &other.arg()]).expect_code(1);
    }
}

#[test]
fn tracee_s_rules_read_it_too() {
    for case in Golden::all() {
        for event in EVENTS {
            replay(["derive", &case.arg(), "--event", event, "--profile", "tracee"]).expect_code(0);
        }
        let run = replay(["diff", &case.arg(), "--profile-a", "tracee"]);
        // The tests of the profile decide which rows differ.
        assert!(matches!(run.code, 0 | 1), "{}: {run:#?}", case.name);
        expect_quiet(&case, &run);
    }
}

#[test]
fn a_capture_that_was_killed_can_be_closed_and_stays_the_same() {
    let case = Golden::all().into_iter().find(|case| case.name == "never-closed").expect("the case");
    let rows = EVENTS.map(|event| case.derived(event));
    let directory = tempfile::tempdir().expect("a temporary directory");
    let copy = directory.path().join("case");
    copy_directory(Path::new(&case.arg()), &copy);
    let copy = copy.to_str().expect("a temporary path is UTF-8");

    replay(["close", copy]).expect_code(0);

    let run = replay(["verify", copy]).expect_code(0);
    assert!(!run.stderr.contains("never closed"), "{run:#?}");
    assert_eq!(EVENTS.map(|event| derived(copy, event)), rows);
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a new directory");
    for entry in fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

#[test]
fn identify_answers_for_every_path_of_a_row() {
    for case in Golden::all() {
        let rows: Vec<_> = EVENTS.iter().flat_map(|event| case.derived(event)).collect();
        let paths: Vec<_> = rows.iter().map(|row| row["cgroup_path"].as_str().expect("never null")).collect();
        let run = replay_with(["identify"], format!("{}\n", paths.join("\n")).as_bytes()).expect_code(0);
        let answers: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(answers.len(), rows.len(), "{}", case.name);
        for (answer, row) in answers.iter().zip(&rows) {
            // A path names the right container or none: nobody forged one in these cases.
            let id = &answer["container_id"];
            assert!(id.is_null() || *id == row["container_id"], "{}: {answer} but {row}", case.name);
        }
    }
}
