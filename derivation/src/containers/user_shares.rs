//! The share that users without privileges have in the table of lives.
//!
//! Whoever was given a subtree of cgroupfs may make any number of directories there that are named
//! like containers. What is known of each takes memory, so a user has a share, and all such users
//! together have one: a process in a user namespace has many user ids. And what follows from each
//! takes room in a case, so where the case states a rate, a user may begin no more than that.
//! Root's containers are not counted.

use alloc::collections::BTreeMap;

use crate::rate::RateAccount;
use crate::record::BootNs;

/// Most lives of one user at a time. Rootless engines run some dozens.
const MAX_OF_ONE: u32 = 4_096;
/// Most lives of all users together at a time.
const MAX_OF_ALL: u32 = 32_768;
/// Most users of whom it is known how much was refused.
const MAX_REFUSED_USERS: usize = 1_024;
/// Most users who have a rate of their own.
const MAX_RATED_USERS: usize = 1_024;

const NS_PER_SECOND: u64 = 1_000_000_000;

/// The lives of users without privileges, counted, and those that their shares had no room for.
#[derive(Debug, Default)]
pub(crate) struct UserShares {
    lives: BTreeMap<u32, u32>,
    total: u32,
    refused: BTreeMap<u32, u64>,
    rates: LifeRates,
}

impl UserShares {
    /// Bounds how many lives of a user may begin a second on average; 0 for any number.
    pub fn limit_rate(&mut self, lives_per_second: u32) {
        self.rates = LifeRates { lives_per_second, ..LifeRates::default() };
    }

    /// Returns true if a user may have another life now; root, `None`, always.
    pub fn has_room(&self, user: Option<u32>, now: BootNs) -> bool {
        let Some(user) = user else { return true };
        let has_share = self.total < MAX_OF_ALL && self.lives.get(&user).is_none_or(|lives| *lives < MAX_OF_ONE);
        has_share && self.rates.has_room(user, now)
    }

    /// Counts a life of a user that begins now.
    pub fn add(&mut self, user: Option<u32>, now: BootNs) {
        let Some(user) = user else { return };
        *self.lives.entry(user).or_default() += 1;
        self.total += 1;
        self.rates.take(user, now);
    }

    /// Counts a directory of a user that is not followed.
    pub fn refuse(&mut self, user: Option<u32>) {
        let Some(user) = user else { return };
        if self.refused.len() < MAX_REFUSED_USERS || self.refused.contains_key(&user) {
            let refused = self.refused.entry(user).or_default();
            *refused = refused.saturating_add(1);
        }
    }

    /// Counts a life of a user off.
    pub fn release(&mut self, user: Option<u32>) {
        let Some(user) = user else { return };
        if let Some(lives) = self.lives.get_mut(&user) {
            *lives = lives.saturating_sub(1);
            self.total = self.total.saturating_sub(1);
            if *lives == 0 {
                self.lives.remove(&user);
            }
        }
    }

    /// Returns how many directories of each user were not followed.
    pub fn refused(&self) -> &BTreeMap<u32, u64> {
        &self.refused
    }

    /// Returns shares that nobody uses, with what was refused so far.
    pub fn take_for_next_segment(&mut self) -> Self {
        let rates = LifeRates { lives_per_second: self.rates.lives_per_second, ..LifeRates::default() };
        Self { refused: core::mem::take(&mut self.refused), rates, ..Self::default() }
    }
}

/// The rates at which lives of users without privileges begin: as many as a share at once, and then
/// so many a second.
#[derive(Debug, Default)]
struct LifeRates {
    /// 0 for any number.
    lives_per_second: u32,
    all: RateAccount,
    users: BTreeMap<u32, RateAccount>,
}

impl LifeRates {
    /// Returns the time that a life of one user takes from the user's rate, and from that of all.
    fn life_ns(&self) -> Option<(u64, u64)> {
        let one = NS_PER_SECOND.checked_div(self.lives_per_second.into())?;
        Some((one, one / u64::from(MAX_OF_ALL / MAX_OF_ONE)))
    }

    fn has_room(&self, user: u32, now: BootNs) -> bool {
        let Some((life_ns, life_ns_of_all)) = self.life_ns() else { return true };
        let burst_ns = |life_ns: u64, most: u32| life_ns.saturating_mul(most.into());
        let of_one = self.users.get(&user).copied().unwrap_or_default();
        of_one.has_room(burst_ns(life_ns, MAX_OF_ONE), now)
            && self.all.has_room(burst_ns(life_ns_of_all, MAX_OF_ALL), now)
    }

    fn take(&mut self, user: u32, now: BootNs) {
        let Some((life_ns, life_ns_of_all)) = self.life_ns() else { return };
        self.all.take(life_ns_of_all, now);
        if self.users.len() >= MAX_RATED_USERS && !self.users.contains_key(&user) {
            self.users.retain(|_, account| !account.is_idle(now));
            if self.users.len() >= MAX_RATED_USERS {
                return; // the rate of all bounds them
            }
        }
        self.users.entry(user).or_default().take(life_ns, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 8;

    /// Begins and ends so many lives of a user at one time. Returns how many had room.
    fn begun(shares: &mut UserShares, user: Option<u32>, second: u64, count: u32) -> u32 {
        let now = BootNs(second * NS_PER_SECOND);
        let mut begun = 0;
        for _ in 0..count {
            if shares.has_room(user, now) {
                shares.add(user, now);
                shares.release(user);
                begun += 1;
            }
        }
        begun
    }

    #[test]
    fn a_user_begins_a_share_at_once_and_then_the_rate() {
        let mut shares = UserShares::default();
        assert_eq!(begun(&mut shares, Some(1000), 0, 3 * MAX_OF_ONE), 3 * MAX_OF_ONE, "without a rate");
        shares.limit_rate(RATE);
        assert_eq!(begun(&mut shares, Some(1000), 0, 2 * MAX_OF_ONE), MAX_OF_ONE);
        assert_eq!(begun(&mut shares, Some(1000), 3, MAX_OF_ONE), 3 * RATE);
        assert_eq!(begun(&mut shares, Some(1000), 2, MAX_OF_ONE), 0, "a clock that goes back gives nothing");
        assert_eq!(begun(&mut shares, Some(1001), 3, 10), 10, "another user");
        assert_eq!(begun(&mut shares, None, 3, 3 * MAX_OF_ALL), 3 * MAX_OF_ALL, "root");
        let mut next = shares.take_for_next_segment();
        assert_eq!(begun(&mut next, Some(1000), 3, 2 * MAX_OF_ONE), MAX_OF_ONE, "a segment stands by itself");
    }

    #[test]
    fn all_users_together_have_a_rate_and_bounded_memory() {
        let mut shares = UserShares::default();
        shares.limit_rate(RATE);
        let all: u32 = (1..=40_000).map(|user| begun(&mut shares, Some(user), 0, 1)).sum();
        assert_eq!(all, MAX_OF_ALL);
        assert!(shares.rates.users.len() <= MAX_RATED_USERS);
        assert_eq!(begun(&mut shares, Some(50_000), 1, MAX_OF_ONE), RATE * (MAX_OF_ALL / MAX_OF_ONE));
    }
}
