//! Counters and flags of a session. Every thread may set them; the status line and the main thread
//! read them.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use obit_derivation::Row;
use obit_derivation::record::{CgroupEventKind, KernelEventKind};
use obit_schema::text::size;

/// Counters and flags of a session. They are independent: a reader may see one change a moment
/// before another.
#[derive(Debug, Default)]
pub struct Progress {
    mkdir: AtomicU64,
    rmdir: AtomicU64,
    populated: AtomicU64,
    empty: AtomicU64,
    others: AtomicU64,
    lost: AtomicU64,
    existing: AtomicU64,
    created: AtomicU64,
    exited: AtomicU64,
    removed: AtomicU64,
    unprinted: AtomicU64,
    bytes: AtomicU64,
    parts: AtomicU64,
    ready: AtomicBool,
    failed: AtomicBool,
    done: AtomicBool,
    full: AtomicBool,
    /// Number of the segment that is to end, plus one; 0 for none.
    cut_wanted: AtomicU64,
    /// Guards no data. A waiter holds it from its look at the flags until it sleeps, so that no
    /// change escapes it.
    waiters: Mutex<()>,
    changed: Condvar,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events of `cgroup_mkdir`.
    pub mkdir: u64,
    /// Events of `cgroup_rmdir`.
    pub rmdir: u64,
    /// Events of a cgroup that its first task entered.
    pub populated: u64,
    /// Events of a cgroup that its last task left.
    pub empty: u64,
    /// Events of processes (exits, signals, OOM kills) and of freezing.
    pub others: u64,
    /// Events lost.
    pub lost: u64,
    /// Containers that ran before the capture.
    pub existing: u64,
    /// Containers created.
    pub created: u64,
    /// Containers that exited.
    pub exited: u64,
    /// Containers that were removed.
    pub removed: u64,
    /// Rows that are not printed live yet, or never will be because the reader was too slow.
    pub unprinted: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Parts sealed.
    pub parts: u64,
}

impl Tally {
    /// Returns the number of kernel events admitted.
    pub fn events(&self) -> u64 {
        self.mkdir + self.rmdir + self.populated + self.empty + self.others
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (events, written) = (self.events(), size(self.bytes));
        write!(f, "{events} events, {} containers exited, {} lost, {written} written", self.exited, self.lost)
    }
}

impl Progress {
    /// Counts an event.
    pub fn event(&self, kind: KernelEventKind) {
        let counter = match kind {
            KernelEventKind::Cgroup(CgroupEventKind::Mkdir) => &self.mkdir,
            KernelEventKind::Cgroup(CgroupEventKind::Rmdir) => &self.rmdir,
            KernelEventKind::Cgroup(CgroupEventKind::Populated) => &self.populated,
            KernelEventKind::Cgroup(CgroupEventKind::Empty) => &self.empty,
            _ => &self.others,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Counts a row.
    pub fn row(&self, row: &Row) {
        let counter = match row {
            Row::Existing(_) => &self.existing,
            Row::Create(_) => &self.created,
            Row::Exit(_) => &self.exited,
            Row::Remove(_) => &self.removed,
            Row::Disagreement(_) => return,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Counts events lost.
    pub fn lost(&self, count: u64) {
        self.lost.fetch_add(count, Relaxed);
    }

    /// Counts a row that is to be printed live.
    pub fn to_print(&self) {
        self.unprinted.fetch_add(1, Relaxed);
    }

    /// Takes a row off that count: it was printed, or nobody wants it any more.
    pub fn printed(&self) {
        self.unprinted.fetch_sub(1, Relaxed);
    }

    /// Sets how much is on disk.
    pub fn written(&self, bytes: u64, parts: u64) {
        self.bytes.store(bytes, Relaxed);
        self.parts.store(parts, Relaxed);
    }

    /// Marks the session as ready: the probes are attached and the first walk is admitted.
    pub fn set_ready(&self) {
        self.set(&self.ready);
    }

    /// Marks the session as failed: a thread ended with an error, and the session should stop.
    pub fn set_failed(&self) {
        self.set(&self.failed);
    }

    /// Returns whether everything that begins or ends from now on is recorded.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Relaxed)
    }

    /// Marks the session as done: a signal came, or the work to be recorded is done.
    pub fn set_done(&self) {
        self.set(&self.done);
    }

    /// Marks the case as full: the session should stop.
    pub fn set_full(&self) {
        self.set(&self.full);
    }

    /// Returns whether the case is full.
    pub fn is_full(&self) -> bool {
        self.full.load(Relaxed)
    }

    /// Requests the end of this segment.
    pub fn want_cut(&self, segment: u32) {
        self.cut_wanted.store(u64::from(segment) + 1, Relaxed);
    }

    /// Returns whether the end of this segment is requested.
    pub fn is_cut_wanted(&self, segment: u32) -> bool {
        self.cut_wanted.load(Relaxed) == u64::from(segment) + 1
    }

    /// Returns whether the session should stop.
    pub fn is_over(&self) -> bool {
        self.done.load(Relaxed) || self.failed.load(Relaxed) || self.is_full()
    }

    /// Waits until `is_there` holds, or `deadline` has passed. Returns whether it holds. Only the
    /// flags that one of the `set_…` methods sets end the wait.
    pub fn wait_until(&self, deadline: Option<Instant>, is_there: impl Fn(&Self) -> bool) -> bool {
        let mut guard = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        while !is_there(self) {
            let Some(deadline) = deadline else {
                guard = self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            guard = self.changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    fn set(&self, flag: &AtomicBool) {
        let _guard = self.waiters.lock().unwrap_or_else(PoisonError::into_inner);
        flag.store(true, Relaxed);
        self.changed.notify_all();
    }

    /// Returns the counters.
    pub fn tally(&self) -> Tally {
        Tally {
            mkdir: self.mkdir.load(Relaxed),
            rmdir: self.rmdir.load(Relaxed),
            populated: self.populated.load(Relaxed),
            empty: self.empty.load(Relaxed),
            others: self.others.load(Relaxed),
            lost: self.lost.load(Relaxed),
            existing: self.existing.load(Relaxed),
            created: self.created.load(Relaxed),
            exited: self.exited.load(Relaxed),
            removed: self.removed.load(Relaxed),
            unprinted: self.unprinted.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            parts: self.parts.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_wait_ends_with_a_flag_or_at_its_deadline() {
        let progress = Arc::new(Progress::default());
        let soon = Instant::now() + Duration::from_millis(5);
        assert!(!progress.wait_until(Some(soon), Progress::is_over) && Instant::now() >= soon);
        let other = Arc::clone(&progress);
        let setter = thread::spawn(move || other.set_done());
        assert!(progress.wait_until(None, Progress::is_over));
        setter.join().unwrap();
        assert!(progress.wait_until(Some(soon), Progress::is_over), "what holds already is not waited for");
    }
}
