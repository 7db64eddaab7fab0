//! Rows and manifest of a recording, as tests look at them.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::capture::Capture;
use super::replay;

/// Stops the capture, verifies its case and returns the `container_remove` rows.
pub fn stop_and_derive(capture: Capture) -> Vec<Value> {
    let case = capture.case().to_owned();
    capture.stop();
    replay::assert_verifies(&case);
    replay::derived_rows(&case, "container_remove")
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
