//! Events of processes: each is kept with the life that its process is of.
//!
//! A container's init is a process, not a place. It is the one that a runtime's own process turns
//! into by executing the container's program, or the one that a source states; its end counts
//! wherever it happens. A process that is run in a container beside it never is.

use alloc::string::String;

use super::apply::Fold;
use super::walk::Walk;
use crate::claims::{Claim, ClaimSet, ObservedDirectory, RootClaims};
use crate::containers::{DirectoryRole, ExitEvidence, LifeId, LifeStart, Origin, Stage, TrackedDirectory};
use crate::ending::NamespaceEnd;
use crate::identity::OciRuntime;
use crate::identity::argv::Invocation;
use crate::record::{
    CgroupKey, FatalSignal, HierarchyId, OomKill, ProcessAttach, ProcessExec, SignalOrigin, Stamp, Target, TaskExit,
};
use crate::row::RowSink;

impl Fold {
    /// Takes that a process was put into a cgroup. If an OCI runtime does that to begin a container
    /// in a directory that was there before, a life begins.
    pub(super) fn on_attach(&mut self, at: Stamp, attach: &ProcessAttach<'_>, out: &mut dyn RowSink) {
        // Taken out, since the call borrows from it while the fold changes.
        let mut invocations = self.invocations.take().unwrap_or_default();
        if let Some(call) = invocations.read(attach.mover.argv).filter(|call| call.verb.makes_directories()) {
            self.on_attach_by(at, attach, &call, out);
        }
        self.invocations = Some(invocations);
    }

    fn on_attach_by(&mut self, at: Stamp, attach: &ProcessAttach<'_>, call: &Invocation<'_>, out: &mut dyn RowSink) {
        let claim = Claim::of_argv(at.seq, call);
        let known = self.containers.directory(attach.key);
        let role = known.map(|directory| directory.role);
        if let Some(life_id) = role.map(DirectoryRole::life_id) {
            let is_about = self.containers.is_about(life_id, &claim);
            let Some(life) = self.containers.life_mut(life_id) else { return };
            let is_of_this_call = life.is_made_by(attach.mover.pid);
            let is_over = life.exit().is_some()
                || life.stage() == Stage::Ended
                || life.is_run_of_another(at, attach.mover.pid, call.oci_runtime == Some(OciRuntime::Runc));
            if is_of_this_call || is_about && !is_over {
                life.mark_programs_seen();
                life.set_maker_pid(attach.mover.pid);
                return;
            }
        }
        let observed = ObservedDirectory::of_attach(attach);
        let claims = RootClaims::of_call(claim.clone());
        let enclosing = match role {
            Some(DirectoryRole::Inside(life_id)) => Some(life_id),
            _ => None,
        };
        // The life that the call has begun in another of its directories, if there is one.
        let pid = attach.mover.pid;
        let begun = self.containers.life_made_by(call.container_id, pid);
        let begun = begun.or_else(|| self.containers.life_found_of_call(&claim, pid, attach.key, at));
        let start = self.gaps.beginning(Origin::Made, Stage::Unannounced, at);
        let start = LifeStart { extends_others: false, ..start };
        let began_at = self.gaps.clock_set().is_none().then_some(at.ts);
        let adopted = begun.or_else(|| {
            let pending = &self.pending;
            let complete = |claims: &mut ClaimSet| pending.complete(claims, began_at);
            self.containers.adopt(&observed, &claims, enclosing, start, complete)
        });
        let Some(life_id) = adopted else { return };
        for older in self.containers.lives_with_root(attach.key) {
            // A runtime begins a container anew only if the run before is over.
            let is_same = self
                .containers
                .life(older)
                .is_some_and(|life| life.container_id().is_some_and(|id| **id == *call.container_id));
            if older != life_id && is_same && self.containers.is_about(older, &claim) {
                self.exit_life(older, at, ExitEvidence::Concluded, out);
            }
        }
        match role {
            Some(DirectoryRole::Root(_) | DirectoryRole::Candidate(_)) => {
                self.containers.share(attach.key, life_id, at.seq);
            }
            _ => {
                let found = TrackedDirectory::found(DirectoryRole::Root(life_id), at.seq);
                let is_made = known.is_some_and(|directory| directory.is_made);
                self.containers.track(attach.key, TrackedDirectory { is_made, ..found });
            }
        }
        self.containers.add_root(life_id, &observed);
        if let Some(walk) = &mut self.walk {
            walk.settle(attach.key);
        }
        if let Some(life) = self.containers.life_mut(life_id) {
            life.correct_beginning(start, attach.mover.uid);
            life.set_maker_pid(attach.mover.pid);
            life.mark_programs_seen();
            life.enter(attach.key, at.seq);
        }
        self.emit_begin(life_id, at, Some(&attach.mover), out);
    }

    /// Takes that a process executed a program: the container's, if a runtime's process did that
    /// first.
    pub(super) fn on_exec(&mut self, at: Stamp, exec: &ProcessExec<'_>, out: &mut dyn RowSink) {
        let Some(life_id) = self.life_of_process(&exec.target) else { return };
        let is_outside = self.containers.is_parent_outside(&exec.target, life_id);
        let is_next = self.is_next_init(life_id, &exec.target);
        let Some(life) = self.containers.life_mut(life_id) else { return };
        life.mark_programs_seen();
        if !is_outside {
            return;
        }
        let is_named = life.is_init(&exec.target);
        let begun = if is_next {
            self.begin_again(at, life_id, &exec.target, Origin::Made, out)
        } else if is_named == Some(true)
            // What was stated before the first program is of the life before.
            || life.sees_first_program()
            || is_named.is_none() && exec.target.is_reaper
        {
            self.containers.set_init(life_id, exec.target.process(), at.seq);
            Some(life_id)
        } else {
            None
        };
        if let Some(life) = begun.and_then(|life_id| self.containers.life_mut(life_id)) {
            life.mark_executed();
        }
    }

    /// Returns the life that a process is of. Of one in a directory that waits for the end of a
    /// walk, nobody knows.
    pub(super) fn life_of_process(&self, target: &Target<'_>) -> Option<LifeId> {
        let waits = |walk: &Walk| target.places().any(|key| walk.has_deferred(key));
        if self.walk.as_ref().is_some_and(waits) { None } else { self.containers.life_of_process(target) }
    }

    /// Begins the next life of a container that runs again in the directories of the life before,
    /// as LXC does. The end of that life was not seen if it has no exit.
    fn begin_again(
        &mut self,
        at: Stamp,
        older: LifeId,
        target: &Target<'_>,
        origin: Origin,
        out: &mut dyn RowSink,
    ) -> Option<LifeId> {
        self.exit_life(older, at, ExitEvidence::Concluded, out);
        let life_id = match self.containers.next_life_found(older) {
            Some(found) => {
                self.containers.inherit(older, found, at.seq);
                found
            }
            None => self.containers.begin_again(older, self.gaps.beginning(origin, Stage::Unannounced, at))?,
        };
        self.containers.set_init(life_id, target.process(), at.seq);
        self.emit_begin(life_id, at, None, out);
        Some(life_id)
    }

    /// Takes that a process ended.
    pub(super) fn on_exit(&mut self, at: Stamp, exit: &TaskExit<'_>, out: &mut dyn RowSink) {
        let Some(mut life_id) = self.life_of_process(&exit.target) else { return };
        // The beginning of the next run is among the events that were lost.
        if self.containers.is_parent_outside(&exit.target, life_id) && self.is_next_init(life_id, &exit.target) {
            let next = self.begin_again(at, life_id, &exit.target, Origin::Leaving, out);
            life_id = next.unwrap_or(life_id);
        }
        let is_init = self.is_init(at, life_id, &exit.target);
        let Some(life) = self.containers.life_mut(life_id) else { return };
        if is_init {
            life.end_evidence_mut().set_init_exit(at, exit);
            self.exit_life(life_id, at, ExitEvidence::InitEnded, out);
        } else {
            life.end_evidence_mut().add_exit(at, exit);
        }
    }

    /// Tells whether a process is the init of a life. One that nobody has named yet is, if it is
    /// the first process of a pid namespace and its parent, a runtime's, is outside.
    fn is_init(&mut self, at: Stamp, life_id: LifeId, target: &Target<'_>) -> bool {
        let is_outside = self.containers.is_parent_outside(target, life_id);
        let Some(life) = self.containers.life(life_id) else { return false };
        match life.is_init(target) {
            Some(is_init) => is_init,
            // A runtime's own process that was to execute the program is none yet.
            None if target.is_reaper && is_outside && !life.sees_first_program() => {
                self.containers.set_init(life_id, target.process(), at.seq);
                true
            }
            None => false,
        }
    }

    /// Returns true if a process is the init of the next run: the first process of a pid namespace,
    /// which a runtime makes for a container, while the run before is over, or has another init
    /// whose end may be among the events that were lost.
    ///
    /// An OCI runtime puts a process into the directory before, and says for which container. Where
    /// that may be lost, it may be another container that shares the directory.
    fn is_next_init(&self, life_id: LifeId, target: &Target<'_>) -> bool {
        let Some(life) = self.containers.life(life_id).filter(|_| target.is_reaper) else { return false };
        // A run begins after the one before.
        let is_older = life.init().is_some_and(|init| target.started <= init.started);
        if is_older || life.is_init(target) == Some(true) {
            return false;
        }
        let is_over = life.exit().is_some() || life.init().is_some() && life.has_lost_exits();
        let is_known = !(life.is_by_oci_runtime() && life.has_lost_execs());
        is_over && (is_known || self.containers.next_life_found(life_id).is_some())
    }

    /// Takes that a process was sent a signal that may end it.
    pub(super) fn on_signal(&mut self, at: Stamp, signal: &FatalSignal<'_>) {
        let v2 = signal.sender.cgroup.map(|cgroup| CgroupKey { hierarchy: HierarchyId::V2, cgroup });
        let v1 = signal.target.v1.zip(signal.sender_v1);
        let v1 = v1.map(|(target, cgroup)| CgroupKey { hierarchy: target.hierarchy, cgroup });
        let sender = self.containers.life_at(v2.into_iter().chain(v1));
        let sender_id = sender.and_then(|sender| self.containers.life(sender)?.container_id());
        let sender_id = sender_id.map(|id| String::from(&**id));
        let Some(life_id) = self.life_of_process(&signal.target) else { return };
        let namespace_end = self.namespace_end(life_id, signal);
        let Some(life) = self.containers.life_mut(life_id) else { return };
        if let Some(sender) = sender.filter(|sender| *sender != life_id) {
            life.add_sender(sender);
        }
        let init = life.init();
        let evidence = life.end_evidence_mut();
        evidence.add_signal(at, signal, sender_id, init);
        if let Some(end) = namespace_end {
            evidence.set_namespace_end(end);
        }
    }

    /// Returns the end of another container, if a signal comes of it: the first process of the pid
    /// namespace that both share is that one's init.
    fn namespace_end(&self, life_id: LifeId, signal: &FatalSignal<'_>) -> Option<NamespaceEnd> {
        if signal.origin != Some(SignalOrigin::PidNamespaceEnd) {
            return None;
        }
        let owner_id = self.containers.life_of_init_pid(signal.sender.pid).filter(|owner| *owner != life_id)?;
        let owner = self.containers.life(owner_id)?;
        Some(owner.end_evidence().as_namespace_end(owner.container_id()?, owner.init()))
    }

    /// Takes that the OOM killer chose a process.
    pub(super) fn on_oom(&mut self, at: Stamp, kill: &OomKill<'_>) {
        let life_id = self.life_of_process(&kill.target);
        if let Some(life) = life_id.and_then(|life_id| self.containers.life_mut(life_id)) {
            life.end_evidence_mut().add_oom_kill(at.seq, kill);
        }
    }
}
