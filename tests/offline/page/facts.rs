//! Facts on the page are those of `derive`, for every fixture.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::data;
use crate::case::{self, Recorder, id};
use crate::program::replay;

const TABLES: [&str; 5] =
    ["container_exit", "container_remove", "container_create", "existing_container", "disagreement"];

/// Fails unless each column of the page has the values that `derive` gives. Returns the number of
/// rows.
fn expect_facts_of_derive(case: &str) -> usize {
    let folder = tempfile::tempdir().expect("a directory");
    let page = folder.path().join("page.html");
    replay(["report", case, "--output", page.to_str().expect("UTF-8")]).expect_code(0);
    let page = data::read(&page);
    let texts = page["texts"].as_array().expect("texts");
    let exited = page["tables"]["container_exit"]["life"].as_array().expect("lives");
    let mut rows = 0;
    for name in TABLES {
        let derived = replay(["derive", case, "--event", name, "--format", "jsonl"]).expect_code(0).json_lines();
        let table = &page["tables"][name];
        assert_eq!(table["life"].as_array().map(Vec::len), Some(derived.len()), "{name} of {case}");
        let lives = table["life"].as_array().expect("lives");
        let columns = table["columns"].as_object().expect("columns");
        assert!(
            derived.is_empty() || columns.contains_key("container_id") && columns.contains_key("seq"),
            "{columns:?}"
        );
        for (column, packed) in columns {
            // Of a removal after an exit the page has what the exit does not.
            let is_of_exit =
                |value: &Value, life: &Value| value.is_null() && name == "container_remove" && exited.contains(life);
            let values = data::column(packed, texts);
            assert_eq!(values.len(), derived.len(), "{column} of {name} of {case}");
            for ((value, row), life) in values.iter().zip(&derived).zip(lives) {
                assert!(
                    *value == row[column] || is_of_exit(value, life),
                    "{column} of {name} of {case}: {value}, {row}"
                );
            }
        }
        rows += derived.len();
    }
    rows
}

#[test]
fn facts_are_those_of_derive_for_every_fixture() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases");
    let mut rows = 0;
    for entry in fs::read_dir(fixtures).expect("fixtures") {
        let case = entry.expect("an entry").path().join("case");
        if case.is_dir() {
            rows += expect_facts_of_derive(case.to_str().expect("UTF-8"));
        }
    }
    assert!(rows > 100, "the fixtures have more than {rows} rows");
}

#[test]
fn rows_of_one_life_have_one_number_and_a_filter_leaves_whole_lives() {
    let case = case::everyday().close();
    let folder = tempfile::tempdir().expect("a directory");
    let page = folder.path().join("page.html");
    replay(["report", case.arg(), "--container", &id('a'), "--output", page.to_str().expect("UTF-8")]).expect_code(0);
    let data = data::read(&page);
    // `a` lives twice (see the test of `explain`): each life has a creation and a removal.
    assert_eq!(data["lives"], 2);
    assert_eq!(data["tables"]["container_create"]["life"], serde_json::json!([0, 1]));
    assert_eq!(data["tables"]["container_remove"]["life"], serde_json::json!([0, 1]));
    assert_eq!(data["stories"].as_object().map(serde_json::Map::len), Some(2));
}

#[test]
fn a_gap_reaches_from_the_last_record_before_it_to_its_report() {
    let mut recorder = Recorder::new();
    recorder.live(&id('a'));
    recorder.lose(7);
    recorder.live(&id('b'));
    let case = recorder.close();
    let folder = tempfile::tempdir().expect("a directory");
    let page = folder.path().join("page.html");
    replay(["report", case.arg(), "--output", page.to_str().expect("UTF-8")]).expect_code(0);
    let gaps = data::read(&page)["cases"][0]["gaps"].clone();
    assert_eq!((gaps.as_array().map(Vec::len), &gaps[0]["lost"]), (Some(1), &Value::from(7)));
    assert!(gaps[0]["from"].as_str() < gaps[0]["to"].as_str(), "{gaps}");
}

#[test]
fn the_same_case_makes_the_same_page_and_no_page_is_overwritten() {
    let case = case::everyday().close();
    let folder = tempfile::tempdir().expect("a directory");
    let page = folder.path().join("page.html");
    let arguments = ["report", case.arg(), "--output", page.to_str().expect("UTF-8")];
    replay(arguments).expect_code(0);
    let first = fs::read(&page).expect("a page");
    replay(arguments).expect_code(2).expect_one_error(&["exists and is not overwritten"]);
    fs::remove_file(&page).expect("removed");
    replay(arguments).expect_code(0);
    assert!(fs::read(&page).expect("a page") == first, "the two pages differ");
}

#[test]
fn markdown_tells_the_stories_and_what_verify_says() {
    let case = case::everyday().close();
    let folder = tempfile::tempdir().expect("a directory");
    let file = folder.path().join("report.md");
    replay(["report", case.arg(), "--container", &id('a'), "--output", file.to_str().expect("UTF-8")]).expect_code(0);
    let text = fs::read_to_string(&file).expect("a report");
    assert_eq!(text.matches(&format!("## Container {}", id('a'))).count(), 2, "{text}");
    let verified = replay(["verify", case.arg()]).expect_code(0).stdout;
    for line in verified.lines() {
        assert!(text.contains(&format!("    {line}\n")), "{line} is not in {text}");
    }
    assert!(text.contains("\\[5") && text.contains("    obit-replay report "), "{text}");
}
