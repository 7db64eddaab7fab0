//! The making of directories: which one is a container's root.

use alloc::boxed::Box;

use super::Fold;
use crate::claims::{Claim, RootClaims};
use crate::containers::directory::{DirectoryRole, ObservedDirectory, TrackedDirectory};
use crate::containers::life::{Origin, Stage, Stamp};
use crate::containers::life_table::LifeId;
use crate::identity::argv::Invocation;
use crate::identity::path;
use crate::record::{CgroupEvent, CgroupKey};
use crate::row::{ActorCopy, RowSink};

impl Fold {
    pub(super) fn made(&mut self, moment: Stamp, event: &CgroupEvent<'_>, out: &mut dyn RowSink) {
        let mut last_call = self.last_call.take().unwrap_or_default();
        let call = last_call.read(event.actor.argv).filter(|call| call.verb.makes_directories());
        self.made_by(moment, event, call.as_ref(), out);
        self.last_call = Some(last_call);
    }

    /// The same, by the call of an OCI runtime that makes directories, if by one.
    fn made_by(
        &mut self,
        moment: Stamp,
        event: &CgroupEvent<'_>,
        call: Option<&Invocation<'_>>,
        out: &mut dyn RowSink,
    ) {
        let sighting = ObservedDirectory::of_event(event);
        if let Some(walk) = &mut self.walk {
            walk.see(event.key);
        }
        match self.directories.get(&event.key).copied() {
            // The number comes again: the removal of the directory that had it was lost.
            Some(TrackedDirectory { is_made: true, .. }) => self.found_missing(event.key, moment, out),
            Some(known) => {
                self.directories.insert(event.key, TrackedDirectory { is_made: true, ..known });
                return self.witness_making(known, moment, event, call, out);
            }
            None => {}
        }
        let stated = self.stated.take(sighting.key.hierarchy, sighting.path);
        let mut claims = RootClaims::of(moment.seq, &sighting, call, &stated);
        let above = self.known_above(&sighting);
        let enclosing = above.and_then(|(_, role)| role.encloses());
        let mut role: fn(LifeId) -> DirectoryRole = DirectoryRole::Root;
        let mut stage = Stage::Unannounced;
        if claims.is_empty() {
            // A runtime's directory whose name does not name the container: `linux.cgroupsPath` may be anything, and
            // the runtime makes missing parents on the way. The deepest one is the root, but one that it makes below
            // a root is its own affair (crun's `/container`).
            match call.map(|call| Claim::of_argv(moment.seq, call)) {
                Some(claim) if !enclosing.is_some_and(|number| self.is_about(number, &claim)) => {
                    claims.by_argv = Some(claim);
                    role = DirectoryRole::Candidate;
                    stage = Stage::Provisional;
                }
                _ => {
                    if let Some(number) = enclosing {
                        self.remember(event.key, DirectoryRole::Inside(number), moment);
                    }
                    return;
                }
            }
        }
        let mut demoted = None;
        if let Some((parent, DirectoryRole::Candidate(taken_for))) = above {
            self.demote(parent, taken_for);
            demoted = Some(taken_for);
        }
        let number = self.adopt(&sighting, &claims, enclosing, Origin::Made, stage, moment);
        self.remember(event.key, role(number), moment);
        if let Some(demoted) = demoted {
            self.forget_if_gone(demoted);
        }
        let Some(life) = self.lives.get_mut(number) else { return };
        if life.stage == Stage::Provisional {
            life.made_by.get_or_insert_with(|| Box::new(ActorCopy::from(&event.actor)));
        }
        // A walk may have shown another of its directories whose making is yet to be told.
        let is_found = life.origin == Origin::Walked;
        if stage == Stage::Unannounced && !is_found {
            self.announce(number, moment, Some(&event.actor), out);
        }
    }

    /// The event of a directory's making arrives after a walk has shown the directory.
    pub(super) fn witness_making(
        &mut self,
        known: TrackedDirectory,
        moment: Stamp,
        event: &CgroupEvent<'_>,
        call: Option<&Invocation<'_>>,
        out: &mut dyn RowSink,
    ) {
        let DirectoryRole::Root(number) = known.role else { return };
        let Some(life) = self.lives.get_mut(number) else {
            return;
        };
        life.note(moment.seq);
        if let Some(call) = call.filter(|call| path::names_container(event.path, call.container_id)) {
            life.claims.add(&Claim::of_argv(moment.seq, call));
        }
        if life.origin == Origin::Walked && life.stage == Stage::Unannounced {
            life.origin = Origin::Made;
            life.user = (event.actor.uid != 0).then_some(event.actor.uid);
            life.first = moment;
            self.announce(number, moment, Some(&event.actor), out);
        }
    }

    /// A directory turns out to be a mere parent that a runtime made on its way to a root: its own, or another's that is made
    /// beside it at the same time. Left as it is, it would seem entered as soon as the one below is.
    fn demote(&mut self, candidate: CgroupKey, taken_for: LifeId) {
        self.directories.remove(&candidate);
        if let Some(life) = self.lives.get_mut(taken_for) {
            life.drop_root(candidate);
        }
        self.was_moved(taken_for);
    }

    /// Keeps a directory that is being made.
    pub(super) fn remember(&mut self, key: CgroupKey, role: DirectoryRole, made: Stamp) {
        self.directories.insert(key, TrackedDirectory { role, since: made.seq, is_made: true });
    }
}
