//! Lines that a capture prints while it records.

use std::fs;

use obit_test_engines::{CgroupView, Oci, OciRuntime, Stage, require_root, wait_until};
use serde_json::{Value, json};

use crate::support::capture::Capture;
use crate::support::replay;

#[test]
fn an_exit_is_printed_while_the_directory_is_there_and_a_removal_after() {
    const ID: &str = "obit-live-followed";
    const OTHER: &str = "obit-live-unfollowed";
    let Some(_live) = require_root(&["runc"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let case = stage.directory().join("case");
    let lines = stage.directory().join("lines.jsonl");
    // The shell only redirects: the capture takes its place.
    let program = env!("CARGO_BIN_EXE_obit-capture");
    let script = format!(
        "exec {program} run --output {} --follow --container {ID} --format jsonl > {}",
        case.display(),
        lines.display()
    );
    let mut command = stage.command("sh");
    command.args(["-c", &script]);
    let capture = Capture::start_command(command, &case);
    let printed = || -> Vec<Value> {
        let text = fs::read_to_string(&lines).unwrap_or_default();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let rows = whole.lines().map(|line| serde_json::from_str(line).expect("a JSON object a line"));
        rows.collect()
    };

    // Its lines would come before those of the one that is followed.
    runc.start_container(OTHER, None);
    runc.remove(OTHER);
    runc.start_container(ID, None);
    stage.run("runc", &["kill", ID, "KILL"]);
    wait_until("the line of its exit", || !printed().is_empty());
    assert!(!stage.cgroups.find(ID).is_empty(), "nobody has deleted it");
    runc.remove(ID);
    wait_until("the line of its removal", || printed().len() > 1);
    capture.stop();

    let rows = printed();
    let events: Vec<_> = rows.iter().map(|row| row["event"].clone()).collect();
    assert_eq!(events, [json!("container_exit"), json!("container_remove")], "{rows:#?}");
    assert!(rows.iter().all(|row| row["container_id"] == ID), "others are left out: {rows:#?}");
    let recorded = replay::derived_rows(&case, "container_remove");
    assert!(recorded.iter().any(|row| row["container_id"] == OTHER), "and recorded all the same: {recorded:#?}");
    for row in &rows {
        assert_eq!((&row["cause"], &row["exit_signal"]), (&json!("killed_by_runtime"), &json!(9)), "{row:#}");
        assert_eq!(row["created_seq"], rows[0]["created_seq"], "of one life: {rows:#?}");
    }
    replay::assert_verifies(&case);
}
