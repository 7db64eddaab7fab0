//! What a container has used, put together from what was told of its directories.
//!
//! A container has a directory on each hierarchy and may make others below them, so the same is often told several times, and
//! at times in parts. v1 counts in a directory what those below it use; so does v2 for memory and pids. CPU time and bytes
//! read and written are counted on v2 by the directory that the tasks were in, and what a directory had counted when it was
//! removed is added to the one above.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::Fold;
use super::directory::beside;
use crate::record::{CgroupEvent, CgroupKey, HierarchyId, Seq, Vitals};

/// What directories that are gone had used, of what v2 counts for each directory alone.
#[derive(Clone, Debug, Default)]
pub(super) struct UsedBelow {
    /// The records of their making and removal, the first [`MAX_TOLD`].
    pub told: Vec<Seq>,
    cpu_usage_ns: u64,
    cpu_user_ns: u64,
    cpu_system_ns: u64,
    io_read_bytes: u64,
    io_written_bytes: u64,
}

/// Records kept for one directory, so that the next segment can count the same.
const MAX_TOLD: usize = 2048;

impl UsedBelow {
    fn told_by(&mut self, seqs: impl IntoIterator<Item = Seq>) {
        let room = MAX_TOLD.saturating_sub(self.told.len());
        self.told.extend(seqs.into_iter().take(room));
    }

    fn add(&mut self, vitals: &Vitals) {
        for (sum, value) in [
            (&mut self.cpu_usage_ns, vitals.cpu_usage_ns),
            (&mut self.cpu_user_ns, vitals.cpu_user_ns),
            (&mut self.cpu_system_ns, vitals.cpu_system_ns),
            (&mut self.io_read_bytes, vitals.io_read_bytes),
            (&mut self.io_written_bytes, vitals.io_written_bytes),
        ] {
            *sum = sum.saturating_add(value.unwrap_or_default());
        }
    }

    /// The values of the directory above with these. What it does not count at all stays absent: a part is no sum.
    fn added_to(&self, own: &Vitals) -> Vitals {
        let sum = |own: Option<u64>, below| own.map(|own| own.saturating_add(below));
        Vitals {
            cpu_usage_ns: sum(own.cpu_usage_ns, self.cpu_usage_ns),
            cpu_user_ns: sum(own.cpu_user_ns, self.cpu_user_ns),
            cpu_system_ns: sum(own.cpu_system_ns, self.cpu_system_ns),
            io_read_bytes: sum(own.io_read_bytes, self.io_read_bytes),
            io_written_bytes: sum(own.io_written_bytes, self.io_written_bytes),
            ..*own
        }
    }
}

impl Fold {
    /// What a directory counted, with those below it that are gone.
    pub(super) fn with_below<'e>(&self, event: &'e CgroupEvent<'_>) -> Cow<'e, Vitals> {
        let below = self.used_below.get(&event.key);
        below.map_or(Cow::Borrowed(&event.vitals), |below| Cow::Owned(below.added_to(&event.vitals)))
    }

    /// The same of a directory that is removed: it is handed on to the one above, if that is a container's.
    pub(super) fn take_with_below<'e>(&mut self, seq: Seq, event: &'e CgroupEvent<'_>) -> Cow<'e, Vitals> {
        let vitals = self.with_below(event);
        let gone = self.used_below.remove(&event.key);
        if event.key.hierarchy == HierarchyId::V2
            && let Some(above) = event.parent.map(|parent| beside(event.key, parent))
            // Of directories that are not roots the walk is yet to tell.
            && (self.carrying || self.directories.contains_key(&above))
        {
            let made = self.directories.get(&event.key).map(|known| known.since);
            let told = gone.map(|gone| gone.told).unwrap_or_default();
            let below = self.used_below.entry(above).or_default();
            below.add(&vitals);
            below.told_by(told.into_iter().chain(made).chain([seq]));
        }
        vitals
    }

    /// Forgets what was kept for a directory that is gone without a word of what it used.
    pub(super) fn forget_below(&mut self, key: CgroupKey) {
        self.used_below.remove(&key);
    }
}

/// Takes over what was told later, or of another directory of the same container: the highest of what only grows, the latest
/// of what does not.
pub(super) fn absorb(ours: &mut Vitals, told: &Vitals) {
    let grow = |ours: &mut Option<u64>, told: Option<u64>| {
        if told > *ours {
            *ours = told;
        }
    };
    grow(&mut ours.memory_peak_bytes, told.memory_peak_bytes);
    ours.memory_usage_bytes = told.memory_usage_bytes.or(ours.memory_usage_bytes);
    // v1's accounting and v2's differ by moments: the parts belong to their whole.
    if told.cpu_usage_ns > ours.cpu_usage_ns {
        ours.cpu_usage_ns = told.cpu_usage_ns;
        ours.cpu_user_ns = told.cpu_user_ns;
        ours.cpu_system_ns = told.cpu_system_ns;
    }
    grow(&mut ours.cpu_throttled_ns, told.cpu_throttled_ns);
    grow(&mut ours.cpu_throttled_count, told.cpu_throttled_count);
    grow(&mut ours.io_read_bytes, told.io_read_bytes);
    grow(&mut ours.io_written_bytes, told.io_written_bytes);
    grow(&mut ours.pids_peak, told.pids_peak);
    grow(&mut ours.ooms, told.ooms);
    grow(&mut ours.oom_kills, told.oom_kills);
}

/// The values as a row has them: samples of user and system time become parts of the CPU time, as the kernel itself does for
/// `cpu.stat` (kernel/sched/cputime.c, `cputime_adjust`). Where no sample was taken, the parts are not known.
pub(super) fn for_row(vitals: &Vitals) -> Vitals {
    let parts = match (vitals.cpu_usage_ns, vitals.cpu_user_ns, vitals.cpu_system_ns) {
        (Some(usage), Some(user), Some(system)) => {
            let samples = u128::from(user) + u128::from(system);
            let system = (u128::from(usage) * u128::from(system)).checked_div(samples);
            // No more than `usage`, as `system` is no more than `samples`.
            system.and_then(|system| u64::try_from(system).ok()).map(|system| (usage.saturating_sub(system), system))
        }
        _ => None,
    };
    Vitals { cpu_user_ns: parts.map(|(user, _)| user), cpu_system_ns: parts.map(|(_, system)| system), ..*vitals }
}
