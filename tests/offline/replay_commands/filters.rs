//! Filters, sorting and columns of `derive`.

use std::thread;

use crate::case::{self, Recorder, id};
use crate::golden::Golden;
use crate::program::replay;
use crate::python::analysis;

/// A filter comes after the derivation: the lines that it leaves are lines of the whole, to the
/// byte, and DuckDB chooses the same ones by their values.
#[test]
fn each_filter_leaves_the_lines_that_duckdb_chooses() {
    let cases = Golden::all();
    thread::scope(|scope| {
        let each = cases
            .iter()
            .map(|case| scope.spawn(|| analysis("filters.py", [env!("CARGO_BIN_EXE_obit-replay"), &case.arg()])));
        for thread in each.collect::<Vec<_>>() {
            let (holds, said) = thread.join().expect("no panic");
            assert!(holds && !said.starts_with("0 filters"), "{said}");
        }
    });
}

#[test]
fn times_may_be_relative_to_the_end_of_the_case() {
    let mut recorder = Recorder::new();
    // Record 4 is the removal, 4 ms after the start; the clock of the end is that of the last event.
    recorder.live(&id('a'));
    (0..100).for_each(|_| _ = recorder.new_cgroup());
    let case = recorder.kill();
    let ids = |arguments: &[&str]| {
        let run = replay([&["derive", case.arg(), "--format", "jsonl"], arguments].concat()).expect_code(0);
        run.json_lines().len()
    };
    assert_eq!(ids(&["--last", "1ms"]), 1);
    assert_eq!(ids(&["--since", "end"]), 1, "both ends of a time are in it");
    assert_eq!(ids(&["--until", "2009-02-13T23:31:30.003999999Z"]), 0);
    assert_eq!(ids(&["--until", "2009-02-13T23:31:30.004Z", "--since", "23:31"]), 1);
    assert_eq!(ids(&["--until", "yesterday"]), 0);
}

#[test]
fn columns_are_those_asked_for_in_every_format() {
    let case = case::everyday().close();
    let columns = ["--columns", "container_name,ts,host,seq", "--name", "web-*"];
    let run = |format| replay([&["derive", case.arg(), "--format", format], &columns[..]].concat()).expect_code(0);
    let line = r#"{"container_name":"web-1","ts":"2009-02-13T23:31:30.015000000Z","host":null,"seq":15}"#;
    assert_eq!(run("jsonl").stdout, format!("{line}\n"));
    assert_eq!(run("csv").stdout, "container_name,ts,host,seq\nweb-1,2009-02-13T23:31:30.015000000Z,,15\n");
    let table = run("table").stdout;
    let cells: Vec<Vec<_>> =
        table.lines().map(|line| line.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect()).collect();
    assert_eq!(cells, [["container_name", "ts", "host", "seq"], ["web-1", "2009-02-13 23:31:30.015", "-", "15"]]);
    let unknown = replay(["derive", case.arg(), "--columns", "ts,colour"]).expect_code(2);
    unknown.expect_one_error(&["container_remove has no column colour", "container_name"]);
}

#[test]
fn what_means_nothing_in_a_table_is_refused() {
    let case = case::everyday().close();
    for (arguments, parts) in [
        (&["--event", "container_create", "--cause", "exited"][..], ["container_create", "cause"]),
        (&["--profile", "tracee", "--name", "web"], ["tracee", "container_name"]),
        (&["--sort", "colour"], ["cannot sort", "colour"]),
        (&["--sort", "evidence_seqs"], ["evidence_seqs", "no order"]),
        (&["--cause", "bored"], ["--cause", "bored"]),
        (&["--since", "soon"], ["--since", "RFC 3339"]),
        (&["--last", "yesterday"], ["--last", "duration"]),
        (&["--last", "5m", "--until", "end"], ["--last", "--until"]),
    ] {
        replay([&["derive", case.arg()], arguments].concat()).expect_code(2).expect_one_error(&parts);
    }
}

#[test]
fn the_first_rows_are_enough_where_few_are_asked_for() {
    let case = case::everyday().close();
    let whole = replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0).stdout;
    for limit in 0..6 {
        let some = replay(["derive", case.arg(), "--format", "jsonl", "--limit", &limit.to_string()]).expect_code(0);
        assert_eq!(some.stdout, whole.split_inclusive('\n').take(limit).collect::<String>());
        let table = replay(["derive", case.arg(), "--limit", &limit.to_string()]).expect_code(0).stdout;
        assert_eq!(table.lines().count(), if limit == 0 { 0 } else { limit.min(4) + 1 });
    }
}
