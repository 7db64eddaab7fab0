//! Admission of records: each gets its place in the total order, goes into the output, and is
//! derived from.

use anyhow::{Context, Result};
use obit_derivation::record::{Body, Carried, CgroupEvent, Directory};
use obit_derivation::row::RowSink;
use obit_derivation::{BootNs, Fold, Record, Row, Seq};
use obit_schema::decode::RawView;
use obit_schema::details::DirectoryDetails;

use super::output_batch::OutputBatch;
use super::raw_builders::RecordDetails;
use super::row_router::RowRouter;
use super::segment::SegmentState;
use super::thinning::USER_LIVES_PER_SECOND;
use crate::host::clock::ClockPair;
use crate::pipeline::lookup::LookupResult;
use crate::sources::answer::{RuntimeRecord, Stamped};

/// Numbers records, derives rows from them, and passes both on.
pub struct Admission {
    next_seq: u64,
    fold: Fold,
    output: OutputBatch,
    router: RowRouter,
    /// The segment being recorded; `None` if the recording is not cut.
    segment: Option<SegmentState>,
}

impl Admission {
    /// Returns an empty log. Rows of ends are held for `grace_ns`.
    pub fn new(grace_ns: u64, output: OutputBatch, router: RowRouter, segment: Option<SegmentState>) -> Self {
        let mut fold = Fold::with_grace(grace_ns).with_user_rate(USER_LIVES_PER_SECOND);
        fold.enable_preview();
        Self { next_seq: 0, fold, output, router, segment }
    }

    /// Returns the sequence number of the record admitted last; 0 if there is none.
    pub fn last_seq(&self) -> Seq {
        Seq(self.next_seq.saturating_sub(1))
    }

    /// Admits a record of raw/events.
    pub fn event(&mut self, at: ClockPair, body: Body<'_>) -> Result<()> {
        let record = self.stamp(at, body);
        self.admit(&record, RecordDetails::Event)
    }

    /// Admits a kernel event of a cgroup, and looks up what it points to.
    pub fn cgroup_event(&mut self, at: ClockPair, event: CgroupEvent<'_>) -> Result<()> {
        let record = self.stamp(at, Body::Cgroup(event));
        self.admit(&record, RecordDetails::Event)?;
        if let Body::Cgroup(event) = &record.body {
            self.router.lookups.on_event(event, || self.fold.is_container_root(event.key));
        }
        Ok(())
    }

    /// Admits a record of raw/cgroupfs.
    pub fn directory(
        &mut self,
        at: ClockPair,
        directory: Directory<'static>,
        details: &DirectoryDetails,
    ) -> Result<()> {
        let record = self.stamp(at, Body::Directory(directory));
        self.admit(&record, RecordDetails::Directory(details))
    }

    /// Admits a record of raw/runtime.
    pub fn answer(&mut self, answer: Stamped<RuntimeRecord>) -> Result<()> {
        let Stamped { at, record: RuntimeRecord { answer, details } } = answer;
        let record = self.stamp(at, Body::Runtime(answer));
        self.admit(&record, RecordDetails::Runtime(&details))
    }

    /// Sends the queries that rows and events have led to, and admits a record for each that found
    /// its queue full.
    pub fn send_queries(&mut self, at: ClockPair) -> Result<()> {
        self.router.lookups.send();
        for dropped in self.router.lookups.take_dropped() {
            match dropped {
                LookupResult::Directory(directory, details) => self.directory(at, directory, &details)?,
                LookupResult::Answer(record) => self.answer(Stamped { at, record: *record })?,
            }
        }
        self.router.daemons.send();
        for query in self.router.daemons.take_unanswered() {
            self.answer(Stamped { at, record: query.into_record() })?;
        }
        Ok(())
    }

    /// Releases the rows that are still held: the log ends here.
    pub fn finish(&mut self) -> Result<()> {
        self.derive(Fold::finish)
    }

    /// Sends everything to the recorder and has it synced.
    pub fn sync(&mut self) -> Result<()> {
        self.output.sync()
    }

    /// Sends everything to the recorder and has it sealed.
    pub fn seal(&mut self) -> Result<()> {
        self.output.seal()
    }

    /// Tells the recorder that the walk at the start of the case or segment is over.
    pub fn end_head(&mut self) -> Result<()> {
        self.output.end_head()
    }

    /// Returns the derivation.
    pub fn fold(&self) -> &Fold {
        &self.fold
    }

    /// Returns when the grace of the next held row is over.
    pub fn next_due(&self) -> Option<BootNs> {
        self.fold.next_due()
    }

    /// Returns from when on a sync would bring something to disk: now, or when the grace of a row
    /// is over.
    pub fn next_sync(&self) -> Option<BootNs> {
        if self.output.is_synced() { self.fold.next_due() } else { Some(BootNs(0)) }
    }

    /// Returns the segment being recorded.
    pub fn segment(&mut self) -> Option<&mut SegmentState> {
        self.segment.as_mut()
    }

    /// Ends the segment and begins the next one with its mark and the carried records of containers
    /// that are alive.
    pub fn cut(&mut self, at: ClockPair) -> Result<()> {
        let Some(segment) = self.segment.take() else { return Ok(()) };
        let (next, carried) = segment.end(at.boot, &self.fold)?;
        self.segment = Some(next);
        self.derive(Fold::finish)?;
        self.output.cut(self.next_seq, at)?;
        self.event(at, Body::SegmentBegin)?;
        carried.for_each(|record, view, row| self.carried(record, view, row))
    }

    /// Admits a record of an earlier segment again, with its own times.
    fn carried(&mut self, record: Record<'_>, view: &RawView, row: usize) -> Result<()> {
        let carried = match record.body {
            Body::Carried(carried) => carried,
            body => Box::new(Carried { from: record.seq, body }),
        };
        let record = Record { seq: self.take_seq(), body: Body::Carried(carried), ..record };
        let lacks = "a carried record has no details";
        match view {
            RawView::Events(_) => self.admit(&record, RecordDetails::Event),
            RawView::Cgroupfs(view) => {
                self.admit(&record, RecordDetails::Directory(&view.details(row).context(lacks)?))
            }
            RawView::Runtime(view) => self.admit(&record, RecordDetails::Runtime(&view.details(row).context(lacks)?)),
        }
    }

    fn stamp<'a>(&mut self, at: ClockPair, body: Body<'a>) -> Record<'a> {
        Record { seq: self.take_seq(), ts: at.wall, boot_ns: at.boot, body }
    }

    fn take_seq(&mut self) -> Seq {
        let seq = Seq(self.next_seq);
        self.next_seq += 1;
        seq
    }

    fn admit(&mut self, record: &Record<'_>, details: RecordDetails<'_>) -> Result<()> {
        let is_of_known = self.segment.is_some() && self.fold.concerns(&record.body);
        // Before its rows: the output may be sent before all of them are there.
        self.output.append(record, details)?;
        self.derive(|fold, rows| fold.apply(record, rows))?;
        if let Some(segment) = &mut self.segment {
            segment.carry_if_needed(record, details, is_of_known, &self.fold)?;
        }
        self.output.send_if_full()
    }

    fn derive(&mut self, derive: impl FnOnce(&mut Fold, &mut dyn RowSink)) -> Result<()> {
        let mut rows = RoutedRows {
            is_first_segment: self.segment.as_ref().is_none_or(SegmentState::is_first),
            router: &mut self.router,
            output: &mut self.output,
            result: Ok(()),
        };
        derive(&mut self.fold, &mut rows);
        rows.result?;
        self.fold.take_previews().into_iter().for_each(|end| self.router.preview(end));
        Ok(())
    }
}

/// Takes derived rows to their router and into the output.
struct RoutedRows<'a> {
    is_first_segment: bool,
    router: &'a mut RowRouter,
    output: &'a mut OutputBatch,
    /// The first error.
    result: Result<()>,
}

impl RowSink for RoutedRows<'_> {
    fn take(&mut self, row: &Row) {
        self.router.route(row, self.is_first_segment);
        let appended = self.output.append_row(row);
        if self.result.is_ok() {
            self.result = appended;
        }
    }
}
