//! The making of directories: which one is a container's root.

use super::apply::Fold;
use crate::claims::{Claim, ClaimSet, ObservedDirectory, RootClaims};
use crate::containers::{DirectoryRole, ExitEvidence, Life, LifeId, Origin, Stage, TrackedDirectory};
use crate::identity::OciRuntime;
use crate::identity::argv::Invocation;
use crate::identity::path;
use crate::record::{CgroupEvent, CgroupKey, Stamp};
use crate::row::RowSink;

impl Fold {
    /// Takes the making of a directory.
    pub(super) fn on_mkdir(&mut self, at: Stamp, event: &CgroupEvent<'_>, out: &mut dyn RowSink) {
        // Taken out, since the call borrows from it while the fold changes.
        let mut invocations = self.invocations.take().unwrap_or_default();
        let call = invocations.read(event.actor.argv).filter(|call| call.verb.makes_directories());
        self.on_mkdir_by(at, event, call.as_ref(), out);
        self.invocations = Some(invocations);
    }

    /// Takes the making of a directory by this call of an OCI runtime, if by one.
    fn on_mkdir_by(
        &mut self,
        at: Stamp,
        event: &CgroupEvent<'_>,
        call: Option<&Invocation<'_>>,
        out: &mut dyn RowSink,
    ) {
        if let Some(walk) = &mut self.walk {
            walk.note_made(event.key);
        }
        let mut taken_from = None;
        match self.containers.directory(event.key) {
            // The number comes again: the removal of the directory that had it was lost.
            Some(TrackedDirectory { is_made: true, .. }) => self.on_missing(event.key, at, out),
            Some(TrackedDirectory { role: DirectoryRole::Root(life_id), .. })
                if call.is_some_and(|call| self.is_of_next_run(life_id, at, event, call)) =>
            {
                // While it still has the directory: its rows name it.
                if let Some(call) = call {
                    self.end_run_before(at, event.actor.pid, call, out);
                }
                self.containers.detach(event.key, life_id);
                taken_from = Some(life_id);
            }
            Some(directory) => {
                self.containers.track(event.key, TrackedDirectory { is_made: true, ..directory });
                return self.on_mkdir_of_known(directory.role, at, event, call, out);
            }
            None => {}
        }
        let observed = ObservedDirectory::of_event(event);
        let mut pending = self.pending.take_by_path(event.key.hierarchy, event.path);
        let found = self.walk.as_mut().and_then(|walk| walk.settle(event.key));
        // It may have another name by now.
        if let Some(found) = found.filter(|found| found.directory.path == event.path) {
            pending.extend(found.claims);
        }
        let mut claims = RootClaims::of(at.seq, &observed, call, &pending);
        let above = self.containers.directory_above(&observed);
        let enclosing = above.and_then(|(_, role)| role.encloses());
        let mut role: fn(LifeId) -> DirectoryRole = DirectoryRole::Root;
        let mut stage = Stage::Unannounced;
        if claims.is_empty() {
            // A runtime's directory whose name does not name the container: `linux.cgroupsPath` may
            // be anything, and the runtime makes missing parents on the way. The deepest one is the
            // root, but one that it makes below a root is its own affair (crun's `/container`).
            //
            // LXC's monitor names its directories itself.
            match call.filter(|call| call.oci_runtime.is_some()).map(|call| Claim::of_argv(at.seq, call)) {
                Some(claim) if !enclosing.is_some_and(|life_id| self.containers.is_about(life_id, &claim)) => {
                    claims.by_argv = Some(claim);
                    role = DirectoryRole::Candidate;
                    stage = Stage::Provisional;
                }
                _ => {
                    if let Some(life_id) = enclosing {
                        let inside = TrackedDirectory::made(DirectoryRole::Inside(life_id), at.seq);
                        self.containers.track(event.key, inside);
                    }
                    return;
                }
            }
        }
        let demoted = self.demote_candidate(above);
        if let Some(call) = call {
            self.end_run_before(at, event.actor.pid, call, out);
        }
        let adopted = self.adopt(&observed, &claims, enclosing, Origin::Made, stage, at);
        if let Some(life_id) = adopted {
            self.containers.track(event.key, TrackedDirectory::made(role(life_id), at.seq));
        }
        for life_id in demoted.into_iter().chain(taken_from) {
            self.containers.forget_if_gone(life_id);
        }
        let Some(life_id) = adopted else { return };
        let start = self.gaps.beginning(Origin::Made, Stage::Unannounced, at);
        let Some(life) = self.containers.life_mut(life_id) else { return };
        if call.is_some() {
            life.set_maker_pid(event.actor.pid);
        }
        if life.stage() == Stage::Provisional {
            life.set_maker(&event.actor);
        }
        // A walk may have shown others of its directories before the event of this one was read. If
        // this one was made later, the making of those is yet to be told, or was lost.
        if at.boot_ns < life.first().boot_ns {
            life.correct_beginning(start, event.actor.uid);
        }
        let is_found = life.origin() == Origin::Walked;
        if stage == Stage::Unannounced && !is_found {
            self.emit_begin(life_id, at, Some(&event.actor), out);
        }
    }

    /// Returns true if a directory that a walk found is not of the run that it was taken for: the
    /// call that made it begins, or has begun, another run of the container.
    fn is_of_next_run(&self, taken_for: LifeId, at: Stamp, event: &CgroupEvent<'_>, call: &Invocation<'_>) -> bool {
        let has_one_maker = call.oci_runtime == Some(OciRuntime::Runc);
        let is_of_another = |life: &Life| life.is_run_of_another(at, event.actor.pid, has_one_maker);
        let begun = self.containers.life_made_by(call.container_id, event.actor.pid);
        path::names_container(event.path, call.container_id)
            && self.containers.is_about(taken_for, &Claim::of_argv(at.seq, call))
            && (begun.is_some_and(|begun| begun != taken_for)
                || self.containers.life(taken_for).is_some_and(is_of_another))
    }

    /// Takes the event of a directory's making after a walk has shown the directory.
    fn on_mkdir_of_known(
        &mut self,
        role: DirectoryRole,
        at: Stamp,
        event: &CgroupEvent<'_>,
        call: Option<&Invocation<'_>>,
        out: &mut dyn RowSink,
    ) {
        let DirectoryRole::Root(life_id) = role else { return };
        let demoted = self.demote_candidate(self.containers.directory_above(&ObservedDirectory::of_event(event)));
        if let Some(demoted) = demoted {
            self.containers.forget_if_gone(demoted);
        }
        let Some(life) = self.containers.life_mut(life_id) else { return };
        life.add_evidence(at.seq);
        if let Some(call) = call.filter(|call| path::names_container(event.path, call.container_id)) {
            life.claims_mut().add(&Claim::of_argv(at.seq, call));
            life.set_maker_pid(event.actor.pid);
        }
        let start = self.gaps.beginning(Origin::Made, Stage::Unannounced, at);
        if life.correct_beginning(start, event.actor.uid) {
            self.emit_begin(life_id, at, Some(&event.actor), out);
        }
    }

    /// Drops the directory above a root, if it was taken for one: it is a mere parent. Returns the
    /// life that it was taken for.
    pub(super) fn demote_candidate(&mut self, above: Option<(CgroupKey, DirectoryRole)>) -> Option<LifeId> {
        let Some((parent, DirectoryRole::Candidate(taken_for))) = above else { return None };
        self.containers.detach(parent, taken_for);
        Some(taken_for)
    }

    /// Ends the runs of a container that a runtime now makes anew, though their end was not seen:
    /// it does so only when the run before is over. runc makes all directories of a container in
    /// one process; of another runtime, the program of the run before must have begun.
    fn end_run_before(&mut self, at: Stamp, maker_pid: u32, call: &Invocation<'_>, out: &mut dyn RowSink) {
        let claim = Claim::of_argv(at.seq, call);
        let has_one_maker = call.oci_runtime == Some(OciRuntime::Runc);
        for life_id in self.containers.lives_with_id(call.container_id) {
            let is_before = self.containers.is_about(life_id, &claim)
                && self
                    .containers
                    .life(life_id)
                    .is_some_and(|life| life.is_run_of_another(at, maker_pid, has_one_maker));
            if is_before {
                self.exit_life(life_id, at, ExitEvidence::Concluded, out);
            }
        }
    }

    /// Gives a directory to the life that it belongs to, and begins one if there is none. `None` if
    /// the user who made it has too many.
    pub(super) fn adopt(
        &mut self,
        observed: &ObservedDirectory<'_>,
        claims: &RootClaims<'_>,
        enclosing: Option<LifeId>,
        origin: Origin,
        stage: Stage,
        at: Stamp,
    ) -> Option<LifeId> {
        let beginning = self.gaps.beginning(origin, stage, at);
        let began_at = self.gaps.clock_set().is_none().then_some(at.ts);
        let complete = |claims: &mut ClaimSet| self.pending.complete(claims, began_at);
        let life_id = self.containers.adopt(observed, claims, enclosing, beginning, complete)?;
        self.containers.note_stated_init(life_id, at);
        Some(life_id)
    }
}
