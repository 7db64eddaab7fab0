//! The thread that empties the ring buffer.
//!
//! It looks at fixed intervals, so that no event costs a wake-up; the BPF program wakes it early only when the buffer
//! fills. If the sequencer falls behind, this thread waits, the ring buffer fills, and the kernel side counts what is
//! lost: there is no second place where events could vanish.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

use obit_derivation::record::{ClockReason, KernelEventKind};

use super::aside::Aside;
use super::input::{Input, KernelBatch, LossCount};
use super::misses::Misses;
use super::timekeeper::{Clocks, Timekeeper};
use crate::host::clock::{ClockPair, SetWatch};
use crate::probe::{Probe, ProbeError};
use crate::wire::RawBatch;

/// How long events may wait in the ring buffer.
const INTERVAL: Duration = Duration::from_millis(50);
/// How often the kernel is asked for skipped runs of the programs; it has to look through all programs of the host.
const MISSES_INTERVAL: Duration = Duration::from_secs(5);

/// An order to the drain thread.
#[derive(Debug)]
pub enum Command {
    /// Deliver this after every event that is in the ring buffer now, then say so.
    After(Input, SyncSender<()>),
    /// Detach, deliver what is left, end.
    Stop,
}

/// Events that the kernel admitted and lost, by kind.
pub type Counted = BTreeMap<&'static str, (u64, u64)>;

/// The state of the drain thread.
pub struct Drain {
    probe: Probe,
    commands: Receiver<Command>,
    sequencer: SyncSender<Input>,
    /// What goes on with the events, before them.
    aside: Arc<Aside>,
    /// Emptied batches on their way back, so that a storm allocates nothing.
    recycled: Receiver<RawBatch>,
    intervals: Intervals,
    losses_so_far: BTreeMap<(KernelEventKind, u32), u64>,
    misses: Misses,
}

/// How often the drain thread does what is not due to an event.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// Has what was admitted handed on to the recorder.
    pub flush: Duration,
    /// Has the clocks recorded.
    pub clock: Duration,
}

/// The sequencer is gone; there is nobody to drain for.
struct Disconnected;

impl Drain {
    /// Takes over an attached probe.
    pub fn new(
        probe: Probe,
        commands: Receiver<Command>,
        sequencer: SyncSender<Input>,
        aside: Arc<Aside>,
        recycled: Receiver<RawBatch>,
        intervals: Intervals,
    ) -> Self {
        let (losses_so_far, misses) = (BTreeMap::new(), Misses::default());
        Self { probe, commands, sequencer, aside, recycled, intervals, losses_so_far, misses }
    }

    /// Drains until told to stop, or until nobody listens any more. Gives what the kernel counted.
    pub fn run(mut self) -> Result<Counted, ProbeError> {
        self.drain_until_stopped()?;
        let mut counted = Counted::new();
        for count in self.probe.counters()? {
            let (admitted, lost) = counted.entry(count.kind.as_str()).or_default();
            *admitted += count.admitted;
            *lost += count.lost;
        }
        Ok(counted)
    }

    fn drain_until_stopped(&mut self) -> Result<(), ProbeError> {
        let mut flush = Timer::every(self.intervals.flush);
        let mut clock = Timer::every(self.intervals.clock);
        let mut misses = Timer::every(MISSES_INTERVAL);
        let mut timekeeper = Timekeeper::default();
        // Without it the clocks themselves show a step, if it is a large one.
        let watch = SetWatch::start().ok();
        let mut at_start = Some(ClockReason::Start);
        loop {
            let command = self.commands.try_recv();
            let stopping = matches!(command, Ok(Command::Stop) | Err(TryRecvError::Disconnected));
            if stopping {
                self.probe.detach();
            }
            let wait = if matches!(command, Err(TryRecvError::Empty)) { INTERVAL } else { Duration::ZERO };
            if self.drain(wait)?.is_err() {
                return Ok(());
            }
            let clock_is_due = clock.is_due().then_some(ClockReason::Interval);
            let asked = at_start.take().or(stopping.then_some(ClockReason::Stop)).or(clock_is_due);
            let clocks = Clocks::read(watch.as_ref().is_some_and(SetWatch::was_set));
            if let Some(reading) = timekeeper.look(clocks, asked) {
                // Before anything that is told by the new offset.
                if self.sequencer.send(Input::Clock(clocks.pair, reading)).is_err() {
                    return Ok(());
                }
            }
            let (after, delivered) = match command {
                Ok(Command::After(input, delivered)) => (Some(input), Some(delivered)),
                _ => (None, None),
            };
            let missed = if stopping || misses.is_due() { self.new_misses() } else { None };
            let due = [
                missed.map(Input::Kernel),
                after,
                flush.is_due().then(|| Input::Flush(ClockPair::read())),
                stopping.then(|| Input::Stop(ClockPair::read())),
            ];
            for input in due.into_iter().flatten() {
                if self.sequencer.send(input).is_err() {
                    return Ok(());
                }
            }
            if let Some(delivered) = delivered {
                // Nobody waits any more: then it does not matter.
                let _ = delivered.try_send(());
            }
            if stopping {
                return Ok(());
            }
        }
    }

    /// Delivers all that is in the ring buffer, waiting up to `wait` for the first of it.
    fn drain(&mut self, wait: Duration) -> Result<Result<(), Disconnected>, ProbeError> {
        let mut wait = wait;
        loop {
            let mut events = self.recycled.try_recv().unwrap_or_default();
            events.clear();
            self.probe.drain(wait, &mut events)?;
            // What is lost is lost to a buffer that is full of other events. Counters are a dozen calls of the kernel, and on an
            // idle host they would be most of what there is to do; when somebody waits for the answer they are read all the same.
            let losses = if events.is_empty() && !wait.is_zero() { Vec::new() } else { self.new_losses()? };
            let read_at = ClockPair::read();
            let mut inputs = self.aside.take();
            let is_empty = events.is_empty() && losses.is_empty();
            if !is_empty {
                inputs.push(Input::Kernel(KernelBatch { events, losses, read_at }));
            }
            // In one piece: whom the first one wakes may be done with it before the second one is there.
            if !inputs.is_empty() && self.sequencer.send(Input::Together(inputs)).is_err() {
                return Ok(Err(Disconnected));
            }
            if is_empty {
                return Ok(Ok(()));
            }
            if !wait.is_zero() {
                // The waiting drain takes what there is; events that come meanwhile are for the next one.
                return Ok(Ok(()));
            }
            wait = Duration::ZERO;
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

    /// Runs of the BPF programs that the kernel skipped, because a program was running on that processor already. It
    /// counts them by program only.
    fn new_misses(&mut self) -> Option<KernelBatch> {
        let losses = self.misses.new_in(&self.probe.recursion_misses()?);
        (!losses.is_empty()).then(|| KernelBatch { events: RawBatch::new(), losses, read_at: ClockPair::read() })
    }
}

/// Says at fixed intervals that it is time.
struct Timer {
    interval: Duration,
    last: Instant,
}

impl Timer {
    fn every(interval: Duration) -> Self {
        Self { interval, last: Instant::now() }
    }

    fn is_due(&mut self) -> bool {
        let due = self.last.elapsed() >= self.interval;
        if due {
            self.last = Instant::now();
        }
        due
    }
}
