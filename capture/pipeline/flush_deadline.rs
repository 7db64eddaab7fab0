//! When the next flush brings something, which only the sequencer knows, and only the drain thread, which keeps the time,
//! has to do with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use obit_derivation::BootNs;

use super::notifier::Bell;

/// A moment at which something is to be flushed.
#[derive(Debug)]
pub struct Expected {
    /// By the boot clock, in nanoseconds; [`NEVER`] if there is none.
    due: AtomicU64,
    bell: Arc<Bell>,
}

const NEVER: u64 = u64::MAX;

impl Expected {
    /// No such moment yet, for the thread that listens for this bell.
    pub fn new(bell: Arc<Bell>) -> Self {
        Self { due: AtomicU64::new(NEVER), bell }
    }

    /// Sets the moment. Wakes who waits for a later one.
    pub fn set(&self, due: Option<BootNs>) {
        let due = due.map_or(NEVER, |due| due.0);
        // The sequencer alone sets it.
        let before = self.due.load(Relaxed);
        if due == before {
            return;
        }
        self.due.store(due, Relaxed);
        if due < before {
            self.bell.ring();
        }
    }

    /// The moment.
    pub fn due(&self) -> Option<BootNs> {
        Some(self.due.load(Relaxed)).filter(|due| *due != NEVER).map(BootNs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_earlier_moment_wakes_and_a_later_one_does_not() {
        let bell = Arc::new(Bell::new().unwrap());
        let expected = Expected::new(Arc::clone(&bell));
        let rings = |due: Option<u64>| {
            bell.listen();
            expected.set(due.map(BootNs));
            assert_eq!(expected.due(), due.map(BootNs));
            !bell.is_listened_for()
        };
        assert!(!rings(None));
        assert!(rings(Some(9)));
        assert!(!rings(Some(9)) && !rings(Some(10)));
        assert!(rings(Some(0)));
        assert!(!rings(None));
    }
}
