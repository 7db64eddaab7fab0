//! Derived tables are brought to disk less often than records.

use obit_case::Case;
use obit_case::manifest::CaseState;
use obit_case::writer::{CaseWriter, WriterOptions};
use obit_derivation::record::{BootNs, CgroupKey, Seq, WallNs};
use obit_derivation::row::{ExistingContainer, Identity, Place, Row};
use obit_schema::Table;
use obit_schema::encode::{EventsBuilder, RowsBuilder};

use crate::disk::{Disk, Plan, Survives};
use crate::kit::{self, Scratch};

/// Time between two rows on their boot clock.
const STEP_NS: u64 = 200_000_000;
/// Number of rows that are synced one by one.
const ROWS: u64 = 25;

/// Returns the row of a container that the record at that place showed.
fn row(seq: u64, container_id: &str) -> Row {
    let identity = Identity { container_id: container_id.to_owned(), ..Identity::default() };
    Row::Existing(ExistingContainer {
        seq: Seq(seq),
        ts: WallNs(1),
        boot_ns: BootNs(seq * STEP_NS),
        identity,
        place: Place { key: CgroupKey::default(), path: "/docker/a".to_owned(), is_path_cut: false },
        first_seen_seq: Seq(seq),
        created_at: None,
        evidence_seqs: Vec::new(),
    })
}

/// Appends a record and a row that follows from it.
fn append(writer: &mut CaseWriter, seq: u64, container_id: &str) {
    let (mut events, mut rows) = (EventsBuilder::new(), RowsBuilder::new());
    let mut record = kit::clock(seq);
    record.boot_ns = BootNs(seq * STEP_NS);
    events.append(&record).unwrap();
    rows.append(&row(seq, container_id));
    writer.append(Table::Events, &events.finish().unwrap()).unwrap();
    for (table, batch) in rows.finish().unwrap() {
        writer.append(table, &batch).unwrap();
    }
}

/// Returns the rows of records and of containers that a power cut leaves.
fn left(disk: &Disk) -> (u64, u64) {
    let scratch = Scratch::new();
    disk.unload(Survives::Synced, &scratch.case());
    let case = Case::open(&scratch.case()).unwrap();
    assert_eq!(case.problems(), []);
    (case.rows(Table::Events), case.rows(Table::ExistingContainer))
}

#[test]
fn a_power_cut_takes_rows_of_two_seconds_at_most_and_no_record() {
    let disk = Disk::new(Plan::Never);
    let mut writer = CaseWriter::create_in(disk.root(), kit::manifest(), WriterOptions::default()).unwrap();
    let mut is_behind = false;
    for seq in 0..ROWS {
        append(&mut writer, seq, "a");
        writer.sync().unwrap();
        let (records, rows) = left(&disk);
        assert_eq!(records, seq + 1);
        assert!(rows <= records && records - rows <= 2_000_000_000 / STEP_NS, "{rows} rows of {records}");
        is_behind |= rows < records;
    }
    assert!(is_behind, "each sync would be one of all tables");
}

#[test]
fn a_case_whose_rows_are_behind_its_records_is_closed_with_all_that_is_there() {
    let disk = Disk::new(Plan::Never);
    let mut writer = CaseWriter::create_in(disk.root(), kit::manifest(), WriterOptions::default()).unwrap();
    for seq in 0..ROWS {
        append(&mut writer, seq, "a");
        writer.sync().unwrap();
    }
    let (records, rows) = left(&disk);
    assert!(rows < records, "{rows} of {records}: nothing is behind");
    let scratch = Scratch::new();
    disk.unload(Survives::Synced, &scratch.case());
    CaseWriter::resume(&scratch.case(), WriterOptions::default()).unwrap().close(|_| {}).unwrap();
    let case = Case::open(&scratch.case()).unwrap();
    assert_eq!(case.manifest().map(|manifest| manifest.state), Some(CaseState::Closed));
    assert_eq!((case.rows(Table::Events), case.rows(Table::ExistingContainer)), (records, rows));
    assert_eq!((case.check_sums(), case.problems()), (vec![], &[][..]));
}

#[test]
fn what_waits_for_a_sync_is_bounded() {
    let disk = Disk::new(Plan::Never);
    let mut writer = CaseWriter::create_in(disk.root(), kit::manifest(), WriterOptions::default()).unwrap();
    append(&mut writer, 20, "a");
    writer.sync().unwrap();
    // The rows are all within the two seconds, and have a text that no compressor makes much
    // shorter than half a MiB.
    let mut state = 1_u64;
    let text: String = (0..1 << 20)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'a' + u8::try_from((state >> 33) % 16).unwrap())
        })
        .collect();
    append(&mut writer, 21, &text);
    writer.sync().unwrap();
    assert_eq!(left(&disk), (2, 2));
    append(&mut writer, 22, "b");
    writer.sync().unwrap();
    assert_eq!(left(&disk), (3, 2), "few bytes wait again");
    writer.close(|_| {}).unwrap();
    assert_eq!(left(&disk), (3, 3));
}
