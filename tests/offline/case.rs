//! Cases written as a capture writes them: each record in its raw table, each row of the fold in
//! its own.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use obit_case::manifest::{BuildInfo, CaseCounts, ClockPair, Manifest, Segment};
use obit_case::writer::WriterOptions;
use obit_case::{CaseWriter, FORMAT, FormatVersion};
use obit_derivation::record::{
    Actor, Body, BootNs, Carried, CgroupEvent, CgroupEventKind, CgroupId, CgroupKey, Directory, HierarchyId, Loss,
    Outcome, Record, RuntimeAnswer, Seq, SnapshotReason, Source, Usage, WallNs,
};
use obit_derivation::{Fold, Row};
use obit_schema::Table;
use obit_schema::details::{DirectoryDetails, RuntimeDetails};
use obit_schema::encode::{CgroupfsBuilder, EventsBuilder, RowsBuilder, RuntimeBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Start of every case: 2009-02-13T23:31:30Z, the second 1234567890.
pub const START_NS: i64 = 1_234_567_890_000_000_000;

/// Id of every case that is not told another.
pub const CASE_ID: &str = "11111111-2222-3333-4444-555555555555";

/// Time between two records: a millisecond.
pub const STEP_NS: u64 = 1_000_000;

/// Returns the clocks at a record.
fn at(seq: u64) -> ClockPair {
    ClockPair {
        ts: WallNs(START_NS + i64::try_from(seq * STEP_NS).expect("a short test")),
        boot_ns: BootNs(1_000_000_000 + seq * STEP_NS),
    }
}

/// Returns a container id of docker's form: a digit 64 times.
pub fn id(digit: char) -> String {
    digit.to_string().repeat(64)
}

/// A case being recorded.
pub struct Recorder {
    directory: TempDir,
    path: PathBuf,
    writer: CaseWriter,
    fold: Fold,
    next_seq: u64,
    next_cgroup: u64,
    /// Changes a row before it is written; `false` leaves the row out.
    tamper: fn(&mut Row) -> bool,
}

/// A case on disk, removed when dropped.
pub struct RecordedCase {
    _directory: TempDir,
    pub path: PathBuf,
}

impl RecordedCase {
    /// Returns the path as an argument.
    pub fn arg(&self) -> &str {
        self.path.to_str().expect("a temporary path is UTF-8")
    }
}

impl Recorder {
    pub fn new() -> Self {
        Self::with_part_rows(1 << 20)
    }

    /// Makes a recorder that seals a part after this many rows.
    pub fn with_part_rows(part_rows: u64) -> Self {
        let v2 = json!([{"id": 0, "version": "v2", "controllers": ["cpuset"], "mount_point": "/sys/fs/cgroup"}]);
        Self::on_host(part_rows, json!({ "hierarchies": v2 }))
    }

    /// Makes a recorder on a host with these facts.
    pub fn on_host(part_rows: u64, host: Value) -> Self {
        let options = WriterOptions { part_rows, part_age: Duration::from_secs(3_600), ..WriterOptions::default() };
        Self::with_options(options, host)
    }

    /// Makes a recorder with these options.
    pub fn with_options(options: WriterOptions, host: Value) -> Self {
        Self::start(CASE_ID, options, host, Vec::new())
    }

    /// Makes a flight recorder: see [`Self::cut`].
    pub fn in_segments(options: WriterOptions) -> Self {
        let first = Segment { number: 0, first_seq: 0, began: at(0), counts: CaseCounts::default() };
        Self::start(CASE_ID, options, json!({}), vec![first])
    }

    /// Ends the segment and begins the next one, with nothing carried over; drops the oldest until
    /// this many are left.
    pub fn cut(&mut self, left: usize) {
        let mut rows = Vec::new();
        self.fold.finish(&mut rows);
        self.write(rows);
        let began = at(self.next_seq);
        self.writer.cut(self.next_seq, began).expect("a case that can be cut");
        self.record(Body::SegmentBegin);
        while self.writer.manifest().segments.len() > left {
            assert!(self.writer.drop_oldest(began).expect("a case that can be written"));
        }
    }

    /// Makes a recorder of a case with this id.
    pub fn with_id(case_id: &str, options: WriterOptions) -> Self {
        Self::start(case_id, options, json!({}), Vec::new())
    }

    pub fn start(case_id: &str, options: WriterOptions, host: Value, segments: Vec<Segment>) -> Self {
        Self::of_format(FORMAT, case_id, options, host, segments)
    }

    /// Makes a recorder of a case of this format.
    pub fn of_format(
        format: FormatVersion,
        case_id: &str,
        options: WriterOptions,
        host: Value,
        segments: Vec<Segment>,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("case");
        let build = BuildInfo { version: "9.9.9".to_owned(), commit: "abc123".to_owned() };
        let mut manifest = Manifest::new(case_id.to_owned(), build);
        manifest.format = format;
        manifest.derivation_version = obit_derivation::fold::DERIVATION_VERSION;
        manifest.started_at = "2009-02-13T23:31:30Z".to_owned();
        manifest.host = host.as_object().expect("facts by name").clone();
        manifest.segments = segments;
        let writer = CaseWriter::create(&path, manifest, options).expect("a new case");
        let mut recorder =
            Self { directory, path, writer, fold: Fold::new(), next_seq: 0, next_cgroup: 100, tamper: |_| true };
        recorder.record(Body::CaptureStart);
        recorder
    }

    /// Makes the recorder lie about the rows that it derives.
    pub fn tampering(mut self, tamper: fn(&mut Row) -> bool) -> Self {
        self.tamper = tamper;
        self
    }

    /// Admits a record, and writes it and the rows that follow.
    pub fn record(&mut self, body: Body<'_>) -> u64 {
        let seq = self.next_seq;
        self.next_seq += 1;
        let ClockPair { ts, boot_ns } = at(seq);
        let record = Record { seq: Seq(seq), ts, boot_ns, body };
        let (table, batch) = match &record.body {
            Body::Directory(_) => {
                let mut builder = CgroupfsBuilder::new();
                let details = DirectoryDetails { outcome: Outcome::Ok, ctime: None, files: Vec::new() };
                builder.append(&record, &details).expect("a directory");
                (Table::Cgroupfs, builder.finish())
            }
            Body::Runtime(_) => {
                let mut builder = RuntimeBuilder::new();
                let details = RuntimeDetails { request: "config.json".to_owned(), latency_ns: 1, document: None };
                builder.append(&record, &details).expect("an answer");
                (Table::Runtime, builder.finish())
            }
            _ => {
                let mut builder = EventsBuilder::new();
                builder.append(&record).expect("an event");
                (Table::Events, builder.finish())
            }
        };
        self.writer.append(table, &batch.expect("a batch")).expect("a case that can be written");
        let mut rows = Vec::new();
        self.fold.apply(&record, &mut rows);
        self.write(rows);
        seq
    }

    fn write(&mut self, rows: Vec<Row>) {
        for mut row in rows {
            if !(self.tamper)(&mut row) {
                continue;
            }
            let mut builder = RowsBuilder::new();
            builder.append(&row);
            for (table, batch) in builder.finish().expect("a batch") {
                self.writer.append(table, &batch).expect("a case that can be written");
            }
        }
    }

    /// Records the first walk, which finds these directories of the v2 tree. Returns their cgroup
    /// ids.
    pub fn walk(&mut self, paths: &[&str]) -> Vec<u64> {
        self.walk_because(SnapshotReason::Start, paths)
    }

    /// Records a walk, which finds these new directories of the v2 tree. Returns their cgroup ids.
    pub fn walk_because(&mut self, reason: SnapshotReason, paths: &[&str]) -> Vec<u64> {
        self.record(Body::SnapshotBegin(reason));
        let ids = paths.iter().map(|path| self.walked(reason, path)).collect();
        self.record(Body::SnapshotEnd(reason));
        ids
    }

    fn walked(&mut self, reason: SnapshotReason, path: &str) -> u64 {
        let id = self.new_cgroup();
        self.record(Body::Directory(Directory {
            reason,
            key: v2(id),
            parent: None,
            parent_uid: None,
            path: Cow::Borrowed(path),
            populated: Some(true),
            pids: vec![4242],
        }));
        id
    }

    /// Returns a new cgroup id.
    pub fn new_cgroup(&mut self) -> u64 {
        self.next_cgroup += 1;
        self.next_cgroup
    }

    /// Records a cgroup event on the v2 tree.
    pub fn event(&mut self, kind: CgroupEventKind, cgroup: u64, path: &str, argv: &[&str]) -> u64 {
        self.event_on(kind, v2(cgroup), path, argv)
    }

    /// Records a cgroup event.
    pub fn event_on(&mut self, kind: CgroupEventKind, key: CgroupKey, path: &str, argv: &[&str]) -> u64 {
        self.record(Body::Cgroup(cgroup_event(kind, key, path, argv)))
    }

    /// Records again a cgroup event on the v2 tree of an earlier segment.
    pub fn carry(&mut self, from: u64, kind: CgroupEventKind, cgroup: u64, path: &str, argv: &[&str]) -> u64 {
        let body = Body::Cgroup(cgroup_event(kind, v2(cgroup), path, argv));
        self.record(Body::Carried(Box::new(Carried { from: Seq(from), body })))
    }

    /// Begins a docker container. Returns its cgroup id.
    pub fn begin(&mut self, container_id: &str) -> u64 {
        let cgroup = self.new_cgroup();
        let path = format!("/docker/{container_id}");
        self.event(CgroupEventKind::Mkdir, cgroup, &path, &["runc"]);
        self.event(CgroupEventKind::Populated, cgroup, &path, &["runc"]);
        cgroup
    }

    /// Ends a docker container. Returns the seq of the removal.
    pub fn end(&mut self, container_id: &str, cgroup: u64) -> u64 {
        let path = format!("/docker/{container_id}");
        self.event(CgroupEventKind::Empty, cgroup, &path, &["sleep"]);
        self.event(CgroupEventKind::Rmdir, cgroup, &path, &["runc"])
    }

    /// Begins and ends a docker container. Returns the seq of its removal.
    pub fn live(&mut self, container_id: &str) -> u64 {
        let cgroup = self.begin(container_id);
        self.end(container_id, cgroup)
    }

    /// Records an answer of a runtime about a container.
    pub fn answer(&mut self, container_id: &str, name: &str, image: &str) -> u64 {
        self.record(Body::Runtime(RuntimeAnswer {
            container_id: Some(container_id.into()),
            runtime: Some("docker".into()),
            container_name: Some(name.into()),
            image_name: Some(image.into()),
            ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok)
        }))
    }

    /// Records that events were lost.
    pub fn lose(&mut self, count: u64) -> u64 {
        let since = Seq(self.next_seq - 1);
        self.record(Body::Lost(Loss { count, kind: Some(CgroupEventKind::Rmdir.into()), cpu: Some(1), since }))
    }

    /// Ends the capture and closes the case.
    pub fn close(mut self) -> RecordedCase {
        self.record(Body::CaptureStop);
        let mut rows = Vec::new();
        self.fold.finish(&mut rows);
        self.write(rows);
        self.writer.close(|manifest| manifest.ended_at = Some("2009-02-13T23:32:00Z".to_owned())).expect("closed");
        RecordedCase { _directory: self.directory, path: self.path }
    }

    /// Returns the path of the case.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the line that an anchor has of the parts sealed so far.
    pub fn head_line(&self) -> String {
        self.writer.head_line().expect("on disk")
    }

    /// Seals all open parts.
    pub fn seal(&mut self) {
        for table in Table::ALL {
            self.writer.seal(table).expect("sealed");
        }
    }

    /// Brings all that was recorded to disk, sealed where that is due.
    pub fn sync(&mut self) {
        self.writer.sync().expect("journals reach the disk");
    }

    /// Kills the capture: nothing is closed.
    pub fn kill(mut self) -> RecordedCase {
        self.sync();
        drop(self.writer);
        RecordedCase { _directory: self.directory, path: self.path }
    }
}

fn cgroup_event<'a>(kind: CgroupEventKind, key: CgroupKey, path: &'a str, argv: &'a [&'a str]) -> CgroupEvent<'a> {
    CgroupEvent {
        kind,
        cpu: 0,
        key,
        parent: None,
        level: u32::try_from(path.matches('/').count()).expect("a short path"),
        path,
        path_truncated: false,
        actor: Actor {
            pid: 77,
            tid: 77,
            ppid: 76,
            uid: 0,
            comm: "runc",
            parent_comm: "containerd-shim",
            cgroup: None,
            argv,
            argv_truncated: false,
        },
        usage: Usage { memory_peak_bytes: Some(1 << 20), ..Usage::default() },
    }
}

fn v2(cgroup: u64) -> CgroupKey {
    CgroupKey { hierarchy: HierarchyId::V2, cgroup: CgroupId(cgroup) }
}

/// Records the everyday case: one container alive before (`e`), one that lives twice (`a`), one
/// that lives once with a directory inside (`b`), and one that is alive at the end (`c`). It has
/// four rows of container_remove, four of container_create (one for `c`) and one of
/// existing_container.
pub fn everyday() -> Recorder {
    let mut recorder = Recorder::new();
    everyday_into(&mut recorder);
    recorder
}

/// Records the events of [`everyday`].
pub fn everyday_into(recorder: &mut Recorder) {
    let before = format!("/docker/{}", id('e'));
    let existing = recorder.walk(&["/system.slice", &before])[1];
    recorder.live(&id('a'));
    let b = recorder.begin(&id('b'));
    recorder.answer(&id('b'), "web-1", "docker.io/library/nginx:1.27");
    let inside = recorder.new_cgroup();
    let path = format!("/docker/{}/init.scope", id('b'));
    recorder.event(CgroupEventKind::Mkdir, inside, &path, &["systemd"]);
    recorder.event(CgroupEventKind::Rmdir, inside, &path, &["systemd"]);
    recorder.end(&id('b'), b);
    recorder.live(&id('a'));
    recorder.end(&id('e'), existing);
    recorder.begin(&id('c'));
}

/// Returns the ids of the containers that end in [`everyday`], in order.
pub fn everyday_ends() -> Vec<String> {
    ['a', 'b', 'a', 'e'].map(id).to_vec()
}

/// Copies a case, file by file.
pub fn copy(case: &RecordedCase) -> RecordedCase {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("copy");
    copy_directory(&case.path, &path);
    RecordedCase { _directory: directory, path }
}

fn copy_directory(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a new directory");
    for entry in std::fs::read_dir(from).expect("a directory") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
