//! Changes of a container's cgroup: tasks come, leave, or are frozen.

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
        life.enter(at.seq);
        self.emit_begin(life_id, at, None, out);
    }

    /// Takes that the last task left a directory and those below it.
    pub(super) fn on_empty(&mut self, at: Stamp, event: &CgroupEvent<'_>) {
        let usage = self.containers.usage_with_children(event);
        if let Some(life) = self.containers.life_of_root_mut(event.key) {
            life.leave(at, &usage);
        }
    }

    /// Takes that all tasks of a directory are frozen, or not all any more.
    pub(super) fn on_frozen(&mut self, at: Stamp, key: CgroupKey, is_frozen: bool) {
        if let Some(life) = self.containers.life_of_root_mut(key) {
            life.end_evidence_mut().add_freeze(at.seq, is_frozen);
        }
    }
}
