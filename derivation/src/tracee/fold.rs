//! The state of Tracee's derivation, and the rows that it gives.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::store::{CgroupStore, DirectoryInfo};
use crate::identity::Engine;
use crate::profile::Derive;
use crate::record::{
    Actor, Body, BootNs, CgroupEvent, CgroupEventKind, CgroupKey, Directory, HierarchyId, Record, Seq, SnapshotReason,
    Source, Usage, WallNs,
};
use crate::row::{
    ActorCopy, ContainerCreate, ContainerRemove, Death, ExistingContainer, Identity, Place, Row, RowSink,
};

/// The hierarchies that count (common/cgroup/cgroup.go, `GetCgroupDefaultVersion`;
/// `isCgroupEventInHid`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchedHierarchies {
    /// All, on a host that is a v2 one to Tracee: events of all hierarchies are taken, as if they
    /// were of v2; the first walk is v2's.
    Every,
    /// The hierarchy with the cpuset controller, on a host that is a v1 or a hybrid one to Tracee.
    Only(HierarchyId),
}

impl WatchedHierarchies {
    fn takes_events_of(self, hierarchy: HierarchyId) -> bool {
        match self {
            Self::Every => true,
            Self::Only(watched) => watched == hierarchy,
        }
    }

    /// Returns the hierarchy that is walked at the start.
    fn walked(self) -> HierarchyId {
        match self {
            Self::Every => HierarchyId::V2,
            Self::Only(watched) => watched,
        }
    }
}

/// A container's own directory that the first walk found.
#[derive(Clone, Debug)]
struct ExistingRoot {
    place: Place,
    ts: WallNs,
    boot_ns: BootNs,
    seq: Seq,
}

/// The state of Tracee's derivation between two records.
///
/// Memory: an entry for each live directory of the watched hierarchies, and for each that was
/// removed in the last 30 s of record time or without having been known.
#[derive(Clone, Debug)]
pub struct TraceeFold {
    watched: WatchedHierarchies,
    store: CgroupStore,
    existing: Vec<ExistingRoot>,
}

impl TraceeFold {
    /// Returns a derivation that has seen nothing.
    pub fn new(watched: WatchedHierarchies) -> Self {
        Self { watched, store: CgroupStore::default(), existing: Vec::new() }
    }

    fn on_event(&mut self, record: &Record<'_>, event: &CgroupEvent<'_>, out: &mut dyn RowSink) {
        if !self.watched.takes_events_of(event.key.hierarchy) {
            return;
        }
        match event.kind {
            CgroupEventKind::Mkdir => {
                if event.path_truncated {
                    self.store.update_by_cut_path(event.key.cgroup, event.path, record.seq);
                } else {
                    self.store.update(event.key.cgroup, event.path, record.seq);
                }
                let known = self.store.look_up(event.key.cgroup, record.seq);
                if known.is_root {
                    out.take(&create_row(record, event, &known));
                }
            }
            CgroupEventKind::Rmdir => {
                self.store.remove(event.key.cgroup, record.boot_ns);
                let known = self.store.look_up(event.key.cgroup, record.seq);
                if known.has_container && !known.container_id.is_empty() {
                    out.take(&remove_row(record, event, &known));
                }
            }
            // Tracee derives nothing about containers from other events.
            _ => {}
        }
    }

    /// Takes a directory that the first walk shows (`populate`, lines 194 to 218). The word of an
    /// event stands: Tracee's walk is over before its first event.
    fn on_directory(&mut self, record: &Record<'_>, directory: &Directory<'_>) {
        let CgroupKey { hierarchy, cgroup } = directory.key;
        let is_first_walk = directory.reason == SnapshotReason::Start;
        if !is_first_walk || hierarchy != self.watched.walked() || self.store.contains(cgroup) {
            return;
        }
        self.store.update(cgroup, &directory.path, record.seq);
        if self.store.get(cgroup).is_some_and(|known| known.is_root) {
            self.existing.push(ExistingRoot {
                place: Place { key: directory.key, path: directory.path.clone().into_owned(), is_path_cut: false },
                ts: record.ts,
                boot_ns: record.boot_ns,
                seq: record.seq,
            });
        }
    }

    /// Reports the containers that the first walk found and that have not been removed since
    /// (`GetLiveContainers`, lines 549 to 560).
    fn report_existing(&mut self, decided_by: Seq, out: &mut dyn RowSink) {
        for ExistingRoot { place, ts, boot_ns, seq } in self.existing.drain(..) {
            let Some(known) = self.store.get(place.key.cgroup) else { continue };
            if !known.is_root || known.is_removed || known.told_by != seq {
                continue;
            }
            out.take(&Row::Existing(ExistingContainer {
                seq: decided_by,
                ts,
                boot_ns,
                identity: identity(&known),
                place,
                first_seen_seq: seq,
                created_at: None,
                evidence_seqs: Vec::from([seq]),
            }));
        }
    }
}

impl Derive for TraceeFold {
    fn apply(&mut self, record: &Record<'_>, out: &mut dyn RowSink) {
        match &record.body {
            Body::Cgroup(event) => self.on_event(record, event, out),
            Body::Directory(directory) => self.on_directory(record, directory),
            Body::SnapshotEnd(SnapshotReason::Start) => self.report_existing(record.seq, out),
            // Tracee walks once, asks its daemons itself and does not act on losses.
            _ => {}
        }
    }

    fn finish(&mut self, _out: &mut dyn RowSink) {
        // Nothing is held back.
    }
}

fn create_row(record: &Record<'_>, event: &CgroupEvent<'_>, known: &DirectoryInfo<'_>) -> Row {
    Row::Create(ContainerCreate {
        seq: record.seq,
        ts: record.ts,
        boot_ns: record.boot_ns,
        identity: identity(known),
        place: place(event),
        created_seq: record.seq,
        created_by: Some(task(&event.actor)),
        inferred: false,
        after_gap: false,
        evidence_seqs: Vec::from([record.seq]),
    })
}

fn remove_row(record: &Record<'_>, event: &CgroupEvent<'_>, known: &DirectoryInfo<'_>) -> Row {
    Row::Remove(ContainerRemove {
        seq: record.seq,
        ts: record.ts,
        boot_ns: record.boot_ns,
        identity: identity(known),
        place: place(event),
        created_seq: None,
        created_at: None,
        lifetime_ns: None,
        emptied_at: None,
        death: Death::default(),
        removed_by: Some(task(&event.actor)),
        usage: Usage::default(),
        inferred: false,
        never_started: None,
        after_gap: false,
        rmdir_seq: Some(record.seq),
        evidence_seqs: Vec::from([known.told_by, record.seq]),
    })
}

fn place(event: &CgroupEvent<'_>) -> Place {
    Place { key: event.key, path: event.path.to_owned(), is_path_cut: event.path_truncated }
}

/// Copies the task as far as Tracee's events name it: a derived event has the context of the
/// kernel's.
fn task(actor: &Actor<'_>) -> ActorCopy {
    ActorCopy {
        pid: actor.pid,
        uid: actor.uid,
        comm: actor.comm.to_owned(),
        parent_comm: String::new(),
        argv: Vec::new(),
        is_argv_cut: false,
    }
}

fn identity(known: &DirectoryInfo<'_>) -> Identity {
    Identity {
        // Tracee's `unknown` is a word like the others.
        runtime: Some(known.runtime.unwrap_or(Engine::Unknown)),
        container_id: known.container_id.to_owned(),
        identified_by: Source::Path,
        ..Identity::default()
    }
}
