//! Walks of cgroupfs: they find what was there before the capture, and what was missed.
//!
//! A walk is not a moment: directories come and go while it lasts. The recorder promises only that
//! every event that happened before the walk's end is admitted before its `SnapshotEnd`. So nothing
//! is concluded before that record.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

use crate::claims::OwnedClaim;
use crate::record::{CgroupKey, Directory, HierarchyId, Seq, SnapshotReason, Stamp, UnreadPart};

/// Most paths kept of one hierarchy below which it was not read; beyond, nothing follows from a
/// directory missing in it.
const MAX_UNREAD: usize = 1_024;

/// A walk under way.
#[derive(Debug)]
pub(super) struct Walk {
    reason: SnapshotReason,
    begin: Seq,
    /// True if events were lost since it began.
    has_loss: bool,
    /// Directories that it has read.
    shown: BTreeSet<CgroupKey>,
    /// Directories made since the walk began, which it may have passed before.
    made: BTreeSet<CgroupKey>,
    /// Directories removed since the walk began, which it may still show.
    buried: BTreeSet<CgroupKey>,
    /// The paths below which a hierarchy was not read whole.
    unread: BTreeMap<HierarchyId, BTreeSet<String>>,
    walked: BTreeSet<HierarchyId>,
    /// Directories known before that were shown without a task, with the record that showed it.
    vacant: BTreeMap<CgroupKey, Seq>,
    /// Directories whose life only the end of the walk can tell.
    deferred: BTreeMap<CgroupKey, FoundDirectory>,
    /// How many of them are of each container.
    deferred_ids: BTreeMap<String, usize>,
}

/// A directory that a walk found, with what was claimed about its path.
#[derive(Clone, Debug)]
pub(super) struct FoundDirectory {
    pub at: Stamp,
    /// The container that it is a root of.
    pub container_id: String,
    pub directory: Directory<'static>,
    pub claims: Vec<OwnedClaim>,
}

impl Walk {
    /// Returns a walk that begins with this record.
    pub fn new(reason: SnapshotReason, begin: Seq) -> Self {
        Self {
            reason,
            begin,
            has_loss: false,
            shown: BTreeSet::new(),
            made: BTreeSet::new(),
            buried: BTreeSet::new(),
            unread: BTreeMap::new(),
            walked: BTreeSet::new(),
            vacant: BTreeMap::new(),
            deferred: BTreeMap::new(),
            deferred_ids: BTreeMap::new(),
        }
    }

    /// Returns the record with which it began.
    pub fn begin(&self) -> Seq {
        self.begin
    }

    /// Marks a part of a hierarchy as not read: nothing may be concluded from a directory missing
    /// there.
    pub fn fail(&mut self, part: &UnreadPart<'_>) {
        let parts = self.unread.entry(part.hierarchy).or_default();
        match &part.below {
            Some(path) if parts.len() < MAX_UNREAD => _ = parts.insert(path.clone().into_owned()),
            // The path of the root: below it is everything.
            _ => *parts = BTreeSet::from([String::from("/")]),
        }
    }

    /// Notes that events were lost.
    pub fn note_loss(&mut self) {
        self.has_loss = true;
    }

    /// Returns true if another walk follows: events were lost while this one looked.
    pub fn is_followed(&self) -> bool {
        self.has_loss && self.reason != SnapshotReason::Stop
    }

    /// Marks a directory as made.
    pub fn note_made(&mut self, key: CgroupKey) {
        self.made.insert(key);
    }

    /// Returns true if the walk has read a directory.
    pub fn has_shown(&self, key: CgroupKey) -> bool {
        self.shown.contains(&key)
    }

    /// Keeps a directory for the end of the walk.
    pub fn defer(&mut self, found: FoundDirectory) {
        if self.has_deferred(found.directory.key) {
            return;
        }
        *self.deferred_ids.entry(found.container_id.clone()).or_default() += 1;
        self.deferred.insert(found.directory.key, found);
    }

    /// Takes a directory that was kept, if it was: an event tells whose it is.
    pub fn settle(&mut self, key: CgroupKey) -> Option<FoundDirectory> {
        let found = self.deferred.remove(&key)?;
        if let Some(count) = self.deferred_ids.get_mut(&found.container_id) {
            *count = count.saturating_sub(1);
        }
        Some(found)
    }

    /// Returns true if a directory with this container's id is kept for the end of the walk.
    pub fn has_deferred_id(&self, container_id: &str) -> bool {
        self.deferred_ids.get(container_id).is_some_and(|count| *count > 0)
    }

    /// Returns true if a directory is kept for the end of the walk.
    pub fn has_deferred(&self, key: CgroupKey) -> bool {
        self.deferred.contains_key(&key)
    }

    /// Takes the directories that were kept and are still there, in the order in which they were
    /// shown.
    pub fn take_deferred(&mut self) -> Vec<FoundDirectory> {
        let mut deferred = core::mem::take(&mut self.deferred);
        deferred.retain(|key, _| !self.buried.contains(key));
        let mut deferred: Vec<_> = deferred.into_values().collect();
        deferred.sort_by_key(|found| found.at.seq);
        deferred
    }

    /// Marks a directory that is known as shown without a task.
    pub fn note_vacant(&mut self, key: CgroupKey, shown: Seq) {
        self.vacant.insert(key, shown);
    }

    /// Takes the directories that were shown without a task and are still there.
    pub fn take_vacant(&mut self) -> BTreeMap<CgroupKey, Seq> {
        let mut vacant = core::mem::take(&mut self.vacant);
        vacant.retain(|key, _| !self.buried.contains(key));
        vacant
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
            self.shown.insert(directory.key);
        }
        is_there
    }

    /// Returns true if a directory that was known before the walk began was not among those that
    /// the walk read of its hierarchy.
    pub fn misses(&self, key: CgroupKey, since: Seq) -> bool {
        let is_seen = self.shown.contains(&key) || self.made.contains(&key);
        since < self.begin && !is_seen && self.walked.contains(&key.hierarchy)
    }

    /// Returns true if a directory may be in a part of its hierarchy that was not read.
    /// `is_inside`: it is somewhere below this path.
    pub fn may_hide(&self, hierarchy: HierarchyId, path: &str, is_inside: bool) -> bool {
        let is_below = |path: &str, above: &str| {
            path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/') || above.ends_with('/'))
        };
        self.unread
            .get(&hierarchy)
            .into_iter()
            .flatten()
            .any(|unread| is_below(path, unread) || is_inside && (path == unread || is_below(unread, path)))
    }
}
