//! Makes cases for a test.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use obit_case::manifest::{BuildInfo, Manifest};
use obit_case::reader::ReadThreads;
use obit_case::writer::{CaseWriter, WriterOptions};
use obit_case::{Case, Problem};
use obit_derivation::record::{Body, BootNs, ClockReading, Outcome, Record, Seq, WallNs};
use obit_schema::Table;
use obit_schema::details::{DirectoryDetails, RuntimeDetails};
use obit_schema::encode::{CgroupfsBuilder, EventsBuilder, RuntimeBuilder};
use tempfile::TempDir;

use crate::strategies::{Owned, OwnedBody};

/// A temporary folder, and a path in it for a case.
pub struct Scratch {
    folder: TempDir,
}

impl Scratch {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn case(&self) -> PathBuf {
        self.folder.path().join("case")
    }

    pub fn file(&self, file: &str) -> PathBuf {
        self.case().join(file)
    }
}

pub fn manifest() -> Manifest {
    let build = BuildInfo { version: "0.1.0".to_owned(), commit: "abc1234".to_owned() };
    Manifest::new("3f1c8a52".to_owned(), build)
}

pub fn small_parts(part_rows: u64) -> WriterOptions {
    WriterOptions { part_rows, ..WriterOptions::default() }
}

/// Builders of the three raw tables.
#[derive(Default)]
pub struct Builders {
    events: EventsBuilder,
    cgroupfs: CgroupfsBuilder,
    runtime: RuntimeBuilder,
}

impl Builders {
    pub fn push(&mut self, seq: u64, owned: &Owned) {
        owned.with(seq, |record| match &owned.kind {
            OwnedBody::Event(_) | OwnedBody::Mark(_) => self.events.append(record).unwrap(),
            OwnedBody::Directory(_, details) => self.cgroupfs.append(record, details).unwrap(),
            OwnedBody::Runtime(_, details) => self.runtime.append(record, details).unwrap(),
        });
    }

    pub fn cgroupfs(&mut self) -> Result<RecordBatch, obit_schema::Error> {
        self.cgroupfs.finish()
    }

    pub fn batches(&mut self) -> [(Table, RecordBatch); 3] {
        [
            (Table::Events, self.events.finish().unwrap()),
            (Table::Cgroupfs, self.cgroupfs.finish().unwrap()),
            (Table::Runtime, self.runtime.finish().unwrap()),
        ]
    }

    pub fn write(&mut self, writer: &mut CaseWriter) {
        for (table, batch) in self.batches() {
            writer.append(table, &batch).unwrap();
        }
    }
}

/// Starts a case with those records, appended by `batch` records at a time.
pub fn write(path: &Path, records: &[Owned], batch: usize, part_rows: u64) -> CaseWriter {
    let mut writer = CaseWriter::create(path, manifest(), small_parts(part_rows)).unwrap();
    let mut builders = Builders::default();
    for (index, record) in records.iter().enumerate() {
        builders.push(index as u64, record);
        if index % batch == batch - 1 {
            builders.write(&mut writer);
        }
    }
    builders.write(&mut writer);
    writer.sync().unwrap();
    writer
}

/// Returns this many records, of each raw table in turn: a clock, a directory, a question.
pub fn plain(count: usize) -> Vec<Owned> {
    use obit_derivation::record::{CgroupKey, Directory, RuntimeAnswer, SnapshotReason, Source};
    let body = |index| match index % 3 {
        0 => OwnedBody::Mark(Box::new(Body::Clock(ClockReading::default()))),
        1 => OwnedBody::Directory(
            Box::new(Directory {
                reason: SnapshotReason::Start,
                key: CgroupKey::default(),
                parent: None,
                parent_uid: None,
                path: format!("/directory-{index}").into(),
                populated: Some(true),
                pids: vec![1, 2],
            }),
            DirectoryDetails { outcome: Outcome::Ok, ctime: None, files: Vec::new() },
        ),
        _ => OwnedBody::Runtime(
            Box::new(RuntimeAnswer {
                container_id: Some(format!("container-{index}").into()),
                ..RuntimeAnswer::unanswered(Source::OciBundle, Outcome::NotFound)
            }),
            RuntimeDetails { request: "config.json".to_owned(), latency_ns: 5, document: None },
        ),
    };
    (0..count)
        .map(|index| Owned {
            ts: WallNs(1_700_000_000_000_000_000 + index as i64),
            boot_ns: BootNs(index as u64),
            kind: body(index),
        })
        .collect()
}

/// Makes a closed case of those records in parts of five rows.
pub fn closed(scratch: &Scratch, records: &[Owned]) {
    write(&scratch.case(), records, 5, 5).close(|_| {}).unwrap();
}

/// Returns the places of the records that can be read, and all problems. Asserts that one thread
/// and several read the same.
pub fn read(path: &Path) -> (Vec<u64>, Vec<Problem>) {
    let [ahead, here] = [ReadThreads::EachTable, ReadThreads::One]
        .map(|threads| read_from(&Case::open(path).unwrap().with_threads(threads)));
    assert_eq!(ahead, here, "read ahead, and as it is asked for");
    here
}

pub fn read_from(case: &Case) -> (Vec<u64>, Vec<Problem>) {
    let mut seqs = Vec::new();
    let mut records = case.records();
    while records.advance() {
        let mut argv = Vec::new();
        seqs.push(records.current(&mut argv).unwrap().seq.0);
    }
    (seqs, [case.problems(), records.problems()].concat())
}

/// Asserts that the case gives back those records, in order.
pub fn assert_records(case: &Case, expected: &[Owned]) {
    let mut next = 0;
    let mut records = case.records();
    records
        .for_each(|found| -> Result<(), obit_case::Error> {
            let owned = expected.get(next).unwrap_or_else(|| panic!("one more record than written: {found:?}"));
            owned.with(next as u64, |written| assert_eq!(found, written));
            next += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(next, expected.len(), "records read");
    assert_eq!(records.problems(), []);
}

/// Returns a record of which only place and kind matter.
pub fn clock(seq: u64) -> Record<'static> {
    Record { seq: Seq(seq), ts: WallNs(1), boot_ns: BootNs(seq), body: Body::Clock(ClockReading::default()) }
}
