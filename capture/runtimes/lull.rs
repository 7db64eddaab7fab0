//! A moment in which the thread of the clients does not listen, once a daemon has told of something by itself.
//!
//! An engine tells of one container in a dozen pieces, each some milliseconds after the other, and each that is taken by
//! itself wakes the thread for less work than the waking. What has come meanwhile is taken together.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

/// How long the thread does not listen, and how long what a daemon said waits for what it says next.
pub const GATHER: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// No daemon has told of anything since the thread listened last.
    Nothing,
    /// One has.
    Something,
    /// One has, and the lull for it is over: before the next one, the thread listens.
    AfterLull,
}

thread_local! {
    // The clients are tasks of one thread.
    static TOLD: Cell<Told> = const { Cell::new(Told::Nothing) };
}

/// A daemon has told of something by itself.
pub fn told() {
    TOLD.with(|told| {
        if told.get() == Told::Nothing {
            told.set(Told::Something);
        }
    });
}

/// Comes before the thread waits.
pub fn before_waiting() {
    if take() {
        thread::sleep(GATHER);
    }
}

/// Whether it is time for a lull.
fn take() -> bool {
    TOLD.with(|told| {
        let is_time = told.get() == Told::Something;
        told.set(if is_time { Told::AfterLull } else { Told::Nothing });
        is_time
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lull_follows_what_was_told_and_no_other_lull() {
        assert!(!take());
        told();
        told();
        assert!(take());
        told();
        assert!(!take(), "what came in the lull has no lull of its own");
        told();
        assert!(take(), "the thread has listened since");
        assert!(!take() && !take());
    }
}
