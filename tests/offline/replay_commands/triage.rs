//! `triage`: counts of ends, and those that want a second look.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::case::{Recorder, id};
use crate::golden::Golden;
use crate::program::replay;

fn triage(arguments: &[&str]) -> Value {
    let run = replay([&["triage", "--format", "json"], arguments].concat()).expect_code(0);
    serde_json::from_str(&run.stdout).expect("JSON")
}

fn named(row: &Value, column: &str) -> String {
    row[column].as_str().unwrap_or("-").to_owned()
}

/// Each reason that one row gives, by its columns in JSON; the code has them by fields of the row.
fn reasons_of(exit: &Value, is_disputed: bool, is_removed: bool) -> Vec<&'static str> {
    let killer = &exit["killed_by_container_id"];
    let is_claimed = exit["conflicts"].as_array().expect("a list").iter().any(|conflict| {
        conflict.as_str().is_some_and(|text| text.contains(" uid ") && text.contains("no runtime backs it"))
    });
    let has_not_started =
        exit["never_started"] == true || ["start_failed", "never_started"].contains(&&*named(exit, "cause"));
    [
        (
            "killed_from_container",
            !killer.is_null() && killer != &exit["container_id"] && killer != &exit["parent_container_id"],
        ),
        ("claimed_by_user", is_claimed),
        ("oom_by_ancestor", exit["oom_killed"] == true && exit["oom_limit_scope"] == "ancestor"),
        ("disputed", is_disputed),
        ("never_started", has_not_started),
        ("ended_at_once", !has_not_started && exit["lifetime_ns"].as_u64().is_some_and(|ns| ns < 1_000_000_000)),
        ("seen_in_part", exit["inferred"] == true || exit["after_gap"] == true || exit["cause"] == "unknown"),
        ("not_removed", !is_removed),
    ]
    .into_iter()
    .filter(|(_, is_so)| *is_so)
    .map(|(reason, _)| reason)
    .collect()
}

#[test]
fn counts_and_reasons_are_what_the_rows_say() {
    let mut seen = BTreeSet::new();
    for case in Golden::all() {
        let answer = triage(&[&case.arg()]);
        let exits = case.derived("container_exit");
        let (removals, disputes) = (case.derived("container_remove"), case.derived("disagreement"));
        let is_of = |row: &Value, exit: &Value| {
            row["container_id"] == exit["container_id"] && (row["cgroup_id"] == exit["cgroup_id"])
        };
        let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
        let mut expected: Vec<(Vec<String>, String, String)> = Vec::new();
        // What was never started has been removed without an exit.
        let has_exited =
            |row: &&Value| exits.iter().any(|exit| exit["created_seq"] == row["created_seq"] && is_of(row, exit));
        let unstarted = removals.iter().filter(|row| !has_exited(row)).map(|row| {
            let mut row = row.clone();
            row["lifetime_ns"] = Value::Null;
            row
        });
        for exit in &exits.iter().cloned().chain(unstarted).collect::<Vec<_>>() {
            *counts.entry((named(exit, "runtime"), named(exit, "cause"))).or_default() += 1;
            let reasons = reasons_of(
                exit,
                disputes.iter().any(|row| is_of(row, exit)),
                removals.iter().any(|row| is_of(row, exit) && row["created_seq"] == exit["created_seq"]),
            );
            seen.extend(reasons.iter().copied());
            if !reasons.is_empty() {
                let reasons = reasons.into_iter().map(str::to_owned).collect();
                expected.push((reasons, named(exit, "ts"), named(exit, "container_id")));
            }
        }
        let given = answer["counts"].as_array().expect("a list").iter();
        let given: BTreeMap<_, _> = given
            .map(|row| ((named(row, "runtime"), named(row, "cause")), row["ends"].as_u64().expect("a number")))
            .collect();
        assert_eq!(given, counts, "{}", case.name);
        let suspects = answer["suspects"].as_array().expect("a list").iter();
        // What a source says of a container that lives has no end.
        let suspects: Vec<_> = suspects.filter(|row| !row["cause"].is_null()).collect();
        let mut given: Vec<_> = suspects
            .iter()
            .map(|row| {
                let reasons = row["reasons"].as_array().expect("a list").iter();
                let reasons: Vec<_> = reasons.map(|reason| reason.as_str().expect("text").to_owned()).collect();
                (reasons, named(row, "ts"), named(row, "container_id"))
            })
            .collect();
        given.sort();
        expected.sort();
        assert_eq!(given, expected, "{}", case.name);
    }
    for reason in ["disputed", "never_started", "ended_at_once", "seen_in_part"] {
        assert!(seen.contains(reason), "no golden case has {reason}: {seen:?}");
    }
}

#[test]
fn the_most_urgent_come_first_over_several_cases() {
    let cases = Golden::all();
    let paths: Vec<_> = cases.iter().map(Golden::arg).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let answer = triage(&paths);
    let order = [
        "killed_from_container",
        "claimed_by_user",
        "oom_by_ancestor",
        "disputed",
        "never_started",
        "ended_at_once",
        "seen_in_part",
        "not_removed",
    ];
    let suspects = answer["suspects"].as_array().expect("a list");
    let ranks: Vec<_> =
        suspects.iter().map(|row| order.iter().position(|reason| row["reasons"][0] == *reason)).collect();
    assert!(ranks.len() > 10 && ranks.is_sorted() && ranks.iter().all(Option::is_some), "{ranks:?}");
    let hosts: BTreeSet<_> = suspects.iter().map(|row| named(row, "host")).collect();
    assert_eq!(hosts.into_iter().collect::<Vec<_>>(), ["obit-guest", "vm"]);
    assert_eq!(answer["cases"].as_array().expect("a list").len(), cases.len());
    let alone: u64 = paths.iter().map(|path| triage(&[path])["suspects_total"].as_u64().expect("a number")).sum();
    assert_eq!(answer["suspects_total"], alone);
    // The first ones are those of all.
    let first = triage(&[&paths[..], &["--limit", "3"]].concat());
    assert_eq!(first["suspects"].as_array().expect("a list")[..], suspects[..3]);
    assert_eq!(first["suspects_total"], alone);
}

#[test]
fn hostile_names_reach_no_terminal() {
    let mut recorder = Recorder::new();
    let cgroup = recorder.begin(&id('a'));
    recorder.answer(&id('a'), "x\u{1b}[2J\u{202e}\n1", "evil\u{9b}");
    recorder.end(&id('a'), cgroup);
    let case = recorder.close();
    for format in ["text", "json"] {
        let run = replay(["triage", case.arg(), "--format", format]).expect_code(0);
        assert!(!run.stdout.chars().any(|c| c != '\n' && obit_schema::text::is_hazard(c)), "{run:?}");
        assert!(run.stdout.contains("aaaaaaaaaaaa"), "{run:?}");
        assert_eq!(replay(["triage", case.arg(), "--name", "other"]).expect_code(0).stdout, "");
    }
}
