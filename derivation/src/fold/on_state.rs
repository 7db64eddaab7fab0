//! Changes of a container's cgroup: tasks come, leave, or are frozen; the directory is renamed.

use super::apply::Fold;
use crate::containers::DirectoryRole;
use crate::identity::argv;
use crate::record::{CgroupEvent, CgroupKey, HierarchyId, Stamp};
use crate::row::RowSink;

impl Fold {
    /// Takes that the first task entered a directory or one below it.
    pub(super) fn on_populated(&mut self, at: Stamp, event: &CgroupEvent<'_>, out: &mut dyn RowSink) {
        let key = event.key;
        let Some(directory) = self.containers.directory(key) else { return };
        let life_id = match directory.role {
            DirectoryRole::Inside(_) => return, // the kernel reports its root as populated as well
            DirectoryRole::Root(life_id) => life_id,
            DirectoryRole::Candidate(life_id) => {
                self.containers.confirm_root(key);
                life_id
            }
        };
        let Some(life) = self.containers.life_mut(life_id) else { return };
        life.enter(key, at.seq);
        // The event of its making was lost; who put the first task in is who made it.
        if life.is_beginning_lost()
            && let Some(call) = argv::parse(event.actor.argv).filter(|call| call.verb.makes_directories())
            && life.container_id().is_some_and(|id| **id == *call.container_id)
        {
            life.set_maker_pid(event.actor.pid);
        }
        self.emit_begin(life_id, at, None, out);
    }

    /// Takes that the last task left a directory and those below it. Where the end of its init was
    /// not to be seen, that is a container's exit.
    pub(super) fn on_empty(&mut self, at: Stamp, event: &CgroupEvent<'_>, out: &mut dyn RowSink) {
        let lives = self.containers.lives_with_root(event.key);
        if lives.is_empty() {
            return;
        }
        self.containers.confirm_root(event.key); // what is emptied was populated, seen or not
        let usage = self.containers.usage_with_children(event).into_owned();
        for life_id in lives {
            // The last task leaves by its own exit, or is put elsewhere by a task outside.
            let actor = event.actor.cgroup.map(|cgroup| CgroupKey { hierarchy: HierarchyId::V2, cgroup });
            let is_moved = actor.is_some_and(|key| self.containers.life_at([key].into_iter()) != Some(life_id));
            let Some(life) = self.containers.life_mut(life_id) else { continue };
            life.leave(event.key, at, &usage);
            if !(is_moved && life.has_root_on(HierarchyId::V2)) {
                self.exit_if_abandoned(life_id, at, out);
            }
        }
    }

    /// Takes that all tasks of a directory are frozen, or not all any more.
    pub(super) fn on_frozen(&mut self, at: Stamp, key: CgroupKey, is_frozen: bool) {
        if let Some(life) = self.containers.life_of_root_mut(key) {
            life.end_evidence_mut().add_freeze(at.seq, is_frozen);
        }
    }

    /// Takes that a directory has another name. A container's stays its own.
    pub(super) fn on_rename(&mut self, event: &CgroupEvent<'_>) {
        self.containers.note_renamed(event.key);
    }
}
