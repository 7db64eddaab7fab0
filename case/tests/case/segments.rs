//! A recording that is cut into segments, of which the oldest are dropped: the rest is whole, says
//! what is gone, and nobody can make it say that more is gone.

use std::fs;
use std::path::Path;

use obit_case::chain::{self, Chain};
use obit_case::manifest::{CaseCounts, ClockPair, Manifest, Segment};
use obit_case::writer::{CaseWriter, WriterOptions};
use obit_case::{Case, Error, Problem};
use obit_derivation::record::{Body, BootNs, Carried, Record, Seq, WallNs};
use obit_schema::Table;
use obit_schema::decode::RawView;
use obit_schema::encode::{CgroupfsBuilder, EventsBuilder, RuntimeBuilder};

use crate::disk::{Disk, EIO, Fault, Plan, Survives};
use crate::kit::{self, Builders, Scratch};
use crate::strategies::{Owned, OwnedBody};

/// Records of a run, of a segment, and between two syncs.
const RECORDS: u64 = 12;
const SEGMENT: u64 = 3;
const BATCH: u64 = 3;
/// Number of segments that are left at any time.
const LEFT: usize = 2;

fn at(seq: u64) -> ClockPair {
    ClockPair { ts: WallNs(1_000 * seq as i64), boot_ns: BootNs(seq) }
}

fn manifest() -> Manifest {
    let first = Segment { number: 0, first_seq: 0, began: at(0), counts: CaseCounts::default() };
    Manifest { segments: vec![first], ..kit::manifest() }
}

/// Result of a run.
#[derive(Debug, Default)]
struct Run {
    /// Number of records that a successful sync promised.
    promised: u64,
    /// Place of the first record that was not dropped.
    first_left: u64,
    closed: bool,
    /// The calls to the disk that the first cut with a dropping made, up to the end of the next
    /// sync.
    calls: (usize, usize),
}

/// Records, cuts and drops; tries each step this many times. `run` has what was done before a step
/// failed for good.
fn record(disk: &Disk, records: &[Owned], tries: usize, run: &mut Run) -> Result<CaseWriter, Error> {
    let mut writer = CaseWriter::create_in(disk.root(), manifest(), WriterOptions::default())?;
    let mut builders = Builders::default();
    for (seq, record) in (0..).zip(records) {
        if seq > 0 && seq % SEGMENT == 0 {
            let calls = disk.calls();
            again(tries, || writer.cut(seq, at(seq)))?;
            // Nobody knows which of the two is on disk when this fails.
            again(tries, || {
                while writer.manifest().segments.len() > LEFT {
                    if run.first_left == 0 {
                        run.calls.0 = calls;
                    }
                    run.first_left = writer.manifest().segments[1].first_seq;
                    writer.drop_oldest(at(seq))?;
                }
                Ok(())
            })?;
        }
        builders.push(seq, record);
        if seq % BATCH == BATCH - 1 {
            for (table, batch) in builders.batches() {
                again(tries, || writer.append(table, &batch))?;
            }
            again(tries, || writer.sync())?;
            run.promised = seq + 1;
            if run.first_left > 0 && run.calls.1 == 0 {
                run.calls.1 = disk.calls();
            }
        }
    }
    again(tries, || writer.close(|_| {}))?;
    run.closed = true;
    Ok(writer)
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

fn recorded(tries: usize, plan: Plan) -> (Disk, Run, Option<CaseWriter>) {
    recorded_of(&kit::plain(RECORDS as usize), tries, plan)
}

/// Records of one table only: fewer parts make a run for each call shorter.
fn recorded_of_events(tries: usize, plan: Plan) -> (Disk, Run) {
    let events: Vec<_> = kit::plain(3 * RECORDS as usize).into_iter().step_by(3).collect();
    let (disk, run, _) = recorded_of(&events, tries, plan);
    (disk, run)
}

fn recorded_of(records: &[Owned], tries: usize, plan: Plan) -> (Disk, Run, Option<CaseWriter>) {
    let (disk, mut run) = (Disk::new(plan), Run::default());
    let writer = record(&disk, records, tries, &mut run).ok();
    (disk, run, writer)
}

/// Asserts that the closed case is whole from that record on, and that the chain holds.
fn assert_whole(path: &Path, first: u64, what: &str) {
    let case = Case::open(path).unwrap();
    assert!(case.is_closed(), "{what}");
    let (seqs, problems) = kit::read_from(&case);
    assert_eq!(problems, [], "{what}");
    assert_eq!(seqs, (first..RECORDS).collect::<Vec<_>>(), "{what}");
    assert_eq!(case.check_sums(), [], "{what}");
    assert_eq!(Chain::follow(case.manifest().unwrap()).unwrap().problems(), [], "{what}");
}

#[test]
fn the_newest_segments_are_left_and_the_rest_is_accounted_for() {
    let (disk, run, writer) = recorded(1, Plan::Never);
    let scratch = Scratch::new();
    disk.unload(Survives::Synced, &scratch.case());
    let first = RECORDS - LEFT as u64 * SEGMENT;
    assert_eq!((run.first_left, run.closed), (first, true));
    assert_whole(&scratch.case(), first, "nothing failed");

    let case = Case::open(&scratch.case()).unwrap();
    let manifest = case.manifest().unwrap();
    assert_eq!(manifest.segments.iter().map(|segment| segment.number).collect::<Vec<_>>(), [2, 3]);
    let dropped = manifest.dropped.as_ref().unwrap();
    assert_eq!((dropped.segments, dropped.last_seq), (2, first - 1));
    assert_eq!((dropped.began, dropped.ended), (at(0), at(first)));
    // One record of each raw table in three.
    let third = |rows: u64| Table::RAW.map(|table| (table.name().to_owned(), rows / 3)).into();
    assert_eq!(dropped.counts.by_table, third(first));
    assert_eq!(dropped.counts.by_kind, [("clock".to_owned(), first / 3)].into());
    let mut left = third(RECORDS - first);
    left.extend(Table::DERIVED.map(|table| (table.name().to_owned(), 0)));
    assert_eq!(manifest.counts.by_table, left);
    let kept: u64 = manifest.segments.iter().map(|segment| segment.counts.by_table["events"]).sum();
    assert_eq!(kept, (RECORDS - first) / 3);
    // No part spans two segments.
    for part in &manifest.parts {
        let Some((first, last)) = part.first_seq.zip(part.last_seq) else { continue };
        assert_eq!((first / SEGMENT, last / SEGMENT), (part.segment.unwrap().into(), part.segment.unwrap().into()));
    }
    // Only drops within the rest of the chain are kept one by one.
    assert!(manifest.drops.len() <= LEFT, "{:?}", manifest.drops.len());
    assert_eq!(manifest.drops.last().unwrap().segment, 1);
    let listed: u64 = manifest.parts.iter().map(|part| part.bytes).sum();
    assert_eq!(writer.unwrap().bytes(), listed);
}

#[test]
fn case_json_does_not_grow_with_what_was_dropped() {
    let size = |rounds: u64| {
        let scratch = Scratch::new();
        let mut writer = CaseWriter::create(&scratch.case(), manifest(), kit::small_parts(1 << 20)).unwrap();
        let mut builders = Builders::default();
        for (seq, record) in (0..).zip(kit::plain((rounds * SEGMENT) as usize)) {
            if seq > 0 && seq % SEGMENT == 0 {
                builders.write(&mut writer);
                writer.cut(seq, at(seq)).unwrap();
                while writer.manifest().segments.len() > LEFT {
                    assert!(writer.drop_oldest(at(seq)).unwrap());
                }
            }
            builders.push(seq, &record);
        }
        builders.write(&mut writer);
        writer.close(|_| {}).unwrap();
        fs::metadata(scratch.file("case.json")).unwrap().len()
    };
    let (few, many) = (size(8), size(80));
    // Numbers have more digits; nothing else grows.
    assert!(many < few + few / 10, "{few} and {many} bytes");
}

#[test]
fn the_segment_that_is_written_is_never_dropped() {
    let scratch = Scratch::new();
    let mut writer = CaseWriter::create(&scratch.case(), manifest(), kit::small_parts(5)).unwrap();
    assert!(!writer.drop_oldest(at(0)).unwrap());
    writer.cut(6, at(6)).unwrap();
    assert!(writer.drop_oldest(at(6)).unwrap());
    assert!(!writer.drop_oldest(at(6)).unwrap());
}

#[test]
fn a_segment_that_cannot_be_sealed_is_dropped_with_its_open_parts() {
    let scratch = Scratch::new();
    let mut writer = CaseWriter::create(&scratch.case(), manifest(), kit::small_parts(2)).unwrap();
    let mut builders = Builders::default();
    let records = kit::plain(9);
    (0..5).zip(&records).for_each(|(seq, record)| builders.push(seq, record));
    builders.write(&mut writer);
    assert!(!writer.drop_current(0, at(0)).unwrap(), "it begins with that record");
    // Records 5 and 6 were never written.
    assert!(writer.drop_current(7, at(7)).unwrap());
    assert!(!writer.drop_current(7, at(7)).unwrap(), "it is done");
    (7..9).zip(&records[7..]).for_each(|(seq, record)| builders.push(seq, record));
    builders.write(&mut writer);
    writer.close(|_| {}).unwrap();
    let case = Case::open(&scratch.case()).unwrap();
    assert_eq!(case.problems(), []);
    let dropped = case.manifest().unwrap().dropped.as_ref().unwrap();
    assert_eq!((dropped.segments, dropped.last_seq), (1, 6));
    let left: Vec<_> = case.manifest().unwrap().parts.iter().filter_map(|part| part.first_seq).collect();
    assert!(left.iter().all(|first| *first >= 7) && !left.is_empty(), "{left:?}");
    let files = walk(&scratch.case());
    assert!(!files.iter().any(|name| name.contains("partial") || name.contains("arrows")), "{files:?}");
}

/// Returns the paths of all files below a directory.
fn walk(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path.display().to_string()] }).collect()
}

/// Injects both faults in turn, so that each meets each kind of call.
fn fault(call: usize) -> Fault {
    [Fault::Errno(EIO), Fault::Short][call % 2]
}

/// Returns the calls of cutting and dropping; the others are as in any case.
fn calls() -> std::ops::Range<usize> {
    let (start, end) = recorded_of_events(1, Plan::Never).1.calls;
    assert!(end > start + 20, "{start} to {end}");
    start..end
}

#[test]
fn any_one_call_may_fail_and_nothing_is_missing_in_the_end() {
    let first = RECORDS - LEFT as u64 * SEGMENT;
    for call in calls() {
        let what = format!("{:?} at call {call}", fault(call));
        let (disk, run) = recorded_of_events(3, Plan::Once(call, fault(call)));
        assert!(run.closed, "{what}: not closed");
        let scratch = Scratch::new();
        disk.unload(Survives::Synced, &scratch.case());
        assert_whole(&scratch.case(), first, &what);
    }
}

#[test]
fn a_capture_that_ends_at_any_call_leaves_a_case_that_can_be_closed() {
    for call in calls() {
        let (disk, run) = recorded_of_events(1, Plan::From(call, fault(call)));
        for survives in [Survives::Everything, Survives::Synced] {
            let what = format!("{:?} from call {call} on, {survives:?}", fault(call));
            let scratch = Scratch::new();
            disk.unload(survives, &scratch.case());
            let case = Case::open(&scratch.case()).unwrap_or_else(|error| panic!("{what}: {error}"));
            let dropped = case.manifest().unwrap().dropped.as_ref().map_or(0, |dropped| dropped.last_seq + 1);
            assert!(dropped <= run.first_left, "{what}: {dropped} records are gone");
            let (seqs, problems) = kit::read_from(&case);
            let expected: Vec<_> = (dropped..run.promised).collect();
            assert_eq!(seqs.get(..expected.len()), Some(&*expected), "{what}: {problems:?}");
            let is_end = |problem: &Problem| match problem {
                Problem::TornJournal { .. } => true,
                Problem::Hole { first_seq, .. } => *first_seq >= run.promised,
                _ => false,
            };
            let others: Vec<_> = problems.iter().filter(|problem| !is_end(problem)).collect();
            assert!(others.is_empty(), "{what}: {others:?}");
            if case.is_closed() {
                continue;
            }

            let mut writer = CaseWriter::resume(&scratch.case(), WriterOptions::default())
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            writer.close(|_| {}).unwrap_or_else(|error| panic!("{what}: {error}"));
            let case = Case::open(&scratch.case()).unwrap();
            let (after, problems) = kit::read_from(&case);
            assert_eq!(after, seqs, "{what}");
            assert!(problems.iter().all(is_end), "{what}: {problems:?}");
            assert_eq!(case.check_sums(), [], "{what}: nothing that was dropped is left over");
            let manifest = case.manifest().unwrap();
            assert_eq!(Chain::follow(manifest).unwrap().problems(), [], "{what}");
            let in_segments: u64 = manifest.segments.iter().flat_map(|segment| segment.counts.by_table.values()).sum();
            assert_eq!(in_segments, manifest.counts.by_table.values().sum::<u64>(), "{what}");
            assert!(manifest.parts.iter().all(|part| part.segment.is_some()), "{what}");
        }
    }
}

/// Tries a step until the disk has room for it, and drops the oldest segment each time. Returns
/// `None` if there was not enough to drop.
fn with_room<T>(
    writer: &mut CaseWriter,
    seq: u64,
    mut step: impl FnMut(&mut CaseWriter) -> Result<T, Error>,
) -> Option<T> {
    loop {
        match step(writer) {
            Ok(done) => return Some(done),
            Err(error) => assert!(error.is_disk_full(), "{error}"),
        }
        if !writer.drop_oldest(at(seq)).unwrap() {
            return None;
        }
    }
}

#[test]
fn on_a_full_disk_the_oldest_goes_and_the_recording_goes_on() {
    let disk = Disk::new(Plan::Never);
    let options = WriterOptions { reserve_bytes: 16 << 10, ..WriterOptions::default() };
    let mut writer = CaseWriter::create_in(disk.root(), manifest(), options).unwrap();
    // Some segments, and some bytes that are no whole number of them.
    disk.limit(300_001);
    let records = 20 * SEGMENT;
    let mut builders = Builders::default();
    for (seq, record) in (0..).zip(kit::plain(records as usize)) {
        if seq > 0 && seq % SEGMENT == 0 {
            with_room(&mut writer, seq, |writer| writer.cut(seq, at(seq))).expect("room for a cut");
        }
        builders.push(seq, &record);
        if seq % BATCH == BATCH - 1 {
            for (table, batch) in builders.batches() {
                with_room(&mut writer, seq, |writer| writer.append(table, &batch)).expect("room for rows");
            }
            with_room(&mut writer, seq, CaseWriter::sync).expect("room for what is synced");
        }
    }
    let now = Scratch::new();
    disk.unload(Survives::Everything, &now.case());
    let dropped = writer.manifest().dropped.clone().expect("the disk was full");
    assert!(dropped.segments > 1, "{dropped:?}");
    let (seqs, problems) = kit::read(&now.case());
    assert_eq!((seqs, problems), ((dropped.last_seq + 1..records).collect(), vec![]), "nothing but the oldest is gone");

    // Somebody else takes all room: the reserve is enough to say what is dropped.
    disk.fill_up();
    with_room(&mut writer, records, |writer| writer.close(|_| {})).expect("room for the end");
    let closed = Scratch::new();
    disk.unload(Survives::Synced, &closed.case());
    let case = Case::open(&closed.case()).unwrap();
    let first = case.manifest().unwrap().dropped.as_ref().unwrap().last_seq + 1;
    assert!(first > dropped.last_seq + 1 && first < records, "from {first} on");
    let (seqs, problems) = kit::read_from(&case);
    assert_eq!((seqs, problems), ((first..records).collect(), vec![]));
    assert_eq!(case.check_sums(), []);
    assert_eq!(Chain::follow(case.manifest().unwrap()).unwrap().problems(), []);
    assert!(!closed.file(".reserve").exists(), "it was of use and is gone");
}

#[test]
fn a_full_disk_with_one_segment_drops_nothing() {
    let disk = Disk::new(Plan::Never);
    let options = WriterOptions { reserve_bytes: 16 << 10, ..WriterOptions::default() };
    let mut writer = CaseWriter::create_in(disk.root(), manifest(), options).unwrap();
    let mut builders = Builders::default();
    builders.push(0, &kit::plain(1)[0]);
    builders.write(&mut writer);
    disk.fill_up();
    assert_eq!(with_room(&mut writer, 1, |writer| writer.cut(1, at(1))), None);
    disk.limit(usize::MAX);
    writer.close(|_| {}).unwrap();
    let scratch = Scratch::new();
    disk.unload(Survives::Synced, &scratch.case());
    assert_eq!(kit::read(&scratch.case()), (vec![0], vec![]), "and nothing is lost");
}

/// Edits the manifest of a case that dropped segments. Returns the problems of its chain.
fn problems_after(edit: impl FnOnce(&mut Manifest)) -> Vec<Problem> {
    let (_, _, writer) = recorded(1, Plan::Never);
    let mut manifest = writer.unwrap().manifest().clone();
    edit(&mut manifest);
    Chain::follow(&manifest).unwrap().problems().to_vec()
}

/// Takes away one more segment as a forger would: removes its parts and says so in `dropped`.
fn take_one_more(manifest: &mut Manifest) {
    let segment = manifest.segments.remove(0);
    let gone: Vec<_> = manifest.parts.iter().filter(|part| part.segment == Some(segment.number)).cloned().collect();
    manifest.parts.retain(|part| part.segment != Some(segment.number));
    let last = gone.last().unwrap();
    let sha256 = chain::entry_digest(&manifest.case_id, last.previous.as_deref().unwrap(), last);
    let next = manifest.segments[0].first_seq;
    let drops_before = manifest.drops.len();
    // Entries before the last part that is gone are gone with it.
    let entries = manifest.head.as_ref().unwrap().parts - (manifest.parts.len() + drops_before) as u64;
    let dropped = manifest.dropped.as_mut().unwrap();
    (dropped.segments, dropped.last_seq, dropped.sha256) = (segment.number + 1, next - 1, sha256);
    dropped.entries = entries;
}

#[test]
fn nobody_else_can_drop() {
    assert_eq!(problems_after(|_| {}), []);
    let is_told = |problems: &[Problem]| {
        problems.iter().any(|problem| matches!(problem, Problem::Head { why } if why.contains("said to be dropped")))
    };
    // Takes one more segment, with or without an entry of the chain to say so.
    assert!(is_told(&problems_after(take_one_more)));
    let with_entry = problems_after(|manifest| {
        take_one_more(manifest);
        let dropped = manifest.dropped.clone().unwrap();
        let drop = manifest.drops.last_mut().unwrap();
        (drop.segment, drop.last_seq) = (dropped.segments - 1, dropped.last_seq);
        (drop.entries, drop.sha256) = (dropped.entries, dropped.sha256);
    });
    assert!(!with_entry.is_empty(), "the entries after the forged one, or the head, do not follow from it");
    // A case that never dropped says that it did.
    assert!(is_told(&problems_after(|manifest| manifest.drops.clear())));
    assert!(!problems_after(|manifest| manifest.dropped = None).is_empty());
}

#[test]
fn a_part_that_was_taken_away_is_missed_beside_those_that_were_dropped() {
    let (disk, _, _) = recorded(1, Plan::Never);
    let scratch = Scratch::new();
    disk.unload(Survives::Synced, &scratch.case());
    let file = Case::open(&scratch.case()).unwrap().manifest().unwrap().parts[0].file.clone();
    fs::remove_file(scratch.file(&file)).unwrap();
    let problems = Case::open(&scratch.case()).unwrap().problems().to_vec();
    assert!(problems.contains(&Problem::MissingPart { file }), "{problems:?}");
}

#[test]
fn a_file_of_a_dropped_part_is_no_part_of_the_case() {
    let (disk, _, _) = recorded(1, Plan::Never);
    let scratch = Scratch::new();
    disk.unload(Survives::Synced, &scratch.case());
    let case = Case::open(&scratch.case()).unwrap();
    let left = &case.parts(Table::Events)[0];
    let gone = "raw/events/events-000000.parquet";
    fs::copy(scratch.file(&left.file), scratch.file(gone)).unwrap();
    let (seqs, problems) = kit::read(&scratch.case());
    // A closed case must not have it.
    let unlisted = Problem::Unlisted { file: gone.to_owned(), list: "case.json" };
    assert_eq!((seqs.len() as u64, problems), (LEFT as u64 * SEGMENT, vec![unlisted]));
}

#[test]
fn what_is_carried_is_the_same_record_with_the_place_where_it_was_first() {
    let (mut events, mut cgroupfs, mut runtime) = (EventsBuilder::new(), CgroupfsBuilder::new(), RuntimeBuilder::new());
    fn carried(body: Body<'_>) -> Body<'_> {
        Body::Carried(Box::new(Carried { from: Seq(7), body }))
    }
    let records = kit::plain(3);
    for (seq, owned) in (100..).zip(&records) {
        owned.with(seq, |record| {
            let again = Record { body: carried(record.body.clone()), ..record.clone() };
            match &owned.kind {
                OwnedBody::Directory(_, details) => cgroupfs.append(&again, details).unwrap(),
                OwnedBody::Runtime(_, details) => runtime.append(&again, details).unwrap(),
                _ => events.append(&again).unwrap(),
            }
        });
    }
    let batches =
        [(Table::Events, events.finish()), (Table::Cgroupfs, cgroupfs.finish()), (Table::Runtime, runtime.finish())];
    for ((seq, owned), (table, batch)) in (100..).zip(&records).zip(batches) {
        let view = RawView::new(table, &batch.unwrap()).unwrap();
        let mut argv = Vec::new();
        let found = view.get(0, &mut argv).unwrap();
        owned.with(seq, |record| assert_eq!(found, Record { body: carried(record.body.clone()), ..record.clone() }));
    }
}
