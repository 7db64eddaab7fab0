//! The one thread that gives records their place in the total order, derives, and hands both on.
//!
//! [`kernel`], with [`actors`], and what else comes makes records, [`admission`] gives them their places and derives,
//! [`gathered`] is what the recorder gets of both. [`waiting`] is for events that come before the first walk is over,
//! [`questions`] for what events make worth looking up, [`segments`], [`keep`] and [`packed`] for a recording that is cut.

mod actors;
mod admission;
mod carryover;
mod compressed_batch;
mod kernel_events;
mod lookup_queue;
mod output_batch;
mod segment;
mod startup_buffer;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use anyhow::Result;
use obit_derivation::record::{Body, ClockReading, ClockReason, SnapshotReason};
use obit_derivation::row::ContainerRemove;
use obit_derivation::{BootNs, Fold};

use self::actors::Actors;
use self::lookup_queue::{Asked, Calls};
use self::output_batch::Gathered;
use self::segment::SegmentState;
pub use self::segment::Segments;
use self::startup_buffer::Waiting;
use super::SessionOptions;
use super::flush_deadline::Expected;
use super::input::Input;
use super::lookup::Question;
use super::progress::Progress;
use super::recorder::Order;
use crate::cli::ActorArgv;
use crate::host::clock::ClockPair;
use crate::sources::daemons::DaemonQueries;
use crate::sources::kernel::wire::RawBatch;

/// Where the sequencer sends things.
pub struct Outlets {
    /// Batches of rows, to disk.
    pub recorder: SyncSender<Order>,
    /// Questions about containers, those of one delivery together.
    pub questions: SyncSender<Vec<Question>>,
    /// Requests for a walk.
    pub walks: Sender<SnapshotReason>,
    /// Emptied kernel batches, back to the drain thread.
    pub recycled: SyncSender<RawBatch>,
    /// Ends, as they happen, for whoever follows the capture live.
    pub followers: Option<SyncSender<ContainerRemove>>,
}

impl Outlets {
    /// Hands what was gathered to the recorder.
    fn record(&self, gathered: &mut Gathered) -> Result<()> {
        let batches = gathered.take()?;
        if !batches.is_empty() {
            // The recorder outlives the sequencer unless it failed, and then it has said so itself.
            let _ = self.recorder.send(Order::Append(batches));
        }
        Ok(())
    }
}

/// Stamps, derives, hands on.
pub struct Sequencer {
    next_seq: u64,
    actor_argv: ActorArgv,
    actors: Actors,
    page_size_bytes: u64,
    clock: ClockPair,
    fold: Fold,
    gathered: Gathered,
    /// Kernel batches that wait for the first walk; `None` once it is over.
    waiting: Option<Waiting>,
    resync_requested: bool,
    calls: Calls,
    asked: Asked,
    /// Has the daemons asked about containers that they may know.
    daemons: DaemonQueries,
    /// The newest time that a delivery told.
    latest: ClockPair,
    /// The segment, of a recording that is cut into such.
    segment: Option<SegmentState>,
    /// Told when the next flush brings something.
    expected: Arc<Expected>,
    outlets: Outlets,
    progress: Arc<Progress>,
}

impl Sequencer {
    /// One that has admitted nothing.
    pub fn new(
        outlets: Outlets,
        daemons: DaemonQueries,
        expected: Arc<Expected>,
        progress: Arc<Progress>,
        page_size_bytes: u64,
        clock: ClockPair,
        options: &SessionOptions,
    ) -> Self {
        let mut fold = Fold::with_grace(super::grace_ns(options));
        fold.enable_preview();
        Self {
            next_seq: 0,
            actor_argv: options.actor_argv,
            actors: Actors::default(),
            page_size_bytes,
            clock,
            fold,
            gathered: Gathered::default(),
            waiting: Some(Waiting::default()),
            resync_requested: false,
            calls: Calls::default(),
            asked: Asked::default(),
            daemons,
            latest: clock,
            segment: options.segments.map(|segments| SegmentState::new(segments, clock.boot)),
            expected,
            outlets,
            progress,
        }
    }

    /// Admits what comes until the last delivery, then ends the log.
    pub fn run(mut self, inputs: &Receiver<Input>) -> Result<()> {
        while let Ok(input) = inputs.recv() {
            let last = matches!(input, Input::Stop(_));
            self.take(input)?;
            if last {
                return self.flush();
            }
            self.hand_on_questions()?;
            self.daemons.send();
            self.admit_dropped_queries()?;
            if self.is_cut_due() {
                self.cut()?;
            }
            self.expect_flush();
        }
        self.flush()
    }

    /// Says from when on a flush brings something: now, or when the grace of a row is over.
    fn expect_flush(&self) {
        let due = if self.gathered.is_settled() { self.fold.next_due() } else { Some(BootNs(0)) };
        self.expected.set(due);
    }

    fn take(&mut self, input: Input) -> Result<()> {
        match input {
            Input::Start(at) => self.admit_event(at, Body::CaptureStart),
            Input::Kernel(batch) => {
                let at = batch.read_at;
                self.latest = at;
                let Some(waiting) = &mut self.waiting else { return self.admit_batch(batch) };
                match waiting.keep(batch) {
                    // The first walk takes too long for this storm.
                    Some(dropped) => self.admit_loss(at, dropped, None, None),
                    None => Ok(()),
                }
            }
            input if self.is_of_stale_walk(&input) => Ok(()),
            Input::SnapshotBegin(reason, at) => {
                if reason == SnapshotReason::Resync {
                    self.resync_requested = false;
                }
                self.admit_event(at, Body::SnapshotBegin(reason))
            }
            Input::Directories(directories) => self.admit_directories(directories),
            Input::SnapshotFailed(hierarchy, at) => self.admit_event(at, Body::SnapshotFailed(hierarchy)),
            Input::SnapshotEnd(reason, at) => {
                if reason == SnapshotReason::Start {
                    self.end_waiting()?;
                }
                self.admit_event(at, Body::SnapshotEnd(reason))?;
                if reason == SnapshotReason::Start {
                    self.progress.set_ready();
                    self.flush()?;
                    let _ = self.outlets.recorder.send(Order::HeadEnd);
                }
                Ok(())
            }
            Input::Answers(answers) => self.admit_answers(answers),
            Input::LookupResults { directories, answers } => {
                self.admit_directories(directories)?;
                self.admit_answers(answers)
            }
            Input::Clock(at, reading) => {
                self.clock = at;
                self.admit_event(at, Body::Clock(reading))
            }
            Input::Flush(at) => {
                self.latest = at;
                // On a quiet host no other record would let a row go whose grace is over.
                if self.fold.next_due().is_some_and(|due| due <= at.boot) {
                    let due = ClockReading { reason: Some(ClockReason::Due), ..ClockReading::default() };
                    self.take(Input::Clock(at, due))?;
                }
                self.flush()
            }
            Input::Stop(at) => {
                self.end_waiting()?;
                self.admit_event(at, Body::CaptureStop)?;
                self.derive(Fold::finish)
            }
        }
    }

    /// Admits the kernel events that waited for the walk, which is over.
    fn end_waiting(&mut self) -> Result<()> {
        self.waiting.take().into_iter().flatten().try_for_each(|batch| self.admit_batch(batch))
    }
}
