//! A timer that is polled.

use std::time::{Duration, Instant};

/// Becomes due once an interval.
#[derive(Debug)]
pub struct IntervalTimer {
    interval: Duration,
    last: Instant,
}

impl IntervalTimer {
    /// Starts a timer that is due for the first time after one interval.
    pub fn start(interval: Duration) -> Self {
        Self { interval, last: Instant::now() }
    }

    /// Returns the time until it is due.
    pub fn remaining(&self) -> Duration {
        self.interval.saturating_sub(self.last.elapsed())
    }

    /// Begins a new interval.
    pub fn restart(&mut self) {
        self.last = Instant::now();
    }

    /// Begins a new interval if the last one is over. Returns whether it was.
    pub fn restart_if_due(&mut self) -> bool {
        let is_due = self.last.elapsed() >= self.interval;
        if is_due {
            self.restart();
        }
        is_due
    }
}
