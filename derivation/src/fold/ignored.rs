//! Events that decide nothing: of a directory that is no container's and in none, or of a process
//! of no container. A recorder that has to leave some events of a user out takes these.

use super::apply::Fold;
use crate::claims::{ObservedDirectory, RootClaims};
use crate::identity::argv;
use crate::record::{Actor, Body, CgroupEvent, CgroupEventKind, CgroupKey, Seq};

impl Fold {
    /// Returns true if a record decides no row, now or later: the rows are the same without it, as
    /// far as they do not wait for its time.
    pub fn ignores(&self, body: &Body<'_>) -> bool {
        match body {
            Body::Cgroup(event) => self.ignores_event(event),
            Body::Attach(attach) => !self.is_known(attach.key) && !is_runtime(&attach.mover),
            Body::Exec(exec) => self.life_of_process(&exec.target).is_none(),
            Body::Exit(exit) => self.life_of_process(&exit.target).is_none(),
            Body::Signal(signal) => self.life_of_process(&signal.target).is_none(),
            _ => false,
        }
    }

    fn ignores_event(&self, event: &CgroupEvent<'_>) -> bool {
        let is_general = match event.kind {
            // The new name may be that of a container, which the directory then is not.
            CgroupEventKind::Rename => true,
            // A walk under way may still show the directory.
            CgroupEventKind::Rmdir => self.walk.is_some(),
            _ => false,
        };
        if is_general || self.is_known(event.key) || is_runtime(&event.actor) {
            return false;
        }
        let observed = ObservedDirectory::of_event(event);
        self.containers.directory_above(&observed).is_none()
            && !self.pending.has_path(event.key.hierarchy, event.path)
            && RootClaims::of(Seq(0), &observed, None, &[]).is_empty()
    }

    /// Returns true if something is known of a directory.
    fn is_known(&self, key: CgroupKey) -> bool {
        self.containers.directory(key).is_some()
            || self.containers.is_renamed(key)
            || self.walk.as_ref().is_some_and(|walk| walk.has_deferred(key))
    }
}

/// Returns true for a task whose command line is that of an OCI runtime or LXC's monitor.
fn is_runtime(actor: &Actor<'_>) -> bool {
    argv::parse(actor.argv).is_some()
}
