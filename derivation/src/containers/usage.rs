//! The usage of a container, put together from what was counted in its directories.
//!
//! A container has a directory on each hierarchy and may make others below them, so the same use is
//! often counted several times, and at times in parts. v1 counts in a directory what those below it
//! use; so does v2 for memory and pids. v2 counts CPU time and bytes read and written in the
//! directory that the tasks were in; what a directory had counted when it was removed is added to
//! the one above.

use alloc::vec::Vec;

use crate::record::{Seq, Usage};

/// The usage of removed directories below another, of what v2 counts for each directory alone.
#[derive(Clone, Debug, Default)]
pub(super) struct RemovedChildrenUsage {
    /// The records of their making and removal, the first [`MAX_SEQS`].
    pub seqs: Vec<Seq>,
    cpu_usage_ns: u64,
    cpu_user_ns: u64,
    cpu_system_ns: u64,
    io_read_bytes: u64,
    io_written_bytes: u64,
}

/// Most records kept for one directory, so that the next segment can count the same.
const MAX_SEQS: usize = 2048;

impl RemovedChildrenUsage {
    /// Keeps the records of a removed directory, within a bound.
    pub fn add_seqs(&mut self, seqs: impl IntoIterator<Item = Seq>) {
        let room = MAX_SEQS.saturating_sub(self.seqs.len());
        self.seqs.extend(seqs.into_iter().take(room));
    }

    /// Adds the usage of a removed directory.
    pub fn add(&mut self, usage: &Usage) {
        for (sum, value) in [
            (&mut self.cpu_usage_ns, usage.cpu_usage_ns),
            (&mut self.cpu_user_ns, usage.cpu_user_ns),
            (&mut self.cpu_system_ns, usage.cpu_system_ns),
            (&mut self.io_read_bytes, usage.io_read_bytes),
            (&mut self.io_written_bytes, usage.io_written_bytes),
        ] {
            *sum = sum.saturating_add(value.unwrap_or_default());
        }
    }

    /// Returns the values of the directory above with these added. A value that it does not count
    /// stays absent, since a part is no sum.
    pub fn added_to(&self, own: &Usage) -> Usage {
        let sum = |own: Option<u64>, below| own.map(|own| own.saturating_add(below));
        Usage {
            cpu_usage_ns: sum(own.cpu_usage_ns, self.cpu_usage_ns),
            cpu_user_ns: sum(own.cpu_user_ns, self.cpu_user_ns),
            cpu_system_ns: sum(own.cpu_system_ns, self.cpu_system_ns),
            io_read_bytes: sum(own.io_read_bytes, self.io_read_bytes),
            io_written_bytes: sum(own.io_written_bytes, self.io_written_bytes),
            ..*own
        }
    }
}

/// Returns the values as a row has them. Samples of user and system time become parts of the CPU
/// time, as the kernel does for `cpu.stat` (kernel/sched/cputime.c, `cputime_adjust`); without a
/// sample the parts are unknown.
pub(super) fn for_row(usage: &Usage) -> Usage {
    let parts = match (usage.cpu_usage_ns, usage.cpu_user_ns, usage.cpu_system_ns) {
        (Some(usage), Some(user), Some(system)) => {
            let samples = u128::from(user) + u128::from(system);
            let system = (u128::from(usage) * u128::from(system)).checked_div(samples);
            // No more than `usage`, as `system` is no more than `samples`.
            system.and_then(|system| u64::try_from(system).ok()).map(|system| (usage.saturating_sub(system), system))
        }
        _ => None,
    };
    Usage { cpu_user_ns: parts.map(|(user, _)| user), cpu_system_ns: parts.map(|(_, system)| system), ..*usage }
}
