//! The thread that empties the ring buffer.
//!
//! It polls at fixed intervals, so that no event costs a wake-up; the BPF program wakes it early
//! only when the buffer fills. Once nothing has come for a while it sleeps until something is due
//! ([`PollMode`]), and the next event of a cgroup wakes it. If the sequencer falls behind, this
//! thread waits, the ring buffer fills, and the kernel side counts what is lost: there is no second
//! place where events could vanish.

mod command;
mod interval_timer;

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::Duration;

use obit_derivation::record::{ClockReason, KernelEventKind};

use self::interval_timer::IntervalTimer;
use super::flush_deadline::FlushDeadline;
use super::input::{KernelBatch, LossCount, SequencerInput};
use super::notifier::Notifier;
use super::skipped_runs::SkippedRuns;
use super::timekeeper::{ClockSnapshot, Timekeeper};
use crate::host::clock::{ClockPair, SetWatch};
use crate::sources::kernel::probe::{Probe, ProbeError};
use crate::sources::kernel::wire::RawBatch;

pub use self::command::{DrainCommand, DrainCommands};

/// Longest time that events wait in the ring buffer.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Polls in a row that find nothing before the thread sleeps: ten are half a second, in which a
/// container has started.
const QUIET_POLLS: u32 = 10;
/// Interval at which the kernel is asked for skipped runs of the programs, and the longest that the
/// thread sleeps.
const SKIPPED_RUNS_INTERVAL: Duration = Duration::from_secs(5);

/// Events that the kernel side admitted and lost, by kind.
pub type KernelCounts = BTreeMap<&'static str, (u64, u64)>;

/// Inputs of the drain thread besides kernel events.
pub struct DrainInputs {
    /// Notifies when a command or an earlier deadline has come.
    pub notifier: Arc<Notifier>,
    /// Commands.
    pub commands: Receiver<DrainCommand>,
    /// Emptied batches, returned for use again, so that a storm allocates nothing.
    pub recycled: Receiver<RawBatch>,
    /// Tells when the sequencer has something to flush.
    pub flush_deadline: Arc<FlushDeadline>,
}

/// Intervals of the work that no event causes.
#[derive(Clone, Copy, Debug)]
pub struct DrainIntervals {
    /// Interval at which the sequencer hands its output to the recorder.
    pub flush: Duration,
    /// Interval at which the clocks are recorded.
    pub clock: Duration,
}

/// The state of the drain thread.
pub struct Drain {
    probe: Probe,
    inputs: DrainInputs,
    sequencer: SyncSender<SequencerInput>,
    intervals: DrainIntervals,
    mode: PollMode,
    losses_so_far: BTreeMap<(KernelEventKind, u32), u64>,
    skipped_runs: SkippedRuns,
}

/// The way in which the thread waits for the next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PollMode {
    /// Polls at intervals; this many polls in a row have found nothing.
    Interval(u32),
    /// Everything that may have news has been told to wake it. One more poll finds what came before
    /// that.
    Last,
    /// Sleeps until something wakes the thread, or is due.
    Sleep,
}

/// The result of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PollResult {
    Empty,
    Delivered,
    /// The sequencer is gone: there is nobody to drain for.
    Disconnected,
}

impl Drain {
    /// Takes over an attached probe.
    pub fn new(
        probe: Probe,
        inputs: DrainInputs,
        sequencer: SyncSender<SequencerInput>,
        intervals: DrainIntervals,
    ) -> Self {
        let (mode, losses_so_far, skipped_runs) = (PollMode::Interval(0), BTreeMap::new(), SkippedRuns::default());
        Self { probe, inputs, sequencer, intervals, mode, losses_so_far, skipped_runs }
    }

    /// Drains until told to stop, or until the sequencer is gone. Returns what the kernel side
    /// counted.
    ///
    /// # Errors
    /// The kernel refuses to give events or counters.
    pub fn run(mut self) -> Result<KernelCounts, ProbeError> {
        self.drain_until_stopped()?;
        let mut counts = KernelCounts::new();
        for count in self.probe.counters()? {
            let (admitted, lost) = counts.entry(count.kind.as_str()).or_default();
            *admitted += count.admitted;
            *lost += count.lost;
        }
        Ok(counts)
    }

    fn drain_until_stopped(&mut self) -> Result<(), ProbeError> {
        let mut flush = IntervalTimer::start(self.intervals.flush);
        let mut clock = IntervalTimer::start(self.intervals.clock);
        let mut skipped_runs = IntervalTimer::start(SKIPPED_RUNS_INTERVAL);
        let mut timekeeper = Timekeeper::default();
        // Without the watch the clocks themselves show a step, if it is a large one; they have to
        // be read for that.
        let watch = SetWatch::start().ok();
        let may_sleep = self.register_wakers(watch.as_ref());
        let mut at_start = Some(ClockReason::Start);
        loop {
            if may_sleep {
                self.mode = self.next_mode();
            }
            let command = self.inputs.commands.try_recv();
            let is_stopping = matches!(command, Ok(DrainCommand::Stop) | Err(TryRecvError::Disconnected));
            if is_stopping {
                self.probe.detach();
            }
            let wait = match (&command, self.mode) {
                (Err(TryRecvError::Empty), PollMode::Sleep) => {
                    let flush_due = self.until_flush_deadline().map(|wait| wait.max(flush.remaining()));
                    let due = clock.remaining().min(skipped_runs.remaining()).min(flush_due.unwrap_or(Duration::MAX));
                    due.max(POLL_INTERVAL)
                }
                (Err(TryRecvError::Empty), _) => POLL_INTERVAL,
                _ => Duration::ZERO,
            };
            let polled = self.poll(wait)?;
            if polled == PollResult::Disconnected {
                return Ok(());
            }
            let has_slept = self.mode == PollMode::Sleep;
            if polled == PollResult::Delivered || command.is_ok() {
                self.mode = PollMode::Interval(0);
                if has_slept {
                    // What follows of the same cause is written together with this.
                    flush.restart();
                }
            }
            let clock_is_due = clock.restart_if_due().then_some(ClockReason::Interval);
            let reason = at_start.take().or(is_stopping.then_some(ClockReason::Stop)).or(clock_is_due);
            let clocks = ClockSnapshot::read(watch.as_ref().is_some_and(SetWatch::was_set));
            let reading = timekeeper.check(clocks, reason).map(|reading| SequencerInput::Clock(clocks.pair, reading));
            let (after, confirm) = match command {
                Ok(DrainCommand::DeliverAfter(input, confirm)) => (Some(input), Some(confirm)),
                _ => (None, None),
            };
            let runs_are_due = skipped_runs.restart_if_due();
            let skipped = if is_stopping || runs_are_due { self.new_skipped_runs() } else { None };
            // During a sleep only what has a deadline gives a flush something to do; now and then
            // it tells the sequencer what time it is.
            let may_flush = self.mode != PollMode::Sleep
                || runs_are_due
                || self.until_flush_deadline().is_some_and(|wait| wait.is_zero());
            let due = [
                // First, as later records get their wall time by it.
                reading,
                skipped.map(SequencerInput::Kernel),
                after,
                (may_flush && flush.restart_if_due()).then(|| SequencerInput::Flush(ClockPair::read())),
                is_stopping.then(|| SequencerInput::Stop(ClockPair::read())),
            ];
            for input in due.into_iter().flatten() {
                if self.sequencer.send(input).is_err() {
                    return Ok(());
                }
            }
            if let Some(confirm) = confirm {
                // Whoever waited for it may be gone.
                let _ = confirm.try_send(());
            }
            if is_stopping {
                return Ok(());
            }
        }
    }

    /// Registers with the probe what wakes this thread: commands and deadlines, and a wall clock
    /// that is set. Returns whether all of it does.
    fn register_wakers(&self, watch: Option<&SetWatch>) -> bool {
        let sources = [watch.map(AsFd::as_fd), Some(self.inputs.notifier.as_fd())];
        sources.into_iter().all(|source| source.is_some_and(|source| self.probe.wake_on(source).is_ok()))
    }

    /// Returns the mode after a poll.
    ///
    /// Whoever has news for this thread leaves it first, and then looks whether to wake the thread;
    /// the thread first says that it is to be woken, and then looks for news. So one of the two
    /// sees the other. A mark that is gone before the sleep has begun is that of a wake-up which
    /// the poll may have used up already. See `wake_sleeper()` in bpf/obit.bpf.c, and [`Notifier`].
    fn next_mode(&self) -> PollMode {
        match self.mode {
            PollMode::Interval(quiet) if quiet < QUIET_POLLS => PollMode::Interval(quiet + 1),
            PollMode::Interval(quiet) => {
                self.inputs.notifier.arm();
                // Where the program cannot be told, polling goes on.
                if self.probe.want_wakeup().is_ok() { PollMode::Last } else { PollMode::Interval(quiet) }
            }
            PollMode::Last | PollMode::Sleep => {
                let is_armed = self.inputs.notifier.is_armed() && self.probe.wants_wakeup().unwrap_or(false);
                if is_armed { PollMode::Sleep } else { PollMode::Interval(0) }
            }
        }
    }

    /// Returns the time until a flush brings something to disk, if one will.
    fn until_flush_deadline(&self) -> Option<Duration> {
        let due = self.inputs.flush_deadline.get()?;
        Some(Duration::from_nanos(due.0.saturating_sub(ClockPair::read().boot.0)))
    }

    /// Delivers what is in the ring buffer, waiting up to `wait` for the first of it. A poll that
    /// waits delivers once: events that come meanwhile are for the next one. A poll that does not
    /// wait leaves nothing.
    fn poll(&mut self, wait: Duration) -> Result<PollResult, ProbeError> {
        let mut result = PollResult::Empty;
        loop {
            let mut events = self.inputs.recycled.try_recv().unwrap_or_default();
            events.clear();
            self.probe.drain(wait, &mut events)?;
            // Losses only happen to a buffer that is full of other events. Reading the counters
            // takes a dozen system calls, most of what there is to do on an idle host; if somebody
            // waits for the answer they are read all the same.
            let losses = if events.is_empty() && !wait.is_zero() { Vec::new() } else { self.new_losses()? };
            let read_at = ClockPair::read();
            if events.is_empty() && losses.is_empty() {
                return Ok(result);
            }
            result = PollResult::Delivered;
            if self.sequencer.send(SequencerInput::Kernel(KernelBatch { events, losses, read_at })).is_err() {
                return Ok(PollResult::Disconnected);
            }
            if !wait.is_zero() {
                return Ok(result);
            }
        }
    }

    fn new_losses(&mut self) -> Result<Vec<LossCount>, ProbeError> {
        let mut losses = Vec::new();
        for counter in self.probe.counters()? {
            let before = self.losses_so_far.entry((counter.kind, counter.cpu)).or_default();
            let count = counter.lost.saturating_sub(*before);
            if count > 0 {
                *before = counter.lost;
                losses.push(LossCount { kind: Some(counter.kind), cpu: Some(counter.cpu), count });
            }
        }
        Ok(losses)
    }

    /// Returns the runs of the BPF programs that the kernel has newly skipped, because a program
    /// was running on that processor already. The kernel counts them by program only.
    fn new_skipped_runs(&mut self) -> Option<KernelBatch> {
        let losses = self.skipped_runs.update(&self.probe.recursion_misses()?);
        (!losses.is_empty()).then(|| KernelBatch { events: RawBatch::new(), losses, read_at: ClockPair::read() })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;
    use std::thread;
    use std::time::Instant;

    use obit_derivation::BootNs;

    use super::*;
    use crate::host::testing::{OwnedCgroup, live};
    use crate::sources::kernel::probe::ProbeOptions;

    /// A wait that is not ended by what should end it takes longer than that, and no other one
    /// does.
    const HANG: Duration = Duration::from_secs(30);

    /// Looks until it sleeps, and then until something that came in a sleep is what is waited for.
    fn sleep_until(drain: &mut Drain, mut is_there: impl FnMut(&Drain, PollResult) -> bool) {
        loop {
            drain.mode = drain.next_mode();
            let wait = if drain.mode == PollMode::Sleep { 2 * HANG } else { Duration::ZERO };
            let begun = Instant::now();
            let found = drain.poll(wait).unwrap();
            assert!(begun.elapsed() < HANG, "nothing has woken it");
            if is_there(drain, found) {
                return;
            }
            if found == PollResult::Delivered {
                drain.mode = PollMode::Interval(0);
            }
        }
    }

    /// Lets the drain fall asleep, does something, and looks until that is there.
    fn wakes(drain: &mut Drain, cause: impl FnOnce() + Send, is_there: impl FnMut(&Drain, PollResult) -> bool) {
        while drain.mode != PollMode::Sleep {
            drain.mode = drain.next_mode();
            if drain.mode != PollMode::Sleep && drain.poll(Duration::ZERO).unwrap() == PollResult::Delivered {
                drain.mode = PollMode::Interval(0);
            }
        }
        thread::scope(|scope| {
            scope.spawn(cause);
            sleep_until(drain, is_there);
        });
    }

    #[test]
    fn root_whatever_there_is_to_do_wakes_a_drain_that_sleeps() {
        if !live() {
            return;
        }
        let probe = Probe::attach(&ProbeOptions::default()).unwrap();
        let notifier = Arc::new(Notifier::new().unwrap());
        let (commands, command_box) = DrainCommands::new(Arc::clone(&notifier));
        let flush_deadline = Arc::new(FlushDeadline::new(Arc::clone(&notifier)));
        let (_recycled, recycled) = sync_channel(1);
        let drain_inputs =
            DrainInputs { notifier, commands: command_box, recycled, flush_deadline: Arc::clone(&flush_deadline) };
        let (inputs, inbox) = sync_channel(1 << 16);
        let intervals = DrainIntervals { flush: HANG, clock: HANG };
        let mut drain = Drain::new(probe, drain_inputs, inputs, intervals);
        let watch = SetWatch::start().unwrap();
        assert!(drain.register_wakers(Some(&watch)) && !drain.register_wakers(None));

        wakes(
            &mut drain,
            || commands.send(DrainCommand::Stop).unwrap(),
            |drain, _| matches!(drain.inputs.commands.try_recv(), Ok(DrainCommand::Stop)),
        );
        assert!(matches!(drain.next_mode(), PollMode::Interval(_)), "it is awake");

        wakes(
            &mut drain,
            || flush_deadline.set(Some(BootNs(0))),
            |drain, _| drain.until_flush_deadline() == Some(Duration::ZERO),
        );

        // Made and removed: the first of the two wakes, and neither is lost.
        let event = || drop(OwnedCgroup::create(|_| true).expect("a cgroup"));
        let own = std::process::id().to_ne_bytes();
        let mut seen = 0;
        wakes(&mut drain, event, |_, _| {
            let count = |input: &SequencerInput| match input {
                SequencerInput::Kernel(batch) => batch.events.iter().filter(|record| contains(record, &own)).count(),
                _ => 0,
            };
            seen += inbox.try_iter().map(|input| count(&input)).sum::<usize>();
            seen >= 2
        });
    }

    /// Returns whether an event contains this pid.
    fn contains(record: &[u8], pid: &[u8; 4]) -> bool {
        record.chunks_exact(4).any(|word| word == pid)
    }
}
