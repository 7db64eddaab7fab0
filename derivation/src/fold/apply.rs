//! The state of the fold, and the dispatch of records to their handlers.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::gaps::LogGaps;
use super::output::HeldRows;
use super::pending::PendingClaims;
use super::walk::Walk;
use crate::containers::{Containers, DirectoryRole, Life, Stage};
use crate::identity::argv::InvocationCache;
use crate::record::{Body, BootNs, CgroupEventKind, CgroupKey, Record, Stamp, WallNs};
use crate::row::{Row, RowSink};

/// Version of the rules. A replay that knows other rules than the recorder says so when rows
/// differ.
pub const DERIVATION_VERSION: u32 = 8;

/// The derivation's state between two records.
#[derive(Debug, Default)]
pub struct Fold {
    /// Directories and the lives they belong to.
    pub(super) containers: Containers,
    /// Claims about containers that have no directory yet.
    pub(super) pending: PendingClaims,
    /// Events that are missing, and clocks that were set.
    pub(super) gaps: LogGaps,
    /// Rows that are held back.
    pub(super) output: HeldRows,
    /// The walk under way.
    pub(super) walk: Option<Walk>,
    /// When the first walk was over: directories made since were seen being made.
    pub(super) first_walk_end: Option<WallNs>,
    /// The last command line of an OCI runtime, which made or removed a container's directory on
    /// each hierarchy.
    pub(super) invocations: Option<Box<InvocationCache>>,
    /// The record being taken is of an earlier segment: it makes no rows.
    pub(super) is_carrying: bool,
    /// Records of an earlier segment were taken, and no other since.
    pub(super) has_carried: bool,
    /// The last record that was taken and not carried.
    pub(super) last: Option<Stamp>,
}

impl Fold {
    /// Returns a fold that has seen nothing and holds no row back.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns a fold that has seen nothing, and holds rows of exits and removals back for
    /// `grace_ns` nanoseconds of record time, so that what is said of the container meanwhile joins
    /// it. The grace is part of what decides the rows: a case records it.
    pub fn with_grace(grace_ns: u64) -> Self {
        Self { output: HeldRows::with_grace(grace_ns), ..Self::default() }
    }

    /// Follows at most so many new containers of a user without privileges a second on average; 0
    /// for any number. The rate is part of what decides the rows: a case records it.
    #[must_use]
    pub fn with_user_rate(mut self, lives_per_second: u32) -> Self {
        self.containers.limit_user_rate(lives_per_second);
        self
    }

    /// Keeps a copy of each exit and removal as it is known when it happens; see
    /// [`Self::take_previews`].
    pub fn enable_preview(&mut self) {
        self.output.enable_preview();
    }

    /// Takes the exits and removals since the last call, without what joins them later.
    pub fn take_previews(&mut self) -> Vec<Row> {
        self.output.take_previews()
    }

    /// Returns when the next row that is held back is due, by the boot clock; a later record lets
    /// it go.
    pub fn next_due(&self) -> Option<BootNs> {
        self.output.next_due()
    }

    /// Takes the next record and gives the rows that it decides, in a fixed order.
    pub fn apply(&mut self, record: &Record<'_>, out: &mut dyn RowSink) {
        let at = Stamp { seq: record.seq, ts: record.ts, boot_ns: record.boot_ns };
        self.output.advance(at.boot_ns);
        self.emit_due_ends(out);
        match &record.body {
            Body::SegmentBegin => self.on_segment_begin(out),
            Body::Carried(carried) => return self.on_carried(at, carried, out),
            body => {
                self.end_carrying();
                self.on_body(at, body, out);
            }
        }
        self.last = Some(at);
    }

    /// Takes the body of a record, of this segment or carried.
    pub(super) fn on_body(&mut self, at: Stamp, body: &Body<'_>, out: &mut dyn RowSink) {
        match body {
            Body::Cgroup(event) => match event.kind {
                CgroupEventKind::Mkdir => self.on_mkdir(at, event, out),
                CgroupEventKind::Rmdir => self.on_rmdir(at, event, out),
                CgroupEventKind::Populated => self.on_populated(at, event, out),
                CgroupEventKind::Empty => self.on_empty(at, event, out),
                CgroupEventKind::Frozen => self.on_frozen(at, event.key, true),
                CgroupEventKind::Thawed => self.on_frozen(at, event.key, false),
                CgroupEventKind::Rename => self.on_rename(event),
                // Requests; the two kinds above are what came of them.
                CgroupEventKind::Freeze | CgroupEventKind::Unfreeze => {}
            },
            Body::Attach(attach) => self.on_attach(at, attach, out),
            Body::Exec(exec) => self.on_exec(at, exec, out),
            Body::Exit(exit) => self.on_exit(at, exit, out),
            Body::Signal(signal) => self.on_signal(at, signal),
            Body::Oom(kill) => self.on_oom(at, kill),
            Body::Lost(loss) => {
                self.gaps.on_lost(at, loss, &mut self.containers);
                if let Some(walk) = &mut self.walk {
                    walk.note_loss();
                }
            }
            Body::Clock(reading) => self.gaps.on_clock(at, reading),
            Body::SnapshotBegin(reason) => self.walk = Some(Walk::new(*reason, at.seq)),
            Body::SnapshotFailed(part) => {
                if let Some(walk) = &mut self.walk {
                    walk.fail(part);
                }
            }
            Body::SnapshotEnd(_) => self.on_walk_end(at, out),
            Body::Directory(directory) => self.on_directory(at, directory),
            Body::Runtime(answer) => self.on_answer(at, answer),
            // What was left out is what decides nothing: see `Fold::ignores`.
            Body::Thinned(_) => {}
            Body::CaptureStart | Body::CaptureStop | Body::SegmentBegin | Body::Carried(_) | Body::Unknown => {}
        }
    }

    /// Ends the log: gives the rows that were held back.
    pub fn finish(&mut self, out: &mut dyn RowSink) {
        self.emit_held_ends(out);
        if let Some(last) = self.last {
            self.emit_disagreements_of_live(last, out);
        }
    }

    /// Returns true if a directory is a container's root, as far as known now.
    pub fn is_container_root(&self, key: CgroupKey) -> bool {
        self.containers.directory(key).is_some_and(|directory| !matches!(directory.role, DirectoryRole::Inside(_)))
    }

    /// Returns how many directories of each user without privileges were not followed: a user's
    /// share was full.
    pub fn refused(&self) -> &BTreeMap<u32, u64> {
        self.containers.refused()
    }

    /// Counts the containers that have not exited, as far as the records say.
    pub fn live_containers(&self) -> usize {
        let is_alive =
            |life: &&Life| matches!(life.stage(), Stage::Unannounced | Stage::Announced) && life.exit().is_none();
        self.containers.lives().filter(is_alive).count()
    }
}
