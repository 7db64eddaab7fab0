//! The records that the state of living containers rests on, kept so that the next segment can
//! begin with them.
//!
//! Records that may matter are kept as rows; from time to time those that no container needs any
//! more are left out. What a daemon's document held beyond the columns is not kept: it is in the
//! record itself. Rows are compressed while they wait: most of their columns are empty, and many
//! living containers have many rows.

use std::collections::{BTreeSet, VecDeque};

use anyhow::{Context, Result};
use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use obit_derivation::Record;
use obit_schema::Table;
use obit_schema::decode::RawView;
use obit_schema::details::{DirectoryDetails, RuntimeDetails};

use super::compressed_batch::CompressedBatch;
use super::raw_builders::{RawBuilders, RecordDetails};

/// Rows that are kept before the first call of [`Carryover::retain`] is due.
const FIRST_RETAIN_ROWS: usize = 4096;
/// Rows that are compressed together, at least, while there are so many.
const BATCH_ROWS: usize = 2048;
/// Rows that stay uncompressed, some megabytes. More than [`FIRST_RETAIN_ROWS`]: in a storm of
/// short-lived containers none is compressed.
const FRESH_ROWS: usize = 8192;
/// Rows that are kept at most: those of a hundred thousand containers, or of some ten thousand on a
/// host with ten hierarchies. Containers whose records are not among them are found by the walk, as
/// those from before the capture are.
const MAX_ROWS: usize = 512 << 10;

const CANNOT_ENCODE: &str = "cannot encode carried records";
const CANNOT_READ: &str = "cannot read carried records";

/// Records that the next segment may need.
#[derive(Debug)]
pub struct Carryover {
    /// Rows that are not compressed yet.
    fresh: RawBuilders,
    tables: CarriedTables,
    rows: usize,
    next_retain_rows: usize,
}

/// Compressed rows of the raw tables, of each in the order of the records.
type CarriedTables = [(Table, VecDeque<CarriedBatch>); 3];

/// Compressed rows of one table.
#[derive(Debug)]
struct CarriedBatch {
    /// The sequence number of each row.
    seqs: Box<[u64]>,
    rows: CompressedBatch,
}

impl Default for Carryover {
    fn default() -> Self {
        Self {
            fresh: RawBuilders::default(),
            tables: Table::RAW.map(|table| (table, VecDeque::new())),
            rows: 0,
            next_retain_rows: FIRST_RETAIN_ROWS,
        }
    }
}

impl Carryover {
    /// Keeps a record, without the texts of its details that the columns repeat.
    pub fn append(&mut self, record: &Record<'_>, details: RecordDetails<'_>) -> Result<()> {
        match details {
            RecordDetails::Event => self.fresh.append(record, details)?,
            RecordDetails::Directory(DirectoryDetails { outcome, ctime, files: _ }) => {
                let bare = DirectoryDetails { outcome: *outcome, ctime: *ctime, files: Vec::new() };
                self.fresh.append(record, RecordDetails::Directory(&bare))?;
            }
            RecordDetails::Runtime(RuntimeDetails { request, latency_ns, document: _ }) => {
                let bare = RuntimeDetails { request: request.clone(), latency_ns: *latency_ns, document: None };
                self.fresh.append(record, RecordDetails::Runtime(&bare))?;
            }
        }
        self.rows += 1;
        if self.fresh.rows() >= FRESH_ROWS {
            for (table, batches) in &mut self.tables {
                if let Some(rows) = self.fresh.take(*table)? {
                    batches.extend(CarriedBatch::compress(*table, &rows)?);
                }
            }
        }
        Ok(())
    }

    /// Returns whether so many rows are kept that [`Self::retain`] is due.
    pub fn is_retain_due(&self) -> bool {
        self.rows >= self.next_retain_rows
    }

    /// Leaves out all records but these.
    pub fn retain(&mut self, needed: &BTreeSet<u64>) -> Result<()> {
        let mut room = MAX_ROWS;
        for (table, batches) in &mut self.tables {
            let mut retained = VecDeque::new();
            let mut merger = BatchMerger::default();
            for batch in batches.drain(..) {
                let count = batch.seqs.iter().filter(|seq| needed.contains(seq)).count();
                if count == batch.seqs.len() && count >= BATCH_ROWS && count <= room {
                    retained.extend(merger.take(*table)?);
                    retained.push_back(batch);
                    room -= count;
                } else if count > 0 {
                    let rows = batch.rows.decompress().context(CANNOT_READ)?;
                    retained.extend(merger.add(*table, filter(*table, &rows, needed, &mut room)?)?);
                }
            }
            if let Some(fresh) = self.fresh.take(*table)? {
                retained.extend(merger.add(*table, filter(*table, &fresh, needed, &mut room)?)?);
            }
            retained.extend(merger.take(*table)?);
            *batches = retained;
        }
        self.rows = MAX_ROWS - room;
        self.next_retain_rows = FIRST_RETAIN_ROWS.max(2 * self.rows);
        Ok(())
    }

    /// Takes these records and discards the others.
    pub fn take(&mut self, needed: &BTreeSet<u64>) -> Result<CarriedRecords> {
        self.retain(needed)?;
        Ok(CarriedRecords(std::mem::take(self).tables))
    }
}

impl CarriedBatch {
    /// Compresses rows; `None` if there are none.
    fn compress(table: Table, rows: &RecordBatch) -> Result<Option<Self>> {
        let view = RawView::new(table, rows).context(CANNOT_READ)?;
        let seqs: Box<_> = (0..view.len()).filter_map(|row| view.seq(row)).collect();
        if seqs.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self { seqs, rows: CompressedBatch::new(rows).context(CANNOT_ENCODE)? }))
    }
}

/// Returns the needed rows of a batch, as many as `room` allows, and takes them off it.
fn filter(table: Table, rows: &RecordBatch, needed: &BTreeSet<u64>, room: &mut usize) -> Result<RecordBatch> {
    let view = RawView::new(table, rows).context(CANNOT_READ)?;
    let is_needed = |row| view.seq(row).is_some_and(|seq| needed.contains(&seq));
    let mask: BooleanArray = (0..rows.num_rows()).map(|row| Some(is_needed(row))).collect();
    let filtered = filter_record_batch(rows, &mask).context("cannot leave records out")?;
    let filtered = filtered.slice(0, filtered.num_rows().min(*room));
    *room -= filtered.num_rows();
    Ok(filtered)
}

/// Small batches of one table that are compressed together.
#[derive(Debug, Default)]
struct BatchMerger {
    batches: Vec<RecordBatch>,
    rows: usize,
}

impl BatchMerger {
    /// Adds rows. Returns a compressed batch once there are enough for one.
    fn add(&mut self, table: Table, batch: RecordBatch) -> Result<Option<CarriedBatch>> {
        self.rows += batch.num_rows();
        self.batches.push(batch);
        if self.rows >= BATCH_ROWS { self.take(table) } else { Ok(None) }
    }

    /// Compresses the rows added since the last batch.
    fn take(&mut self, table: Table) -> Result<Option<CarriedBatch>> {
        self.rows = 0;
        let batches = std::mem::take(&mut self.batches);
        let Some(first) = batches.first() else { return Ok(None) };
        CarriedBatch::compress(table, &concat_batches(first.schema_ref(), &batches).context(CANNOT_ENCODE)?)
    }
}

/// Records that a segment begins with.
#[derive(Debug)]
pub struct CarriedRecords(CarriedTables);

impl CarriedRecords {
    /// Passes each record to `each`, in the order of their numbers, with the view and the row that
    /// it is read from.
    pub fn for_each(self, mut each: impl FnMut(Record<'_>, &RawView, usize) -> Result<()>) -> Result<()> {
        let mut cursors = Vec::new();
        for (table, batches) in self.0 {
            cursors.extend(TableCursor::first(table, batches)?);
        }
        // One batch of each table is decompressed at a time.
        let next =
            |cursors: &[TableCursor]| (0..cursors.len()).min_by_key(|index| cursors.get(*index).map(|one| one.seq));
        while let Some(index) = next(&cursors) {
            let cursor = cursors.swap_remove(index);
            let mut argv = Vec::new();
            let record = cursor.view.get(cursor.row, &mut argv).context(CANNOT_READ)?;
            each(record, &cursor.view, cursor.row)?;
            drop(argv);
            cursors.extend(cursor.next()?);
        }
        Ok(())
    }
}

/// The next record of a table.
struct TableCursor {
    table: Table,
    batches: VecDeque<CarriedBatch>,
    view: RawView,
    row: usize,
    seq: u64,
}

impl TableCursor {
    /// Returns the first record; `None` if there is none.
    fn first(table: Table, mut batches: VecDeque<CarriedBatch>) -> Result<Option<Self>> {
        while let Some(batch) = batches.pop_front() {
            let rows = batch.rows.decompress().context(CANNOT_READ)?;
            let view = RawView::new(table, &rows).context(CANNOT_READ)?;
            if let Some(seq) = view.seq(0) {
                return Ok(Some(Self { table, batches, view, row: 0, seq }));
            }
        }
        Ok(None)
    }

    /// Returns the record after this one.
    fn next(self) -> Result<Option<Self>> {
        let row = self.row + 1;
        match self.view.seq(row) {
            Some(seq) if row < self.view.len() => Ok(Some(Self { row, seq, ..self })),
            _ => Self::first(self.table, self.batches),
        }
    }
}

#[cfg(test)]
mod tests {
    use obit_derivation::record::{
        Body, CgroupId, CgroupKey, Directory, HierarchyId, Loss, Outcome, RuntimeAnswer, SnapshotReason, Source,
    };
    use obit_derivation::{BootNs, Seq, WallNs};

    use super::*;

    fn record(seq: u64, body: Body<'_>) -> Record<'_> {
        Record { seq: Seq(seq), ts: WallNs(7), boot_ns: BootNs(seq), body }
    }

    /// Records of all three tables in turn.
    fn filled(records: u64) -> Carryover {
        let mut carryover = Carryover::default();
        for seq in 0..records {
            match seq % 3 {
                0 => {
                    let loss = Loss { count: seq, kind: None, cpu: None, since: Seq(0) };
                    carryover.append(&record(seq, Body::Lost(loss)), RecordDetails::Event).unwrap();
                }
                1 => {
                    let directory = Directory {
                        reason: SnapshotReason::Start,
                        key: CgroupKey { hierarchy: HierarchyId(0), cgroup: CgroupId(seq) },
                        parent: None,
                        parent_uid: None,
                        path: format!("/docker/{seq:064x}").into(),
                        populated: None,
                        pids: Vec::new(),
                    };
                    let files = vec![("memory.current".to_owned(), "1".to_owned())];
                    let details = DirectoryDetails { outcome: Outcome::Ok, ctime: None, files };
                    let record = record(seq, Body::Directory(directory));
                    carryover.append(&record, RecordDetails::Directory(&details)).unwrap();
                }
                _ => {
                    let answer = RuntimeAnswer::unanswered(Source::Docker, Outcome::NotFound);
                    let details =
                        RuntimeDetails { request: "docker".into(), latency_ns: seq, document: Some("{}".into()) };
                    let record = record(seq, Body::Runtime(answer));
                    carryover.append(&record, RecordDetails::Runtime(&details)).unwrap();
                }
            }
        }
        carryover
    }

    fn seqs(carried: CarriedRecords) -> Vec<u64> {
        let mut seqs = Vec::new();
        carried
            .for_each(|record, view, row| {
                assert_eq!(view.seq(row), Some(record.seq.0));
                seqs.push(record.seq.0);
                Ok(())
            })
            .unwrap();
        seqs
    }

    #[test]
    fn what_is_named_comes_back_in_order_and_nothing_else() {
        let records = 2 * FRESH_ROWS as u64 + 100;
        let mut carryover = filled(records);
        let named: BTreeSet<u64> = (0..records).filter(|seq| seq % 7 == 0).collect();
        assert_eq!(seqs(carryover.take(&named).unwrap()), named.iter().copied().collect::<Vec<_>>());
        assert!(seqs(carryover.take(&named).unwrap()).is_empty(), "it was taken");
    }

    #[test]
    fn what_was_left_out_stays_out_and_batches_do_not_get_many() {
        let records = 6 * BATCH_ROWS as u64;
        let mut carryover = filled(records);
        assert!(carryover.is_retain_due());
        let few: BTreeSet<u64> = (0..records).step_by(100).collect();
        carryover.retain(&few).unwrap();
        assert!(!carryover.is_retain_due());
        assert!(carryover.tables.iter().all(|(_, batches)| batches.len() == 1), "{:?}", carryover.tables);
        assert_eq!(seqs(carryover.take(&(0..records).collect()).unwrap()), few.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn batches_that_are_needed_whole_stay_as_they_are() {
        let records = 9 * BATCH_ROWS as u64;
        let mut carryover = filled(records);
        let all: BTreeSet<u64> = (0..records).collect();
        carryover.retain(&all).unwrap();
        let places = |carryover: &Carryover| -> Vec<_> {
            let batches =
                carryover.tables.iter().flat_map(|(_, batches)| batches).filter(|batch| batch.seqs.len() >= BATCH_ROWS);
            batches.map(|batch| batch.seqs.as_ptr()).collect()
        };
        let before = places(&carryover);
        assert!(before.len() > 3, "{} batches", before.len());
        carryover.retain(&all).unwrap();
        assert_eq!(places(&carryover), before);
        assert_eq!(seqs(carryover.take(&all).unwrap()), (0..records).collect::<Vec<_>>());
    }

    #[test]
    fn a_record_takes_little_room() {
        let records = 4 * BATCH_ROWS;
        let mut carryover = filled(records as u64);
        carryover.retain(&(0..records as u64).collect()).unwrap();
        let bytes: usize =
            carryover.tables.iter().flat_map(|(_, batches)| batches).map(|batch| batch.rows.bytes()).sum();
        // Unpacked, an event alone has half a kilobyte of columns.
        assert!(bytes < records * 64, "{} bytes each", bytes / records);
    }
}
