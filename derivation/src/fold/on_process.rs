//! Events of processes: each is kept with the life that its process is in.

use alloc::string::String;

use super::apply::Fold;
use crate::record::{CgroupKey, FatalSignal, HierarchyId, OomKill, Stamp, TaskExit};

impl Fold {
    /// Takes that a process ended.
    pub(super) fn on_exit(&mut self, at: Stamp, exit: &TaskExit<'_>) {
        if let Some(life) = self.containers.life_at_mut(exit.target.places()) {
            life.end_evidence_mut().add_exit(at.seq, at.ts, exit);
        }
    }

    /// Takes that a process was sent a signal that may end it.
    pub(super) fn on_signal(&mut self, at: Stamp, signal: &FatalSignal<'_>) {
        let sender = signal.sender.cgroup.map(|cgroup| CgroupKey { hierarchy: HierarchyId::V2, cgroup });
        let sender_id = sender.and_then(|key| self.containers.container_id_at(key)).map(|id| String::from(&**id));
        if let Some(life) = self.containers.life_at_mut(signal.target.places()) {
            life.end_evidence_mut().add_signal(at.seq, (at.ts, at.boot_ns), signal, sender_id);
        }
    }

    /// Takes that the OOM killer chose a process.
    pub(super) fn on_oom(&mut self, at: Stamp, kill: &OomKill<'_>) {
        if let Some(life) = self.containers.life_at_mut(kill.target.places()) {
            life.end_evidence_mut().add_oom_kill(at.seq, kill);
        }
    }
}
