//! `obit-replay` as a child process.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use obit_test_engines::output;

/// Runs `obit-replay` with these arguments.
pub fn replay(arguments: &[&str]) -> Output {
    output(Command::new(env!("CARGO_BIN_EXE_obit-replay")).args(arguments))
}

/// Derives the rows of one event from the records alone.
pub fn derived_rows(case: &Path, event: &str) -> Vec<Value> {
    let case = case.display().to_string();
    let output = replay(&["derive", &case, "--event", event, "--format", "jsonl"]);
    assert!(
        output.status.success(),
        "obit-replay derive {case} --event {event}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("UTF-8 from obit-replay");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Returns what `explain` prints of a container, with its records.
pub fn explain(case: &Path, container_id: &str) -> String {
    let output = replay(&["explain", &case.display().to_string(), container_id, "--records"]);
    assert!(output.status.success(), "obit-replay explain {container_id}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8 from obit-replay")
}

/// Expects that deriving again gives the recorded rows. Returns the output of `verify`.
pub fn assert_verifies(case: &Path) -> String {
    let output = replay(&["verify", &case.display().to_string()]);
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "obit-replay verify {}: {}\n{text}", case.display(), output.status);
    text
}
