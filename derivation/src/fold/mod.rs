//! The fold: records in `seq` order in, rows out.
//!
//! A `cgroup_rmdir` ends a container only if the directory is that container's root. So the fold remembers, for each
//! live directory that has to do with a container, whether it is a root or inside one; where it is comes from the
//! directory above it, by id, and who it is from claims ([`claim`]). One life has a root directory on each
//! hierarchy; it ends when the one with authority goes.
//!
//! Memory: one entry for each live directory of a container and one life for each container that has a
//! directory left, plus [`MAX_GHOSTS`] that are gone.

mod answer;
mod differences;
mod held;
mod making;
mod matching;
mod pending_by_id;
mod pending_by_path;
mod removal;
mod rows;
mod segment;
mod usage;
mod walk;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use self::held::HeldEnds;
use self::pending_by_id::PendingById;
use self::pending_by_path::PendingByPath;
use self::rows::Drafts;
use self::walk::Walk;
use crate::containers::directory::{DirectoryRole, TrackedDirectory};
use crate::containers::ids::{IdKey, RecentId};
use crate::containers::life::{Life, Stage, Stamp};
use crate::containers::life_table::{LifeId, LifeTable};
use crate::containers::same_id_lives::SameIdLives;
use crate::containers::usage::RemovedChildrenUsage;
use crate::identity::argv::InvocationCache;
use crate::record::{
    Body, BootNs, CgroupEvent, CgroupEventKind, CgroupKey, ClockReason, FatalSignal, HierarchyId, KernelEventKind,
    Loss, Record, Seq, Target,
};
use crate::row::{ContainerRemove, RowSink};

/// Version of the rules. A replay that knows other rules than the recorder says so when rows differ.
pub const DERIVATION_VERSION: u32 = 4;

/// Incarnations kept after their last known directory went, so that a directory of theirs that was never seen being
/// made (events were lost) does not end them a second time.
const MAX_GHOSTS: usize = 1024;

/// The derivation's state between two records.
#[derive(Debug, Default)]
pub struct Fold {
    directories: BTreeMap<CgroupKey, TrackedDirectory>,
    lives: LifeTable,
    by_id: BTreeMap<IdKey, SameIdLives>,
    recent_id: RecentId,
    ghosts: VecDeque<LifeId>,
    stated: PendingByPath,
    foretold: PendingById,
    walk: Option<Walk>,
    /// By directory on v2: what those below it had used that are gone.
    used_below: BTreeMap<CgroupKey, RemovedChildrenUsage>,
    /// Events up to this moment may be missing.
    lost_until: Option<BootNs>,
    /// Exits up to this moment may be.
    exits_lost_until: Option<BootNs>,
    /// The last record that says that the wall clock was set.
    clock_set: Option<Seq>,
    held: HeldEnds,
    drafts: Box<Drafts>,
    last_call: Option<Box<InvocationCache>>,
    /// Ends as they happen, for whoever wants them before their grace is over.
    early: Option<Vec<ContainerRemove>>,
    /// The record that is being taken is of an earlier segment: it makes no rows.
    carrying: bool,
    /// Records of an earlier segment were taken, and no other since.
    has_carried: bool,
    /// The last record that was taken and was not carried.
    last: Option<Stamp>,
}

impl Fold {
    /// A fold that has seen nothing and holds no row back.
    pub fn new() -> Self {
        Self::default()
    }

    /// A fold that has seen nothing, and holds the row of an end back for so many nanoseconds of record time, so that
    /// what is said of the container meanwhile joins it. It is part of what decides the rows: a case records it.
    pub fn with_grace(grace_ns: u64) -> Self {
        Self { held: HeldEnds::with_grace(grace_ns), ..Self::default() }
    }

    /// Keeps a copy of each end as it is known when it happens; see [`Self::take_previews`].
    pub fn enable_preview(&mut self) {
        self.early.get_or_insert_default();
    }

    /// The ends since the last call, without what joins them later.
    pub fn take_previews(&mut self) -> Vec<ContainerRemove> {
        self.early.as_mut().map(core::mem::take).unwrap_or_default()
    }

    /// When the next row that is held back is due, by the boot clock; a later record lets it go.
    pub fn next_due(&self) -> Option<BootNs> {
        self.held.next_due()
    }

    /// Takes the next record and gives the rows that it decides, in a fixed order.
    pub fn apply(&mut self, record: &Record<'_>, out: &mut dyn RowSink) {
        let moment = Stamp { seq: record.seq, ts: record.ts, boot_ns: record.boot_ns };
        self.held.advance(moment.boot_ns);
        while let Some(end) = self.held.take_due() {
            self.release(end, out);
        }
        match &record.body {
            Body::SegmentBegin => self.begin_segment(out),
            Body::Carried(carried) => return self.carry(moment, carried, out),
            body => {
                self.end_carrying();
                self.take(moment, body, out);
            }
        }
        self.last = Some(moment);
    }

    /// Takes what a record says.
    fn take(&mut self, moment: Stamp, body: &Body<'_>, out: &mut dyn RowSink) {
        match body {
            Body::Cgroup(event) => match event.kind {
                CgroupEventKind::Mkdir => self.made(moment, event, out),
                CgroupEventKind::Rmdir => self.removed(moment, event, out),
                CgroupEventKind::Populated => self.populated(moment, event, out),
                CgroupEventKind::Empty => self.emptied(moment, event),
                CgroupEventKind::Frozen => self.froze(moment, event.key, true),
                CgroupEventKind::Thawed => self.froze(moment, event.key, false),
                // What was asked for; the two above are what came of it.
                CgroupEventKind::Freeze | CgroupEventKind::Unfreeze => {}
            },
            Body::Lost(loss) => self.lost(moment, loss),
            Body::SnapshotBegin(reason) => self.walk = Some(Walk::new(*reason, moment.seq)),
            Body::SnapshotFailed(hierarchy) => {
                if let Some(walk) = &mut self.walk {
                    walk.fail(*hierarchy);
                }
            }
            Body::SnapshotEnd(_) => self.end_walk(moment, out),
            Body::Directory(directory) => self.walked(moment, directory),
            Body::Runtime(answer) => self.answered(moment, answer),
            Body::Clock(reading) => {
                if reading.reason == Some(ClockReason::Set) {
                    self.clock_set = Some(moment.seq);
                }
            }
            Body::CaptureStart | Body::CaptureStop | Body::SegmentBegin | Body::Carried(_) | Body::Unknown => {}
            Body::Exit(exit) => {
                if let Some(life) = self.life_of(&exit.target) {
                    life.end_mut().death.add_exit(moment.seq, moment.ts, exit);
                }
            }
            Body::Signal(signal) => self.signalled(moment, signal),
            Body::Oom(kill) => {
                if let Some(life) = self.life_of(&kill.target) {
                    life.end_mut().death.add_oom_kill(moment.seq, kill);
                }
            }
        }
    }

    /// Ends the log: gives the rows that were held back.
    pub fn finish(&mut self, out: &mut dyn RowSink) {
        for end in self.held.take_all() {
            self.release(end, out);
        }
        self.tell_of_the_living(out);
    }

    /// Whether a directory is, as far as known now, a container's root.
    pub fn is_container_root(&self, key: CgroupKey) -> bool {
        self.directories.get(&key).is_some_and(|known| !matches!(known.role, DirectoryRole::Inside(_)))
    }

    /// Containers that are alive as far as the records say.
    pub fn live_containers(&self) -> usize {
        self.lives.iter().filter(|life| matches!(life.stage, Stage::Unannounced | Stage::Announced)).count()
    }

    fn populated(&mut self, moment: Stamp, event: &CgroupEvent<'_>, out: &mut dyn RowSink) {
        let Some(known) = self.directories.get(&event.key).copied() else {
            return;
        };
        let number = match known.role {
            DirectoryRole::Inside(_) => return, // the kernel reports its root as populated as well
            DirectoryRole::Root(number) => number,
            DirectoryRole::Candidate(number) => {
                self.directories.insert(event.key, TrackedDirectory { role: DirectoryRole::Root(number), ..known });
                number
            }
        };
        let Some(life) = self.lives.get_mut(number) else {
            return;
        };
        life.enter(moment.seq);
        self.announce(number, moment, None, out);
    }

    fn emptied(&mut self, moment: Stamp, event: &CgroupEvent<'_>) {
        let Some(TrackedDirectory { role: DirectoryRole::Root(number), .. }) =
            self.directories.get(&event.key).copied()
        else {
            return;
        };
        let usage = self.with_below(event);
        let Some(life) = self.lives.get_mut(number) else {
            return;
        };
        life.entered = true; // what is emptied was populated, seen or not
        let end = life.end_mut();
        end.emptied = Some(moment);
        crate::containers::usage::absorb(&mut end.usage, &usage);
    }

    fn froze(&mut self, moment: Stamp, key: CgroupKey, frozen: bool) {
        let Some(TrackedDirectory { role: DirectoryRole::Root(number), .. }) = self.directories.get(&key).copied()
        else {
            return;
        };
        if let Some(life) = self.lives.get_mut(number) {
            life.end_mut().death.add_freeze(moment.seq, frozen);
        }
    }

    fn signalled(&mut self, moment: Stamp, signal: &FatalSignal<'_>) {
        let sender = signal.sender.cgroup.and_then(|cgroup| {
            let number = self.directories.get(&CgroupKey { hierarchy: HierarchyId::V2, cgroup })?.role.life_id();
            self.lives.get(number)?.container_id().map(|id| String::from(&**id))
        });
        if let Some(life) = self.life_of(&signal.target) {
            life.end_mut().death.add_signal(moment.seq, (moment.ts, moment.boot_ns), signal, sender);
        }
    }

    /// The container that a process is in.
    fn life_of(&mut self, target: &Target<'_>) -> Option<&mut Life> {
        let number = target.places().find_map(|key| self.directories.get(&key))?.role.life_id();
        self.lives.get_mut(number)
    }

    fn lost(&mut self, moment: Stamp, loss: &Loss) {
        // Nearly all exits are of no container's init. That one of an init is among those lost shows where it is missing.
        if loss.kind == Some(KernelEventKind::Exit) {
            self.exits_lost_until = self.exits_lost_until.max(Some(moment.boot_ns));
            for life in self.lives.iter_mut().filter(|life| life.stage != Stage::Ended) {
                life.exits_lost = true;
            }
            return;
        }
        self.lost_until = self.lost_until.max(Some(moment.boot_ns));
        for life in self.lives.iter_mut().filter(|life| life.stage != Stage::Ended) {
            life.after_gap = true;
        }
    }
}
