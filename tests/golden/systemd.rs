//! A v2 tree that systemd manages (fixtures/v2-systemd), as a capture would have recorded it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use obit_derivation::record::{
    Actor, Body, BootNs, CgroupEvent, CgroupEventKind, CgroupId, CgroupKey, Directory, HierarchyId, Outcome, Record,
    Seq, SnapshotReason, Vitals, WallNs,
};
use obit_derivation::{Fold, Row};
use obit_schema::details::DirectoryDetails;
use obit_schema::encode::{CgroupfsBuilder, EventsBuilder, RowsBuilder};
use obit_schema::manifest::{Build, Manifest};
use obit_schema::writer::WriterOptions;
use obit_schema::{CaseWriter, Table};
use serde_json::Value;
use tempfile::TempDir;

use crate::case::derived;
use crate::program::replay;

/// A line of cgroups.tsv.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    path: String,
    what: What,
    runtime: String,
    container_id: String,
    pod_uid: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Container,
    Inside,
    Other,
}

fn lines() -> Vec<Line> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/v2-systemd/cgroups.tsv");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<_> = line.split('\t').collect();
            let [path, what, runtime, container_id, pod_uid, source] = fields[..] else {
                panic!("not six columns: {line}");
            };
            assert!(!source.is_empty(), "every line names its source: {line}");
            Line {
                path: path.to_owned(),
                what: match what {
                    "container" => What::Container,
                    "inside" => What::Inside,
                    "other" => What::Other,
                    _ => panic!("container, inside or other: {line}"),
                },
                runtime: runtime.to_owned(),
                container_id: container_id.to_owned(),
                pod_uid: (pod_uid != "-").then(|| pod_uid.to_owned()),
            }
        })
        .collect()
}

/// Who a row says a container is.
type Who = (Option<String>, String, Option<String>, String);

fn who_of_row(row: &Value) -> Who {
    let text = |field: &str| row[field].as_str().map(str::to_owned);
    (
        text("runtime"),
        text("container_id").expect("never null"),
        text("pod_uid"),
        text("cgroup_path").expect("never null"),
    )
}

fn who_of_line(line: &Line) -> Who {
    (Some(line.runtime.clone()), line.container_id.clone(), line.pod_uid.clone(), line.path.clone())
}

/// The lines of containers.
fn containers<'a>(lines: impl IntoIterator<Item = &'a Line>) -> Vec<Who> {
    lines.into_iter().filter(|line| line.what == What::Container).map(who_of_line).collect()
}

#[test]
fn what_is_there_at_the_start_exists_and_ends() {
    let lines = lines();
    let mut host = Host::new(&lines);
    host.walk(SnapshotReason::Start, &lines);
    host.remove_all();
    let case = host.close();

    let existing: Vec<_> = derived(&case.arg(), "existing_container").iter().map(who_of_row).collect();
    assert_eq!(existing, containers(&lines));
    assert_eq!(derived(&case.arg(), "container_create"), Vec::<Value>::new());
    let removed = derived(&case.arg(), "container_remove");
    assert_eq!(removed.iter().map(who_of_row).collect::<Vec<_>>(), containers(lines.iter().rev()));
    for row in &removed {
        assert_eq!(row["never_started"], false, "a process was seen in it: {row}");
        assert_eq!(row["created_seq"], Value::Null, "its making was not seen: {row}");
        assert_eq!((&row["inferred"], &row["parent_container_id"]), (&false.into(), &Value::Null), "{row}");
    }
    replay(["verify", &case.arg()]).expect_code(0);
}

#[test]
fn what_comes_and_goes_while_recording_is_created_and_ends() {
    let lines = lines();
    let mut host = Host::new(&lines);
    let (top, below) = lines.split_at(1);
    host.walk(SnapshotReason::Start, top);
    for line in below {
        host.make(line);
    }
    host.remove_all();
    let case = host.close();

    assert_eq!(derived(&case.arg(), "existing_container"), Vec::<Value>::new());
    let created: Vec<_> = derived(&case.arg(), "container_create").iter().map(who_of_row).collect();
    assert_eq!(created, containers(&lines));
    let removed = derived(&case.arg(), "container_remove");
    assert_eq!(removed.iter().map(who_of_row).collect::<Vec<_>>(), containers(lines.iter().rev()));
    assert!(removed.iter().all(|row| row["never_started"] == false && !row["lifetime_ns"].is_null()), "{removed:?}");
    replay(["verify", &case.arg()]).expect_code(0);
}

#[test]
fn what_was_missed_is_found_by_the_next_walk() {
    let lines = lines();
    let mut host = Host::new(&lines);
    host.walk(SnapshotReason::Start, &lines);
    // All that lies in kubepods.slice is gone, and nobody saw it go.
    let left: Vec<_> = lines.iter().filter(|line| !line.path.starts_with("/kubepods.slice")).cloned().collect();
    host.lose();
    host.walk(SnapshotReason::Resync, &left);
    let case = host.close();

    let removed = derived(&case.arg(), "container_remove");
    let mut found: Vec<_> = removed.iter().map(who_of_row).collect();
    let mut wanted = containers(lines.iter().filter(|line| line.path.starts_with("/kubepods.slice")));
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
    assert!(removed.iter().all(|row| row["inferred"] == true && row["after_gap"] == true), "{removed:?}");
    replay(["verify", &case.arg()]).expect_code(0);
}

/// A host being recorded.
struct Host {
    directory: TempDir,
    writer: CaseWriter,
    fold: Fold,
    next_seq: u64,
    /// The directories, parents before children, each with its inode number.
    ids: BTreeMap<String, u64>,
    lines: Vec<Line>,
}

/// Its case, gone when dropped.
struct Recorded {
    directory: TempDir,
}

impl Recorded {
    fn arg(&self) -> String {
        self.directory.path().join("case").display().to_string()
    }
}

impl Host {
    fn new(lines: &[Line]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let build = Build { version: "0.0.0".to_owned(), commit: "composed".to_owned() };
        let mut manifest = Manifest::new("v2-systemd".to_owned(), build);
        manifest.derivation_version = obit_derivation::fold::DERIVATION_VERSION;
        let writer =
            CaseWriter::create(&directory.path().join("case"), manifest, WriterOptions::default()).expect("a case");
        let ids = lines.iter().zip(1..).map(|(line, id)| (line.path.clone(), id)).collect();
        let mut host = Self { directory, writer, fold: Fold::new(), next_seq: 0, ids, lines: lines.to_vec() };
        host.event(Body::CaptureStart);
        host
    }

    fn record<'a>(&mut self, body: Body<'a>) -> Record<'a> {
        let seq = self.next_seq;
        self.next_seq += 1;
        let record = Record {
            seq: Seq(seq),
            ts: WallNs(1_700_000_000_000_000_000 + i64::try_from(seq).expect("a short story")),
            boot_ns: BootNs(1_000_000 + seq),
            body,
        };
        let mut rows = Vec::new();
        self.fold.apply(&record, &mut rows);
        self.write(rows);
        record
    }

    fn event(&mut self, body: Body<'_>) {
        let mut builder = EventsBuilder::new();
        builder.append(&self.record(body)).expect("an event");
        self.writer.append(Table::Events, &builder.finish().expect("a batch")).expect("a case that can be written");
    }

    fn write(&mut self, rows: Vec<Row>) {
        let mut builder = RowsBuilder::new();
        rows.iter().for_each(|row| builder.append(row));
        for (table, batch) in builder.finish().expect("batches") {
            self.writer.append(table, &batch).expect("a case that can be written");
        }
    }

    fn id(&self, path: &str) -> u64 {
        *self.ids.get(path).unwrap_or_else(|| panic!("{path} is not in cgroups.tsv"))
    }

    fn key(&self, path: &str) -> CgroupKey {
        CgroupKey { hierarchy: HierarchyId::V2, cgroup: CgroupId(self.id(path)) }
    }

    fn parent(&self, path: &str) -> Option<CgroupId> {
        let (above, name) = path.rsplit_once('/').expect("an absolute path");
        (!name.is_empty()).then(|| CgroupId(self.id(if above.is_empty() { "/" } else { above })))
    }

    /// Whether a process is in the directory itself: on v2 they are in leaves only.
    fn has_process(&self, path: &str) -> bool {
        let is_leaf = !self.lines.iter().any(|other| other.path.starts_with(&format!("{path}/")));
        // CRI-O's place for a sandbox never has one.
        let is_placeholder = path.contains("/crio-") && !path.contains(".scope");
        is_leaf && path != "/" && !is_placeholder
    }

    fn walk(&mut self, reason: SnapshotReason, lines: &[Line]) {
        self.event(Body::SnapshotBegin(reason));
        let mut builder = CgroupfsBuilder::new();
        for line in lines {
            let is_in_or_below = |other: &Line| other.path.starts_with(&line.path) && self.has_process(&other.path);
            let directory = Directory {
                reason,
                key: self.key(&line.path),
                parent: self.parent(&line.path),
                parent_uid: None,
                populated: Some(self.lines.iter().any(is_in_or_below)),
                pids: if self.has_process(&line.path) {
                    vec![1000 + u32::try_from(self.id(&line.path)).expect("few")]
                } else {
                    Vec::new()
                },
                path: Cow::Owned(line.path.clone()),
            };
            let details = DirectoryDetails { outcome: Outcome::Ok, ctime: None, files: Vec::new() };
            builder.append(&self.record(Body::Directory(directory)), &details).expect("a directory");
        }
        self.writer.append(Table::Cgroupfs, &builder.finish().expect("a batch")).expect("a case that can be written");
        self.event(Body::SnapshotEnd(reason));
    }

    fn cgroup(&mut self, kind: CgroupEventKind, path: &str, comm: &str, argv: &[&str]) {
        let body = Body::Cgroup(CgroupEvent {
            kind,
            cpu: 0,
            key: self.key(path),
            parent: self.parent(path),
            level: u32::try_from(path.matches('/').count()).expect("not deep"),
            path,
            path_truncated: false,
            actor: Actor { pid: 1, tid: 1, comm, parent_comm: "swapper/0", argv, ..Actor::default() },
            vitals: Vitals::default(),
        });
        self.event(body);
    }

    /// systemd makes a unit's directory; crun makes its own inside.
    fn make(&mut self, line: &Line) {
        let is_crun = line.what == What::Inside && line.path.ends_with(".scope/container");
        let crun = ["/usr/bin/crun", "--systemd-cgroup", "create", "--bundle", "/b", &line.container_id];
        let (comm, argv) = if is_crun { ("crun", &crun[..]) } else { ("systemd", &["/sbin/init"][..]) };
        self.cgroup(CgroupEventKind::Mkdir, &line.path, comm, argv);
        if self.has_process(&line.path) {
            // The kernel tells of every directory that is populated now and was not before, from the inside out
            // (kernel/cgroup/cgroup.c cgroup_update_populated).
            let mut path = line.path.as_str();
            while path.len() > 1 {
                self.cgroup(CgroupEventKind::Populated, path, comm, argv);
                path = &path[..path.rfind('/').expect("an absolute path")];
            }
        }
    }

    /// Everything goes, the innermost first.
    fn remove_all(&mut self) {
        let lines = self.lines.clone();
        for line in lines.iter().rev().filter(|line| line.path != "/") {
            if self.has_process(&line.path) || line.what == What::Container {
                self.cgroup(CgroupEventKind::Empty, &line.path, "sleep", &["sleep"]);
            }
            self.cgroup(CgroupEventKind::Rmdir, &line.path, "systemd", &["/sbin/init"]);
        }
    }

    fn lose(&mut self) {
        let since = Seq(self.next_seq - 1);
        self.event(Body::Lost(obit_derivation::record::Loss { count: 40, kind: None, cpu: None, since }));
    }

    fn close(mut self) -> Recorded {
        self.event(Body::CaptureStop);
        let mut rows = Vec::new();
        self.fold.finish(&mut rows);
        self.write(rows);
        self.writer.close(|_| {}).expect("closed");
        Recorded { directory: self.directory }
    }
}
