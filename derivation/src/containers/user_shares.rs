//! The share that users without privileges have in the table of lives.
//!
//! Whoever was given a subtree of cgroupfs may make any number of directories there that are named
//! like containers. What is known of each takes memory, so a user has a share, and all such users
//! together have one: a process in a user namespace has many user ids. Root's containers are not
//! counted.

use alloc::collections::BTreeMap;

/// Most lives of one user at a time. Rootless engines run some dozens.
const MAX_OF_ONE: u32 = 4_096;
/// Most lives of all users together at a time.
const MAX_OF_ALL: u32 = 32_768;
/// Most users of whom it is known how much was refused.
const MAX_REFUSED_USERS: usize = 1_024;

/// The lives of users without privileges, counted, and those that their shares had no room for.
#[derive(Debug, Default)]
pub(crate) struct UserShares {
    lives: BTreeMap<u32, u32>,
    total: u32,
    refused: BTreeMap<u32, u64>,
}

impl UserShares {
    /// Returns true if a user may have another life; root, `None`, always.
    pub fn has_room(&self, user: Option<u32>) -> bool {
        user.is_none_or(|user| self.total < MAX_OF_ALL && self.lives.get(&user).is_none_or(|lives| *lives < MAX_OF_ONE))
    }

    /// Counts a life of a user.
    pub fn add(&mut self, user: Option<u32>) {
        let Some(user) = user else { return };
        *self.lives.entry(user).or_default() += 1;
        self.total += 1;
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
        Self { refused: core::mem::take(&mut self.refused), ..Self::default() }
    }
}
