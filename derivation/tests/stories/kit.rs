//! A log as it is told, and what every story needs to tell one.

use obit_derivation::record::*;
use obit_derivation::row::{ContainerCreate, ContainerExit, ContainerRemove, ExistingContainer};
use obit_derivation::{Fold, Row};

/// Two container ids, as Docker gives them.
pub const A: &str = "3f1c0e6b2f9d4a7788990011223344556677889900aabbccddeeff0011223344";
pub const B: &str = "b000000000000000000000000000000000000000000000000000000000000001";

/// The directory of a container on v2.
pub const ROOT: CgroupKey = CgroupKey { hierarchy: HierarchyId::V2, cgroup: CgroupId(100) };

/// The first process of the container there.
pub const INIT: Target<'static> = Target {
    pid: 4000,
    pid_inside: 1,
    ppid: 3900,
    started: BootNs(50),
    comm: "nginx",
    is_reaper: true,
    is_frozen: None,
    cgroup: ROOT.cgroup,
    v1: None,
    parent_cgroup: Some(CgroupId(1)),
    parent_v1: None,
};

/// The end of a container's first process, in a directory on v2.
pub fn exit_of(pid: u32, cgroup: CgroupId) -> Body<'static> {
    let target = Target { pid, cgroup, ..INIT };
    let (oom_victim, rebooted) = (false, Some(false));
    Body::Exit(TaskExit { cpu: 0, target, status: ExitStatus::Exited(0), oom_victim, rebooted, parent_comm: "shim" })
}

/// How a process ends that was killed.
pub const SIGKILLED: ExitStatus = ExitStatus::Signalled { signal: 9, core_dumped: false };

/// When the first record of a story is told.
const BEGINNING: BootNs = BootNs(1_000);

/// What the two clocks lie apart.
const BOOTED: WallNs = WallNs(1_700_000_000_000_000_000);

/// The wall clock at a moment since boot.
pub fn wall(at: BootNs) -> WallNs {
    WallNs(BOOTED.0 + i64::try_from(at.0).expect("a short story"))
}

/// When a record is told, if nothing else is said: a nanosecond after the one before.
pub fn moment(seq: Seq) -> BootNs {
    BootNs(BEGINNING.0 + seq.0)
}

/// Hands a fold record after record, and keeps the rows.
#[derive(Default)]
pub struct Log {
    pub fold: Fold,
    pub rows: Vec<Row>,
    next: u64,
}

impl Log {
    /// Rows wait this long for what is said of their container.
    pub fn with_grace(grace_ns: u64) -> Self {
        Self { fold: Fold::with_grace(grace_ns), ..Self::default() }
    }

    /// The number of the next record.
    pub fn next(&self) -> Seq {
        Seq(self.next)
    }

    pub fn tell(&mut self, body: Body<'_>) -> Seq {
        self.tell_at(moment(self.next()), body)
    }

    pub fn tell_at(&mut self, at: BootNs, body: Body<'_>) -> Seq {
        let seq = self.next();
        self.next += 1;
        self.fold.apply(&Record { seq, ts: wall(at), boot_ns: at, body }, &mut self.rows);
        seq
    }

    /// Ends the log.
    pub fn end(mut self) -> Vec<Row> {
        self.fold.finish(&mut self.rows);
        self.rows
    }
}

pub fn key(hierarchy: u32, cgroup: u64) -> CgroupKey {
    CgroupKey { hierarchy: HierarchyId(hierarchy), cgroup: CgroupId(cgroup) }
}

/// Where Docker has a container without systemd.
pub fn docker(id: &str) -> String {
    format!("/docker/{id}")
}

/// What happens to a directory; by nobody in particular, and nothing is known of what it used.
pub fn event(kind: CgroupEventKind, key: CgroupKey, parent: CgroupId, path: &str) -> CgroupEvent<'_> {
    CgroupEvent {
        kind,
        cpu: 0,
        key,
        parent: Some(parent),
        level: path.matches('/').count() as u32,
        path,
        path_truncated: false,
        actor: Actor::default(),
        usage: Usage::default(),
    }
}

/// A directory as a walk shows it.
pub fn directory(reason: SnapshotReason, key: CgroupKey, parent: CgroupId, path: &str) -> Directory<'_> {
    Directory {
        reason,
        key,
        parent: Some(parent),
        parent_uid: None,
        path: path.into(),
        populated: None,
        pids: Vec::new(),
    }
}

pub fn removes(rows: &[Row]) -> Vec<&ContainerRemove> {
    rows.iter().filter_map(|row| if let Row::Remove(row) = row { Some(row) } else { None }).collect()
}

pub fn exits(rows: &[Row]) -> Vec<&ContainerExit> {
    rows.iter().filter_map(|row| if let Row::Exit(row) = row { Some(row) } else { None }).collect()
}

pub fn creates(rows: &[Row]) -> Vec<&ContainerCreate> {
    rows.iter().filter_map(|row| if let Row::Create(row) = row { Some(row) } else { None }).collect()
}

pub fn existing(rows: &[Row]) -> Vec<&ExistingContainer> {
    rows.iter().filter_map(|row| if let Row::Existing(row) = row { Some(row) } else { None }).collect()
}
