//! Names of the record kinds in raw/events other than kernel events, which
//! [`obit_derivation::record::KernelEventKind`] names.

/// Events were lost.
pub const LOST: &str = "lost";
/// Events of a user that concern no container were left out.
pub const THINNED: &str = "thinned";
/// The pair of clocks was read again.
pub const CLOCK: &str = "clock";
/// The probes are attached.
pub const CAPTURE_START: &str = "capture_start";
/// The probes are detached.
pub const CAPTURE_STOP: &str = "capture_stop";
/// A segment begins: earlier records decide nothing from here on.
pub const SEGMENT_BEGIN: &str = "segment_begin";
/// A record of an earlier segment comes again.
pub const CARRIED: &str = "carried";
/// A walk of every hierarchy begins.
pub const SNAPSHOT_BEGIN: &str = "snapshot_begin";
/// The walk could not read a hierarchy whole.
pub const SNAPSHOT_FAILED: &str = "snapshot_failed";
/// The walk is over.
pub const SNAPSHOT_END: &str = "snapshot_end";

/// `limit_scope` of an `oom_kill`: a cgroup's limit was reached.
pub const LIMIT_OF_CGROUP: &str = "cgroup";
/// `limit_scope` of an `oom_kill`: no cgroup's limit was reached.
pub const LIMIT_OF_HOST: &str = "host";
