//! Counters that every thread of a session may raise and the status line reads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use obit_derivation::Row;
use obit_derivation::record::{CgroupEventKind, KernelEventKind};
use tokio::sync::Notify;

/// What a session has done so far. Counters are independent; a reader may see one a moment before another.
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
    ended: AtomicU64,
    unprinted: AtomicU64,
    bytes: AtomicU64,
    parts: AtomicU64,
    ready: AtomicBool,
    failed: AtomicBool,
    done: AtomicBool,
    full: AtomicBool,
    /// The number of the segment that is to end, and one more; 0 for none.
    cut_wanted: AtomicU64,
    /// Wakes whoever waits for [`Self::is_ready`] or [`Self::is_over`].
    pub changed: Notify,
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
    /// Containers that were there before.
    pub existing: u64,
    /// Containers created.
    pub created: u64,
    /// Containers ended.
    pub ended: u64,
    /// Rows that were not printed live because the reader was too slow.
    pub unprinted: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Parts sealed.
    pub parts: u64,
}

impl Tally {
    /// Kernel events admitted.
    pub fn events(&self) -> u64 {
        self.mkdir + self.rmdir + self.populated + self.empty + self.others
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
            Row::Remove(_) => &self.ended,
            Row::Disagreement(_) => return,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Counts events lost.
    pub fn lost(&self, count: u64) {
        self.lost.fetch_add(count, Relaxed);
    }

    /// Counts a row that could not be printed.
    pub fn unprinted(&self) {
        self.unprinted.fetch_add(1, Relaxed);
    }

    /// Says how much is on disk.
    pub fn written(&self, bytes: u64, parts: u64) {
        self.bytes.store(bytes, Relaxed);
        self.parts.store(parts, Relaxed);
    }

    /// The probes are attached and the first walk is admitted.
    pub fn set_ready(&self) {
        self.ready.store(true, Relaxed);
        self.changed.notify_one();
    }

    /// A thread of the session ended with an error; the session should stop.
    pub fn set_failed(&self) {
        self.failed.store(true, Relaxed);
        self.changed.notify_one();
    }

    /// Whether everything that begins or ends from now on is recorded.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Relaxed)
    }

    /// There is nothing more to record: time is up, a signal came, or the work to be recorded is done.
    pub fn set_done(&self) {
        self.done.store(true, Relaxed);
        self.changed.notify_one();
    }

    /// The case has as many bytes as it may have: the session should stop.
    pub fn set_full(&self) {
        self.full.store(true, Relaxed);
        self.changed.notify_one();
    }

    /// Whether the case has as many bytes as it may have.
    pub fn is_full(&self) -> bool {
        self.full.load(Relaxed)
    }

    /// This segment is large enough to end.
    pub fn want_cut(&self, segment: u32) {
        self.cut_wanted.store(u64::from(segment) + 1, Relaxed);
    }

    /// Whether this segment is to end.
    pub fn is_cut_wanted(&self, segment: u32) -> bool {
        self.cut_wanted.load(Relaxed) == u64::from(segment) + 1
    }

    /// Whether the session should stop.
    pub fn is_over(&self) -> bool {
        self.done.load(Relaxed) || self.failed.load(Relaxed) || self.is_full()
    }

    /// The counters now.
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
            ended: self.ended.load(Relaxed),
            unprinted: self.unprinted.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            parts: self.parts.load(Relaxed),
        }
    }
}
