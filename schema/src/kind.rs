//! Names of the record kinds in raw/events that are not a kernel event (those are named by
//! [`obit_derivation::record::KernelEventKind`]).

/// Events were lost.
pub const LOST: &str = "lost";
/// The pair of clocks was read again.
pub const CLOCK: &str = "clock";
/// The probes are attached.
pub const CAPTURE_START: &str = "capture_start";
/// The probes are detached.
pub const CAPTURE_STOP: &str = "capture_stop";
/// A segment begins: what came before decides nothing from here on.
pub const SEGMENT_BEGIN: &str = "segment_begin";
/// A record of an earlier segment again.
pub const CARRIED: &str = "carried";
/// A walk of every hierarchy begins.
pub const SNAPSHOT_BEGIN: &str = "snapshot_begin";
/// The walk could not read a hierarchy whole.
pub const SNAPSHOT_FAILED: &str = "snapshot_failed";
/// The walk is over.
pub const SNAPSHOT_END: &str = "snapshot_end";

/// `limit_scope` of an `oom_kill`: a cgroup's limit was reached.
pub const LIMIT_OF_CGROUP: &str = "cgroup";
/// `limit_scope` of an `oom_kill`: none was.
pub const LIMIT_OF_HOST: &str = "host";
