//! JSON for programs, and the schemas that describe it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use obit_schema::Table;
use serde_json::{Value, json};

use crate::case::{self, Recorder, id};
use crate::program::replay;
use crate::terminal::golden;

/// Checks each line of a file named SCHEMA.jsonl by SCHEMA.schema.json; an independent reader does.
const VALIDATOR: &str = r#"
import json, pathlib, sys
from jsonschema import Draft202012Validator
for path in sorted(pathlib.Path(sys.argv[1]).glob("*.schema.json")):
    schema = json.loads(path.read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    lines = path.with_name(path.name.replace(".schema.json", ".jsonl")).read_text().splitlines()
    for line in lines:
        validator.validate(json.loads(line))
    print(path.name, len(lines))
"#;

/// Asks Python whether these values fit their schemas; returns how many it read of each.
#[track_caller]
fn validate(values: &BTreeMap<&str, Vec<Value>>) {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, values) in values {
        let schema = replay(["schema", name]).expect_code(0).stdout;
        fs::write(directory.path().join(format!("{name}.schema.json")), schema).expect("written");
        let lines: String = values.iter().map(|value| format!("{value}\n")).collect();
        fs::write(directory.path().join(format!("{name}.jsonl")), lines).expect("written");
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("OBIT_PYTHON").map_or_else(|| root.join("target/venv/bin/python"), PathBuf::from);
    let output = Command::new(&python).args(["-c", VALIDATOR]).arg(directory.path()).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}: run `make venv`", python.display()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = String::from_utf8(output.stdout).expect("UTF-8");
    for (name, values) in values {
        assert!(!values.is_empty(), "{name} was not tried");
        assert!(read.contains(&format!("{name}.schema.json {}\n", values.len())), "{read}");
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn every_output_for_programs_fits_its_schema() {
    let mut values: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    let names = ["docker-hybrid", "v2-systemd-guest", "lost-and-resync", "never-closed", "podman-runc"];
    let cases: Vec<String> = names.iter().map(|name| golden(name)).collect();
    for case in &cases {
        values.entry("verify").or_default().push(parsed(&replay(["verify", case, "--format", "json"]).stdout));
        let diff = replay(["diff", case, &cases[0], "--format", "json", "--show", "2"]);
        values.entry("diff").or_default().push(parsed(&diff.stdout));
        for command in ["inventory", "triage"] {
            values.entry(command).or_default().push(parsed(&replay([command, case, "--format", "json"]).stdout));
        }
        for table in Table::DERIVED {
            let rows = replay(["derive", case, "--event", table.name(), "--format", "jsonl"]).json_lines();
            for row in rows.iter().take(2) {
                let explain =
                    replay(["explain", case, row["container_id"].as_str().expect("an id"), "--format", "json"]);
                values.entry("explain").or_default().push(parsed(&explain.stdout));
            }
            values.entry(table.name()).or_default().extend(rows);
        }
    }
    // Of several cases a line each.
    let [first, second] = [&*cases[0], &*cases[1]];
    values.entry("verify").or_default().extend(replay(["verify", first, second, "--format", "json"]).json_lines());
    // A case with differences and a requirement that does not hold.
    let mut recorder = Recorder::new().tampering(|row| !matches!(row, obit_derivation::Row::Create(_)));
    case::everyday_into(&mut recorder);
    let case = recorder.close();
    let run = replay(["verify", case.arg(), "--format", "json", "--require", "closed,complete"]).expect_code(1);
    values.entry("verify").or_default().push(parsed(&run.stdout));
    validate(&values);
}

#[test]
fn verify_says_in_json_what_it_says_in_words() {
    let case = case::everyday().close();
    let report = parsed(&replay(["verify", case.arg(), "--format", "json"]).expect_code(0).stdout);
    assert_eq!((&report["verdict"], &report["answer"]), (&json!("same"), &json!("holds")));
    assert_eq!((&report["case_id"], &report["problems"]), (&json!(case::CASE_ID), &json!([])));
    let words = replay(["verify", case.arg()]).expect_code(0).stdout;
    for table in report["tables"].as_array().expect("tables") {
        assert_eq!((&table["same"], &table["left"]), (&json!(true), &table["right"]));
        assert!(words.contains(table["left"]["sha256"].as_str().expect("a digest")), "{words}");
    }
    assert!(words.contains(report["recorded_sha256"].as_str().expect("a digest")), "{words}");
    // What does not hold has its reason, and its exit code.
    let directory = tempfile::tempdir().expect("a directory");
    let signers = directory.path().join("signers");
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    fs::write(&signers, format!("nobody {key}\n")).expect("written");
    let signers = signers.to_str().expect("UTF-8");
    let asked = ["verify", case.arg(), "--format", "json", "--signers", signers, "--require", "closed,signed"];
    let asked = replay(asked).expect_code(1);
    let report = parsed(&asked.stdout);
    assert_eq!((&report["verdict"], &report["answer"]), (&json!("not_proven"), &json!("fails")));
    let required = report["required"].as_array().expect("a list");
    assert_eq!((&required[0]["property"], &required[0]["holds"]), (&json!("closed"), &json!(true)));
    assert_eq!((&required[1]["property"], &required[1]["holds"]), (&json!("signed"), &json!(false)));
    assert!(required[1]["why_not"].as_str().expect("a reason").contains("signed"), "{report:#}");
}

#[test]
fn diff_lists_the_values_that_differ() {
    let (left, right) = (case::everyday().close(), Recorder::new().close());
    let report = parsed(&replay(["diff", left.arg(), right.arg(), "--format", "json"]).expect_code(1).stdout);
    assert_eq!(report["verdict"], "different");
    let removed =
        report["tables"].as_array().expect("tables").iter().find(|table| table["table"] == "container_remove");
    let removed = removed.expect("a table");
    assert_eq!((&removed["left"]["rows"], &removed["different_rows"]), (&json!(4), &json!(4)));
    let row = &removed["differences"][0];
    assert_eq!((&row["found"], &row["container_id"]), (&json!("left_only"), &json!(id('a'))));
    let field = row["fields"].as_array().expect("fields").iter().find(|field| field["column"] == "runtime");
    assert_eq!(field.expect("a field"), &json!({"column": "runtime", "left": "docker", "right": null}));
    let same = parsed(&replay(["diff", left.arg(), left.arg(), "--format", "json"]).expect_code(0).stdout);
    assert_eq!(same["verdict"], "same");
}

#[test]
fn explain_has_the_rows_that_derive_has() {
    let case = case::everyday().close();
    let report = parsed(&replay(["explain", case.arg(), &id('a'), "--format", "json"]).expect_code(0).stdout);
    assert_eq!(report["container_id"], id('a'));
    let lives = report["lives"].as_array().expect("lives");
    assert_eq!(lives.len(), 2);
    let explained = lives.iter().flat_map(|life| life["rows"].as_array().expect("rows").clone());
    let removed: Vec<Value> = explained.filter(|row| row["event"] == "container_remove").collect();
    let derived = replay(["derive", case.arg(), "--format", "jsonl"]).json_lines();
    let mut derived: Vec<Value> = derived.into_iter().filter(|row| row["container_id"] == id('a')).collect();
    for row in &mut derived {
        row["event"] = json!("container_remove");
    }
    assert_eq!(removed, derived);
    // Each record that a sentence names is told.
    let told: Vec<u64> = report["records"]
        .as_array()
        .expect("records")
        .iter()
        .map(|record| record["seq"].as_u64().expect("a seq"))
        .collect();
    let sections = lives.iter().flat_map(|life| life["story"].as_array().expect("a story"));
    let sentences = sections.flat_map(|section| section["sentences"].as_array().expect("sentences"));
    let mut named = 0;
    for seq in sentences.flat_map(|sentence| sentence["records"].as_array().expect("a list")) {
        assert!(told.contains(&seq.as_u64().expect("a seq")), "{seq} is not told: {report:#}");
        named += 1;
    }
    assert!(named > 4, "{report:#}");
}

#[test]
fn a_hostile_name_comes_back_whole_and_steers_no_terminal() {
    let mut recorder = Recorder::new();
    let cgroup = recorder.begin(&id('a'));
    let hostile = "x\u{1b}[2J\u{202e}y\u{200b}\u{9b}31m";
    recorder.answer(&id('a'), hostile, hostile);
    recorder.end(&id('a'), cgroup);
    let case = recorder.close();
    let run = replay(["explain", case.arg(), "aaaa", "--format", "json"]).expect_code(0);
    assert!(!run.stdout.chars().any(|c| c != '\n' && obit_schema::text::is_hazard(c)), "{run:?}");
    let rows = parsed(&run.stdout)["lives"][0]["rows"].clone();
    assert!(rows.as_array().expect("rows").iter().any(|row| row["container_name"] == hostile), "{rows:#}");
}

#[test]
fn the_format_is_that_of_the_files_name() {
    let case = case::everyday().close();
    let directory = tempfile::tempdir().expect("a directory");
    let derive = |name: &str, more: &[&str]| {
        let path = directory.path().join(name);
        let arguments = ["derive", case.arg(), "--output", path.to_str().expect("UTF-8")];
        replay([&arguments, more].concat()).expect_code(0);
        fs::read(path).expect("the file")
    };
    assert!(derive("rows.csv", &[]).starts_with(b"runtime,container_id,"));
    assert!(derive("rows.JSONL", &[]).starts_with(b"{\"runtime\":"));
    assert!(derive("rows.parquet", &[]).starts_with(b"PAR1"));
    assert!(derive("rows.txt", &[]).starts_with(b"REMOVED AT"));
    assert!(derive("asked.csv", &["--format", "jsonl"]).starts_with(b"{\"runtime\":"), "what is asked for wins");
}

#[test]
fn schemas_are_listed_and_described() {
    let list = replay(["schema"]).expect_code(0).stdout;
    for name in ["verify", "diff", "explain", "container_exit", "disagreement"] {
        assert!(list.lines().any(|line| line.starts_with(name)), "{list}");
        let schema = parsed(&replay(["schema", name]).expect_code(0).stdout);
        for (member, about) in schema["properties"].as_object().expect("members") {
            let is_described = about["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(is_described, "{name}: {member} is not described");
        }
    }
    replay(["schema", "events"]).expect_code(2).expect_one_error(&["events"]);
}
