//! Roots and excerpts as another program sees them, which was written from the document alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::signed_copy::{Excerpt, recorded_cases, rows_by_container, signed_copy};

/// Runs `tests/analysis/roots.py`. Returns whether it found everything as it should be, and what it
/// said.
fn roots(arguments: &[&Path]) -> (bool, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("OBIT_PYTHON").map_or_else(|| root.join("target/venv/bin/python"), PathBuf::from);
    let output = Command::new(&python).arg(root.join("tests/analysis/roots.py")).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}: run `make venv`", python.display()));
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), said)
}

#[test]
fn a_program_written_from_the_document_finds_the_same_roots_and_proofs() {
    for (name, path) in recorded_cases() {
        let copy = signed_copy(&path);
        let case = copy.open();
        let id = rows_by_container(&case).into_keys().next().expect("a container");
        let excerpt = Excerpt::of(&case, &[&id], &["path", "labels"]);
        let (holds, said) = roots(&[&copy.path, &excerpt.path()]);
        assert!(holds, "{name}: {said}");
        let proven = format!("{} records proven", excerpt.summary.records);
        assert!(said.contains(&proven) && !said.contains("\n0 roots"), "{name}: {said}");
    }
}

#[test]
fn that_program_finds_a_root_that_is_another() {
    let (_, path) = recorded_cases().remove(0);
    let copy = signed_copy(&path);
    let place = copy.path.join("case.json");
    let text = std::fs::read_to_string(&place).expect("case.json");
    let seed = copy.open().manifest().and_then(|manifest| manifest.salt_seed.clone()).expect("a secret");
    std::fs::write(&place, text.replace(&seed, &seed.replace("5a", "5b"))).expect("writable");
    let (holds, said) = roots(&[&copy.path]);
    assert!(!holds && said.contains("root"), "{said}");
}
