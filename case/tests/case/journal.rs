//! Cases that were never closed.

use std::fs;
use std::os::unix::fs::FileExt as _;

use obit_case::reader::PartSource;
use obit_case::{Case, Problem};
use obit_schema::Table;

use crate::kit::{self, Scratch};

/// Makes an open case of that many records, in batches of one row in each table's journal.
fn case_of(records: usize) -> Scratch {
    let scratch = Scratch::new();
    drop(kit::write(&scratch.case(), &kit::plain(records), 3, 1000));
    scratch
}

fn open_case() -> Scratch {
    case_of(30)
}

const EVENTS: &str = "journal/events-000000.arrows";

#[test]
fn a_journal_is_read_up_to_its_last_whole_batch_wherever_it_is_cut() {
    let scratch = case_of(6);
    let path = scratch.file(EVENTS);
    let whole = fs::read(&path).unwrap();
    fs::remove_file(scratch.file("journal/cgroupfs-000000.arrows")).unwrap();
    fs::remove_file(scratch.file("journal/runtime-000000.arrows")).unwrap();
    let mut ends = Vec::new();
    let mut rows_before = 0;
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let case = Case::open(&scratch.case()).unwrap();
        let rows = case.rows(Table::Events);
        assert!(rows == rows_before || rows == rows_before + 1, "cut at {length}: {rows} rows after {rows_before}");
        let torn = case.problems().iter().any(|problem| matches!(problem, Problem::TornJournal { .. }));
        if !torn {
            ends.push((length, rows));
        } else {
            assert_eq!(case.problems(), [Problem::TornJournal { file: EVENTS.to_owned(), rows }]);
        }
        rows_before = rows;
    }
    // The journal is whole with nothing, with the schema alone, and after each batch.
    let rows: Vec<_> = ends.iter().map(|(_, rows)| *rows).collect();
    assert_eq!(rows, [0, 0, 1, 2]);
    assert_eq!(ends.last().map(|(length, _)| *length), Some(whole.len()));
}

#[test]
fn records_after_the_tear_are_named_as_missing() {
    let scratch = open_case();
    let path = scratch.file(EVENTS);
    let length = path.metadata().unwrap().len();
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length - 1).unwrap();
    let (seqs, problems) = kit::read(&scratch.case());
    assert_eq!(seqs, (0..30).filter(|seq| *seq != 27).collect::<Vec<_>>());
    let torn = Problem::TornJournal { file: EVENTS.to_owned(), rows: 9 };
    assert_eq!(problems, [torn, Problem::Hole { first_seq: 27, last_seq: 27 }]);
}

#[test]
fn blocks_that_never_reached_the_disk_end_a_journal() {
    let scratch = open_case();
    let path = scratch.file(EVENTS);
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let length = path.metadata().unwrap().len();
    // A length without contents, as some file systems leave it.
    file.set_len(length + 4096).unwrap();
    assert_eq!(
        Case::open(&scratch.case()).unwrap().problems(),
        [Problem::TornJournal { file: EVENTS.to_owned(), rows: 10 }]
    );
    // The end of the last batch is such a block too.
    file.write_all_at(&[0; 64], length - 64).unwrap();
    let case = Case::open(&scratch.case()).unwrap();
    assert_eq!(case.problems(), [Problem::TornJournal { file: EVENTS.to_owned(), rows: 9 }]);
}

#[test]
fn a_part_wins_over_its_journal() {
    let scratch = Scratch::new();
    let records = kit::plain(30);
    let mut writer = kit::write(&scratch.case(), &records, 3, 1000);
    let journal = fs::read(scratch.file(EVENTS)).unwrap();
    writer.seal(Table::Events).unwrap();
    // The capture was killed before it could remove the journal.
    fs::write(scratch.file(EVENTS), journal).unwrap();
    drop(writer);
    let case = Case::open(&scratch.case()).unwrap();
    assert_eq!(case.problems(), []);
    let sources: Vec<_> = case.parts(Table::Events).iter().map(|part| part.source).collect();
    assert_eq!(sources, [PartSource::Sealed]);
    kit::assert_records(&case, &records);
    // The journal wins over a part that cannot be read.
    fs::write(scratch.file("raw/events/events-000000.parquet"), "").unwrap();
    kit::assert_records(&Case::open(&scratch.case()).unwrap(), &records);
}

#[test]
fn a_part_that_was_being_written_is_no_part() {
    let scratch = open_case();
    // Left by kill -9.
    fs::write(scratch.file("raw/events/.events-000000.parquet.partial"), "half").unwrap();
    fs::write(scratch.file(".case.json.partial"), "half").unwrap();
    let (seqs, problems) = kit::read(&scratch.case());
    assert_eq!((seqs, problems), ((0..30).collect(), vec![]));
}

#[test]
fn journals_of_another_table_or_case_are_left_out() {
    let scratch = open_case();
    fs::copy(scratch.file("journal/runtime-000000.arrows"), scratch.file(EVENTS)).unwrap();
    let case = Case::open(&scratch.case()).unwrap();
    assert_eq!(case.rows(Table::Events), 0);
    assert!(matches!(case.problems(), [Problem::Foreign { file, .. }] if file == EVENTS), "{:?}", case.problems());
}

#[test]
fn what_is_left_of_journals_in_a_closed_case_is_not_read() {
    let scratch = Scratch::new();
    let records = kit::plain(30);
    let mut writer = kit::write(&scratch.case(), &records, 3, 1000);
    let journal = fs::read(scratch.file(EVENTS)).unwrap();
    writer.close(|_| {}).unwrap();
    fs::create_dir(scratch.file("journal")).unwrap();
    fs::write(scratch.file("journal/events-000001.arrows"), journal).unwrap();
    kit::assert_records(&Case::open(&scratch.case()).unwrap(), &records);
}
