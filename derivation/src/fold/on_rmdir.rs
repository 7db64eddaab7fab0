//! The removal of directories: which one is a container's end.

use super::apply::Fold;
use crate::claims::{Claim, ObservedDirectory, RootClaims};
use crate::containers::{DirectoryRole, Origin, Stage};
use crate::identity::{argv, path};
use crate::record::{CgroupEvent, CgroupKey, Stamp};
use crate::row::RowSink;

impl Fold {
    /// Takes the removal of a directory.
    pub(super) fn on_rmdir(&mut self, at: Stamp, event: &CgroupEvent<'_>, out: &mut dyn RowSink) {
        if let Some(walk) = &mut self.walk {
            walk.bury(event.key);
        }
        let usage = self.containers.take_usage(at.seq, event, self.is_carrying);
        let sharers = self.containers.take_sharers(event.key);
        let Some(directory) = self.containers.untrack(event.key) else {
            // A name that a directory was given after its making says nothing.
            if !self.containers.forget_renamed(event.key) {
                self.on_rmdir_of_unknown(at, event, out);
            }
            return;
        };
        let (DirectoryRole::Root(life_id) | DirectoryRole::Candidate(life_id)) = directory.role else { return };
        let Some(life) = self.containers.life_mut(life_id) else { return };
        life.add_usage(&usage);
        // `runc delete OUTER` removes the roots of containers nested in it too: it does not name
        // those.
        if let Some(call) = &self.invocations.get_or_insert_default().read(event.actor.argv)
            && (life.container_id().is_some_and(|id| call.explains_path_id(id))
                || path::names_container(event.path, call.container_id))
        {
            life.claims_mut().add(&Claim::of_argv(at.seq, call));
        }
        for life_id in sharers.into_iter().chain([life_id]) {
            self.root_gone(life_id, event.key, at, Some(&event.actor), out);
        }
    }

    /// Takes the removal of a directory that was never seen: it was there before the walk could see
    /// it, or its making was lost.
    fn on_rmdir_of_unknown(&mut self, at: Stamp, event: &CgroupEvent<'_>, out: &mut dyn RowSink) {
        let observed = ObservedDirectory::of_event(event);
        let pending = self.pending.take_by_path(event.key.hierarchy, event.path);
        let call = argv::parse(event.actor.argv);
        let claims = RootClaims::of(at.seq, &observed, call.as_ref(), &pending);
        // Another directory of the same life may have ended it already.
        if claims.is_empty() || self.containers.has_ghost(&observed, &claims) {
            return;
        }
        let enclosing = self.containers.enclosing(&observed);
        let adopted = self.adopt(&observed, &claims, enclosing, Origin::Leaving, Stage::Announced, at);
        let Some(life_id) = adopted else { return };
        if let Some(life) = self.containers.life_mut(life_id) {
            life.add_usage(&event.usage);
        }
        self.root_gone(life_id, event.key, at, Some(&event.actor), out);
    }

    /// Takes that a directory is gone whose removal nobody saw.
    pub(super) fn on_missing(&mut self, key: CgroupKey, at: Stamp, out: &mut dyn RowSink) {
        let directory = self.containers.untrack(key);
        self.containers.forget_children(key);
        self.containers.forget_renamed(key);
        let newest = match directory.map(|directory| directory.role) {
            Some(DirectoryRole::Root(life_id) | DirectoryRole::Candidate(life_id)) => Some(life_id),
            _ => None,
        };
        for life_id in self.containers.take_sharers(key).into_iter().chain(newest) {
            self.root_gone(life_id, key, at, None, out);
        }
    }
}
