//! Names of the record kinds in raw/events that are not a cgroup tracepoint (those are named by
//! [`obit_derivation::record::CgroupEventKind`]).

/// Events were lost.
pub const LOST: &str = "lost";
/// The pair of clocks was read again.
pub const CLOCK: &str = "clock";
/// The probes are attached.
pub const CAPTURE_START: &str = "capture_start";
/// The probes are detached.
pub const CAPTURE_STOP: &str = "capture_stop";
/// A walk of every hierarchy begins.
pub const SNAPSHOT_BEGIN: &str = "snapshot_begin";
/// The walk could not read a hierarchy whole.
pub const SNAPSHOT_FAILED: &str = "snapshot_failed";
/// The walk is over.
pub const SNAPSHOT_END: &str = "snapshot_end";
