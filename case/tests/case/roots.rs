//! Roots of parts: the same whichever way a part comes to its entry.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use obit_case::manifest::Manifest;
use obit_case::writer::{CaseWriter, WriterOptions};
use obit_schema::leaf::SaltSeed;

use crate::kit::{self, Builders, Scratch};

const RECORDS: usize = 60;
const PART_ROWS: u64 = 4;

fn manifest() -> Manifest {
    Manifest { salt_seed: Some(SaltSeed::new([3; 32]).to_hex()), ..kit::manifest() }
}

/// Starts a case with records in parts of a few rows. Returns the first case.json too.
fn recorded(path: &Path, manifest: Manifest) -> (CaseWriter, Vec<u8>) {
    let mut writer = CaseWriter::create(path, manifest, kit::small_parts(PART_ROWS)).unwrap();
    let first = fs::read(path.join("case.json")).unwrap();
    let mut builders = Builders::default();
    for (seq, record) in (0..).zip(&kit::plain(RECORDS)) {
        builders.push(seq, record);
        builders.write(&mut writer);
    }
    writer.sync().unwrap();
    (writer, first)
}

/// Returns the roots of a closed case's parts, by file.
fn roots(path: &Path) -> BTreeMap<String, Option<String>> {
    let case = obit_case::Case::open(path).unwrap();
    let parts = &case.manifest().unwrap().parts;
    parts.iter().map(|part| (part.file.clone(), part.root.clone())).collect()
}

fn resumed(path: &Path) -> BTreeMap<String, Option<String>> {
    CaseWriter::resume(path, WriterOptions::default()).unwrap().close(|_| {}).unwrap();
    roots(path)
}

#[test]
fn each_part_of_a_raw_table_has_a_root_and_no_other_part() {
    let scratch = Scratch::new();
    recorded(&scratch.case(), manifest()).0.close(|_| {}).unwrap();
    let roots = roots(&scratch.case());
    assert!(roots.len() > RECORDS / PART_ROWS as usize, "{roots:?}");
    assert!(roots.iter().all(|(file, root)| root.is_some() == file.starts_with("raw/")), "{roots:?}");
}

#[test]
fn a_part_that_is_made_from_its_journal_or_found_later_has_the_same_root() {
    let whole = Scratch::new();
    recorded(&whole.case(), manifest()).0.close(|_| {}).unwrap();
    let expected = roots(&whole.case());

    let from_journals = Scratch::new();
    drop(recorded(&from_journals.case(), manifest()));
    assert_eq!(resumed(&from_journals.case()), expected);

    // The power went before case.json listed any part.
    let unlisted = Scratch::new();
    let (writer, first) = recorded(&unlisted.case(), manifest());
    drop(writer);
    fs::write(unlisted.file("case.json"), first).unwrap();
    assert_eq!(resumed(&unlisted.case()), expected);
}

#[test]
fn without_a_secret_for_salts_there_is_no_root() {
    let scratch = Scratch::new();
    let (writer, _) = recorded(&scratch.case(), kit::manifest());
    drop(writer);
    assert!(resumed(&scratch.case()).values().all(Option::is_none));
}
