//! Values that an excerpt leaves out: nobody can tell them, and the holder can disclose them.

use std::collections::{BTreeMap, BTreeSet};

use obit_analysis::excerpt::{Disclosure, TextColumns};
use obit_case::Case;
use obit_case::excerpt::TextProof;
use obit_schema::Table;
use obit_schema::leaf::text_groups;
use obit_schema::value::{Cells, Value};

use super::signed_copy::{Excerpt, SignedCopy, expect_proven, recorded_cases, rows_by_container, signed_copy};
use crate::program::replay;

/// A case with many texts.
fn case_with_texts() -> SignedCopy {
    let (_, path) = recorded_cases().into_iter().find(|(name, _)| name == "docker-hybrid").expect("recorded");
    signed_copy(&path)
}

fn first_container(case: &Case) -> String {
    rows_by_container(case).into_keys().next().expect("a container")
}

/// Returns the commitments of an excerpt by table and group, each with the record's place.
fn commitments(excerpt: &Case) -> BTreeMap<(Table, String), Vec<(u64, String)>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let proof = excerpt.excerpt_proof().expect("a proof");
    let layout = proof.parent.layout();
    for part in proof.parts {
        let (table, _) = layout.part_of(&part.file).expect("a part");
        for record in part.records {
            for (group, text) in record.texts {
                if let TextProof::Commitment(digest) = text {
                    found.entry((table, group)).or_default().push((record.seq, digest.to_string()));
                }
            }
        }
    }
    found
}

/// Returns the canonical text of each value of a column, by record.
fn values(case: &Case, table: Table, column: &str) -> BTreeMap<u64, String> {
    let mut found = BTreeMap::new();
    for batch in case.batches(table) {
        let batch = batch.expect("whole parts");
        let seqs = Cells::new(batch.column_by_name("seq").expect("a column").as_ref());
        let Some(array) = batch.column_by_name(column) else { continue };
        let cells = Cells::new(array.as_ref());
        for row in 0..batch.num_rows() {
            let Value::U64(seq) = seqs.value(row) else { panic!("a record without a place") };
            match cells.value(row) {
                Value::Null => {}
                value => _ = found.insert(seq, format!("{value:?}")),
            }
        }
    }
    found
}

/// Every column that can be left out.
fn all_columns() -> Vec<String> {
    let columns = Table::RAW.into_iter().flat_map(|table| {
        text_groups(table).iter().flat_map(|group| group.columns).map(move |column| format!("{table}.{column}"))
    });
    columns.collect()
}

#[test]
fn each_column_can_be_left_out_and_the_records_are_proven_all_the_same() {
    let copy = case_with_texts();
    let (case, signers) = (copy.open(), copy.signers());
    let id = first_container(&case);
    let columns = all_columns();
    let single: Vec<Vec<&str>> = columns.iter().map(|column| vec![column.as_str()]).collect();
    for redacted in single.into_iter().chain([columns.iter().map(String::as_str).collect()]) {
        let excerpt = Excerpt::of(&case, &[&id], &redacted);
        expect_proven(&excerpt, &signers);
        for column in excerpt.open().manifest().expect("a manifest").excerpt.clone().expect("an excerpt").redacted {
            let (table, column) = column.split_once('.').expect("a table and a column");
            let shown = values(&excerpt.open(), Table::from_name(table).expect("a table"), column);
            assert!(shown.values().all(|value| value == "\"\""), "{table}.{column}: {shown:?}");
        }
    }
}

#[test]
fn what_is_left_out_is_in_no_row_either() {
    let copy = case_with_texts();
    let case = copy.open();
    let id = first_container(&case);
    let text = |case: &Case| format!("{:?}", rows_by_container(case));
    let names: BTreeSet<String> = values(&case, Table::Runtime, "container_name").into_values().collect();
    let names: Vec<&str> = names.iter().map(|name| name.trim_matches('"')).collect();
    let shown = Excerpt::of(&case, &[&id], &[]);
    assert!(names.iter().any(|name| text(&shown.open()).contains(name)), "{names:?}");
    let hidden = Excerpt::of(&case, &[&id], &["container_name", "document", "labels"]);
    assert!(!names.iter().any(|name| text(&hidden.open()).contains(name)), "{names:?}");
}

#[test]
fn equal_texts_have_commitments_that_differ_and_all_look_alike() {
    let copy = case_with_texts();
    let case = copy.open();
    let id = first_container(&case);
    let excerpt = Excerpt::of(&case, &[&id], &["path", "actor_comm", "request", "container_name"]);
    let found = commitments(&excerpt.open());
    let texts = values(&case, Table::Events, "path");
    let paths = &found[&(Table::Events, "path".to_owned())];
    let different: BTreeSet<&String> = paths.iter().map(|(seq, _)| &texts[seq]).collect();
    assert!(different.len() * 2 < paths.len(), "{} paths in {} records", different.len(), paths.len());
    let all: Vec<&String> = found.values().flatten().map(|(_, commitment)| commitment).collect();
    let once: BTreeSet<&String> = all.iter().copied().collect();
    assert_eq!(once.len(), all.len(), "commitments come again");
    assert!(all.iter().all(|commitment| commitment.len() == 64));
    // Records whose texts are known show nothing about the others: no salt comes again.
    let shown = Excerpt::of(&case, &[&id], &[]).open().excerpt_proof().expect("a proof");
    let records = shown.parts.iter().flat_map(|part| &part.records);
    let salts: Vec<String> = records.flat_map(|record| record.texts.values()).map(|text| format!("{text:?}")).collect();
    assert_eq!(salts.iter().collect::<BTreeSet<_>>().len(), salts.len());
}

#[test]
fn texts_that_are_disclosed_fit_their_commitments_and_changed_ones_do_not() {
    let copy = case_with_texts();
    let case = copy.open();
    let id = first_container(&case);
    let excerpt = Excerpt::of(&case, &[&id], &["path", "actor_argv"]);
    let excerpt = excerpt.open();
    let columns = TextColumns::parse(["actor_argv"]).expect("a column");
    let all = Disclosure::of(&case, &excerpt, &columns, &BTreeSet::new()).expect("texts");
    let expected = commitments(&excerpt)[&(Table::Events, "actor_comm".to_owned())].len();
    assert_eq!(all.texts.len(), expected);
    let check = all.check(&excerpt).expect("of this case");
    assert_eq!((check.fitting, check.others), (expected as u64, 0));
    let one = BTreeSet::from([all.texts[0].seq]);
    let one = Disclosure::of(&case, &excerpt, &columns, &one).expect("texts");
    assert_eq!(one.texts, all.texts[..1]);
    let others: Vec<fn(&mut Disclosure)> = vec![
        |one| one.texts[0].text.push('x'),
        |one| one.texts[0].salt = "00".repeat(16).parse().expect("a salt"),
        |one| one.texts[0].group = "path".to_owned(),
        |one| one.texts[0].table = "runtime".to_owned(),
        |one| one.texts[0].seq += 1_000_000,
    ];
    for change in others {
        let mut changed = one.clone();
        change(&mut changed);
        let check = changed.check(&excerpt).expect("of this case");
        assert_eq!((check.fitting, check.others), (0, 1), "{changed:?}");
    }
    let foreign = Disclosure { case_id: "another".to_owned(), ..one };
    assert!(foreign.check(&excerpt).is_err());
}

#[test]
fn the_command_line_makes_hides_discloses_and_verifies() {
    let copy = case_with_texts();
    let id = first_container(&copy.open());
    let directory = tempfile::tempdir().expect("a temporary directory");
    let place = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    let (case, excerpt) = (copy.path.to_str().expect("UTF-8"), place("excerpt"));
    let signers = copy.key.signers();
    let signers = signers.to_str().expect("UTF-8");
    let made =
        replay(["extract", case, "--container", &id[..8], "--redact", "path", "--output", &excerpt]).expect_code(0);
    assert!(made.stdout.contains("left out: cgroupfs.path, events.path"), "{made:#?}");
    let verified = replay(["verify", &excerpt, "--signers", signers]).expect_code(0);
    let anchor = copy.anchor.path().to_str().expect("UTF-8");
    let asked = ["--signers", signers, "--anchor", anchor, "--case-id", "7d0c41de-0000-4000-8000-00000000beef"];
    let asked = [&["verify", &excerpt, "--require", "closed,signed,anchored"], &asked[..]].concat();
    replay(asked).expect_code(0);
    // An anchor that nobody signed proves something if nobody else could write to it.
    replay(["verify", &excerpt, "--require", "anchored", "--anchor", anchor]).expect_code(1);
    replay(["verify", &excerpt, "--require", "anchored", "--anchor", anchor, "--trust-anchor"]).expect_code(0);
    replay(["verify", &excerpt, "--require", "complete"]).expect_code(1);
    replay(["verify", &excerpt, "--signers", signers, "--case-id", "another"]).expect_code(1);
    std::fs::write(place("empty"), "").expect("writable");
    replay(["verify", &excerpt, "--anchor", &place("empty")]).expect_code(1);
    for line in ["excerpt of case 7d0c41de", "recorder, key", "texts: cgroupfs.path, events.path"] {
        assert!(verified.stdout.contains(line), "{verified:#?}");
    }
    let disclosed = replay(["disclose", case, &excerpt, "--column", "path"]).expect_code(0);
    std::fs::write(place("disclosed"), &disclosed.stdout).expect("writable");
    let checked = replay(["verify", &excerpt, "--disclosed", &place("disclosed")]).expect_code(0);
    assert!(checked.stdout.contains("texts are those that were left out, 0 are not"), "{checked:#?}");
    std::fs::write(place("changed"), disclosed.stdout.replace("docker", "podman")).expect("writable");
    replay(["verify", &excerpt, "--disclosed", &place("changed")]).expect_code(1);
    // The secret is nowhere to be seen, and an excerpt is not made twice, or of an excerpt.
    let info = replay(["info", case, "--format", "json"]).expect_code(0);
    assert!(!info.stdout.contains("salt_seed"), "{info:#?}");
    replay(["extract", case, "--container", &id, "--output", &excerpt]).expect_code(2);
    replay(["extract", &excerpt, "--container", &id, "--output", &place("again")]).expect_code(2);
    replay(["extract", case, "--container", &id, "--redact", "kind", "--output", &place("kinds")]).expect_code(2);
    replay(["extract", case, "--container", "ffff", "--output", &place("nobody")]).expect_code(2);
    assert!(!directory.path().join("kinds").exists() && !directory.path().join("again").exists());
}
