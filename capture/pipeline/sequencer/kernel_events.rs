//! Kernel events as records.

use anyhow::Result;
use obit_derivation::record::{
    Actor, Ancestor, Body, CgroupEvent, CgroupEventKind, FatalSignal, KernelEventKind, Loss, OomKill, SnapshotReason,
    TaskExit,
};
use obit_derivation::{CgroupId, CgroupKey, HierarchyId, Seq};
use obit_schema::text::escape;

use super::Sequencer;
use super::actors::ActorTexts;
use crate::host::clock::ClockPair;
use crate::pipeline::input::KernelBatch;
use crate::pipeline::lookup::{Patience, Question};
use crate::sources::kernel::wire::{self, KernelCgroup, KernelEvent, Payload};

/// The most memory of an emptied batch that is worth using again. A second of a storm needs less.
const MAX_RECYCLED_BYTES: usize = 4 << 20;

impl Sequencer {
    /// Admits what a drain brought: first what was lost, for a container that lived and died in this batch may have lost
    /// an event too.
    pub(super) fn admit_batch(&mut self, batch: KernelBatch) -> Result<()> {
        for loss in &batch.losses {
            self.admit_loss(batch.read_at, loss.count, loss.kind, loss.cpu)?;
        }
        let (page_size_bytes, actor_argv) = (self.page_size_bytes, self.actor_argv);
        let mut actors = std::mem::take(&mut self.actors);
        let mut undecodable = 0;
        for raw in batch.events.iter() {
            match wire::decode(raw, page_size_bytes) {
                Ok(event) => self.admit_kernel_event(&event, actors.texts(&event.actor, actor_argv))?,
                Err(_) => undecodable += 1,
            }
        }
        self.actors = actors;
        if undecodable > 0 {
            self.admit_loss(batch.read_at, undecodable, None, None)?;
        }
        if batch.events.memory_bytes() <= MAX_RECYCLED_BYTES {
            // The drain thread may be gone already, or have enough of them.
            let _ = self.outlets.recycled.try_send(batch.events);
        }
        Ok(())
    }

    pub(super) fn admit_loss(
        &mut self,
        at: ClockPair,
        count: u64,
        kind: Option<KernelEventKind>,
        cpu: Option<u32>,
    ) -> Result<()> {
        self.progress.lost(count);
        let since = Seq(self.next_seq.saturating_sub(1));
        self.admit_event(at, Body::Lost(Loss { count, kind, cpu, since }))?;
        // A walk shows cgroups. What was lost of processes it cannot show.
        let of_cgroups = matches!(kind, None | Some(KernelEventKind::Cgroup(_)));
        if of_cgroups && !self.resync_requested && self.outlets.walks.send(SnapshotReason::Resync).is_ok() {
            self.resync_requested = true;
        }
        Ok(())
    }

    fn admit_kernel_event(&mut self, event: &KernelEvent<'_>, texts: &ActorTexts) -> Result<()> {
        texts.with_argv(|argv| self.admit_kernel_event_by(event, texts, argv))
    }

    fn admit_kernel_event_by(&mut self, event: &KernelEvent<'_>, texts: &ActorTexts, argv: &[&str]) -> Result<()> {
        let who = &event.actor;
        let boot_ns = obit_derivation::BootNs(event.boot_ns);
        let at = ClockPair { wall: self.clock.wall_at(boot_ns), boot: boot_ns, ..self.clock };
        let cpu = event.cpu;
        let actor = Actor {
            pid: who.pid,
            tid: who.tid,
            ppid: who.ppid,
            uid: who.uid,
            comm: &texts.comm,
            parent_comm: &texts.parent_comm,
            cgroup: who.cgroup_id.map(CgroupId),
            argv,
            argv_truncated: texts.argv_truncated,
        };
        self.progress.event(event.payload.kind());
        match &event.payload {
            Payload::Cgroup(cgroup) => self.admit_cgroup_event(at, cpu, cgroup, actor),
            Payload::Exit { target, status, oom_victim } => {
                let (status, oom_victim) = (*status, *oom_victim);
                let name = escape(target.comm);
                let target = target.named(&name);
                let parent_comm = &*texts.parent_comm;
                self.admit_event(at, Body::Exit(TaskExit { cpu, target, status, oom_victim, parent_comm }))
            }
            Payload::Signal { target, signal, code, origin, to_group, result, loginuid, ancestors } => {
                let name = escape(target.comm);
                let names: Vec<_> = ancestors.iter().map(|ancestor| escape(ancestor.comm)).collect();
                let sender_ancestors = ancestors.iter().zip(&names).map(|(ancestor, comm)| Ancestor {
                    pid: ancestor.pid,
                    uid: ancestor.uid,
                    started: ancestor.started,
                    comm,
                });
                let body = FatalSignal {
                    cpu,
                    target: target.named(&name),
                    signal: *signal,
                    code: *code,
                    origin: *origin,
                    to_group: *to_group,
                    result: *result,
                    sender: actor,
                    sender_loginuid: *loginuid,
                    sender_ancestors: sender_ancestors.collect(),
                };
                self.admit_event(at, Body::Signal(body))
            }
            Payload::Oom { target, memory_bytes, limit } => {
                let (memory_bytes, limit) = (*memory_bytes, *limit);
                let name = escape(target.comm);
                let target = target.named(&name);
                self.admit_event(at, Body::Oom(OomKill { cpu, target, memory_bytes, limit, invoker: actor }))
            }
        }
    }

    fn admit_cgroup_event(
        &mut self,
        at: ClockPair,
        cpu: u32,
        event: &KernelCgroup<'_>,
        actor: Actor<'_>,
    ) -> Result<()> {
        let path = escape(event.path);
        let key = CgroupKey { hierarchy: HierarchyId(event.hierarchy_id), cgroup: CgroupId(event.cgroup_id) };
        let (pid, argv) = (actor.pid, actor.argv);
        let body = CgroupEvent {
            kind: event.kind,
            cpu,
            key,
            parent: event.parent_cgroup_id.map(CgroupId),
            level: event.level,
            path: &path,
            path_truncated: event.path_truncated,
            actor,
            usage: event.usage,
        };
        self.admit_event(at, Body::Cgroup(body))?;
        match event.kind {
            CgroupEventKind::Mkdir => self.ask_about_call(key, pid, argv),
            // Before a task is in it there is nothing to see.
            CgroupEventKind::Populated if self.fold.is_container_root(key) => {
                self.ask(Question::Directory { key, path: path.into_owned() });
                self.ask_for_state(key, Patience::UntilWritten);
            }
            CgroupEventKind::Empty => self.ask_for_state(key, Patience::None),
            CgroupEventKind::Rmdir => self.ask_for_remains(key),
            _ => {}
        }
        Ok(())
    }
}
