//! The deadline of the next useful flush: set by the sequencer, read by the drain thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use obit_derivation::BootNs;

use super::notifier::Notifier;

/// The moment from which on a flush brings something to disk.
#[derive(Debug)]
pub struct FlushDeadline {
    /// Nanoseconds of the boot clock; [`NEVER`] if there is no such moment.
    due: AtomicU64,
    notifier: Arc<Notifier>,
}

const NEVER: u64 = u64::MAX;

impl FlushDeadline {
    /// Returns no deadline, for the thread that this notifier wakes.
    pub fn new(notifier: Arc<Notifier>) -> Self {
        Self { due: AtomicU64::new(NEVER), notifier }
    }

    /// Sets the deadline. Wakes the drain thread if it waits for a later one.
    pub fn set(&self, due: Option<BootNs>) {
        let due = due.map_or(NEVER, |due| due.0);
        // No other thread sets it.
        let before = self.due.load(Relaxed);
        if due == before {
            return;
        }
        self.due.store(due, Relaxed);
        if due < before {
            self.notifier.notify();
        }
    }

    /// Returns the deadline.
    pub fn get(&self) -> Option<BootNs> {
        Some(self.due.load(Relaxed)).filter(|due| *due != NEVER).map(BootNs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_moment_wakes_and_a_later_one_does_not() {
        let notifier = Arc::new(Notifier::new().unwrap());
        let deadline = FlushDeadline::new(Arc::clone(&notifier));
        let wakes = |due: Option<u64>| {
            notifier.arm();
            deadline.set(due.map(BootNs));
            assert_eq!(deadline.get(), due.map(BootNs));
            !notifier.is_armed()
        };
        assert!(!wakes(None));
        assert!(wakes(Some(9)));
        assert!(!wakes(Some(9)) && !wakes(Some(10)));
        assert!(wakes(Some(0)));
        assert!(!wakes(None));
    }
}
