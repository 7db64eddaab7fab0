//! Damaged cases: the reader gives what can still be read, and reports the rest.

use std::fs;
use std::path::Path;

use arrow_array::{RecordBatch, StringArray};
use obit_case::origin::FileOrigin;
use obit_case::writer::{CaseWriter, WriterOptions};
use obit_case::{Case, Error, Problem, part};
use obit_derivation::record::Body;
use obit_schema::SCHEMA_VERSION;
use obit_schema::Table;
use obit_schema::encode::EventsBuilder;

use crate::kit::{self, Scratch};

/// Returns a closed case of 45 records: three parts of five rows in each raw table. Record n is in
/// table n % 3.
fn case() -> Scratch {
    let scratch = Scratch::new();
    kit::write(&scratch.case(), &kit::plain(45), 15, 5).close(|_| {}).unwrap();
    scratch
}

/// Returns the places of all 45 records but those of raw/events in the parts given.
fn all_but(parts: &[u64]) -> Vec<u64> {
    (0..45).filter(|seq| seq % 3 != 0 || !parts.contains(&(seq / 15))).collect()
}

/// Returns the problems that are not holes in the order.
fn named(problems: &[Problem]) -> Vec<String> {
    problems.iter().filter(|problem| !matches!(problem, Problem::Hole { .. })).map(ToString::to_string).collect()
}

fn holes(problems: &[Problem]) -> usize {
    problems.iter().filter(|problem| matches!(problem, Problem::Hole { .. })).count()
}

fn copy(from: &Path, to: &Path) {
    fs::remove_file(to).unwrap();
    fs::copy(from, to).unwrap();
}

#[test]
fn a_whole_case_has_no_problems() {
    let (seqs, problems) = kit::read(&case().case());
    assert_eq!((seqs, problems), (all_but(&[]), vec![]));
}

#[test]
fn a_missing_part_is_named_and_the_rest_is_read() {
    for number in 0..3 {
        let scratch = case();
        let file = format!("raw/events/events-00000{number}.parquet");
        fs::remove_file(scratch.file(&file)).unwrap();
        let (seqs, problems) = kit::read(&scratch.case());
        assert_eq!(seqs, all_but(&[number]));
        assert_eq!(named(&problems), [format!("{file}: missing; its rows are not in what follows")]);
        assert_eq!(holes(&problems), 5, "each of its five records lies between two that are there");
    }
}

#[test]
fn a_gap_in_the_numbering_is_seen_without_a_manifest() {
    let scratch = case();
    fs::remove_file(scratch.file("raw/events/events-000001.parquet")).unwrap();
    fs::remove_file(scratch.file("case.json")).unwrap();
    let case = Case::open_lenient(&scratch.case()).unwrap();
    let (seqs, problems) = kit::read_from(&case);
    assert_eq!(seqs, all_but(&[1]));
    let [manifest, missing] = named(&problems).try_into().unwrap();
    assert!(manifest.starts_with("case.json: No such file"), "{manifest}");
    assert!(missing.starts_with("raw/events/events-000001.parquet: missing"), "{missing}");
}

#[test]
fn a_number_far_off_does_not_make_a_list_of_millions() {
    let scratch = case();
    fs::write(scratch.file("raw/events/events-4294967295.parquet"), "").unwrap();
    let case = Case::open(&scratch.case()).unwrap();
    assert_eq!(
        case.problems().len(),
        19,
        "an empty file, 16 that are missing, how many more, and that it is not listed"
    );
    assert!(case.problems().contains(&Problem::More { count: u64::from(u32::MAX) - 3 - 16 }), "{:?}", case.problems());
}

#[test]
fn a_truncated_part_is_named_and_the_rest_is_read() {
    let scratch = case();
    let path = scratch.file("raw/events/events-000001.parquet");
    let bytes = fs::read(&path).unwrap();
    for length in [0, 3, 8, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&path, &bytes[..length]).unwrap();
        let (seqs, problems) = kit::read(&scratch.case());
        assert_eq!(seqs, all_but(&[1]), "cut at {length}");
        let [named] = named(&problems).try_into().unwrap();
        assert!(named.starts_with("raw/events/events-000001.parquet: damaged ("), "{named}");
    }
}

#[test]
fn files_that_belong_elsewhere_are_left_out() {
    let scratch = case();
    let other = Scratch::new();
    let mut manifest = kit::manifest();
    manifest.case_id = "another".to_owned();
    let mut writer = CaseWriter::create(&other.case(), manifest, WriterOptions::default()).unwrap();
    writer.close(|_| {}).unwrap();
    let target = scratch.file("raw/events/events-000001.parquet");
    let problem = || {
        let (seqs, problems) = kit::read(&scratch.case());
        assert_eq!(seqs, all_but(&[1]));
        let [named] = named(&problems).try_into().unwrap();
        named
    };

    copy(&other.file("raw/events/events-000000.parquet"), &target);
    assert!(problem().contains("does not belong here (it is of case another)"), "{}", problem());
    copy(&scratch.file("raw/runtime/runtime-000001.parquet"), &target);
    assert!(problem().contains("does not belong here (it is a part of runtime)"), "{}", problem());
    fs::write(&target, "PAR1, or so it says. PAR1").unwrap();
    assert!(problem().contains("damaged"), "{}", problem());
    fs::remove_file(&target).unwrap();
    std::os::unix::fs::symlink("events-000000.parquet", &target).unwrap();
    assert!(problem().contains("damaged"), "a link is not followed: {}", problem());
}

/// Writes a batch in place of the second part of raw/events.
fn replace_second_part(scratch: &Scratch, schema_version: u32, batch: RecordBatch) {
    let path = scratch.file("raw/events/events-000001.parquet");
    fs::remove_file(&path).unwrap();
    let origin = FileOrigin { schema_version, ..FileOrigin::of(&kit::manifest()) };
    part::write_file(&path, Table::Events, &origin, [Ok(batch)]).unwrap();
}

fn clocks(seqs: &[u64]) -> RecordBatch {
    let mut builder = EventsBuilder::new();
    seqs.iter().for_each(|seq| builder.append(&kit::clock(*seq)).unwrap());
    builder.finish().unwrap()
}

/// Returns a batch with another text in each row of a column.
fn with_text(batch: &RecordBatch, column: &str, text: &str) -> RecordBatch {
    let index = batch.schema().index_of(column).unwrap();
    let mut columns = batch.columns().to_vec();
    columns[index] = std::sync::Arc::new(StringArray::from(vec![text; batch.num_rows()]));
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

const SECOND_PART: [u64; 5] = [15, 18, 21, 24, 27];

#[test]
fn a_part_of_a_newer_schema_is_read_as_far_as_it_is_known() {
    let scratch = case();
    replace_second_part(&scratch, SCHEMA_VERSION + 1, clocks(&SECOND_PART));
    let (seqs, problems) = kit::read(&scratch.case());
    assert_eq!(seqs, all_but(&[]));
    let file = "raw/events/events-000001.parquet".to_owned();
    assert_eq!(problems, [Problem::NewerSchema { file, found: SCHEMA_VERSION + 1 }]);
    assert!(!problems[0].loses_rows());
}

#[test]
fn a_kind_of_a_newer_version_keeps_its_place_and_decides_nothing() {
    let scratch = case();
    replace_second_part(&scratch, 1, with_text(&clocks(&SECOND_PART), "kind", "freezer_thawed"));
    let case = Case::open(&scratch.case()).unwrap();
    let (mut records, mut unknown) = (case.records(), 0);
    records
        .for_each(|record| -> Result<(), Error> {
            unknown += usize::from(record.body == Body::Unknown);
            Ok(())
        })
        .unwrap();
    assert_eq!((unknown, records.problems()), (5, [].as_slice()));
}

#[test]
fn a_row_that_lacks_what_its_kind_must_have_is_named_and_decides_nothing() {
    let scratch = case();
    replace_second_part(&scratch, 1, with_text(&clocks(&[15, 18]), "kind", "cgroup_rmdir"));
    let (seqs, problems) = kit::read(&scratch.case());
    assert!(seqs.contains(&15) && seqs.contains(&18));
    let found = named(&problems);
    assert_eq!(found.len(), 2);
    assert!(found[0].contains("record 15: a row lacks cpu, which its kind must have"), "{found:?}");
}

#[test]
fn records_out_of_order_are_left_out_and_named() {
    let scratch = case();
    // 2 was there before, 18 comes twice, 17 after it; a place past all others hides nothing before
    // it.
    replace_second_part(&scratch, 1, clocks(&[15, 2, 18, 18, 17, u64::MAX]));
    let (seqs, problems) = kit::read(&scratch.case());
    let mut expected = all_but(&[1, 2]);
    expected.extend([15, 18]);
    expected.sort();
    expected.push(u64::MAX);
    assert_eq!(seqs, expected, "the third part comes after the end of all places");
    let disorder = |problem: &&Problem| matches!(problem, Problem::Disorder { .. });
    // Left out are 2, 18, 17 and the five of the third part.
    assert_eq!(problems.iter().filter(disorder).count(), 8, "{problems:?}");
}

#[test]
fn a_newer_major_version_is_refused_by_name() {
    let scratch = case();
    let path = scratch.file("case.json");
    let text = fs::read_to_string(&path).unwrap().replace(r#""major": 2"#, r#""major": 3"#);
    fs::write(&path, text).unwrap();
    for opened in [Case::open(&scratch.case()), Case::open_lenient(&scratch.case())] {
        let error = opened.unwrap_err().to_string();
        assert!(error.ends_with("case format 3.0 is newer than this build's 2.0"), "{error}");
    }
}

#[test]
fn a_newer_minor_version_is_read() {
    let scratch = case();
    let path = scratch.file("case.json");
    let text = fs::read_to_string(&path).unwrap().replace(r#""minor": 3"#, r#""minor": 7, "patch": 1"#);
    fs::write(&path, text).unwrap();
    assert_eq!(Case::open(&scratch.case()).unwrap().problems(), []);
}

#[test]
fn a_corrupt_manifest_names_the_file_and_what_can_still_be_read() {
    for text in ["", "{", "[1, 2]", "\0\0\0", r#"{"format": {"major": 1, "minor": 0}}"#] {
        let scratch = case();
        fs::write(scratch.file("case.json"), text).unwrap();
        let error = Case::open(&scratch.case()).unwrap_err();
        assert!(matches!(&error, Error::Manifest { parts: 14, .. }), "{error:?}");
        let message = error.to_string();
        assert!(
            message.contains("case.json: ") && message.contains("14 files of the case can still be read"),
            "{message}"
        );

        let lenient = Case::open_lenient(&scratch.case()).unwrap();
        assert!(lenient.manifest().is_none() && !lenient.is_closed());
        let (seqs, problems) = kit::read_from(&lenient);
        assert_eq!(seqs, all_but(&[]));
        assert!(matches!(problems.as_slice(), [Problem::Manifest { .. }]), "{problems:?}");
    }
}

#[test]
fn what_is_no_case_is_said_to_be_none() {
    let scratch = Scratch::new();
    let missing = Case::open(&scratch.case()).unwrap_err().to_string();
    assert!(missing.contains("No such file") && missing.contains("check the path"), "{missing}");
    fs::create_dir(scratch.case()).unwrap();
    for opened in [Case::open(&scratch.case()), Case::open_lenient(&scratch.case())] {
        assert!(matches!(opened, Err(Error::NotACase { .. })));
    }
}

#[test]
fn a_change_after_closing_shows_in_the_sums() {
    let scratch = case();
    assert_eq!(Case::open(&scratch.case()).unwrap().check_sums(), []);
    let path = scratch.file("case.json");
    let text = fs::read_to_string(&path).unwrap().replace("abc1234", "abc1235");
    fs::write(&path, text).unwrap();
    let changed = Case::open(&scratch.case()).unwrap().check_sums();
    assert_eq!(changed, [Problem::Changed { file: "case.json".to_owned() }]);
    fs::remove_file(scratch.file("SHA256SUMS")).unwrap();
    assert_eq!(Case::open(&scratch.case()).unwrap().check_sums().len(), 1);
}

#[test]
fn batches_go_on_after_a_damaged_part() {
    let scratch = case();
    let path = scratch.file("raw/events/events-000001.parquet");
    let whole = fs::read(&path).unwrap();
    let case = Case::open(&scratch.case()).unwrap();
    // Damages the file after the case was opened, as a failing disk does.
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let (rows, errors): (Vec<_>, Vec<_>) = case.batches(Table::Events).partition(Result::is_ok);
    assert_eq!(rows.into_iter().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 10);
    let [Err(Error::Damaged { path, .. })] = errors.as_slice() else { panic!("one error: {errors:?}") };
    assert!(path.ends_with("raw/events/events-000001.parquet"));
}
