//! The records that what is known of the living containers rests on, kept so that they can be told again at the head of
//! the next segment.
//!
//! They are kept as rows, as they were written, of what may matter; from time to time those that no container needs any
//! more are left out. What a daemon's document held beyond the columns is not kept: it is in the record itself.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use obit_derivation::Record;
use obit_schema::Table;
use obit_schema::decode::RawView;
use obit_schema::details::{DirectoryDetails, RuntimeDetails};
use obit_schema::encode::{CgroupfsBuilder, EventsBuilder, RuntimeBuilder};

/// Rows that are kept before it is looked at which of them are needed.
const FIRST_LOOK_ROWS: usize = 4096;
/// Most rows that are kept: some thousand containers' on a host with ten hierarchies. Containers whose records are not
/// among them are found by the walk, as those from before the capture are.
const MAX_ROWS: usize = 128 << 10;

/// Records on call.
#[derive(Debug)]
pub struct Keep {
    events: EventsBuilder,
    cgroupfs: CgroupfsBuilder,
    runtime: RuntimeBuilder,
    batches: Vec<(Table, RecordBatch)>,
    rows: usize,
    next_look: usize,
}

impl Keep {
    /// Empty.
    pub fn new() -> Self {
        Self {
            events: EventsBuilder::new(),
            cgroupfs: CgroupfsBuilder::new(),
            runtime: RuntimeBuilder::new(),
            batches: Vec::new(),
            rows: 0,
            next_look: FIRST_LOOK_ROWS,
        }
    }

    /// Keeps a record of raw/events.
    pub fn event(&mut self, record: &Record<'_>) -> Result<()> {
        self.rows += 1;
        self.events.append(record).context("cannot keep an event")
    }

    /// Keeps a record of raw/cgroupfs.
    pub fn directory(&mut self, record: &Record<'_>, details: &DirectoryDetails) -> Result<()> {
        self.rows += 1;
        let details = DirectoryDetails { files: Vec::new(), ..details.clone() };
        self.cgroupfs.append(record, &details).context("cannot keep a directory")
    }

    /// Keeps a record of raw/runtime.
    pub fn answer(&mut self, record: &Record<'_>, details: &RuntimeDetails) -> Result<()> {
        self.rows += 1;
        let details = RuntimeDetails { document: None, ..details.clone() };
        self.runtime.append(record, &details).context("cannot keep an answer")
    }

    /// Whether there is so much that [`Self::retain`] is due.
    pub fn is_to_be_looked_through(&self) -> bool {
        self.rows >= self.next_look
    }

    /// Keeps these of the records and no others.
    pub fn retain(&mut self, named: &BTreeSet<u64>) -> Result<()> {
        self.gather()?;
        let mut room = MAX_ROWS;
        let mut kept = Vec::new();
        for (table, batch) in self.batches.drain(..) {
            let view = RawView::new(table, &batch).context("cannot read what was kept")?;
            let is_needed = |row| view.seq(row).is_some_and(|seq| named.contains(&seq));
            let needed: BooleanArray = (0..batch.num_rows()).map(|row| Some(is_needed(row))).collect();
            let needed = filter_record_batch(&batch, &needed).context("cannot leave records out")?;
            let needed = needed.slice(0, needed.num_rows().min(room));
            room -= needed.num_rows();
            if needed.num_rows() > 0 {
                kept.push((table, needed));
            }
        }
        self.batches = kept;
        self.rows = MAX_ROWS - room;
        self.next_look = FIRST_LOOK_ROWS.max(2 * self.rows);
        Ok(())
    }

    /// Takes these of the records; none is left.
    pub fn take(&mut self, named: &BTreeSet<u64>) -> Result<Kept> {
        self.retain(named)?;
        let mut views = Vec::new();
        for (table, batch) in self.batches.drain(..) {
            views.push(RawView::new(table, &batch).context("cannot read what was kept")?);
        }
        let mut places = Vec::new();
        for (index, view) in views.iter().enumerate() {
            places.extend((0..view.len()).filter_map(|row| Some((view.seq(row)?, index, row))));
        }
        places.sort_unstable();
        *self = Self::new();
        Ok(Kept { views, places })
    }

    fn gather(&mut self) -> Result<()> {
        let gathered = [
            (Table::Events, self.events.finish()),
            (Table::Cgroupfs, self.cgroupfs.finish()),
            (Table::Runtime, self.runtime.finish()),
        ];
        for (table, batch) in gathered {
            self.batches.push((table, batch.context("cannot encode what was kept")?));
        }
        Ok(())
    }
}

/// What was kept.
#[derive(Debug)]
pub struct Kept {
    views: Vec<RawView>,
    /// In the order of the records: their numbers, and where they are.
    places: Vec<(u64, usize, usize)>,
}

impl Kept {
    /// Gives each record to `each`, in their order, with the view and the row that it is from.
    pub fn for_each(&self, mut each: impl FnMut(Record<'_>, &RawView, usize) -> Result<()>) -> Result<()> {
        for (_, index, row) in &self.places {
            let Some(view) = self.views.get(*index) else { continue };
            let mut argv = Vec::new();
            each(view.get(*row, &mut argv).context("cannot read what was kept")?, view, *row)?;
        }
        Ok(())
    }
}
