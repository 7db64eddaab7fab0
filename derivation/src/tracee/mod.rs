//! Tracee's rules: the rows that Aqua's Tracee would give for the same records, errors included.
//!
//! Read from Tracee at commit 7c9ec9788ec5 (August 2026); lines named here and in the parts are of that version. The files:
//! pkg/datastores/container/containers.go (the maps, the path rule, the deletion after 30 s),
//! pkg/events/derive/container_remove.go and container_create.go (what is reported), pkg/events/usermode.go (containers
//! that were there before), pkg/ebpf/controlplane/cgroups.go (what a kernel event does to the maps), common/cgroup/cgroup.go
//! (which hierarchy counts).
//!
//! What it does, and obit does not:
//! - A removed directory is reported if its path lies in a container, whether or not it is the container's own
//!   (container_remove.go, line 27): one container, several removes, also while it runs.
//! - The path is the only source. What follows a known prefix need not be an id.
//! - Directories are keyed by the low 32 bits of their cgroup id.
//! - The container's entry is deleted 30 s after any of its directories was removed. Of a container that was restarted within
//!   that time, or had a directory inside removed, the later, real removal is then not reported.
//! - Of v1 hierarchies, only the one that the cpuset controller is on counts.
//!
//! Tracee's answer also depends on what no record holds. In its place:
//! | unrecorded | here |
//! |---|---|
//! | order of its two buffers (signals change the maps, events are reported) | the signal of a kernel event first, then its event |
//! | its clock when it handles a signal, by which entries expire | the record's boot clock, which also counts time in suspend |
//! | cgroupfs searched when an event names a directory it does not know, the actor's own among them | nothing is found |
//! | `stat` of a new directory, for its creation time | not given |
//! | daemons asked for names and images, which fill other fields and may bring a deleted entry back within 10 s | not asked: those fields are not given |
//! | signals and events that it loses under load | none lost; what the recorder lost is missing here as well |
//! | its walk of cgroupfs at the start, before its probes are attached | the recorder's first walk |
//! | order of `existing_container`, by Go's random order of maps | the order of the walk |
//!
//! RowSink are those of [`crate::row`]; only the fields that Tracee fills mean something: `runtime` (`None` is its
//! `unknown`) and `container_id`, when, the directory of the event, the task's pid, uid and name, and which records.

mod path;
mod store;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use self::store::{Known, Store};
use crate::profile::Derive;
use crate::record::{
    Actor, Body, BootNs, CgroupEvent, CgroupEventKind, CgroupKey, Directory, HierarchyId, Record, Seq, SnapshotReason,
    Source, Usage, WallNs,
};
use crate::row::{
    ActorCopy, ContainerCreate, ContainerRemove, Death, ExistingContainer, Identity, Place, Row, RowSink,
};

/// Which hierarchies count (common/cgroup/cgroup.go, `GetCgroupDefaultVersion`; `isCgroupEventInHid`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// The host is a v2 one to Tracee: events of all hierarchies are taken, as if they were of v2; the first walk is v2's.
    Every,
    /// The host is a v1 or a hybrid one to Tracee: only the hierarchy that the cpuset controller is on.
    Only(HierarchyId),
}

impl Watched {
    fn has_events_of(self, hierarchy: HierarchyId) -> bool {
        match self {
            Self::Every => true,
            Self::Only(watched) => watched == hierarchy,
        }
    }

    /// The hierarchy that is walked at the start.
    fn walked(self) -> HierarchyId {
        match self {
            Self::Every => HierarchyId::V2,
            Self::Only(watched) => watched,
        }
    }
}

/// A container's own directory that the first walk found.
#[derive(Clone, Debug)]
struct Found {
    place: Place,
    ts: WallNs,
    boot_ns: BootNs,
    seq: Seq,
}

/// The state of Tracee's derivation between two records.
///
/// Memory: an entry for each live directory of the watched hierarchies and for each that was removed in the last 30 s of
/// record time or without having been known.
#[derive(Clone, Debug)]
pub struct Fold {
    watched: Watched,
    store: Store,
    found: Vec<Found>,
}

impl Fold {
    /// A derivation that has seen nothing.
    pub fn new(watched: Watched) -> Self {
        Self { watched, store: Store::default(), found: Vec::new() }
    }

    fn changed(&mut self, record: &Record<'_>, event: &CgroupEvent<'_>, out: &mut dyn RowSink) {
        if !self.watched.has_events_of(event.key.hierarchy) {
            return;
        }
        match event.kind {
            CgroupEventKind::Mkdir => {
                // A cut path would be read as another name; Tracee gets it whole.
                let path = if event.path_truncated { "" } else { event.path };
                self.store.update(event.key.cgroup, path, record.seq);
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

    /// A directory that the first walk shows (`populate`, lines 194 to 218). What an event has said stands: Tracee's walk is
    /// over before its first event.
    fn walked(&mut self, record: &Record<'_>, directory: &Directory<'_>) {
        let CgroupKey { hierarchy, cgroup } = directory.key;
        let is_first_walk = directory.reason == SnapshotReason::Start;
        if !is_first_walk || hierarchy != self.watched.walked() || self.store.contains(cgroup) {
            return;
        }
        self.store.update(cgroup, &directory.path, record.seq);
        if self.store.get(cgroup).is_some_and(|known| known.is_root) {
            self.found.push(Found {
                place: Place { key: directory.key, path: directory.path.clone().into_owned() },
                ts: record.ts,
                boot_ns: record.boot_ns,
                seq: record.seq,
            });
        }
    }

    /// The containers that the first walk found and that have not been removed since (`GetLiveContainers`, lines 549 to 560).
    fn report_existing(&mut self, decided_by: Seq, out: &mut dyn RowSink) {
        for Found { place, ts, boot_ns, seq } in self.found.drain(..) {
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

impl Derive for Fold {
    fn apply(&mut self, record: &Record<'_>, out: &mut dyn RowSink) {
        match &record.body {
            Body::Cgroup(event) => self.changed(record, event, out),
            Body::Directory(directory) => self.walked(record, directory),
            Body::SnapshotEnd(SnapshotReason::Start) => self.report_existing(record.seq, out),
            // Tracee walks once, asks its daemons itself and does not act on losses.
            _ => {}
        }
    }

    fn finish(&mut self, _out: &mut dyn RowSink) {
        // Nothing is held back.
    }
}

fn create_row(record: &Record<'_>, event: &CgroupEvent<'_>, known: &Known<'_>) -> Row {
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

fn remove_row(record: &Record<'_>, event: &CgroupEvent<'_>, known: &Known<'_>) -> Row {
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
    Place { key: event.key, path: event.path.to_owned() }
}

/// The task, as far as Tracee's events name it: a derived event has the context of the kernel's.
fn task(actor: &Actor<'_>) -> ActorCopy {
    ActorCopy {
        pid: actor.pid,
        uid: actor.uid,
        comm: actor.comm.to_owned(),
        parent_comm: String::new(),
        argv: Vec::new(),
    }
}

fn identity(known: &Known<'_>) -> Identity {
    Identity {
        runtime: known.runtime,
        container_id: known.container_id.to_owned(),
        identified_by: Source::Path,
        ..Identity::default()
    }
}
