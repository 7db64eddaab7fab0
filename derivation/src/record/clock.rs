//! Readings of the clocks.

use super::names;

/// Why the clocks were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClockReason {
    /// The capture started.
    Start,
    /// It was time to.
    Interval,
    /// Somebody set the wall clock.
    Set,
    /// The host came back from suspend.
    Resume,
    /// The time is over for which a row is held back, and nothing else was recorded since.
    Due,
    /// The capture is about to stop.
    Stop,
}

/// What was found when the clocks were read; `None` where this kernel does not tell, and in records of older builds. The
/// pair itself is the record's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockReading {
    /// Why.
    pub reason: Option<ClockReason>,
    /// How far the wall clock went its own way since the reading before, in nanoseconds: the change of wall less boot clock.
    pub step_ns: Option<i64>,
    /// How long the host had been suspended since it was booted, in nanoseconds.
    pub suspended_ns: Option<u64>,
    /// Whether somebody keeps the wall clock by a reference.
    pub synchronized: Option<bool>,
    /// How far off the wall clock may be, in nanoseconds.
    pub max_error_ns: Option<u64>,
    /// How far off it probably is, in nanoseconds.
    pub estimated_error_ns: Option<u64>,
}

names!(ClockReason {
    Start => "start",
    Interval => "interval",
    Set => "set",
    Resume => "resume",
    Due => "due",
    Stop => "stop",
});
