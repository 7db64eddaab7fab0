//! Several cases at once: the union of what each gives, in the order of time.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;

use obit_case::writer::WriterOptions;
use serde_json::{Value, json};

use crate::case::{RecordedCase, Recorder, copy, id};
use crate::golden::{EVENTS, Golden};
use crate::program::replay;

const ORIGIN: [&str; 4] = ["host", "machine_id", "boot_id", "case_id"];

/// Rows of each case by itself, with the columns of its origin, in the order of time.
fn union(cases: &[&Golden], event: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    for case in cases {
        let manifest = case.manifest();
        for mut row in case.derived(event) {
            row["host"] = manifest["host"]["hostname"].clone();
            row["machine_id"] = manifest["host"]["machine_id"].clone();
            row["boot_id"] = manifest["host"]["boot_id"].clone();
            row["case_id"] = manifest["case_id"].clone();
            rows.push(row);
        }
    }
    rows.sort_by_key(|row| row["ts"].as_str().expect("a time").to_owned());
    rows
}

#[test]
fn cases_of_two_hosts_give_the_union_of_their_rows_as_one_time_line() {
    let all = Golden::all();
    let of = |name: &str| all.iter().find(|case| case.name == name).expect("the case");
    let (docker, systemd) = (of("docker-hybrid"), of("v2-systemd-guest"));
    let folder = tempfile::tempdir().expect("a temporary directory");
    fs::create_dir(folder.path().join("node")).expect("a directory");
    for (case, place) in [(docker, "a"), (systemd, "node/b")] {
        symlink_free_copy(case, &folder.path().join(place));
    }
    let folder = folder.path().to_str().expect("UTF-8");
    for event in EVENTS {
        let expected = union(&[docker, systemd], event);
        let given = replay(["derive", &docker.arg(), &systemd.arg(), "--event", event, "--format", "jsonl"]);
        assert_eq!(given.expect_code(0).json_lines(), expected, "{event}");
        let found = replay(["derive", folder, "--event", event, "--format", "jsonl"]).expect_code(0);
        assert_eq!(found.json_lines(), expected, "{event}");
        let line = found.stdout.lines().next();
        assert!(line.is_none_or(|line| line.starts_with(r#"{"host":"#)), "{line:?}");
        for host in ["vm", "obit-guest"] {
            assert!(found.stderr.lines().any(|line| line.starts_with(&format!("{host}: wall clock"))), "{found:#?}");
        }
    }
    // One case has no such columns.
    assert!(docker.derived("container_remove").iter().all(|row| ORIGIN.iter().all(|name| row.get(name).is_none())));
}

fn symlink_free_copy(case: &Golden, to: &std::path::Path) {
    let done = std::process::Command::new("cp").args(["-r", &case.arg()]).arg(to).status().expect("cp");
    assert!(done.success());
}

/// Records one container in a case of a host.
fn on_host(case_id: &str, host: &Value) -> RecordedCase {
    let mut recorder = Recorder::start(case_id, WriterOptions::default(), host.clone(), Vec::new());
    recorder.live(&id('a'));
    recorder.close()
}

#[test]
fn one_container_id_on_two_hosts_stays_two() {
    let hosts = ["one", "two"].map(|name| json!({"hostname": name, "machine_id": format!("{name}-id")}));
    let cases = [on_host("1", &hosts[0]), on_host("2", &hosts[1])];
    let rows = replay(["derive", cases[0].arg(), cases[1].arg(), "--format", "jsonl"]).expect_code(0).json_lines();
    let of: BTreeSet<_> = rows.iter().map(|row| (row["host"].as_str(), row["container_id"].as_str())).collect();
    assert_eq!(of.len(), 2, "{rows:?}");
    let table = replay(["derive", cases[0].arg(), cases[1].arg()]).expect_code(0).stdout;
    assert!(table.starts_with("HOST") && table.contains("\none ") && table.contains("\ntwo "), "{table}");
}

#[test]
fn hosts_of_one_name_are_told_apart_and_their_names_reach_no_terminal() {
    let hosts = ["aaaa1111bbbb", "cccc2222dddd"]
        .map(|machine| json!({"hostname": "n\u{1b}[2J\u{202e}", "machine_id": machine}));
    let cases = [on_host("1", &hosts[0]), on_host("2", &hosts[1])];
    for format in ["table", "jsonl", "csv"] {
        let run = replay(["derive", cases[0].arg(), cases[1].arg(), "--format", format]).expect_code(0);
        let text = run.stdout.clone() + &run.stderr;
        assert!(!text.chars().any(|c| c != '\n' && obit_schema::text::is_hazard(c)), "{run:?}");
    }
    let table = replay(["derive", cases[0].arg(), cases[1].arg()]).expect_code(0).stdout;
    assert!(table.contains("/aaaa1111 ") && table.contains("/cccc2222 "), "{table}");
}

#[test]
fn a_case_given_twice_and_a_directory_without_one_are_refused() {
    let case = on_host("1", &json!({}));
    let twin = copy(&case);
    replay(["derive", case.arg(), twin.arg()]).expect_code(2).expect_one_error(&["are the same case"]);
    let empty = tempfile::tempdir().expect("a temporary directory");
    let path = empty.path().to_str().expect("UTF-8");
    replay(["derive", path]).expect_code(2).expect_one_error(&[path]);
    // A link leads out of the directory that was given.
    symlink(&case.path, empty.path().join("link")).expect("a link");
    replay(["derive", path]).expect_code(2).expect_one_error(&[path]);
}
