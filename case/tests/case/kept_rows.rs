//! Derived rows that stay when their segment is dropped: as many as have room, listed, hashed, and
//! nobody can add to them or take one away.

use std::fs;
use std::path::Path;

use obit_case::chain::{self, Chain};
use obit_case::manifest::{CaseCounts, ClockPair, Manifest, Segment};
use obit_case::reader::IdMatch;
use obit_case::writer::{CaseWriter, WriterOptions};
use obit_case::{Case, Problem};
use obit_derivation::record::{BootNs, CgroupKey, Directory, Outcome, Seq, SnapshotReason, WallNs};
use obit_derivation::row::{ExistingContainer, Identity, Place};
use obit_derivation::{Record, Row, record::Body};
use obit_schema::Table;
use obit_schema::details::DirectoryDetails;
use obit_schema::encode::{CgroupfsBuilder, EventsBuilder, RowsBuilder};

use crate::kit::{self, Scratch};

/// Segments that are left at any time.
const LEFT: usize = 4;
/// Records of a segment, so that a part with a row takes a small part of it.
const SEGMENT: u64 = 200;
/// Bytes of a path of a record, which do not compress to less than half.
const PATH_BYTES: u64 = 512;

fn at(seq: u64) -> ClockPair {
    ClockPair { ts: WallNs(1_000 * seq as i64), boot_ns: BootNs(seq) }
}

/// Returns a path like that of a flood: text without a pattern.
fn path(seq: u64) -> String {
    let mut state = seq.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut words = (0..PATH_BYTES / 16).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        format!("{state:016x}")
    });
    words.by_ref().fold("/".to_owned(), |path, word| path + &word)
}

fn row(seq: u64, container_id: String) -> Row {
    Row::Existing(ExistingContainer {
        seq: Seq(seq),
        ts: WallNs(1),
        boot_ns: BootNs(seq),
        identity: Identity { container_id, ..Identity::default() },
        place: Place { key: CgroupKey::default(), path: "/docker/a".to_owned(), is_path_cut: false },
        first_seen_seq: Seq(seq),
        created_at: None,
        evidence_seqs: Vec::new(),
    })
}

/// Returns the id of the container with a row in a segment.
fn id(segment: u64) -> String {
    format!("container-{segment}")
}

/// Records a segment: records, and one row at its end.
fn record(writer: &mut CaseWriter, segment: u64) {
    let (mut events, mut cgroupfs, mut rows) = (EventsBuilder::new(), CgroupfsBuilder::new(), RowsBuilder::new());
    let first = segment * SEGMENT;
    events.append(&kit::clock(first)).unwrap();
    for seq in first + 1..first + SEGMENT {
        let directory = Directory {
            reason: SnapshotReason::Start,
            key: CgroupKey::default(),
            parent: None,
            parent_uid: None,
            path: path(seq).into(),
            populated: None,
            pids: Vec::new(),
        };
        let body = Body::Directory(directory);
        let record = Record { seq: Seq(seq), ts: WallNs(1), boot_ns: BootNs(seq), body };
        let details = DirectoryDetails { outcome: Outcome::Ok, ctime: None, files: Vec::new() };
        cgroupfs.append(&record, &details).unwrap();
    }
    rows.append(&row(first + SEGMENT - 1, id(segment)));
    writer.append(Table::Events, &events.finish().unwrap()).unwrap();
    writer.append(Table::Cgroupfs, &cgroupfs.finish().unwrap()).unwrap();
    for (table, batch) in rows.finish().unwrap() {
        writer.append(table, &batch).unwrap();
    }
}

/// Records so many segments, of which the last few are left. Calls `each` after each dropping.
fn flown(path: &Path, segments: u64, mut each: impl FnMut(&CaseWriter)) -> CaseWriter {
    let first = Segment { number: 0, first_seq: 0, began: at(0), counts: CaseCounts::default() };
    let manifest = Manifest { segments: vec![first], ..kit::manifest() };
    let mut writer = CaseWriter::create(path, manifest, WriterOptions::default()).unwrap();
    for segment in 0..segments {
        if segment > 0 {
            writer.cut(segment * SEGMENT, at(segment * SEGMENT)).unwrap();
        }
        record(&mut writer, segment);
        while writer.manifest().segments.len() > LEFT {
            assert!(writer.drop_oldest(at((segment + 1) * SEGMENT)).unwrap());
            each(&writer);
        }
    }
    writer
}

/// Returns the segments of which the row was kept.
fn kept_segments(case: &Case, segments: u64) -> Vec<u64> {
    let is_kept = |segment: &u64| {
        let batches = case.kept_rows_matching(Table::ExistingContainer, &IdMatch::Exact(id(*segment)));
        batches.map(|batch| batch.unwrap().num_rows()).sum::<usize>() == 1
    };
    (0..segments).filter(is_kept).collect()
}

#[test]
fn the_newest_rows_of_dropped_segments_stay_in_their_share() {
    const SEGMENTS: u64 = 30;
    let scratch = Scratch::new();
    let mut most = 0;
    let mut writer = flown(&scratch.case(), SEGMENTS, |writer| {
        let kept = &writer.manifest().dropped.as_ref().unwrap().kept;
        let bytes: u64 = kept.iter().map(|part| part.bytes).sum();
        // The share is that of the case before the segment went.
        assert!(bytes <= writer.bytes() / 6, "{bytes} of {}", writer.bytes());
        most = most.max(kept.len());
    });
    writer.close(|_| {}).unwrap();
    let case = Case::open(&scratch.case()).unwrap();
    let kept = kept_segments(&case, SEGMENTS);
    let dropped = SEGMENTS - LEFT as u64;
    assert!(most > 2 && most < dropped as usize, "{most} of {dropped}: some stay, not all");
    assert_eq!(kept, (dropped - kept.len() as u64..dropped).collect::<Vec<_>>(), "the newest");
    // Their records are gone, and the rest is what it would be without them.
    let (seqs, problems) = kit::read_from(&case);
    assert_eq!((seqs.first(), problems), (Some(&(dropped * SEGMENT)), vec![]));
    assert_eq!(case.rows(Table::ExistingContainer), LEFT as u64);
    let manifest = case.manifest().unwrap();
    assert_eq!(manifest.counts.by_table["existing_container"], LEFT as u64);
    assert_eq!(case.check_sums(), []);
    assert_eq!(Chain::follow(manifest).unwrap().problems(), []);
    assert_eq!(manifest.dropped.as_ref().unwrap().kept_rows(), kept.len() as u64);
    assert_eq!(fs::read_dir(scratch.file("derived/existing_container")).unwrap().count(), kept.len() + LEFT);
}

#[test]
fn a_case_that_was_cut_off_is_closed_with_the_rows_that_were_kept() {
    const SEGMENTS: u64 = 20;
    let scratch = Scratch::new();
    let writer = flown(&scratch.case(), SEGMENTS, |_| {});
    let gone = "derived/existing_container/existing_container-000000.parquet";
    let is_kept = writer.manifest().part_files().any(|part| part.file == gone);
    assert!(!is_kept, "the first went for the others");
    drop(writer);
    let before = kept_segments(&Case::open(&scratch.case()).unwrap(), SEGMENTS);
    assert!(!before.is_empty());
    // A recorder that was cut off before it removed the file of a row that has no room any more.
    let kept = Case::open(&scratch.case()).unwrap().kept_parts(Table::ExistingContainer).next().unwrap().file.clone();
    fs::copy(scratch.file(&kept), scratch.file(gone)).unwrap();
    CaseWriter::resume(&scratch.case(), WriterOptions::default()).unwrap().close(|_| {}).unwrap();
    let case = Case::open(&scratch.case()).unwrap();
    assert_eq!(kept_segments(&case, SEGMENTS), before);
    assert!(!scratch.file(gone).exists());
    assert_eq!((case.check_sums(), case.problems()), (vec![], &[][..]));
    assert_eq!(Chain::follow(case.manifest().unwrap()).unwrap().problems(), []);
}

#[test]
fn nothing_is_kept_where_the_current_segment_is_the_only_one() {
    let scratch = Scratch::new();
    let mut writer = flown(&scratch.case(), 8, |_| {});
    let kept = |writer: &CaseWriter| writer.manifest().dropped.as_ref().unwrap().kept.len();
    for left in (1..LEFT).rev() {
        assert!(writer.drop_oldest(at(8 * SEGMENT)).unwrap());
        assert_eq!(kept(&writer) > 0, left > 1, "{left} left");
    }
    assert!(!writer.drop_oldest(at(8 * SEGMENT)).unwrap());
    let listed: u64 = writer.manifest().parts.iter().map(|part| part.bytes).sum();
    assert!(listed < writer.bytes(), "the current segment is not sealed");
}

#[test]
fn a_kept_part_that_is_gone_or_changed_is_missed() {
    let scratch = Scratch::new();
    flown(&scratch.case(), 8, |_| {}).close(|_| {}).unwrap();
    let file = Case::open(&scratch.case()).unwrap().kept_parts(Table::ExistingContainer).next().unwrap().file.clone();
    let mut bytes = fs::read(scratch.file(&file)).unwrap();
    bytes[40] ^= 1;
    fs::write(scratch.file(&file), bytes).unwrap();
    let problems = Case::open(&scratch.case()).unwrap().check_sums();
    assert_eq!(problems, [Problem::Changed { file: file.clone() }, Problem::NotAsListed { file: file.clone() }][..1]);
    fs::remove_file(scratch.file(&file)).unwrap();
    let problems = Case::open(&scratch.case()).unwrap().problems().to_vec();
    assert_eq!(problems, [Problem::MissingPart { file }]);
}

#[test]
fn nobody_can_change_what_is_kept_without_another_head() {
    let scratch = Scratch::new();
    let manifest = flown(&scratch.case(), 8, |_| {}).manifest().clone();
    let problems_after = |edit: &dyn Fn(&mut Manifest)| {
        let mut edited = manifest.clone();
        edit(&mut edited);
        Chain::follow(&edited).unwrap().problems().to_vec()
    };
    assert_eq!(problems_after(&|_| {}), []);
    let kept = |manifest: &mut Manifest, edit: &dyn Fn(&mut Vec<_>)| edit(&mut manifest.dropped.as_mut().unwrap().kept);
    let edits: [&dyn Fn(&mut Manifest); 4] = [
        &|manifest| kept(manifest, &|kept| drop(kept.remove(0))),
        &|manifest| kept(manifest, &Vec::clear),
        &|manifest| manifest.dropped.as_mut().unwrap().kept[0].sha256 = "0".repeat(64),
        &|manifest| manifest.dropped.as_mut().unwrap().kept[0].rows += 1,
    ];
    for (number, edit) in edits.into_iter().enumerate() {
        assert!(!problems_after(edit).is_empty(), "edit {number}");
        // With a digest to match, the dropping's own entry is another.
        let with_digest = problems_after(&|manifest| {
            edit(manifest);
            let kept = &manifest.dropped.as_ref().unwrap().kept;
            manifest.drops.last_mut().unwrap().kept_sha256 = chain::kept_digest(kept);
        });
        assert!(!with_digest.is_empty(), "edit {number} with a digest");
    }
}

#[test]
fn rows_whose_records_are_there_cannot_be_called_kept() {
    let scratch = Scratch::new();
    let mut manifest = flown(&scratch.case(), 8, |_| {}).manifest().clone();
    let live = manifest.parts.iter().position(|part| part.table == "existing_container").unwrap();
    let part = manifest.parts.remove(live);
    let file = part.file.clone();
    manifest.dropped.as_mut().unwrap().kept.push(part);
    let problems = Chain::follow(&manifest).unwrap().problems().to_vec();
    let is_named = |problem: &Problem| matches!(problem, Problem::Head { why } if why.contains(&file));
    assert!(problems.iter().any(is_named), "{problems:?}");
}
