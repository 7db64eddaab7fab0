//! Reading of a daemon's events in bursts.
//!
//! An engine reports one container in a dozen events, some milliseconds apart, and each that is
//! handled by itself wakes two threads for less work than the waking. So the task that reads them
//! pauses after a burst, and then reads what has come meanwhile together. The daemon's own time
//! tells when in the pause an event came ([`Debounce::arrival`]): what a daemon does and what the
//! kernel sees of it keep their order.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use obit_derivation::{BootNs, WallNs};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::host::clock::ClockPair;

/// Time that the task does not read: as long as kernel events wait in the ring buffer.
const PAUSE: Duration = Duration::from_millis(50);
/// Turns that the task of the connection has to pass on what it has read.
const TURNS: usize = 4;

/// The debounce of one stream of events.
#[derive(Debug, Default)]
pub struct Debounce {
    /// Start of the pause in which the events that are read now may have come.
    paused_at: Option<ClockPair>,
}

impl Debounce {
    /// Waits for the next event of the stream.
    pub async fn next<T>(&mut self, event: impl Future<Output = T>) -> T {
        let mut event = pin!(event);
        if let Some(event) = if_ready(event.as_mut()).await {
            return event;
        }
        let begun = ClockPair::read();
        sleep(PAUSE).await;
        self.paused_at = Some(begun);
        if let Some(event) = if_ready(event.as_mut()).await {
            return event;
        }
        self.paused_at = None;
        event.await
    }

    /// Returns when an event came that is read now, and that happened at `said_at` by the daemon's
    /// clock.
    pub fn arrival(&self, now: ClockPair, said_at: Option<WallNs>) -> ClockPair {
        match (self.paused_at, said_at) {
            (Some(begun), Some(said_at)) => between(begun, now, said_at),
            _ => now,
        }
    }
}

/// Returns the event if it is there already.
async fn if_ready<T>(mut event: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    for _ in 0..TURNS {
        if let Poll::Ready(event) = poll_fn(|context| Poll::Ready(event.as_mut().poll(context))).await {
            return Some(event);
        }
        yield_now().await;
    }
    None
}

/// Returns the moment of the wall clock as one between those two.
fn between(begun: ClockPair, now: ClockPair, moment: WallNs) -> ClockPair {
    let ago_ns = now.wall.0.saturating_sub(moment.0.max(begun.wall.0)).max(0).unsigned_abs();
    // A wall clock that was set meanwhile must not lead out of there.
    let ago_ns = ago_ns.min(now.boot.0.saturating_sub(begun.boot.0));
    let wall = WallNs(now.wall.0.saturating_sub_unsigned(ago_ns));
    ClockPair { wall, boot: BootNs(now.boot.0 - ago_ns), ..now }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::channel;

    use super::*;

    fn at(ms: u64) -> ClockPair {
        // The wall clock is an hour ahead of the boot clock.
        let wall = WallNs((ms as i64 + 3_600_000) * 1_000_000);
        ClockPair { wall, boot: BootNs(ms * 1_000_000), uncertainty_ns: 0 }
    }

    #[test]
    fn what_came_in_a_pause_was_there_when_its_daemon_says_so_and_never_outside_of_the_pause() {
        let said = |ms| Some(at(ms).wall);
        let mut debounce = Debounce::default();
        assert_eq!(debounce.arrival(at(150), said(120)), at(150), "the task has read all the time");
        debounce.paused_at = Some(at(100));
        for (said_ms, expected_ms) in [(120, 120), (100, 100), (150, 150), (99, 100), (0, 100), (151, 150)] {
            assert_eq!(debounce.arrival(at(150), said(said_ms)), at(expected_ms), "said at {said_ms} ms");
        }
        assert_eq!(debounce.arrival(at(150), None), at(150));
        for absurd in [i64::MIN, i64::MAX] {
            let found = debounce.arrival(at(150), Some(WallNs(absurd)));
            assert!(found == at(100) || found == at(150), "{found:?}");
        }
        let set_back = ClockPair { wall: WallNs(0), ..at(150) };
        assert_eq!(debounce.arrival(set_back, said(120)), set_back);
        let set_ahead = ClockPair { wall: WallNs(i64::MAX), ..at(150) };
        assert_eq!(debounce.arrival(set_ahead, said(120)).boot, at(100).boot);
    }

    #[test]
    fn a_pause_follows_each_burst_and_is_over_when_nothing_came_in_it() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (sender, mut events) = channel(4);
            let mut debounce = Debounce::default();
            for event in 0..2 {
                sender.send(event).await.unwrap();
            }
            assert_eq!(debounce.next(events.recv()).await, Some(0));
            assert_eq!(debounce.next(events.recv()).await, Some(1), "of the same burst");
            assert_eq!(debounce.paused_at, None);
            let later = sender.clone();
            let send = tokio::spawn(async move {
                sleep(PAUSE / 2).await;
                later.send(2).await
            });
            assert_eq!(debounce.next(events.recv()).await, Some(2));
            assert!(debounce.paused_at.is_some(), "it came in the pause");
            send.await.unwrap().unwrap();
            let send = tokio::spawn(async move {
                sleep(20 * PAUSE).await;
                sender.send(3).await
            });
            assert_eq!(debounce.next(events.recv()).await, Some(3));
            assert_eq!(debounce.paused_at, None, "the task was reading when it came");
            send.await.unwrap().unwrap();
        });
    }
}
