//! Readings of the clocks.

use super::names::names;

/// The reason for reading the clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClockReason {
    /// The capture started.
    Start,
    /// The interval between two readings was over.
    Interval,
    /// Somebody set the wall clock.
    Set,
    /// The host came back from suspend.
    Resume,
    /// The grace of a row that is held back is over, and nothing else was recorded since.
    Due,
    /// The capture is about to stop.
    Stop,
}

/// A reading of the clocks, beside the pair of times that the record itself has. `None` where this
/// kernel does not tell, and in records of older builds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockReading {
    /// The reason for the reading.
    pub reason: Option<ClockReason>,
    /// The drift of the wall clock since the reading before, in nanoseconds: the change of wall
    /// clock minus boot clock.
    pub step_ns: Option<i64>,
    /// Time that the host was suspended since it was booted, in nanoseconds.
    pub suspended_ns: Option<u64>,
    /// True if a program keeps the wall clock in step with a reference.
    pub synchronized: Option<bool>,
    /// The largest error of the wall clock, in nanoseconds.
    pub max_error_ns: Option<u64>,
    /// The probable error of the wall clock, in nanoseconds.
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
