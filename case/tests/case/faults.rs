//! Faults of the disk: whichever call fails, all that a sync promised is there, and a step that may
//! be tried again succeeds.

use obit_case::manifest::MissingRange;
use obit_case::writer::{CaseWriter, WriterOptions};
use obit_case::{Case, Error, Problem};

use crate::disk::{Disk, EIO, Fault, Plan, Survives};
use crate::kit::{self, Builders, Scratch};
use crate::strategies::Owned;

/// Records of a run; with parts of three rows, each raw table seals one on the way and one at the
/// end.
const RECORDS: usize = 12;
/// Records between two syncs.
const BATCH: usize = 4;
/// Rows of a part.
const PART_ROWS: u64 = 3;

/// The faults to inject. A short write is ENOSPC in a call that is no write.
const FAULTS: [Fault; 2] = [Fault::Errno(EIO), Fault::Short];

/// Result of a run.
#[derive(Debug)]
struct Run {
    /// Number of records that a successful sync promised.
    promised: usize,
    /// True if a close succeeded.
    closed: bool,
}

/// Records batch after batch, tries each step this many times, and closes.
fn record(disk: &Disk, records: &[Owned], tries: usize) -> Result<Run, Error> {
    let options = WriterOptions { reserve_bytes: 64, ..kit::small_parts(PART_ROWS) };
    let mut writer = CaseWriter::create_in(disk.root(), kit::manifest(), options)?;
    let mut builders = Builders::default();
    let mut run = Run { promised: 0, closed: false };
    for (index, record) in records.iter().enumerate() {
        builders.push(index as u64, record);
        if index % BATCH != BATCH - 1 {
            continue;
        }
        for (table, batch) in builders.batches() {
            again(tries, || writer.append(table, &batch))?;
        }
        again(tries, || writer.sync())?;
        run.promised = index + 1;
    }
    let shortfall = MissingRange { first_seq: 0, last_seq: None, reason: "a test".to_owned() };
    // Closing tries again.
    let _ = writer.note_missing(shortfall);
    run.closed = again(tries, || writer.close(|_| {})).is_ok();
    Ok(run)
}

/// Tries a step until it succeeds, at most this many times.
fn again<T>(tries: usize, mut step: impl FnMut() -> Result<T, Error>) -> Result<T, Error> {
    let mut result = step();
    for _ in 1..tries {
        if result.is_ok() {
            break;
        }
        result = step();
    }
    result
}

/// Returns the number of calls that a run makes.
fn calls(records: &[Owned]) -> usize {
    let disk = Disk::new(Plan::Never);
    record(&disk, records, 1).unwrap();
    disk.calls()
}

/// Returns the places of the records that can be read from the disk, and the problems.
fn look(disk: &Disk, survives: Survives) -> Option<(Case, Vec<u64>, Vec<Problem>, Scratch)> {
    let scratch = Scratch::new();
    disk.unload(survives, &scratch.case());
    // There is no case.json if the disk failed before anything was promised.
    let case = Case::open(&scratch.case()).ok()?;
    let (seqs, problems) = kit::read_from(&case);
    Some((case, seqs, problems, scratch))
}

/// Asserts that the first `count` places are there, that others follow them, and that only a torn
/// end is wrong.
fn assert_promise(disk: &Disk, promised: usize, what: &str) {
    for survives in [Survives::Everything, Survives::Synced] {
        let Some((_, seqs, problems, _scratch)) = look(disk, survives) else {
            assert_eq!(promised, 0, "{what}, {survives:?}: there is no case");
            continue;
        };
        let expected: Vec<_> = (0..promised as u64).collect();
        assert_eq!(seqs.get(..promised), Some(&*expected), "{what}, {survives:?}: {problems:?}");
        let is_end = |problem: &Problem| match problem {
            Problem::TornJournal { .. } => true,
            Problem::Hole { first_seq, .. } => *first_seq >= promised as u64,
            _ => false,
        };
        let others: Vec<_> = problems.iter().filter(|problem| !is_end(problem)).collect();
        assert!(others.is_empty(), "{what}, {survives:?}: {others:?}");
    }
}

#[test]
fn a_disk_that_works_has_everything() {
    let disk = Disk::new(Plan::Never);
    let records = kit::plain(RECORDS);
    let run = record(&disk, &records, 1).unwrap();
    assert!(run.closed);
    assert_eq!(run.promised, RECORDS);
    let (case, _, _, _scratch) = look(&disk, Survives::Synced).unwrap();
    assert!(case.is_closed());
    assert_eq!(case.check_sums(), []);
    kit::assert_records(&case, &records);
    assert!(disk.calls() > 100, "the steps below would try too little: {}", disk.calls());
}

/// Injects both faults in turn, so that each meets each kind of call.
fn fault(call: usize) -> Fault {
    FAULTS[call % FAULTS.len()]
}

#[test]
fn any_one_call_may_fail_and_nothing_is_missing_in_the_end() {
    let records = kit::plain(RECORDS);
    for call in 0..calls(&records) {
        let what = format!("{:?} at call {call}", fault(call));
        let disk = Disk::new(Plan::Once(call, fault(call)));
        let run = match record(&disk, &records, 3) {
            Ok(run) => run,
            // Nothing tries again to make the case: there is nothing to lose yet.
            Err(error) => {
                assert!(call < 32, "{what}: {error}");
                assert_promise(&disk, 0, &what);
                continue;
            }
        };
        assert!(run.closed, "{what}: not closed");
        let (case, _, problems, _scratch) = look(&disk, Survives::Synced).unwrap();
        assert!(case.is_closed(), "{what}");
        assert_eq!(problems, [], "{what}");
        assert_eq!(case.check_sums(), [], "{what}");
        kit::assert_records(&case, &records);
    }
}

#[test]
fn a_disk_that_fails_for_good_keeps_what_was_promised() {
    let records = kit::plain(RECORDS);
    for call in 0..calls(&records) {
        let what = format!("{:?} from call {call} on", fault(call));
        let disk = Disk::new(Plan::From(call, fault(call)));
        let promised = promised(&disk, &records);
        assert_promise(&disk, promised, &what);
    }
}

/// Returns the number of records promised by the time that the disk failed for good.
fn promised(disk: &Disk, records: &[Owned]) -> usize {
    let options = WriterOptions { reserve_bytes: 64, ..kit::small_parts(PART_ROWS) };
    let Ok(mut writer) = CaseWriter::create_in(disk.root(), kit::manifest(), options) else { return 0 };
    let mut builders = Builders::default();
    let mut promised = 0;
    for (index, record) in records.iter().enumerate() {
        builders.push(index as u64, record);
        if index % BATCH != BATCH - 1 {
            continue;
        }
        let appended = builders.batches().into_iter().all(|(table, batch)| writer.append(table, &batch).is_ok());
        if !appended || writer.sync().is_err() {
            let _ = again(3, || writer.close(|_| {}));
            return promised;
        }
        promised = index + 1;
    }
    let _ = again(2, || writer.close(|_| {}));
    promised
}

#[test]
fn a_full_disk_is_told_in_case_json_whatever_room_it_had_and_the_case_closes() {
    let records = kit::plain(60);
    // From hardly more than an empty case takes, to more than is written; parts of one row make
    // case.json outgrow the room that is kept for it at first.
    for room in (30_000..900_000).step_by(29_989) {
        let disk = Disk::new(Plan::Never);
        disk.limit(room);
        let options = WriterOptions { reserve_bytes: 4096, ..kit::small_parts(1) };
        let mut writer = CaseWriter::create_in(disk.root(), kit::manifest(), options).unwrap();
        let mut builders = Builders::default();
        let mut durable = 0;
        for (seq, record) in (0..).zip(&records) {
            builders.push(seq, record);
            let batches = builders.batches();
            let is_written = batches.iter().all(|(table, batch)| writer.append_unsealed(*table, batch).is_ok());
            if !is_written || writer.sync().is_err() {
                break;
            }
            durable = seq + 1;
        }
        let what = format!("{room} bytes of room, {durable} records");
        let is_missing = durable < records.len() as u64;
        if is_missing {
            let range = MissingRange { first_seq: durable, last_seq: None, reason: "the disk is full".to_owned() };
            writer.note_missing(range).unwrap_or_else(|error| panic!("{what}: it cannot be told: {error}"));
        }
        let is_closed = writer.close(|_| {}).is_ok();
        drop(writer);

        let (case, seqs, _, scratch) = look(&disk, Survives::Everything).unwrap();
        let is_told = case.manifest().is_some_and(|manifest| !manifest.incomplete.is_empty());
        assert_eq!((case.is_closed(), is_told), (is_closed, is_missing), "{what}");
        assert!((0..durable).all(|seq| seqs.binary_search(&seq).is_ok()), "{what}");
        drop(case);
        if !is_closed {
            let mut writer = CaseWriter::resume(&scratch.case(), WriterOptions::default())
                .unwrap_or_else(|error| panic!("{what}: it cannot be closed elsewhere: {error}"));
            writer.close(|_| {}).unwrap();
        }
    }
}
