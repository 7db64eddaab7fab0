//! A rate with a burst, by the generic cell rate algorithm (ITU-T I.371).

use crate::record::BootNs;

/// What somebody has used of a rate, kept as the time until which that is paid for.
///
/// The rate is what a use costs, in nanoseconds; the burst is the time that may be owed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateAccount {
    paid_until_ns: u64,
}

impl RateAccount {
    /// Returns true if less than the burst is owed now. The use that follows may exceed it.
    #[must_use]
    pub fn has_room(&self, burst_ns: u64, now: BootNs) -> bool {
        self.paid_until_ns.saturating_sub(now.0) < burst_ns
    }

    /// Counts a use of this cost. A clock that goes back gives nothing.
    pub fn take(&mut self, cost_ns: u64, now: BootNs) {
        self.paid_until_ns = self.paid_until_ns.max(now.0).saturating_add(cost_ns);
    }

    /// Returns true if the account is as if nobody had ever used it.
    #[must_use]
    pub fn is_idle(&self, now: BootNs) -> bool {
        self.paid_until_ns <= now.0
    }
}
