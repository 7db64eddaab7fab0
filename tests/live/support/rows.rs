//! Rows and manifest of a recording, as tests look at them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::capture::Capture;
use super::replay;

/// Stops the capture, verifies its case and returns the `container_remove` rows. Each of them that
/// has a cause says the same as the exit of its life.
pub fn stop_and_derive(capture: Capture) -> Vec<Value> {
    let case = capture.case().to_owned();
    capture.stop();
    replay::assert_verifies(&case);
    let removed = replay::derived_rows(&case, "container_remove");
    let exited = replay::derived_rows(&case, "container_exit");
    for removal in removed.iter().filter(|row| row["created_seq"].is_u64()) {
        assert_agrees(removal, &exited);
    }
    removed
}

/// Expects one exit of the life that was removed, before its removal and with the same cause.
fn assert_agrees(removal: &Value, exited: &[Value]) {
    const FACTS: [&str; 8] = [
        "cause",
        "cause_known_by",
        "exit_code",
        "exit_signal",
        "signal_origin",
        "killed_by_pid",
        "requested_by",
        "signals_total",
    ];
    let is_same_life = |exit: &&Value| ["container_id", "created_seq"].iter().all(|name| exit[name] == removal[name]);
    let exits: Vec<_> = exited.iter().filter(is_same_life).collect();
    match exits[..] {
        [exit] => {
            assert!(exit["boot_ns"].as_u64() <= removal["boot_ns"].as_u64(), "{exit:#}\n{removal:#}");
            for fact in FACTS {
                assert_eq!(exit[fact], removal[fact], "{fact}: {exit:#}\n{removal:#}");
            }
        }
        [] => {
            let cause = removal["cause"].as_str();
            assert!(matches!(cause, Some("never_started" | "unknown")), "no exit: {removal:#}");
        }
        _ => panic!("several exits of one life: {exits:#?}"),
    }
}

/// Reads case.json.
pub fn manifest(case: &Path) -> Value {
    serde_json::from_slice(&fs::read(case.join("case.json")).expect("case.json")).expect("JSON")
}

/// Returns the only row of a container.
pub fn only_row<'a>(rows: &'a [Value], container_id: &str) -> &'a Value {
    let found: Vec<_> = rows.iter().filter(|row| row["container_id"] == *container_id).collect();
    match &found[..] {
        [row] => row,
        others => panic!("{} rows of {container_id}: {others:#?}", others.len()),
    }
}

/// Reads a list of texts.
pub fn texts(list: &Value) -> Vec<String> {
    let elements = list.as_array().unwrap_or_else(|| panic!("no list: {list}"));
    elements.iter().map(|text| text.as_str().expect("a text").to_owned()).collect()
}
