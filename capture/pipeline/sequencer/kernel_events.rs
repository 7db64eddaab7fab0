//! Decoding of kernel events into records.

use anyhow::Result;
use obit_derivation::record::{
    Actor, Ancestor, Body, CgroupEvent, FatalSignal, KernelEventKind, OomKill, ProcessAttach, ProcessExec, TaskExit,
};
use obit_derivation::{BootNs, CgroupId, CgroupKey, HierarchyId};
use obit_schema::text::escape;

use super::actors::{ActorArgv, ActorCache, ActorTexts};
use crate::sources::kernel::wire::{self, KernelCgroup, KernelEvent, Payload, RawBatch};

/// A decoded event, without its place in the log.
pub struct DecodedEvent<'a> {
    /// The kernel's time of the event.
    pub boot_ns: BootNs,
    /// Kind of the event.
    pub kind: KernelEventKind,
    /// Real user id of the task in whose context it happened.
    pub uid: u32,
    /// Contents of the event.
    pub body: Body<'a>,
}

/// Decodes kernel events.
#[derive(Debug)]
pub struct EventDecoder {
    page_size_bytes: u64,
    actors: ActorCache,
}

impl EventDecoder {
    /// Returns a decoder for events of a kernel with this page size.
    pub fn new(page_size_bytes: u64, actor_argv: ActorArgv) -> Self {
        Self { page_size_bytes, actors: ActorCache::new(actor_argv) }
    }

    /// Passes each event of a batch to `each`, in their order. Returns the number of those that
    /// cannot be decoded.
    pub fn for_each(&mut self, events: &RawBatch, mut each: impl FnMut(DecodedEvent<'_>) -> Result<()>) -> Result<u64> {
        let mut undecodable = 0;
        for raw in events.iter() {
            match wire::decode(raw, self.page_size_bytes) {
                Ok(event) => {
                    let texts = self.actors.texts(&event.actor);
                    texts.with_argv(|argv| decode(&event, texts, argv, &mut each))?;
                }
                Err(_) => undecodable += 1,
            }
        }
        Ok(undecodable)
    }
}

fn decode(
    event: &KernelEvent<'_>,
    texts: &ActorTexts,
    argv: &[&str],
    each: &mut impl FnMut(DecodedEvent<'_>) -> Result<()>,
) -> Result<()> {
    let who = &event.actor;
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
    let (boot_ns, kind, uid) = (BootNs(event.boot_ns), event.payload.kind(), who.uid);
    let mut pass = |body: Body<'_>| each(DecodedEvent { boot_ns, kind, uid, body });
    match &event.payload {
        Payload::Cgroup(cgroup) => pass(Body::Cgroup(cgroup_event(cpu, cgroup, &escape(cgroup.path), actor))),
        Payload::Attach { target, cgroup } => pass(Body::Attach(ProcessAttach {
            cpu,
            target: target.named(&escape(target.comm)),
            key: cgroup.key,
            level: cgroup.level,
            path: &escape(cgroup.path),
            path_truncated: cgroup.path_truncated,
            mover: actor,
        })),
        Payload::Exec { target } => {
            let name = escape(target.comm);
            pass(Body::Exec(ProcessExec { cpu, target: target.named(&name), parent_comm: &texts.parent_comm }))
        }
        Payload::Exit { target, status, oom_victim, rebooted } => {
            let (status, oom_victim, rebooted) = (*status, *oom_victim, Some(*rebooted));
            let name = escape(target.comm);
            let target = target.named(&name);
            let parent_comm = &*texts.parent_comm;
            pass(Body::Exit(TaskExit { cpu, target, status, oom_victim, rebooted, parent_comm }))
        }
        Payload::Signal { target, signal, code, origin, to_group, result, actor_v1, loginuid, ancestors } => {
            let name = escape(target.comm);
            let names: Vec<_> = ancestors.iter().map(|ancestor| escape(ancestor.comm)).collect();
            let sender_ancestors = ancestors.iter().zip(&names).map(|(ancestor, comm)| Ancestor {
                pid: ancestor.pid,
                uid: ancestor.uid,
                started: ancestor.started,
                comm,
            });
            pass(Body::Signal(FatalSignal {
                cpu,
                target: target.named(&name),
                signal: *signal,
                code: *code,
                origin: *origin,
                to_group: *to_group,
                result: *result,
                sender: actor,
                sender_v1: *actor_v1,
                sender_loginuid: *loginuid,
                sender_ancestors: sender_ancestors.collect(),
            }))
        }
        Payload::Oom { target, memory_bytes, limit } => {
            let (memory_bytes, limit) = (*memory_bytes, *limit);
            let name = escape(target.comm);
            let target = target.named(&name);
            pass(Body::Oom(OomKill { cpu, target, memory_bytes, limit, invoker: actor }))
        }
    }
}

fn cgroup_event<'a>(cpu: u32, event: &KernelCgroup<'_>, path: &'a str, actor: Actor<'a>) -> CgroupEvent<'a> {
    CgroupEvent {
        kind: event.kind,
        cpu,
        key: CgroupKey { hierarchy: HierarchyId(event.hierarchy_id), cgroup: CgroupId(event.cgroup_id) },
        parent: event.parent_cgroup_id.map(CgroupId),
        level: event.level,
        path,
        path_truncated: event.path_truncated,
        actor,
        usage: event.usage,
    }
}
