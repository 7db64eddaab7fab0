//! The thread that empties the ring buffer.
//!
//! It looks at fixed intervals, so that no event costs a wake-up; the BPF program wakes it early only when the buffer
//! fills. If the sequencer falls behind, this thread waits, the ring buffer fills, and the kernel side counts what is
//! lost: there is no second place where events could vanish.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

use obit_derivation::record::CgroupEventKind;

use super::input::{Input, KernelBatch, LossCount};
use crate::host::clock::ClockPair;
use crate::probe::{Probe, ProbeError};
use crate::wire::RawBatch;

/// How long events may wait in the ring buffer.
const INTERVAL: Duration = Duration::from_millis(50);
/// How often the pair of clocks is recorded.
const CLOCK_INTERVAL: Duration = Duration::from_secs(60);

/// An order to the drain thread.
#[derive(Debug)]
pub enum Command {
    /// Deliver this after every event that is in the ring buffer now.
    After(Input),
    /// Detach, deliver what is left, end.
    Stop,
}

/// The state of the drain thread.
pub struct Drain {
    probe: Probe,
    commands: Receiver<Command>,
    sequencer: SyncSender<Input>,
    /// Emptied batches on their way back, so that a storm allocates nothing.
    recycled: Receiver<RawBatch>,
    flush_interval: Duration,
    losses_so_far: BTreeMap<(CgroupEventKind, u32), u64>,
}

/// The sequencer is gone; there is nobody to drain for.
struct Disconnected;

impl Drain {
    /// Takes over an attached probe.
    pub fn new(
        probe: Probe,
        commands: Receiver<Command>,
        sequencer: SyncSender<Input>,
        recycled: Receiver<RawBatch>,
        flush_interval: Duration,
    ) -> Self {
        Self { probe, commands, sequencer, recycled, flush_interval, losses_so_far: BTreeMap::new() }
    }

    /// Drains until told to stop, or until nobody listens any more.
    pub fn run(mut self) -> Result<(), ProbeError> {
        let mut flushed = Instant::now();
        let mut clock_read = Instant::now();
        loop {
            let command = self.commands.try_recv();
            let wait = if matches!(command, Err(TryRecvError::Empty)) { INTERVAL } else { Duration::ZERO };
            if matches!(command, Ok(Command::Stop) | Err(TryRecvError::Disconnected)) {
                self.probe.detach();
            }
            if self.drain(wait)?.is_err() {
                return Ok(());
            }
            let delivery = match command {
                Ok(Command::After(input)) => Some(input),
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => {
                    let _ = self.sequencer.send(Input::Stop(ClockPair::read()));
                    return Ok(());
                }
                Err(TryRecvError::Empty) => None,
            };
            let clock_due = clock_read.elapsed() >= CLOCK_INTERVAL;
            let flush_due = flushed.elapsed() >= self.flush_interval;
            let due = [delivery, clock_due.then(|| Input::Clock(ClockPair::read())), flush_due.then_some(Input::Flush)];
            for input in due.into_iter().flatten() {
                if self.sequencer.send(input).is_err() {
                    return Ok(());
                }
            }
            if clock_due {
                clock_read = Instant::now();
            }
            if flush_due {
                flushed = Instant::now();
            }
        }
    }

    /// Delivers all that is in the ring buffer, waiting up to `wait` for the first of it.
    fn drain(&mut self, wait: Duration) -> Result<Result<(), Disconnected>, ProbeError> {
        let mut wait = wait;
        loop {
            let mut events = self.recycled.try_recv().unwrap_or_default();
            events.clear();
            let count = self.probe.drain(wait, &mut events)?;
            let losses = self.new_losses()?;
            let read_at = ClockPair::read();
            if count == 0 && losses.is_empty() {
                return Ok(Ok(()));
            }
            if self.sequencer.send(Input::Kernel(KernelBatch { events, losses, read_at })).is_err() {
                return Ok(Err(Disconnected));
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
                losses.push(LossCount { kind: counter.kind, cpu: counter.cpu, count });
            }
        }
        Ok(losses)
    }
}
