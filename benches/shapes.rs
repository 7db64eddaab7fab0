//! Raw logs as real hosts write them, in any length, for benchmarks.
//!
//! Each shape repeats the records that one container of that kind makes on this project's own
//! recordings (see `fixtures/cases`): a Docker container on a hybrid host makes 10 directories and
//! 40 events.

// Each benchmark looks at its part.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use obit_case::manifest::{BuildInfo, Manifest};
use obit_case::writer::WriterOptions;
use obit_case::{CaseWriter, Error};
use obit_derivation::fold::DERIVATION_VERSION;
use obit_derivation::record::{Actor, Body, CgroupEvent, CgroupEventKind, Record, Usage};
use obit_derivation::{BootNs, CgroupId, CgroupKey, Fold, HierarchyId, Row, Seq, WallNs};
use obit_schema::Table;
use obit_schema::encode::{EventsBuilder, RowsBuilder};

/// Layout of the containers of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `docker run` on a host with nine v1 hierarchies and v2.
    DockerHybrid,
    /// Pods of three containers under systemd's slices, v2 only.
    KubernetesV2,
    /// Directories that come and go and are no containers: the tracepoints' share of a busy service
    /// manager.
    PlainChurn,
    /// A container with sixteen nested directories.
    DeepNesting,
}

impl Shape {
    pub const ALL: [Self; 4] = [Self::DockerHybrid, Self::KubernetesV2, Self::PlainChurn, Self::DeepNesting];

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.as_str() == name)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DockerHybrid => "docker-hybrid",
            Self::KubernetesV2 => "kubernetes-v2",
            Self::PlainChurn => "plain-churn",
            Self::DeepNesting => "deep-nesting",
        }
    }
}

/// First argument of a process that makes a case and measures nothing: `… make-case PATH SHAPE
/// EVENTS`.
const MAKE_CASE: &str = "make-case";

/// Makes a case if this process was started for that. Must be called first in `main`.
pub fn serve() -> bool {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [word, path, shape, events] = words.as_slice() else { return false };
    let (true, Some(shape), Ok(events)) = (word == MAKE_CASE, Shape::from_name(shape), events.parse()) else {
        return false;
    };
    write_case(Path::new(path), shape, events).expect("a case");
    true
}

/// Returns the case of that shape below `target/bench`, made if it is not there. A process of its
/// own makes it: its memory would count as that of every later child.
pub fn case(shape: Shape, events: u64) -> PathBuf {
    // A case of other rules would be read in another way.
    let path = PathBuf::from(format!("target/bench/{}-{events}-rules-{DERIVATION_VERSION}", shape.as_str()));
    if !path.join("SHA256SUMS").exists() {
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all("target/bench").expect("target is writable");
        let this = std::env::current_exe().expect("a program has a path");
        let mut command = Command::new(this);
        command.arg(MAKE_CASE).arg(&path).args([shape.as_str(), &events.to_string()]);
        let status = command.status().expect("this program runs");
        assert!(status.success(), "making {} ended with {status}", path.display());
    }
    path
}

/// Rows that the writer gets at once.
const BATCH_ROWS: usize = 65_536;

/// Writes records into a case, deriving as the capture does.
struct Log {
    writer: CaseWriter,
    fold: Fold,
    rows: Vec<Row>,
    events: EventsBuilder,
    derived: RowsBuilder,
    seq: u64,
    next_cgroup: u64,
}

/// Writes a case with at least this many events.
pub fn write_case(path: &Path, shape: Shape, events: u64) -> Result<(), Error> {
    let mut manifest = Manifest::new(format!("bench-{}", shape.as_str()), BuildInfo::default());
    manifest.derivation_version = DERIVATION_VERSION;
    let mut log = Log {
        writer: CaseWriter::create(path, manifest, WriterOptions::default())?,
        fold: Fold::new(),
        rows: Vec::new(),
        events: EventsBuilder::new(),
        derived: RowsBuilder::new(),
        seq: 0,
        next_cgroup: 1000,
    };
    log.record(Body::CaptureStart)?;
    let mut number = 0_u64;
    while log.seq < events {
        match shape {
            Shape::DockerHybrid => log.docker(number)?,
            Shape::KubernetesV2 => log.pod(number)?,
            Shape::PlainChurn => log.plain(number)?,
            Shape::DeepNesting => log.deep(number)?,
        }
        number += 1;
    }
    log.record(Body::CaptureStop)?;
    log.fold.finish(&mut log.rows);
    log.flush()?;
    log.writer.close(|_| {})?;
    Ok(())
}

/// Makes an id as engines draw them: 64 hexadecimal digits without order.
pub fn id(number: u64) -> String {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d;
    (0..4)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            format!("{state:016x}")
        })
        .collect()
}

impl Log {
    fn docker(&mut self, number: u64) -> Result<(), Error> {
        let id = id(number);
        let path = format!("/docker/{id}");
        let bundle = format!("/run/containerd/io.containerd.runtime.v2.task/moby/{id}");
        let create = ["runc", "--root", "/var/run/docker/runtime-runc/moby", "create", "--bundle", &bundle, &id];
        let delete = ["runc", "--root", "/var/run/docker/runtime-runc/moby", "delete", &id];
        let first = self.next_cgroup;
        self.next_cgroup += 10;
        for hierarchy in (1..10_u32).chain([0]) {
            let cgroup = first + u64::from(hierarchy);
            self.event(CgroupEventKind::Mkdir, hierarchy, cgroup, 100, &path, &create, number)?;
            self.event(CgroupEventKind::Populated, hierarchy, cgroup, 100, &path, &create, number)?;
        }
        for kind in [CgroupEventKind::Empty, CgroupEventKind::Rmdir] {
            for hierarchy in 0..10_u32 {
                let argv: &[&str] = if kind == CgroupEventKind::Rmdir { &delete } else { &["sleep"] };
                self.event(kind, hierarchy, first + u64::from(hierarchy), 100, &path, argv, number)?;
            }
        }
        Ok(())
    }

    fn pod(&mut self, number: u64) -> Result<(), Error> {
        let pod = id(number ^ 0xffff_0000);
        let uid = format!("{}_{}_{}_{}_{}", &pod[..8], &pod[8..12], &pod[12..16], &pod[16..20], &pod[20..32]);
        let slice = format!("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid}.slice");
        let slice_id = self.next_cgroup;
        self.next_cgroup += 4;
        let systemd = ["/lib/systemd/systemd"];
        self.event(CgroupEventKind::Mkdir, 0, slice_id, 100, &slice, &systemd, number)?;
        for kind in CgroupEventKind::ALL.iter().filter(|kind| **kind != CgroupEventKind::Rmdir) {
            for container in 1..4_u64 {
                let path = format!("{slice}/cri-containerd-{}.scope", id(number * 4 + container));
                self.event(*kind, 0, slice_id + container, slice_id, &path, &systemd, number)?;
            }
        }
        for container in 1..4_u64 {
            let path = format!("{slice}/cri-containerd-{}.scope", id(number * 4 + container));
            self.event(CgroupEventKind::Rmdir, 0, slice_id + container, slice_id, &path, &systemd, number)?;
        }
        self.event(CgroupEventKind::Rmdir, 0, slice_id, 100, &slice, &systemd, number)
    }

    fn plain(&mut self, number: u64) -> Result<(), Error> {
        let path = format!("/system.slice/run-u{}.service", number % 10_000);
        let cgroup = self.next_cgroup;
        self.next_cgroup += 1;
        for kind in [CgroupEventKind::Mkdir, CgroupEventKind::Populated, CgroupEventKind::Empty, CgroupEventKind::Rmdir]
        {
            self.event(kind, 0, cgroup, 100, &path, &["/lib/systemd/systemd"], number)?;
        }
        Ok(())
    }

    fn deep(&mut self, number: u64) -> Result<(), Error> {
        let id = id(number);
        let first = self.next_cgroup;
        self.next_cgroup += 17;
        let mut path = format!("/docker/{id}");
        let mut paths = vec![path.clone()];
        for level in 0..16 {
            path = format!("{path}/level-{level}");
            paths.push(path.clone());
        }
        for (level, path) in (0_u64..).zip(&paths) {
            let parent = if level == 0 { 100 } else { first + level - 1 };
            self.event(CgroupEventKind::Mkdir, 0, first + level, parent, path, &["runc"], number)?;
        }
        for (level, path) in (0_u64..).zip(&paths).collect::<Vec<_>>().into_iter().rev() {
            let parent = if level == 0 { 100 } else { first + level - 1 };
            self.event(CgroupEventKind::Rmdir, 0, first + level, parent, path, &["runc"], number)?;
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)] // an event has that many facts, and each call names them in one line
    fn event(
        &mut self,
        kind: CgroupEventKind,
        hierarchy: u32,
        cgroup: u64,
        parent: u64,
        path: &str,
        argv: &[&str],
        number: u64,
    ) -> Result<(), Error> {
        let pid = 1000 + (number % 60_000) as u32;
        let memory = (hierarchy == 4 && kind != CgroupEventKind::Mkdir).then_some(4096 * (100 + number % 5000));
        let actor = Actor {
            pid,
            tid: pid,
            ppid: pid.saturating_sub(7),
            uid: 0,
            comm: "runc",
            parent_comm: "containerd-shim",
            cgroup: Some(CgroupId(1)),
            argv,
            argv_truncated: false,
        };
        self.record(Body::Cgroup(CgroupEvent {
            kind,
            cpu: (number % 2) as u32,
            key: CgroupKey { hierarchy: HierarchyId(hierarchy), cgroup: CgroupId(cgroup) },
            parent: Some(CgroupId(parent)),
            level: path.matches('/').count() as u32,
            path,
            path_truncated: false,
            actor,
            usage: Usage { memory_peak_bytes: memory, memory_usage_bytes: memory, ..Usage::default() },
        }))
    }

    fn record(&mut self, body: Body<'_>) -> Result<(), Error> {
        let seq = self.seq;
        self.seq += 1;
        // About 25 µs between events, unevenly.
        let boot_ns = 1_000_000_000_000 + seq * 25_000 + (seq * 7919) % 20_000;
        let ts = WallNs(1_790_000_000_000_000_000 + boot_ns as i64);
        let record = Record { seq: Seq(seq), ts, boot_ns: BootNs(boot_ns), body };
        self.fold.apply(&record, &mut self.rows);
        self.events.append(&record)?;
        if self.events.len() >= BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Error> {
        for row in self.rows.drain(..) {
            self.derived.append(&row);
        }
        let events = self.events.finish()?;
        self.writer.append(Table::Events, &events)?;
        for (table, batch) in self.derived.finish()? {
            self.writer.append(table, &batch)?;
        }
        Ok(())
    }
}
