//! The one thread that gives records their place in the total order, derives rows, and passes both
//! on.
//!
//! A delivery passes these parts, each with a state of its own:
//! - [`kernel_events`], with [`actors`], decodes kernel events; [`startup_buffer`] holds them until
//!   the first walk is over;
//! - [`thinning`] leaves out what a user does beside all containers, beyond a rate;
//! - [`admission`] numbers records and derives rows; [`output_batch`], with [`raw_builders`], takes
//!   both to the recorder;
//! - [`row_router`] passes rows to those who act on them; [`lookup_queue`], with [`runtime_calls`],
//!   requests look-ups, and [`walk_requests`] walks;
//! - [`segment`] cuts a recording; [`carryover`], with [`compressed_batch`], keeps the records that
//!   the next segment needs.

mod actors;
mod admission;
mod carryover;
mod compressed_batch;
mod kernel_events;
mod lookup_queue;
mod output_batch;
mod raw_builders;
mod row_router;
mod runtime_calls;
mod segment;
mod startup_buffer;
mod thinning;
mod walk_requests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use anyhow::Result;
use obit_derivation::Row;
use obit_derivation::record::{
    Body, ClockReading, ClockReason, Directory, KernelEventKind, Loss, SnapshotReason, Thinning,
};
use obit_schema::details::DirectoryDetails;

use self::admission::Admission;
use self::kernel_events::EventDecoder;
use self::lookup_queue::LookupQueue;
use self::output_batch::OutputBatch;
use self::row_router::RowRouter;
use self::segment::SegmentState;
use self::startup_buffer::StartupBuffer;
use self::thinning::UserRates;
use self::walk_requests::WalkRequests;
use super::flush_deadline::FlushDeadline;
use super::input::{KernelBatch, SequencerInput};
use super::lookup::LookupCommand;
use super::progress::Progress;
use super::recorder::RecorderCommand;
use crate::announcing::AnnouncementQueue;
use crate::host::clock::ClockPair;
use crate::sources::answer::{RuntimeRecord, Stamped};
use crate::sources::daemons::DaemonQueries;
use crate::sources::kernel::wire::RawBatch;

pub use self::actors::ActorArgv;
pub use self::segment::SegmentPolicy;
pub use self::thinning::{ThinnedByUser, USER_LIVES_PER_SECOND};

/// The most memory of an emptied kernel batch that is worth using again. A second of a storm needs
/// less.
const MAX_RECYCLED_BYTES: usize = 4 << 20;

/// Outputs of the sequencer.
pub struct SequencerOutputs {
    /// Batches of rows, to disk.
    pub recorder: SyncSender<RecorderCommand>,
    /// Look-ups, those of one delivery together.
    pub lookups: SyncSender<LookupCommand>,
    /// Questions to daemons.
    pub daemons: DaemonQueries,
    /// Requests for a walk.
    pub walks: Sender<SnapshotReason>,
    /// Emptied kernel batches, back to the drain thread.
    pub recycled: SyncSender<RawBatch>,
    /// Exits and removals as they happen, for whoever follows the capture live.
    pub followers: Option<SyncSender<Row>>,
    /// Rows as they are decided, if they are announced.
    pub announcements: Option<AnnouncementQueue>,
    /// Deadline of the next useful flush, for the drain thread.
    pub flush_deadline: Arc<FlushDeadline>,
    /// Counters.
    pub progress: Arc<Progress>,
}

/// Options of the sequencer.
#[derive(Clone, Copy, Debug)]
pub struct SequencerOptions {
    /// Clocks at the start.
    pub started: ClockPair,
    /// Size of a page of the kernel, in bytes.
    pub page_size_bytes: u64,
    /// Policy for recording the arguments of tasks.
    pub actor_argv: ActorArgv,
    /// Longest time that the row of an end waits for late reports about the container, in
    /// nanoseconds.
    pub grace_ns: u64,
    /// Policy for cutting the recording into segments, if it is cut.
    pub segments: Option<SegmentPolicy>,
}

/// Limits that users without privileges ran into.
#[derive(Clone, Debug, Default)]
pub struct UserLimits {
    /// Number of directories of each user that were not followed.
    pub not_followed: BTreeMap<u32, u64>,
    /// Number of events of each user that were not recorded.
    pub thinned: ThinnedByUser,
}

/// The state of the sequencer thread.
pub struct Sequencer {
    /// The clocks as recorded last; they give the wall time of kernel events.
    clock: ClockPair,
    /// The newest time of a delivery.
    latest: ClockPair,
    decoder: EventDecoder,
    /// Kernel events that wait for the first walk; `None` once it is over.
    startup: Option<StartupBuffer>,
    rates: UserRates,
    admission: Admission,
    walks: WalkRequests,
    recycled: SyncSender<RawBatch>,
    flush_deadline: Arc<FlushDeadline>,
    progress: Arc<Progress>,
}

impl Sequencer {
    /// Returns a sequencer with an empty log.
    pub fn new(outputs: SequencerOutputs, options: SequencerOptions) -> Self {
        let SequencerOutputs {
            recorder,
            lookups,
            daemons,
            walks,
            recycled,
            followers,
            announcements,
            flush_deadline,
            progress,
        } = outputs;
        let SequencerOptions { started, page_size_bytes, actor_argv, grace_ns, segments } = options;
        let lookups = LookupQueue::new(lookups);
        let router = RowRouter { daemons, lookups, followers, announcements, progress: Arc::clone(&progress) };
        let segment = segments.map(|policy| SegmentState::first(policy, started.boot));
        Self {
            clock: started,
            latest: started,
            decoder: EventDecoder::new(page_size_bytes, actor_argv),
            startup: Some(StartupBuffer::default()),
            rates: UserRates::default(),
            admission: Admission::new(grace_ns, OutputBatch::new(recorder), router, segment),
            walks: WalkRequests::new(walks),
            recycled,
            flush_deadline,
            progress,
        }
    }

    /// Admits what is delivered up to [`SequencerInput::Stop`], then ends the log. Returns the
    /// limits that users ran into.
    pub fn run(mut self, inputs: &Receiver<SequencerInput>) -> Result<UserLimits> {
        while let Ok(input) = inputs.recv() {
            let is_last = matches!(input, SequencerInput::Stop(_));
            self.take(input)?;
            if is_last {
                break;
            }
            self.admission.send_queries(self.clock)?;
            if self.is_cut_due() {
                // In the segment that they are missing from.
                self.admit_thinned(UserRates::take_all)?;
                self.admission.cut(self.latest)?;
                self.startup = Some(StartupBuffer::default());
                self.walks.request_start();
            }
            self.flush_deadline.set(self.admission.next_sync());
        }
        self.admission.sync()?;
        Ok(UserLimits { not_followed: self.admission.fold().refused().clone(), thinned: self.rates.total().clone() })
    }

    fn take(&mut self, input: SequencerInput) -> Result<()> {
        if self.admission.segment().is_some_and(|segment| segment.skip_stale_walk(&input)) {
            return Ok(());
        }
        match input {
            SequencerInput::Start(at) => self.admission.event(at, Body::CaptureStart),
            SequencerInput::Kernel(batch) => self.take_kernel_batch(batch),
            SequencerInput::SnapshotBegin(reason, at) => {
                self.walks.on_begin(reason);
                self.admission.event(at, Body::SnapshotBegin(reason))
            }
            SequencerInput::Directories(directories) => self.admit_directories(directories),
            SequencerInput::SnapshotFailed(part, at) => self.admission.event(at, Body::SnapshotFailed(part)),
            SequencerInput::SnapshotEnd(reason, at) => {
                let is_first = reason == SnapshotReason::Start;
                if is_first {
                    self.admit_startup()?;
                }
                self.admission.event(at, Body::SnapshotEnd(reason))?;
                if is_first {
                    self.progress.set_ready();
                    self.admission.end_head()?;
                }
                Ok(())
            }
            SequencerInput::Answers(answers) => self.admit_answers(answers),
            SequencerInput::LookupResults { directories, answers } => {
                self.admit_directories(directories)?;
                self.admit_answers(answers)
            }
            SequencerInput::Clock(at, reading) => {
                self.clock = at;
                self.admission.event(at, Body::Clock(reading))
            }
            SequencerInput::Seal => self.admission.seal(),
            SequencerInput::Flush(at) => {
                self.latest = at;
                self.admit_thinned(|rates| rates.take_due(at.boot))?;
                // On a quiet host no other record would release a row whose grace is over.
                if self.admission.next_due().is_some_and(|due| due <= at.boot) {
                    let due = ClockReading { reason: Some(ClockReason::Due), ..ClockReading::default() };
                    self.take(SequencerInput::Clock(at, due))?;
                }
                self.admission.sync()
            }
            SequencerInput::Stop(at) => {
                self.admit_startup()?;
                self.admit_thinned(UserRates::take_all)?;
                self.admission.event(at, Body::CaptureStop)?;
                self.admission.finish()
            }
        }
    }

    fn take_kernel_batch(&mut self, batch: KernelBatch) -> Result<()> {
        let at = batch.read_at;
        self.latest = at;
        let Some(startup) = &mut self.startup else { return self.admit_kernel_batch(batch) };
        match startup.push(batch) {
            // The first walk takes too long for this storm.
            Some(dropped) => self.admit_loss(at, dropped, None, None),
            None => Ok(()),
        }
    }

    /// Admits the kernel events that waited for the walk, which is over.
    fn admit_startup(&mut self) -> Result<()> {
        self.startup.take().into_iter().flatten().try_for_each(|batch| self.admit_kernel_batch(batch))
    }

    /// Admits a drain of the ring buffer. Losses come first, for a container that lived and died in
    /// this batch may have lost an event too.
    fn admit_kernel_batch(&mut self, batch: KernelBatch) -> Result<()> {
        for loss in &batch.losses {
            self.admit_loss(batch.read_at, loss.count, loss.kind, loss.cpu)?;
        }
        let (clock, progress, admission, rates) = (self.clock, &self.progress, &mut self.admission, &mut self.rates);
        let undecodable = self.decoder.for_each(&batch.events, |event| {
            progress.event(event.kind);
            let at = ClockPair { wall: clock.wall_at(event.boot_ns), boot: event.boot_ns, ..clock };
            if rates.leaves_out(at, event.uid, &event.body, admission.fold()) {
                return Ok(());
            }
            match event.body {
                Body::Cgroup(cgroup) => admission.cgroup_event(at, cgroup),
                body => admission.event(at, body),
            }
        })?;
        if undecodable > 0 {
            self.admit_loss(batch.read_at, undecodable, None, None)?;
        }
        if batch.events.memory_bytes() <= MAX_RECYCLED_BYTES {
            // The drain thread may be gone already, or have enough of them.
            let _ = self.recycled.try_send(batch.events);
        }
        Ok(())
    }

    /// Admits a loss, and requests a walk if cgroups may be missing. A walk does not show
    /// processes.
    fn admit_loss(&mut self, at: ClockPair, count: u64, kind: Option<KernelEventKind>, cpu: Option<u32>) -> Result<()> {
        self.progress.lost(count);
        let since = self.admission.last_seq();
        self.admission.event(at, Body::Lost(Loss { count, kind, cpu, since }))?;
        if matches!(kind, None | Some(KernelEventKind::Cgroup(_))) {
            self.walks.request_resync();
        }
        Ok(())
    }

    /// Admits a record for each user of whom events were left out.
    fn admit_thinned(&mut self, take: impl FnOnce(&mut UserRates) -> Vec<(ClockPair, Thinning)>) -> Result<()> {
        let left_out = take(&mut self.rates);
        left_out.into_iter().try_for_each(|(at, thinning)| self.admission.event(at, Body::Thinned(thinning)))
    }

    fn admit_directories(&mut self, directories: Vec<(ClockPair, Directory<'static>, DirectoryDetails)>) -> Result<()> {
        directories
            .into_iter()
            .try_for_each(|(at, directory, details)| self.admission.directory(at, directory, &details))
    }

    fn admit_answers(&mut self, answers: Vec<Stamped<RuntimeRecord>>) -> Result<()> {
        answers.into_iter().try_for_each(|answer| self.admission.answer(answer))
    }

    /// Returns whether the segment is to end now. It does not end before its own walk, which it
    /// begins with.
    fn is_cut_due(&mut self) -> bool {
        let is_walked = self.startup.is_none();
        let (progress, now) = (&self.progress, self.latest.boot);
        self.admission
            .segment()
            .is_some_and(|segment| is_walked && (progress.is_cut_wanted(segment.number()) || segment.is_too_old(now)))
    }
}
