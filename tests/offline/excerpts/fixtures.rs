//! Excerpts of every container of every recorded case.

use obit_analysis::verify::Verdict;
use obit_case::Case;

use super::signed_copy::{Excerpt, expect_proven, recorded_cases, rows_by_container, signed_copy, verified};
use crate::evidence::keys::Key;

#[test]
fn the_rows_of_each_container_follow_from_its_excerpt_which_is_proven() {
    let mut scopes = Vec::new();
    for (name, path) in recorded_cases() {
        let copy = signed_copy(&path);
        let (case, signers) = (copy.open(), copy.signers());
        for (id, rows) in rows_by_container(&case) {
            let excerpt = Excerpt::of(&case, &[&id], &[]);
            let found = rows_by_container(&excerpt.open());
            assert_eq!(found.keys().collect::<Vec<_>>(), [&id], "{name}");
            assert_eq!(found[&id], rows, "{name} {id}");
            expect_proven(&excerpt, &signers);
            scopes.push((excerpt.summary.scope, name.clone(), excerpt.summary.records));
        }
    }
    println!("{scopes:?}");
    assert!(scopes.len() > 30, "{} containers", scopes.len());
}

#[test]
fn the_containers_of_a_case_can_be_taken_together() {
    for (name, path) in recorded_cases() {
        let copy = signed_copy(&path);
        let case = copy.open();
        let rows = rows_by_container(&case);
        let ids: Vec<&str> = rows.keys().map(String::as_str).collect();
        if ids.is_empty() {
            continue;
        }
        let excerpt = Excerpt::of(&case, &ids, &[]);
        assert_eq!(rows_by_container(&excerpt.open()), rows, "{name}");
        expect_proven(&excerpt, &copy.signers());
    }
}

#[test]
fn an_excerpt_of_an_older_case_says_that_nothing_shows_where_its_records_stand() {
    let nobody = Key::new("nobody");
    let nobody = obit_case::signing::AllowedSigners::read(&nobody.signers()).expect("signers");
    for (name, path) in recorded_cases() {
        let case = Case::open(&path).expect("a case");
        // One of each case is enough: the records are chosen as above.
        for (id, rows) in rows_by_container(&case).into_iter().take(1) {
            let excerpt = Excerpt::of(&case, &[&id], &[]);
            assert_eq!(excerpt.summary.without_proof, excerpt.summary.records, "{name}");
            assert_eq!(rows_by_container(&excerpt.open()).remove(&id), Some(rows), "{name} {id}");
            let verification = verified(&excerpt.open(), None);
            assert_eq!(verification.verdict, Verdict::Same, "{name} {:?}", verification.problems);
            assert_eq!(verification.excerpt.expect("an excerpt").included, 0);
            let asked = verified(&excerpt.open(), Some(&nobody));
            assert_eq!(asked.verdict, Verdict::NotProven, "{name} {:?}", asked.problems);
        }
    }
}

#[test]
fn the_secret_of_the_salts_is_not_in_an_excerpt() {
    let (_, path) = recorded_cases().remove(0);
    let copy = signed_copy(&path);
    let case = copy.open();
    let secret = case.manifest().and_then(|manifest| manifest.salt_seed.clone()).expect("a secret");
    let id = rows_by_container(&case).into_keys().next().expect("a container");
    let excerpt = Excerpt::of(&case, &[&id], &[]);
    for name in ["case.json", "excerpt.json"] {
        let text = std::fs::read_to_string(excerpt.path().join(name)).expect("a file");
        assert!(!text.contains(&secret), "{name}");
    }
}
