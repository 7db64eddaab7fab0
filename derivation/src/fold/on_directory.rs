//! Directories that walks show, and the conclusions of a walk.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::apply::Fold;
use super::walk::{FoundDirectory, Walk};
use crate::claims::{ObservedDirectory, OwnedClaim, RootClaims};
use crate::containers::{DirectoryRole, ExitEvidence, Life, Origin, Stage, TrackedDirectory};
use crate::record::{CgroupKey, Directory, Seq, SnapshotReason, Stamp};
use crate::row::RowSink;

impl Fold {
    /// Takes a directory as cgroupfs showed it.
    pub(super) fn on_directory(&mut self, at: Stamp, directory: &Directory<'_>) {
        if directory.reason == SnapshotReason::Mkdir {
            self.mark_entered(at.seq, directory);
            return;
        }
        // A directory that an earlier segment's walk showed comes again without that walk.
        let is_there = self.is_carrying || self.walk.as_mut().is_some_and(|walk| walk.take(directory));
        if !is_there {
            return;
        }
        if self.containers.directory(directory.key).is_some() {
            self.mark_entered(at.seq, directory);
            if let Some(walk) = self.walk.as_mut().filter(|_| directory.populated == Some(false)) {
                walk.note_vacant(directory.key, at.seq);
            }
            return;
        }
        if self.containers.is_renamed(directory.key) {
            return;
        }
        let pending = self.pending.take_by_path(directory.key.hierarchy, &directory.path);
        let waiting_id = self.id_that_waits(at, directory, &pending);
        match self.walk.as_mut().zip(waiting_id) {
            Some((walk, container_id)) => {
                let directory = directory.to_owned();
                walk.defer(FoundDirectory { at, container_id, directory, claims: pending });
            }
            None => self.take_found(at, directory, &pending),
        }
    }

    /// Returns the container's id of a directory of which only the end of the walk can tell whether
    /// it is of a container that is known.
    fn id_that_waits(&self, at: Stamp, directory: &Directory<'_>, pending: &[OwnedClaim]) -> Option<String> {
        let walk = self.walk.as_ref().filter(|_| !self.is_carrying)?;
        let observed = ObservedDirectory::of_walk(directory, None);
        let claims = RootClaims::of(at.seq, &observed, None, pending);
        let id = claims.container_id()?;
        self.has_doubtful_life(walk, id, |_| true).then(|| id.into())
    }

    /// Returns true if a life of a container passes a test and may be over, unseen: events were
    /// lost since it began, and the walk has shown none of its directories.
    fn has_doubtful_life(&self, walk: &Walk, container_id: &str, is_meant: impl Fn(&Life) -> bool) -> bool {
        let is_doubtful = |life: &Life| {
            life.stage() != Stage::Ended
                && life.is_run_doubtful()
                && is_meant(life)
                && !life.root_keys().any(|key| walk.has_shown(key))
        };
        let lives = self.containers.lives_with_id(container_id);
        lives.into_iter().filter_map(|life_id| self.containers.life(life_id)).any(is_doubtful)
    }

    /// Takes a directory that a walk found.
    fn take_found(&mut self, at: Stamp, directory: &Directory<'_>, pending: &[OwnedClaim]) {
        let observed = ObservedDirectory::of_walk(directory, self.walk.as_ref().map(Walk::begin));
        let claims = RootClaims::of(at.seq, &observed, None, pending);
        let enclosing = self.containers.enclosing(&observed);
        if claims.is_empty() {
            if let Some(life_id) = enclosing {
                let inside = TrackedDirectory::found(DirectoryRole::Inside(life_id), at.seq);
                self.containers.track(directory.key, inside);
            }
            return;
        }
        // A directory of a life that has ended, on its way to be removed.
        if directory.populated != Some(true) && self.containers.has_ghost(&observed, &claims) {
            return;
        }
        let demoted = self.demote_candidate(self.containers.directory_above(&observed));
        let adopted = self.adopt(&observed, &claims, enclosing, Origin::Walked, Stage::Unannounced, at);
        if let Some(life_id) = adopted {
            self.containers.track(directory.key, TrackedDirectory::found(DirectoryRole::Root(life_id), at.seq));
        }
        if let Some(demoted) = demoted {
            self.containers.forget_if_gone(demoted);
        }
        let Some(life_id) = adopted else { return };
        // It may end before this segment's own walk begins.
        if self.is_carrying
            && let Some(life) = self.containers.life_mut(life_id)
            && life.is_newly_found()
        {
            life.mark_carried();
        }
        self.mark_entered(at.seq, directory);
    }

    /// Marks the life of a root directory as entered if the directory's listing shows tasks.
    fn mark_entered(&mut self, seq: Seq, directory: &Directory<'_>) {
        if (directory.populated == Some(true) || !directory.pids.is_empty())
            && let Some(life) = self.containers.life_of_root_mut(directory.key)
        {
            life.mark_entered(directory.key, seq);
        }
    }

    /// Concludes that a container has exited if the walk showed its root without a task, although
    /// the last record of it has tasks in it: the event of the last one's leaving was lost, as
    /// every event that came before the walk's end is here by now.
    fn on_vacant(&mut self, key: CgroupKey, shown: Seq, at: Stamp, out: &mut dyn RowSink) {
        for life_id in self.containers.lives_with_root(key) {
            let Some(life) = self.containers.life_mut(life_id) else { continue };
            if life.mark_vacant(key, shown) && life.is_abandoned() {
                self.exit_life(life_id, at, ExitEvidence::Concluded, out);
            }
        }
    }

    /// Takes out those of the kept directories of which this walk cannot tell whether they are of a
    /// life that is known, though the next one, which follows on a loss, can: that life began since
    /// the walk did; or its other directories were removed while the walk looked, and an earlier
    /// one had passed the place of this directory before it was made. Returns the ids of their
    /// containers: what is missing of these, the next walk tells, too.
    fn take_open(&self, deferred: &mut Vec<FoundDirectory>) -> BTreeSet<String> {
        let mut open_ids = BTreeSet::new();
        let Some(walk) = &self.walk else { return open_ids };
        deferred.retain(|found| {
            let hierarchy = found.directory.key.hierarchy;
            let is_open = |life: &Life| {
                life.first().seq >= walk.begin()
                    || walk.is_followed() && life.origin() == Origin::Walked && !life.has_root_on(hierarchy)
            };
            let is_open = self.has_doubtful_life(walk, &found.container_id, is_open);
            if is_open {
                open_ids.insert(found.container_id.clone());
            }
            !is_open
        });
        open_ids
    }

    /// Takes the end of a walk, and draws its conclusions.
    pub(super) fn on_walk_end(&mut self, at: Stamp, out: &mut dyn RowSink) {
        let Some(walk) = self.walk.as_mut() else { return };
        let (mut deferred, vacant) = (walk.take_deferred(), walk.take_vacant());
        let open_ids = self.take_open(&mut deferred);
        let Some(walk) = &self.walk else { return };
        let may_hide = |key: CgroupKey, role: DirectoryRole| {
            let life = self.containers.life(role.life_id());
            let is_inside = matches!(role, DirectoryRole::Inside(_));
            let path = life.and_then(|life| if is_inside { life.path_on(key.hierarchy) } else { life.path_of(key) });
            path.is_none_or(|path| walk.may_hide(key.hierarchy, path, is_inside))
        };
        let missing: Vec<CgroupKey> = self
            .containers
            .directories()
            .filter(|(key, directory)| walk.misses(*key, directory.since) && !may_hide(*key, directory.role))
            .filter(|(_, directory)| {
                let life = self.containers.life(directory.role.life_id());
                !life.and_then(Life::container_id).is_some_and(|id| open_ids.contains(&**id))
            })
            .map(|(key, _)| key)
            .collect();
        let is_first = walk.follows_start();
        if is_first {
            self.first_walk_end = Some(at.ts);
        }
        for key in missing {
            self.on_missing(key, at, out);
        }
        for (key, shown) in vacant {
            self.on_vacant(key, shown, at, out);
        }
        for FoundDirectory { at, directory, mut claims, .. } in deferred {
            if self.containers.directory(directory.key).is_none() {
                claims.extend(self.pending.take_by_path(directory.key.hierarchy, &directory.path));
                self.take_found(at, &directory, &claims);
            }
        }
        let found = self
            .containers
            .select(|life| life.is_newly_found() || life.stage() == Stage::Unannounced && life.is_carried());
        for life_id in found {
            self.emit_begin(life_id, at, None, out);
            // It has an init, or had one, and nobody is in it.
            if self.containers.life(life_id).is_some_and(|life| life.is_found_empty()) {
                let evidence = if is_first { ExitEvidence::BeforeCapture } else { ExitEvidence::Concluded };
                self.exit_life(life_id, at, evidence, out);
            }
        }
        self.walk = None;
        self.pending.clear_by_path();
    }
}
