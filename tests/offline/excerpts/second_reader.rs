//! Roots and excerpts as another program sees them, which was written from the document alone.

use super::signed_copy::{Excerpt, recorded_cases, rows_by_container, signed_copy};
use crate::python::analysis;

#[test]
fn a_program_written_from_the_document_finds_the_same_roots_and_proofs() {
    for (name, path) in recorded_cases() {
        let copy = signed_copy(&path);
        let case = copy.open();
        let id = rows_by_container(&case).into_keys().next().expect("a container");
        let excerpt = Excerpt::of(&case, &[&id], &["path", "labels"]);
        let (holds, said) = analysis("roots.py", [&copy.path, &excerpt.path()]);
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
    let (holds, said) = analysis("roots.py", [&copy.path]);
    assert!(!holds && said.contains("root"), "{said}");
}
