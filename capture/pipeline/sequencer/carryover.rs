//! The records that what is known of the living containers rests on, kept so that they can be told again at the head of
//! the next segment.
//!
//! They are kept as rows, as they were written, of what may matter; from time to time those that no container needs any
//! more are left out. What a daemon's document held beyond the columns is not kept: it is in the record itself. Rows that
//! wait are compressed: most of their columns are empty, and many live containers have many rows.

use std::collections::{BTreeSet, VecDeque};

use anyhow::{Context, Result};
use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::concat::concat_batches;
use arrow_select::filter::filter_record_batch;
use obit_derivation::Record;
use obit_schema::Table;
use obit_schema::decode::RawView;
use obit_schema::details::{DirectoryDetails, RuntimeDetails};
use obit_schema::encode::{CgroupfsBuilder, EventsBuilder, RuntimeBuilder};

use super::compressed_batch::Packed;

/// Rows that are kept before it is looked at which of them are needed.
const FIRST_LOOK_ROWS: usize = 4096;
/// Rows that are compressed together, at least, while there are so many.
const PACK_ROWS: usize = 2048;
/// Rows that are kept as they are, some megabytes, before they are compressed. More than are looked through at first: in a
/// storm of short-lived containers none is compressed.
const FRESH_ROWS: usize = 8192;
/// Most rows that are kept: those of a hundred thousand containers, or of some ten thousand on a host with ten hierarchies.
/// Containers whose records are not among them are found by the walk, as those from before the capture are.
const MAX_ROWS: usize = 512 << 10;

const CANNOT_ENCODE: &str = "cannot encode what was kept";
const CANNOT_READ: &str = "cannot read what was kept";

/// Records on call.
#[derive(Debug)]
pub struct Keep {
    events: EventsBuilder,
    cgroupfs: CgroupfsBuilder,
    runtime: RuntimeBuilder,
    packs: Packs,
    rows: usize,
    next_look: usize,
}

/// Rows of the raw tables, of each in the order of the records.
type Packs = [(Table, VecDeque<Pack>); 3];

/// Rows of one table, compressed.
#[derive(Debug)]
struct Pack {
    /// The records that they are of.
    seqs: Box<[u64]>,
    rows: Packed,
}

impl Keep {
    /// Empty.
    pub fn new() -> Self {
        Self {
            events: EventsBuilder::new(),
            cgroupfs: CgroupfsBuilder::new(),
            runtime: RuntimeBuilder::new(),
            packs: Table::RAW.map(|table| (table, VecDeque::new())),
            rows: 0,
            next_look: FIRST_LOOK_ROWS,
        }
    }

    /// Keeps a record of raw/events.
    pub fn event(&mut self, record: &Record<'_>) -> Result<()> {
        self.events.append(record).context("cannot keep an event")?;
        self.count()
    }

    /// Keeps a record of raw/cgroupfs.
    pub fn directory(&mut self, record: &Record<'_>, details: &DirectoryDetails) -> Result<()> {
        let details = DirectoryDetails { outcome: details.outcome, ctime: details.ctime, files: Vec::new() };
        self.cgroupfs.append(record, &details).context("cannot keep a directory")?;
        self.count()
    }

    /// Keeps a record of raw/runtime.
    pub fn answer(&mut self, record: &Record<'_>, details: &RuntimeDetails) -> Result<()> {
        let RuntimeDetails { request, latency_ns, document: _ } = details;
        let details = RuntimeDetails { request: request.clone(), latency_ns: *latency_ns, document: None };
        self.runtime.append(record, &details).context("cannot keep an answer")?;
        self.count()
    }

    /// Whether there is so much that [`Self::retain`] is due.
    pub fn is_to_be_looked_through(&self) -> bool {
        self.rows >= self.next_look
    }

    /// Keeps these of the records and no others.
    pub fn retain(&mut self, named: &BTreeSet<u64>) -> Result<()> {
        let fresh = self.take_fresh()?;
        let mut room = MAX_ROWS;
        for ((table, packs), fresh) in self.packs.iter_mut().zip(fresh) {
            let mut kept = VecDeque::new();
            let mut gathering = Gathering::default();
            for pack in packs.drain(..) {
                let needed = pack.seqs.iter().filter(|seq| named.contains(seq)).count();
                if needed == pack.seqs.len() && needed >= PACK_ROWS && needed <= room {
                    kept.extend(gathering.take(*table)?);
                    kept.push_back(pack);
                    room -= needed;
                } else if needed > 0 {
                    let rows = pack.rows.unpack().context(CANNOT_READ)?;
                    kept.extend(gathering.add(*table, needed_of(*table, &rows, named, &mut room)?)?);
                }
            }
            kept.extend(gathering.add(*table, needed_of(*table, &fresh, named, &mut room)?)?);
            kept.extend(gathering.take(*table)?);
            *packs = kept;
        }
        self.rows = MAX_ROWS - room;
        self.next_look = FIRST_LOOK_ROWS.max(2 * self.rows);
        Ok(())
    }

    /// Takes these of the records; none is left.
    pub fn take(&mut self, named: &BTreeSet<u64>) -> Result<Kept> {
        self.retain(named)?;
        Ok(Kept(std::mem::replace(self, Self::new()).packs))
    }

    fn count(&mut self) -> Result<()> {
        self.rows += 1;
        if self.events.len() + self.cgroupfs.len() + self.runtime.len() < FRESH_ROWS {
            return Ok(());
        }
        let fresh = self.take_fresh()?;
        for ((table, packs), fresh) in self.packs.iter_mut().zip(fresh) {
            packs.extend(Pack::new(*table, &fresh)?);
        }
        Ok(())
    }

    /// What is not compressed yet, of each table.
    fn take_fresh(&mut self) -> Result<[RecordBatch; 3]> {
        Ok([
            self.events.finish().context(CANNOT_ENCODE)?,
            self.cgroupfs.finish().context(CANNOT_ENCODE)?,
            self.runtime.finish().context(CANNOT_ENCODE)?,
        ])
    }
}

impl Pack {
    /// Of rows, if there are any.
    fn new(table: Table, rows: &RecordBatch) -> Result<Option<Self>> {
        let view = RawView::new(table, rows).context(CANNOT_READ)?;
        let seqs: Box<_> = (0..view.len()).filter_map(|row| view.seq(row)).collect();
        if seqs.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self { seqs, rows: Packed::new(rows).context(CANNOT_ENCODE)? }))
    }
}

/// The rows that are needed, as many as there is room for.
fn needed_of(table: Table, rows: &RecordBatch, named: &BTreeSet<u64>, room: &mut usize) -> Result<RecordBatch> {
    let view = RawView::new(table, rows).context(CANNOT_READ)?;
    let is_needed = |row| view.seq(row).is_some_and(|seq| named.contains(&seq));
    let needed: BooleanArray = (0..rows.num_rows()).map(|row| Some(is_needed(row))).collect();
    let needed = filter_record_batch(rows, &needed).context("cannot leave records out")?;
    let needed = needed.slice(0, needed.num_rows().min(*room));
    *room -= needed.num_rows();
    Ok(needed)
}

/// Batches of one table on their way into a pack.
#[derive(Debug, Default)]
struct Gathering {
    batches: Vec<RecordBatch>,
    rows: usize,
}

impl Gathering {
    /// Adds rows; gives a pack once there are enough for one.
    fn add(&mut self, table: Table, batch: RecordBatch) -> Result<Option<Pack>> {
        self.rows += batch.num_rows();
        self.batches.push(batch);
        if self.rows >= PACK_ROWS { self.take(table) } else { Ok(None) }
    }

    /// Gives what there is.
    fn take(&mut self, table: Table) -> Result<Option<Pack>> {
        self.rows = 0;
        let batches = std::mem::take(&mut self.batches);
        let Some(first) = batches.first() else { return Ok(None) };
        Pack::new(table, &concat_batches(first.schema_ref(), &batches).context(CANNOT_ENCODE)?)
    }
}

/// What was kept.
#[derive(Debug)]
pub struct Kept(Packs);

impl Kept {
    /// Gives each record to `each`, in their order, with the view and the row that it is from.
    pub fn for_each(self, mut each: impl FnMut(Record<'_>, &RawView, usize) -> Result<()>) -> Result<()> {
        let mut heads = Vec::new();
        for (table, packs) in self.0 {
            heads.extend(Head::new(table, packs)?);
        }
        // One batch of each table at a time.
        while let Some(index) = (0..heads.len()).min_by_key(|index| heads.get(*index).map(|head: &Head| head.seq)) {
            let head = heads.swap_remove(index);
            let mut argv = Vec::new();
            let record = head.view.get(head.row, &mut argv).context(CANNOT_READ)?;
            each(record, &head.view, head.row)?;
            drop(argv);
            heads.extend(head.next()?);
        }
        Ok(())
    }
}

/// The next record of a table.
struct Head {
    table: Table,
    packs: VecDeque<Pack>,
    view: RawView,
    row: usize,
    seq: u64,
}

impl Head {
    /// The first, if there is one.
    fn new(table: Table, mut packs: VecDeque<Pack>) -> Result<Option<Self>> {
        while let Some(pack) = packs.pop_front() {
            let batch = pack.rows.unpack().context(CANNOT_READ)?;
            let view = RawView::new(table, &batch).context(CANNOT_READ)?;
            if let Some(seq) = view.seq(0) {
                return Ok(Some(Self { table, packs, view, row: 0, seq }));
            }
        }
        Ok(None)
    }

    /// The one after it.
    fn next(self) -> Result<Option<Self>> {
        let row = self.row + 1;
        match self.view.seq(row) {
            Some(seq) if row < self.view.len() => Ok(Some(Self { row, seq, ..self })),
            _ => Self::new(self.table, self.packs),
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
    fn filled(records: u64) -> Keep {
        let mut keep = Keep::new();
        for seq in 0..records {
            match seq % 3 {
                0 => {
                    let loss = Loss { count: seq, kind: None, cpu: None, since: Seq(0) };
                    keep.event(&record(seq, Body::Lost(loss))).unwrap();
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
                    keep.directory(&record(seq, Body::Directory(directory)), &details).unwrap();
                }
                _ => {
                    let answer = RuntimeAnswer::unanswered(Source::Docker, Outcome::NotFound);
                    let details =
                        RuntimeDetails { request: "docker".into(), latency_ns: seq, document: Some("{}".into()) };
                    keep.answer(&record(seq, Body::Runtime(answer)), &details).unwrap();
                }
            }
        }
        keep
    }

    fn seqs(kept: Kept) -> Vec<u64> {
        let mut seqs = Vec::new();
        kept.for_each(|record, view, row| {
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
        let mut keep = filled(records);
        let named: BTreeSet<u64> = (0..records).filter(|seq| seq % 7 == 0).collect();
        assert_eq!(seqs(keep.take(&named).unwrap()), named.iter().copied().collect::<Vec<_>>());
        assert!(seqs(keep.take(&named).unwrap()).is_empty(), "it was taken");
    }

    #[test]
    fn what_was_left_out_stays_out_and_packs_do_not_get_many() {
        let records = 6 * PACK_ROWS as u64;
        let mut keep = filled(records);
        assert!(keep.is_to_be_looked_through());
        let few: BTreeSet<u64> = (0..records).step_by(100).collect();
        keep.retain(&few).unwrap();
        assert!(!keep.is_to_be_looked_through());
        assert!(keep.packs.iter().all(|(_, packs)| packs.len() == 1), "{:?}", keep.packs);
        assert_eq!(seqs(keep.take(&(0..records).collect()).unwrap()), few.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn packs_that_are_needed_whole_stay_as_they_are() {
        let records = 9 * PACK_ROWS as u64;
        let mut keep = filled(records);
        let all: BTreeSet<u64> = (0..records).collect();
        keep.retain(&all).unwrap();
        let places = |keep: &Keep| -> Vec<_> {
            let packs = keep.packs.iter().flat_map(|(_, packs)| packs).filter(|pack| pack.seqs.len() >= PACK_ROWS);
            packs.map(|pack| pack.seqs.as_ptr()).collect()
        };
        let before = places(&keep);
        assert!(before.len() > 3, "{} packs", before.len());
        keep.retain(&all).unwrap();
        assert_eq!(places(&keep), before);
        assert_eq!(seqs(keep.take(&all).unwrap()), (0..records).collect::<Vec<_>>());
    }

    #[test]
    fn a_record_takes_little_room() {
        let records = 4 * PACK_ROWS;
        let mut keep = filled(records as u64);
        keep.retain(&(0..records as u64).collect()).unwrap();
        let bytes: usize = keep.packs.iter().flat_map(|(_, packs)| packs).map(|pack| pack.rows.bytes()).sum();
        // Unpacked, an event alone has half a kilobyte of columns.
        assert!(bytes < records * 64, "{} bytes each", bytes / records);
    }
}
