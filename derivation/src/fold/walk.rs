//! Walks of cgroupfs: they find what was there before the capture, and what was missed.
//!
//! A walk is not a moment: directories come and go while it lasts. The recorder promises only that
//! every event that happened before the walk's end is admitted before its `SnapshotEnd`. So nothing
//! is concluded before that record.

use alloc::collections::BTreeSet;

use crate::record::{CgroupKey, Directory, HierarchyId, Seq, SnapshotReason};

/// A walk under way.
#[derive(Debug)]
pub(super) struct Walk {
    reason: SnapshotReason,
    begin: Seq,
    seen: BTreeSet<CgroupKey>,
    /// Directories removed since the walk began, which it may still show.
    buried: BTreeSet<CgroupKey>,
    failed: BTreeSet<HierarchyId>,
    walked: BTreeSet<HierarchyId>,
}

impl Walk {
    /// Returns a walk that begins with this record.
    pub fn new(reason: SnapshotReason, begin: Seq) -> Self {
        Self {
            reason,
            begin,
            seen: BTreeSet::new(),
            buried: BTreeSet::new(),
            failed: BTreeSet::new(),
            walked: BTreeSet::new(),
        }
    }

    /// Returns the record with which it began.
    pub fn begin(&self) -> Seq {
        self.begin
    }

    /// Marks a hierarchy as not read whole: nothing may be concluded from a directory missing
    /// there.
    pub fn fail(&mut self, hierarchy: HierarchyId) {
        self.failed.insert(hierarchy);
    }

    /// Marks a directory as there.
    pub fn see(&mut self, key: CgroupKey) {
        self.seen.insert(key);
    }

    /// Marks a directory as removed.
    pub fn bury(&mut self, key: CgroupKey) {
        self.buried.insert(key);
    }

    /// Returns true for the first walk, which finds what was there before the capture.
    pub fn follows_start(&self) -> bool {
        self.reason == SnapshotReason::Start
    }

    /// Takes a directory that was read. Returns true if this walk read it and it is still there.
    pub fn take(&mut self, directory: &Directory<'_>) -> bool {
        if self.reason != directory.reason {
            return false;
        }
        self.walked.insert(directory.key.hierarchy);
        let is_there = !self.buried.contains(&directory.key);
        if is_there {
            self.seen.insert(directory.key);
        }
        is_there
    }

    /// Returns true if a directory that was known before the walk began is gone, as far as this
    /// walk can tell.
    pub fn misses(&self, key: CgroupKey, since: Seq) -> bool {
        since < self.begin
            && !self.seen.contains(&key)
            && self.walked.contains(&key.hierarchy)
            && !self.failed.contains(&key.hierarchy)
    }
}
