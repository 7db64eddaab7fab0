//! The thread that empties the ring buffer.
//!
//! It looks at fixed intervals, so that no event costs a wake-up; the BPF program wakes it early only when the buffer
//! fills. Once nothing has come for a while it sleeps until something is due ([`Rest`]), and the next event of a cgroup wakes
//! it. If the sequencer falls behind, this thread waits, the ring buffer fills, and the kernel side counts what is lost: there
//! is no second place where events could vanish.

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel};
use std::time::{Duration, Instant};

use obit_derivation::record::{ClockReason, KernelEventKind};

use super::flush_deadline::Expected;
use super::input::{Input, KernelBatch, LossCount};
use super::notifier::Bell;
use super::skipped_runs::Misses;
use super::timekeeper::{Clocks, Timekeeper};
use crate::host::clock::{ClockPair, SetWatch};
use crate::sources::kernel::probe::{Probe, ProbeError};
use crate::sources::kernel::wire::RawBatch;

/// How long events may wait in the ring buffer.
const INTERVAL: Duration = Duration::from_millis(50);
/// After so many looks that found nothing the thread sleeps: ten are half a second, in which a container has started.
const QUIET_LOOKS: u32 = 10;
/// How often the kernel is asked for skipped runs of the programs, and the longest that the thread sleeps.
const MISSES_INTERVAL: Duration = Duration::from_secs(5);

/// An order to the drain thread.
#[derive(Debug)]
pub enum Command {
    /// Deliver this after every event that is in the ring buffer now, then say so.
    After(Input, SyncSender<()>),
    /// Detach, deliver what is left, end.
    Stop,
}

/// The way of orders to the drain thread, which they wake if it sleeps.
#[derive(Clone, Debug)]
pub struct Commands {
    sender: Sender<Command>,
    bell: Arc<Bell>,
}

impl Commands {
    /// The way and its end, for the thread that listens for this bell.
    pub fn new(bell: Arc<Bell>) -> (Self, Receiver<Command>) {
        let (sender, receiver) = channel();
        (Self { sender, bell }, receiver)
    }

    /// Gives an order.
    ///
    /// # Errors
    /// The drain thread is gone; here it is back.
    pub fn send(&self, command: Command) -> Result<(), Command> {
        self.sender.send(command).map_err(|unsent| unsent.0)?;
        self.bell.ring();
        Ok(())
    }
}

/// Events that the kernel admitted and lost, by kind.
pub type Counted = BTreeMap<&'static str, (u64, u64)>;

/// What reaches the drain thread beside the kernel's events.
pub struct Inlets {
    /// Rings when one of the others has something new.
    pub bell: Arc<Bell>,
    /// Orders.
    pub commands: Receiver<Command>,
    /// Emptied batches on their way back, so that a storm allocates nothing.
    pub recycled: Receiver<RawBatch>,
    /// When the sequencer has something to flush.
    pub expected: Arc<Expected>,
}

/// The state of the drain thread.
pub struct Drain {
    probe: Probe,
    inlets: Inlets,
    sequencer: SyncSender<Input>,
    intervals: Intervals,
    rest: Rest,
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

/// What a look brought.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    Something,
}

/// Whether the thread looks at intervals or sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// It looks, and so many looks have found nothing.
    Looks(u32),
    /// All who can have something new are told to wake it. What they had before that, the next look finds.
    LastLook,
    /// It sleeps until somebody wakes it, or something is due.
    Sleeps,
}

impl Drain {
    /// Takes over an attached probe.
    pub fn new(probe: Probe, inlets: Inlets, sequencer: SyncSender<Input>, intervals: Intervals) -> Self {
        let (losses_so_far, misses) = (BTreeMap::new(), Misses::default());
        Self { probe, inlets, sequencer, intervals, rest: Rest::Looks(0), losses_so_far, misses }
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
        // Without it the clocks themselves show a step, if it is a large one, and they have to be looked at for that.
        let watch = SetWatch::start().ok();
        let may_sleep = self.can_be_woken(watch.as_ref());
        let mut at_start = Some(ClockReason::Start);
        loop {
            if may_sleep {
                self.rest = self.next_rest();
            }
            let command = self.inlets.commands.try_recv();
            let stopping = matches!(command, Ok(Command::Stop) | Err(TryRecvError::Disconnected));
            if stopping {
                self.probe.detach();
            }
            let wait = match (&command, self.rest) {
                (Err(TryRecvError::Empty), Rest::Sleeps) => {
                    let expected = self.expected_in().map(|wait| wait.max(flush.remaining()));
                    let due = clock.remaining().min(misses.remaining()).min(expected.unwrap_or(Duration::MAX));
                    due.max(INTERVAL)
                }
                (Err(TryRecvError::Empty), _) => INTERVAL,
                _ => Duration::ZERO,
            };
            let found = match self.drain(wait)? {
                Ok(found) => found,
                Err(Disconnected) => return Ok(()),
            };
            let slept = self.rest == Rest::Sleeps;
            if found == Found::Something || command.is_ok() {
                self.rest = Rest::Looks(0);
                if slept {
                    // What comes next of the same thing is written together with this.
                    flush.restart();
                }
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
            let misses_are_due = misses.is_due();
            let missed = if stopping || misses_are_due { self.new_misses() } else { None };
            // In a sleep next to nothing can come of a flush but what is expected; now and then it tells what time it is.
            let may_flush =
                self.rest != Rest::Sleeps || misses_are_due || self.expected_in().is_some_and(|wait| wait.is_zero());
            let due = [
                missed.map(Input::Kernel),
                after,
                (may_flush && flush.is_due()).then(|| Input::Flush(ClockPair::read())),
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

    /// Whether all wake it that have to: orders, the sequencer, a wall clock that is set.
    fn can_be_woken(&self, watch: Option<&SetWatch>) -> bool {
        let sources = [watch.map(AsFd::as_fd), Some(self.inlets.bell.as_fd())];
        sources.into_iter().all(|source| source.is_some_and(|source| self.probe.wake_on(source).is_ok()))
    }

    /// What comes after a look.
    ///
    /// Who has something new for this thread leaves it first, and then looks whether to wake it; this thread says first that
    /// it is to be woken, and then looks for what there is. So one of the two sees the other. A mark that is gone before the
    /// sleep has begun is that of a wake-up which the look may have used up already. See `wake_sleeper()` in
    /// bpf/obit.bpf.c, and [`Bell`].
    fn next_rest(&self) -> Rest {
        match self.rest {
            Rest::Looks(quiet) if quiet < QUIET_LOOKS => Rest::Looks(quiet + 1),
            Rest::Looks(quiet) => {
                self.inlets.bell.listen();
                // Where the program cannot be told, looking goes on.
                if self.probe.want_wakeup().is_ok() { Rest::LastLook } else { Rest::Looks(quiet) }
            }
            Rest::LastLook | Rest::Sleeps => {
                let is_told = self.inlets.bell.is_listened_for() && self.probe.wants_wakeup().unwrap_or(false);
                if is_told { Rest::Sleeps } else { Rest::Looks(0) }
            }
        }
    }

    /// How long it is until a flush brings something, if it does.
    fn expected_in(&self) -> Option<Duration> {
        let due = self.inlets.expected.due()?;
        Some(Duration::from_nanos(due.0.saturating_sub(ClockPair::read().boot.0)))
    }

    /// Delivers all that is in the ring buffer, waiting up to `wait` for the first of it.
    fn drain(&mut self, wait: Duration) -> Result<Result<Found, Disconnected>, ProbeError> {
        let mut found = Found::Nothing;
        loop {
            let mut events = self.inlets.recycled.try_recv().unwrap_or_default();
            events.clear();
            self.probe.drain(wait, &mut events)?;
            // What is lost is lost to a buffer that is full of other events. Counters are a dozen calls of the kernel, and on an
            // idle host they would be most of what there is to do; when somebody waits for the answer they are read all the same.
            let losses = if events.is_empty() && !wait.is_zero() { Vec::new() } else { self.new_losses()? };
            let read_at = ClockPair::read();
            if events.is_empty() && losses.is_empty() {
                return Ok(Ok(found));
            }
            found = Found::Something;
            if self.sequencer.send(Input::Kernel(KernelBatch { events, losses, read_at })).is_err() {
                return Ok(Err(Disconnected));
            }
            if !wait.is_zero() {
                // The waiting drain takes what there is; events that come meanwhile are for the next one.
                return Ok(Ok(found));
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

    fn remaining(&self) -> Duration {
        self.interval.saturating_sub(self.last.elapsed())
    }

    fn restart(&mut self) {
        self.last = Instant::now();
    }

    fn is_due(&mut self) -> bool {
        let due = self.last.elapsed() >= self.interval;
        if due {
            self.restart();
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;
    use std::thread;

    use obit_derivation::BootNs;

    use super::*;
    use crate::host::testing::{OwnedCgroup, live};
    use crate::sources::kernel::probe::ProbeOptions;

    /// A wait that is not ended by what should end it takes longer than that, and no other one does.
    const HANG: Duration = Duration::from_secs(30);

    /// Looks until it sleeps, and then until something that came in a sleep is what is waited for.
    fn sleep_until(drain: &mut Drain, mut is_there: impl FnMut(&Drain, Found) -> bool) {
        loop {
            drain.rest = drain.next_rest();
            let wait = if drain.rest == Rest::Sleeps { 2 * HANG } else { Duration::ZERO };
            let begun = Instant::now();
            let Ok(found) = drain.drain(wait).unwrap() else { panic!("the inbox is there") };
            assert!(begun.elapsed() < HANG, "nothing has woken it");
            if is_there(drain, found) {
                return;
            }
            if found == Found::Something {
                drain.rest = Rest::Looks(0);
            }
        }
    }

    /// Lets the drain fall asleep, does something, and looks until that is there.
    fn wakes(drain: &mut Drain, cause: impl FnOnce() + Send, is_there: impl FnMut(&Drain, Found) -> bool) {
        while drain.rest != Rest::Sleeps {
            drain.rest = drain.next_rest();
            if drain.rest != Rest::Sleeps
                && let Ok(Found::Something) = drain.drain(Duration::ZERO).unwrap()
            {
                drain.rest = Rest::Looks(0);
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
        let bell = Arc::new(Bell::new().unwrap());
        let (commands, command_box) = Commands::new(Arc::clone(&bell));
        let expected = Arc::new(Expected::new(Arc::clone(&bell)));
        let (_recycled, recycled) = sync_channel(1);
        let inlets = Inlets { bell, commands: command_box, recycled, expected: Arc::clone(&expected) };
        let (inputs, inbox) = sync_channel(1 << 16);
        let intervals = Intervals { flush: HANG, clock: HANG };
        let mut drain = Drain::new(probe, inlets, inputs, intervals);
        let watch = SetWatch::start().unwrap();
        assert!(drain.can_be_woken(Some(&watch)) && !drain.can_be_woken(None));

        wakes(
            &mut drain,
            || commands.send(Command::Stop).unwrap(),
            |drain, _| matches!(drain.inlets.commands.try_recv(), Ok(Command::Stop)),
        );
        assert!(matches!(drain.next_rest(), Rest::Looks(_)), "it is awake");

        wakes(&mut drain, || expected.set(Some(BootNs(0))), |drain, _| drain.expected_in() == Some(Duration::ZERO));

        // Made and removed: the first of the two wakes, and neither is lost.
        let event = || drop(OwnedCgroup::create(|_| true).expect("a cgroup"));
        let own = std::process::id().to_ne_bytes();
        let mut seen = 0;
        wakes(&mut drain, event, |_, _| {
            let count = |input: &Input| match input {
                Input::Kernel(batch) => batch.events.iter().filter(|record| contains(record, &own)).count(),
                _ => 0,
            };
            seen += inbox.try_iter().map(|input| count(&input)).sum::<usize>();
            seen >= 2
        });
    }

    /// Of which process an event tells is somewhere in it.
    fn contains(record: &[u8], pid: &[u8; 4]) -> bool {
        record.chunks_exact(4).any(|word| word == pid)
    }
}
