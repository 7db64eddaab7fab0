//! Cutting the recording into segments that stand by themselves, so that the oldest can be dropped: when, and how the next
//! one begins. What a segment is to the derivation is in [`obit_derivation::fold`]; the recorder drops.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result};
use obit_derivation::record::{Body, Carried, ClockReading, ClockReason, KernelEventKind, Loss, SnapshotReason};
use obit_derivation::{BootNs, Fold, Record, Seq};
use obit_schema::decode::RawView;

use super::Sequencer;
use super::carryover::Keep;
use super::startup_buffer::Waiting;
use crate::pipeline::input::Input;
use crate::pipeline::recorder::Order;

/// How a recording is cut into segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// A segment ends when it is so old at the latest.
    pub age: Duration,
}

/// The segment that is being recorded.
#[derive(Debug)]
pub struct SegmentState {
    options: Segments,
    number: u32,
    began: BootNs,
    /// Its own walk has not begun: what comes of others was asked for by the segment before, and shows this one nothing.
    awaits_walk: bool,
    keep: Keep,
    /// The last records of events that were lost, by kind: what began before them may lack some.
    losses: BTreeMap<Option<KernelEventKind>, Seq>,
    /// The last record of the wall clock being set.
    clock_set: Option<Seq>,
}

impl SegmentState {
    /// The first one.
    pub fn new(options: Segments, began: BootNs) -> Self {
        Self {
            options,
            number: 0,
            began,
            awaits_walk: false,
            keep: Keep::new(),
            losses: BTreeMap::new(),
            clock_set: None,
        }
    }

    /// Whether nothing came before it.
    pub fn is_first(&self) -> bool {
        self.number == 0
    }

    /// Whether a record is about all containers alike, so that the next segment needs it; it stands for those before it.
    fn notes(&mut self, record: &Record<'_>) -> bool {
        let body = match &record.body {
            Body::Carried(carried) => &carried.body,
            body => body,
        };
        match body {
            Body::Lost(Loss { kind, .. }) => _ = self.losses.insert(*kind, record.seq),
            Body::Clock(ClockReading { reason: Some(ClockReason::Set), .. }) => self.clock_set = Some(record.seq),
            _ => return false,
        }
        true
    }

    /// Keeps a record that the next segment may need. Whether it `concerned` what the fold knew before it.
    pub(super) fn keep_if_needed(
        &mut self,
        record: &Record<'_>,
        concerned: bool,
        fold: &Fold,
        keep: impl FnOnce(&mut Keep) -> Result<()>,
    ) -> Result<()> {
        if self.notes(record) || concerned || fold.concerns(&record.body) {
            keep(&mut self.keep)?;
        }
        if self.keep.is_to_be_looked_through() {
            self.keep.retain(&self.needed(fold))?;
        }
        Ok(())
    }

    /// The records that the next segment needs, as the fold names them.
    fn needed(&self, fold: &Fold) -> BTreeSet<u64> {
        fold.named_records().chain(self.losses.values().copied()).chain(self.clock_set).map(|seq| seq.0).collect()
    }
}

impl Sequencer {
    /// Whether the segment is to end now. Not before it has its own walk: that is what it begins with.
    pub(super) fn is_cut_due(&self) -> bool {
        let Some(segment) = &self.segment else { return false };
        let age = Duration::from_nanos(self.latest.boot.0.saturating_sub(segment.began.0));
        self.waiting.is_none() && (self.progress.is_cut_wanted(segment.number) || age >= segment.options.age)
    }

    /// Whether this comes of a walk that was asked for by the segment before.
    pub(super) fn is_of_stale_walk(&mut self, input: &Input) -> bool {
        let Some(segment) = self.segment.as_mut().filter(|segment| segment.awaits_walk) else { return false };
        match input {
            Input::SnapshotBegin(SnapshotReason::Start, _) => {
                segment.awaits_walk = false;
                false
            }
            Input::SnapshotBegin(..) | Input::SnapshotFailed(..) | Input::SnapshotEnd(..) => true,
            Input::Directories(directories) => {
                directories.iter().any(|(_, directory, _)| directory.reason != SnapshotReason::Mkdir)
            }
            _ => false,
        }
    }

    /// Ends the segment and begins the next one: its mark, what is known of the living containers, a walk.
    pub(super) fn cut(&mut self) -> Result<()> {
        let Some(mut segment) = self.segment.take() else { return Ok(()) };
        let at = self.latest;
        let needed = segment.needed(&self.fold);
        let kept = segment.keep.take(&needed)?;
        self.segment = Some(SegmentState {
            number: segment.number.saturating_add(1),
            began: at.boot,
            awaits_walk: true,
            ..SegmentState::new(segment.options, at.boot)
        });
        self.derive(Fold::finish)?;
        self.flush()?;
        let _ = self.outlets.recorder.send(Order::Cut(self.next_seq, at));
        self.admit_event(at, Body::SegmentBegin)?;
        kept.for_each(|record, view, row| self.admit_carried(record, view, row))?;
        self.waiting = Some(Waiting::default());
        self.resync_requested = false;
        let _ = self.outlets.walks.send(SnapshotReason::Start);
        Ok(())
    }

    /// Admits a record of an earlier segment again, with its own times.
    fn admit_carried(&mut self, record: Record<'_>, view: &RawView, row: usize) -> Result<()> {
        let carried = match record.body {
            Body::Carried(carried) => carried,
            body => Box::new(Carried { from: record.seq, body }),
        };
        let record = Record { seq: self.next_seq(), body: Body::Carried(carried), ..record };
        let lacks = "a kept record has no details";
        match view {
            RawView::Events(_) => self.admit(&record, |gathered| gathered.event(&record), |keep| keep.event(&record)),
            RawView::Cgroupfs(view) => {
                let details = view.details(row).context(lacks)?;
                self.admit(
                    &record,
                    |gathered| gathered.directory(&record, &details),
                    |keep| keep.directory(&record, &details),
                )
            }
            RawView::Runtime(view) => {
                let details = view.details(row).context(lacks)?;
                self.admit(
                    &record,
                    |gathered| gathered.answer(&record, &details),
                    |keep| keep.answer(&record, &details),
                )
            }
        }
    }
}
