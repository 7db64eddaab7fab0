//! A moment in which the thread of the clients does not listen, once a daemon has told of something by itself.
//!
//! An engine tells of one container in a dozen pieces, each some milliseconds after the other, and each that is taken by
//! itself wakes the thread for less work than the waking. What has come meanwhile is taken together. It goes on with the
//! kernel's events, which are looked at as seldom. That it was there in between, and when, is what the daemon's own time
//! tells, as far as it lies there ([`arrival`]): what a daemon does and what the kernel sees of it keep their order.

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use obit_derivation::{BootNs, WallNs};

use crate::host::clock::ClockPair;

/// How long the thread does not listen.
const LULL: Duration = Duration::from_millis(50);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// No daemon has told of anything since the thread listened last.
    Nothing,
    /// One has.
    Something,
    /// One has, and the lull for it, which began then, is over: before the next one, the thread listens.
    AfterLull(ClockPair),
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
    if take(ClockPair::read) {
        thread::sleep(LULL);
    }
}

/// Whether it is time for a lull.
fn take(now: impl FnOnce() -> ClockPair) -> bool {
    TOLD.with(|told| {
        let is_time = told.get() == Told::Something;
        told.set(if is_time { Told::AfterLull(now()) } else { Told::Nothing });
        is_time
    })
}

/// When something was there that is read now, and of which its daemon says when it was.
pub fn arrival(now: ClockPair, said_at: Option<WallNs>) -> ClockPair {
    match (TOLD.with(Cell::get), said_at) {
        (Told::AfterLull(begun), Some(said_at)) => between(begun, now, said_at),
        _ => now,
    }
}

/// A moment by the wall clock as one between those two.
fn between(begun: ClockPair, now: ClockPair, moment: WallNs) -> ClockPair {
    let ago_ns = now.wall.0.saturating_sub(moment.0.max(begun.wall.0)).max(0).unsigned_abs();
    // A wall clock that was set meanwhile must not lead out of there.
    let ago_ns = ago_ns.min(now.boot.0.saturating_sub(begun.boot.0));
    let wall = WallNs(now.wall.0.saturating_sub_unsigned(ago_ns));
    ClockPair { wall, boot: BootNs(now.boot.0 - ago_ns), ..now }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> ClockPair {
        // The wall clock is an hour ahead of the boot clock.
        let wall = WallNs((ms as i64 + 3_600_000) * 1_000_000);
        ClockPair { wall, boot: BootNs(ms * 1_000_000), uncertainty_ns: 0 }
    }

    fn take() -> bool {
        super::take(|| at(100))
    }

    #[test]
    fn what_came_in_a_lull_was_there_when_its_daemon_says_so_and_never_outside_of_the_lull() {
        let said = |ms| Some(at(ms).wall);
        assert_eq!(arrival(at(150), said(120)), at(150), "the thread has listened all the time");
        told();
        assert!(take());
        for (said_ms, expected_ms) in [(120, 120), (100, 100), (150, 150), (99, 100), (0, 100), (151, 150)] {
            assert_eq!(arrival(at(150), said(said_ms)), at(expected_ms), "said at {said_ms} ms");
        }
        assert_eq!(arrival(at(150), None), at(150));
        for absurd in [i64::MIN, i64::MAX] {
            let found = arrival(at(150), Some(WallNs(absurd)));
            assert!(found == at(100) || found == at(150), "{found:?}");
        }
        let set_back = ClockPair { wall: WallNs(0), ..at(150) };
        assert_eq!(arrival(set_back, said(120)), set_back);
        let set_ahead = ClockPair { wall: WallNs(i64::MAX), ..at(150) };
        assert_eq!(arrival(set_ahead, said(120)).boot, at(100).boot);
        assert!(!take());
        assert_eq!(arrival(at(150), said(120)), at(150), "it listens again");
    }

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
