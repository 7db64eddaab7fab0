//! Walks of cgroupfs: what was there before the capture, and what was missed.
//!
//! A walk is not a moment: directories come and go while it lasts. The recorder promises only that every event that
//! happened before the walk's end is admitted before its `SnapshotEnd`. So nothing is concluded before that record.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::Fold;
use crate::claims::RootClaims;
use crate::containers::directory::{DirectoryRole, ObservedDirectory, TrackedDirectory};
use crate::containers::life::{Origin, Stage, Stamp};
use crate::record::{CgroupKey, Directory, HierarchyId, Seq, SnapshotReason};
use crate::row::RowSink;

/// A walk under way.
#[derive(Debug)]
pub(super) struct Walk {
    reason: SnapshotReason,
    begin: Seq,
    seen: BTreeSet<CgroupKey>,
    /// Directories removed since the walk began: the walk may still show them.
    buried: BTreeSet<CgroupKey>,
    failed: BTreeSet<HierarchyId>,
    walked: BTreeSet<HierarchyId>,
}

impl Walk {
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

    pub fn fail(&mut self, hierarchy: HierarchyId) {
        self.failed.insert(hierarchy);
    }

    pub fn see(&mut self, key: CgroupKey) {
        self.seen.insert(key);
    }

    pub fn bury(&mut self, key: CgroupKey) {
        self.buried.insert(key);
    }

    /// Whether this is the first walk, which finds what was there before the capture.
    pub fn follows_start(&self) -> bool {
        self.reason == SnapshotReason::Start
    }

    /// Takes a directory; whether it is one of this walk and still there.
    fn shows(&mut self, directory: &Directory<'_>) -> bool {
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

    /// Whether a directory that was known before the walk began is gone, as far as this walk can tell.
    fn misses(&self, key: CgroupKey, since: Seq) -> bool {
        since < self.begin
            && !self.seen.contains(&key)
            && self.walked.contains(&key.hierarchy)
            && !self.failed.contains(&key.hierarchy)
    }
}

impl Fold {
    /// A directory as cgroupfs showed it.
    pub(super) fn walked(&mut self, moment: Stamp, directory: &Directory<'_>) {
        if directory.reason == SnapshotReason::Mkdir {
            self.looked_at(directory);
            return;
        }
        // What an earlier segment's walk showed comes again without that walk.
        let is_shown = self.carrying || self.walk.as_mut().is_some_and(|walk| walk.shows(directory));
        if !is_shown {
            return;
        }
        if self.directories.contains_key(&directory.key) {
            self.looked_at(directory);
            return;
        }
        // Whoever may make directories there may have made this one.
        let sighting = ObservedDirectory::new(directory.key, directory.parent, &directory.path, false)
            .by(directory.parent_uid.unwrap_or(0));
        let stated = self.stated.take(sighting.key.hierarchy, sighting.path);
        let claims = RootClaims::of(moment.seq, &sighting, None, &stated);
        let enclosing = self.enclosing(&sighting);
        if claims.is_empty() {
            if let Some(number) = enclosing {
                self.directories
                    .insert(directory.key, TrackedDirectory::walked(DirectoryRole::Inside(number), moment.seq));
            }
            return;
        }
        let number = self.adopt(&sighting, &claims, enclosing, Origin::Walked, Stage::Unannounced, moment);
        self.directories.insert(directory.key, TrackedDirectory::walked(DirectoryRole::Root(number), moment.seq));
        self.looked_at(directory);
    }

    /// Tasks in a root's own listing show that it was entered.
    fn looked_at(&mut self, directory: &Directory<'_>) {
        let Some(TrackedDirectory { role: DirectoryRole::Root(number), .. }) =
            self.directories.get(&directory.key).copied()
        else {
            return;
        };
        let Some(life) = self.lives.get_mut(number) else {
            return;
        };
        if directory.populated == Some(true) || !directory.pids.is_empty() {
            life.entered = true;
        }
    }

    /// Draws the conclusions of a walk.
    pub(super) fn end_walk(&mut self, moment: Stamp, out: &mut dyn RowSink) {
        let Some(walk) = self.walk.as_ref() else { return };
        let missing: Vec<CgroupKey> = self
            .directories
            .iter()
            .filter(|(key, known)| walk.misses(**key, known.since))
            .map(|(key, _)| *key)
            .collect();
        let found = self
            .lives
            .in_order(|life| life.stage == Stage::Unannounced && (life.is_carried || life.origin == Origin::Walked));
        for number in found {
            self.announce(number, moment, None, out);
        }
        self.walk = None;
        self.stated.clear();
        for key in missing {
            self.found_missing(key, moment, out);
        }
    }
}
