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

/// Records one container in a case whose creation the recorder did not write.
fn tampered_on_host(case_id: &str, host: &Value) -> RecordedCase {
    let recorder = Recorder::start(case_id, WriterOptions::default(), host.clone(), Vec::new());
    let mut recorder = recorder.tampering(|row| !matches!(row, obit_derivation::Row::Create(_)));
    recorder.live(&id('a'));
    recorder.close()
}

#[test]
fn each_of_several_cases_is_verified_and_the_exit_code_is_the_worst() {
    let host = |name: &str| json!({"hostname": name, "machine_id": format!("{name}-id")});
    let cases = [on_host("1", &host("one")), on_host("2", &host("two")), tampered_on_host("3", &host("three"))];
    let [one, two, false_one] = cases.each_ref().map(RecordedCase::arg);
    let empty = tempfile::tempdir().expect("a directory");
    let empty = empty.path().to_str().expect("UTF-8");
    for (given, code, sum) in [
        (&[one, two][..], 0, "2 cases: 2 hold, 0 fail, 0 are undecided"),
        (&[one, false_one], 1, "2 cases: 1 hold, 1 fail, 0 are undecided"),
        (&[one, empty], 2, "2 cases: 1 hold, 0 fail, 1 are undecided"),
        // A case that cannot be opened hides no finding, and ends nothing.
        (&[empty, false_one, two], 1, "3 cases: 1 hold, 1 fail, 1 are undecided"),
    ] {
        let run = replay([&["verify"], given].concat()).expect_code(code);
        assert_eq!(run.stderr.lines().last(), Some(sum), "{run:#?}");
        for case in given.iter().filter(|case| **case != empty) {
            assert!(run.stdout.lines().any(|line| line.starts_with(&format!("{case} of "))), "{run:#?}");
        }
        let lines = replay([&["verify", "--format", "json"], given].concat()).expect_code(code).json_lines();
        let hosts: Vec<_> = lines.iter().map(|line| (line["case"].clone(), line["host"].clone())).collect();
        let expected: Vec<_> = given
            .iter()
            .filter_map(|case| {
                [(one, "one"), (two, "two"), (false_one, "three")].into_iter().find(|(arg, _)| arg == case)
            })
            .map(|(case, host)| (json!(case), json!(host)))
            .collect();
        assert_eq!(hosts, expected);
    }
    replay(["verify", one, two, "--case-id", "1"]).expect_code(2).expect_one_error(&["one case", "2"]);
    replay(["verify", one, two, "--anchor", "/dev/null"])
        .expect_code(2)
        .expect_one_error(&["/dev/null", "give a file"]);
}

#[test]
fn info_shows_each_of_several_cases() {
    let cases = [on_host("1", &json!({"hostname": "one"})), on_host("2", &json!({"hostname": "two"}))];
    let [one, two] = cases.each_ref().map(RecordedCase::arg);
    let text = replay(["info", one, two]).expect_code(0).stdout;
    let shown = |line: &str| text.lines().filter(|one| *one == line).count();
    assert_eq!((shown("id         1"), shown("id         2")), (1, 1), "{text}");
    let lines = replay(["info", one, two, "--format", "json"]).expect_code(0).json_lines();
    assert_eq!(lines.iter().map(|line| line["path"].clone()).collect::<Vec<_>>(), [json!(one), json!(two)]);
    let run = replay(["info", "/nowhere", two]).expect_code(2);
    assert!(run.stdout.contains("id         2") && run.stderr.contains("/nowhere"), "{run:#?}");
}

#[test]
fn diff_compares_the_cases_of_two_sets_host_by_host() {
    let host = |name: &str| json!({"hostname": name, "machine_id": format!("{name}-id")});
    let [before, after] = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
    let put = |case: &RecordedCase, place: std::path::PathBuf| {
        let done = std::process::Command::new("cp").args(["-r", case.arg()]).arg(place).status().expect("cp");
        assert!(done.success());
    };
    // The names of the folders are in another order than those of the hosts.
    put(&on_host("1", &host("one")), before.path().join("x"));
    put(&on_host("2", &host("two")), before.path().join("y"));
    put(&on_host("3", &host("one")), after.path().join("y"));
    put(&on_host("4", &host("two")), after.path().join("x"));
    let sets = [before.path(), after.path()].map(|path| path.to_str().expect("UTF-8"));
    let diff = |more: &[&str]| replay([&["diff", sets[0], sets[1]], more].concat());
    let pairs = diff(&["--format", "json"]).expect_code(0).json_lines();
    let sides: Vec<_> =
        pairs.iter().map(|pair| [&pair["left"], &pair["right"]].map(|side| side["case_id"].clone())).collect();
    assert_eq!(sides, [[json!("1"), json!("3")], [json!("2"), json!("4")]]);
    let text = diff(&[]).expect_code(0).stdout;
    assert_eq!(text.lines().filter(|line| *line == "same").count(), 2, "a verdict of each pair: {text}");
    fs::remove_dir_all(after.path().join("x")).expect("removed");
    let run = diff(&[]).expect_code(1);
    run.expect_one_error(&["y", "only A"]);
}
