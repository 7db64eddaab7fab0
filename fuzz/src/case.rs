//! Fuzzes the case reader.

use std::fs;
use std::path::Path;

use obit_case::Case;
use obit_case::signing::{AllowedSigners, Signature};
use obit_derivation::Fold;
use obit_schema::Table;

/// Files of a case: the input replaces one of them.
const FILES: [&str; 6] = [
    "case.json",
    "SHA256SUMS",
    "raw/events/events-000000.parquet",
    "derived/container_remove/container_remove-000000.parquet",
    "journal/events-000000.arrows",
    "journal/runtime-000000.arrows",
];

/// A case.json to go with SHA256SUMS. Without one, the first file says which case it is.
const MANIFEST: &str = r#"{"format":{"major":2,"minor":0},"schema_version":1,"case_id":"fuzz","state":"closed"}"#;

/// Reads a case in which the first byte chooses a file and the other bytes are its content.
pub fn check(bytes: &[u8]) {
    // A directory in memory if the host has one; a thread uses the same one for each run.
    thread_local! {
        static PLACE: tempfile::TempDir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory");
    }
    let Some((choice, contents)) = bytes.split_first() else { return };
    let file = FILES[usize::from(*choice) % FILES.len()];
    PLACE.with(|place| {
        for folder in ["raw/events", "derived/container_remove", "journal"] {
            fs::create_dir_all(place.path().join(folder)).expect("a directory");
        }
        if file == "SHA256SUMS" {
            fs::write(place.path().join("case.json"), MANIFEST).expect("a file");
        }
        fs::write(place.path().join(file), contents).expect("a file");
        read(place.path());
        for name in [file, "case.json"] {
            let _ = fs::remove_file(place.path().join(name));
        }
    });
    let _ = obit_case::signable::case_of(contents);
    if let Ok(text) = std::str::from_utf8(contents) {
        let _ = Signature::check(text, b"message");
        let _ = AllowedSigners::parse(text);
    }
}

/// Reads all that `verify` reads.
fn read(path: &Path) {
    let Ok(case) = Case::open_lenient(path) else { return };
    let mut rows = Vec::new();
    let mut fold = Fold::new();
    let mut records = case.records();
    while records.advance() {
        let mut argv = Vec::new();
        if let Ok(record) = records.current(&mut argv) {
            fold.apply(&record, &mut rows);
        }
    }
    fold.finish(&mut rows);
    for table in Table::DERIVED {
        for batch in case.batches(table) {
            let _ = batch.map(|batch| batch.num_rows());
        }
    }
    let _ = case.check_sums();
    let _ = case.manifest().and_then(obit_case::chain::Chain::follow);
    for problem in case.problems() {
        let said = problem.to_string();
        assert!(!said.contains(|letter: char| letter.is_control()), "a message that steers a terminal: {said:?}");
    }
}
