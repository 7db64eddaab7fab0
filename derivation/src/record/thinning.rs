//! Events that a recorder left out because a user made too many.

use super::ids::BootNs;

/// Events of a user without privileges that were left out: they concern no container, and the user
/// made more of them than are recorded. Nothing that is derived depends on them. The record's own
/// time is that of the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thinning {
    /// Number of events.
    pub count: u64,
    /// The user, by the real user id of the tasks; `None` for several, of whom no account was kept.
    pub uid: Option<u32>,
    /// Time of the first one.
    pub since: BootNs,
}
