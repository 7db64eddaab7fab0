//! Changes of a container's cgroup: tasks come, leave, or are frozen; the directory is renamed.

use super::apply::Fold;
use crate::containers::{DirectoryRole, TrackedDirectory};
use crate::record::{CgroupEvent, CgroupKey, Stamp};
use crate::row::RowSink;

impl Fold {
    /// Takes that the first task entered a directory or one below it.
    pub(super) fn on_populated(&mut self, at: Stamp, key: CgroupKey, out: &mut dyn RowSink) {
        let Some(directory) = self.containers.directory(key) else { return };
        let life_id = match directory.role {
            DirectoryRole::Inside(_) => return, // the kernel reports its root as populated as well
            DirectoryRole::Root(life_id) => life_id,
            DirectoryRole::Candidate(life_id) => {
                self.containers.track(key, TrackedDirectory { role: DirectoryRole::Root(life_id), ..directory });
                life_id
            }
        };
        let Some(life) = self.containers.life_mut(life_id) else { return };
        life.enter(key, at.seq);
        self.emit_begin(life_id, at, None, out);
    }

    /// Takes that the last task left a directory and those below it. Where the end of its init was
    /// not to be seen, that is a container's exit.
    pub(super) fn on_empty(&mut self, at: Stamp, event: &CgroupEvent<'_>, out: &mut dyn RowSink) {
        let lives = self.containers.lives_with_root(event.key);
        if lives.is_empty() {
            return;
        }
        let usage = self.containers.usage_with_children(event).into_owned();
        for life_id in lives {
            if let Some(life) = self.containers.life_mut(life_id) {
                life.leave(event.key, at, &usage);
            }
            self.exit_if_abandoned(life_id, at, out);
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
