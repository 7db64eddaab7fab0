//! The removal of directories: which one is a container's end.

use super::Fold;
use crate::claims::{Claim, RootClaims};
use crate::containers::directory::{DirectoryRole, ObservedDirectory, TrackedDirectory};
use crate::containers::life::{Origin, Stage, Stamp};
use crate::containers::life_table::LifeId;
use crate::identity::{argv, path};
use crate::record::{Actor, CgroupEvent, CgroupKey};
use crate::row::RowSink;

impl Fold {
    pub(super) fn removed(&mut self, moment: Stamp, event: &CgroupEvent<'_>, out: &mut dyn RowSink) {
        if let Some(walk) = &mut self.walk {
            walk.bury(event.key);
        }
        let usage = self.take_with_below(moment.seq, event);
        let Some(known) = self.directories.remove(&event.key) else {
            self.removed_unknown(moment, event, out);
            return;
        };
        let number = known.role.life_id();
        if matches!(known.role, DirectoryRole::Inside(_)) {
            return;
        }
        let Some(life) = self.lives.get_mut(number) else {
            return;
        };
        crate::containers::usage::absorb(&mut life.end_mut().usage, &usage);
        // `runc delete OUTER` removes the roots of containers nested in it too: it does not name those.
        if let Some(call) = &self.last_call.get_or_insert_default().read(event.actor.argv)
            && (life.container_id().is_some_and(|id| **id == *call.container_id)
                || path::names_container(event.path, call.container_id))
        {
            life.claims.add(&Claim::of_argv(moment.seq, call));
        }
        self.lose_root(number, event.key, moment, Some(&event.actor), out);
    }

    /// A directory goes that was never seen: it was there before the walk could see it, or its making was lost.
    fn removed_unknown(&mut self, moment: Stamp, event: &CgroupEvent<'_>, out: &mut dyn RowSink) {
        let sighting = ObservedDirectory::of_event(event);
        let stated = self.stated.take(sighting.key.hierarchy, sighting.path);
        let call = argv::parse(event.actor.argv);
        let claims = RootClaims::of(moment.seq, &sighting, call.as_ref(), &stated);
        // One of its other directories may have ended it already.
        if claims.is_empty() || self.has_ghost(&sighting, &claims) {
            return;
        }
        let enclosing = self.enclosing(&sighting);
        let number = self.adopt(&sighting, &claims, enclosing, Origin::Leaving, Stage::Announced, moment);
        if let Some(life) = self.lives.get_mut(number) {
            crate::containers::usage::absorb(&mut life.end_mut().usage, &event.usage);
        }
        self.lose_root(number, event.key, moment, Some(&event.actor), out);
    }

    /// A directory that was known is gone, and nobody saw it go.
    pub(super) fn found_missing(&mut self, key: CgroupKey, moment: Stamp, out: &mut dyn RowSink) {
        let known = self.directories.remove(&key);
        self.forget_below(key);
        let Some(TrackedDirectory { role: DirectoryRole::Root(number) | DirectoryRole::Candidate(number), .. }) = known
        else {
            return;
        };
        self.lose_root(number, key, moment, None, out);
    }

    /// A root directory of an life is gone. That is its end if the directory stands for it, or was its last.
    pub(super) fn lose_root(
        &mut self,
        number: LifeId,
        key: CgroupKey,
        moment: Stamp,
        removed_by: Option<&Actor<'_>>,
        out: &mut dyn RowSink,
    ) {
        let Some(life) = self.lives.get_mut(number) else { return };
        if life.ends_with(key, moment.seq) {
            self.announce(number, moment, None, out);
            self.end(number, moment, removed_by, out);
        }
        self.was_moved(number);
        self.forget_if_gone(number);
    }
}
