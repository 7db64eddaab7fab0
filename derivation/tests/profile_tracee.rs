//! Compares Tracee's rules with obit's own on the same records, in short stories.
//!
//! Each story names the lines of Tracee that it follows, at commit 7c9ec9788ec5. `containers.go` is
//! pkg/datastores/container/containers.go; `container_remove.go` and `container_create.go` are in
//! pkg/events/derive.

use std::borrow::Cow;
use std::collections::HashMap;

use obit_derivation::identity::Engine;
use obit_derivation::profile::Derive;
use obit_derivation::record::*;
use obit_derivation::row::{ContainerCreate, ContainerRemove};
use obit_derivation::tracee::{TraceeFold, WatchedHierarchies};
use obit_derivation::{Fold, Row};
use proptest::prelude::*;

const A: &str = "3f1c0e6b2f9d4a7788990011223344556677889900aabbccddeeff0011223344";
const B: &str = "b000000000000000000000000000000000000000000000000000000000000001";
const SECOND: u64 = 1_000_000_000;

/// Engine and container id of each end.
type Ends<'a> = Vec<(&'a str, &'a str)>;

/// Writes a log record by record, and lets both derivations read it.
struct Story {
    tracee: TraceeFold,
    strict: Fold,
    by_tracee: Vec<Row>,
    by_strict: Vec<Row>,
    seq: u64,
    now: BootNs,
}

impl Story {
    fn watching(watched: WatchedHierarchies) -> Self {
        Self {
            tracee: TraceeFold::new(watched),
            strict: Fold::new(),
            by_tracee: Vec::new(),
            by_strict: Vec::new(),
            seq: 0,
            now: BootNs(100 * SECOND),
        }
    }

    /// A host with the v2 tree only.
    fn new() -> Self {
        Self::watching(WatchedHierarchies::Every)
    }

    /// Lets time pass.
    fn wait(&mut self, ns: u64) {
        self.now = BootNs(self.now.0 + ns);
    }

    fn tell(&mut self, body: Body<'_>) {
        let ts = WallNs(i64::try_from(self.now.0).expect("a short story"));
        let record = Record { seq: Seq(self.seq), ts, boot_ns: self.now, body };
        self.tracee.apply(&record, &mut self.by_tracee);
        self.strict.apply(&record, &mut self.by_strict);
        self.seq += 1;
    }

    fn event(&mut self, kind: CgroupEventKind, key: CgroupKey, parent: u64, path: &str, argv: &[&str]) {
        self.tell(Body::Cgroup(CgroupEvent {
            kind,
            cpu: 0,
            key,
            parent: Some(CgroupId(parent)),
            level: path.matches('/').count() as u32,
            path,
            path_truncated: false,
            actor: Actor { pid: 77, uid: 0, comm: "runc", parent_comm: "containerd-shim", argv, ..Actor::default() },
            usage: Usage { memory_peak_bytes: Some(4096), ..Usage::default() },
        }));
    }

    fn mkdir(&mut self, id: u64, parent: u64, path: &str) {
        self.event(CgroupEventKind::Mkdir, key(0, id), parent, path, &[]);
    }

    fn rmdir(&mut self, id: u64, parent: u64, path: &str) {
        self.event(CgroupEventKind::Rmdir, key(0, id), parent, path, &[]);
    }

    fn walk(&mut self, reason: SnapshotReason, directories: &[(CgroupKey, &str)]) {
        self.tell(Body::SnapshotBegin(reason));
        for (key, path) in directories {
            self.tell(Body::Directory(Directory {
                reason,
                key: *key,
                parent: None,
                parent_uid: None,
                path: Cow::Borrowed(path),
                populated: None,
                pids: Vec::new(),
            }));
        }
        self.tell(Body::SnapshotEnd(reason));
    }

    /// Returns the ends, and where each was, by Tracee's rules and by obit's.
    fn ends(&self) -> (Ends<'_>, Ends<'_>) {
        (ends(&self.by_tracee), ends(&self.by_strict))
    }
}

fn ends(rows: &[Row]) -> Vec<(&str, &str)> {
    removes(rows).map(|row| (row.identity.container_id.as_str(), row.place.path.as_str())).collect()
}

fn removes(rows: &[Row]) -> impl Iterator<Item = &ContainerRemove> {
    rows.iter().filter_map(|row| if let Row::Remove(row) = row { Some(row) } else { None })
}

fn creates(rows: &[Row]) -> impl Iterator<Item = &ContainerCreate> {
    rows.iter().filter_map(|row| if let Row::Create(row) = row { Some(row) } else { None })
}

fn key(hierarchy: u32, id: u64) -> CgroupKey {
    CgroupKey { hierarchy: HierarchyId(hierarchy), cgroup: CgroupId(id) }
}

fn docker(id: &str) -> String {
    format!("/docker/{id}")
}

/// container_remove.go line 27 asks for an id only; container_create.go line 29 asks for
/// `ContainerRoot`.
#[test]
fn a_removed_directory_inside_a_container_is_another_remove_but_no_create() {
    let mut story = Story::new();
    let (root, inside) = (docker(A), format!("{}/init.scope", docker(A)));
    story.mkdir(100, 1, &root);
    story.mkdir(101, 100, &inside);
    story.rmdir(101, 100, &inside);
    story.rmdir(100, 1, &root);
    let (tracee, strict) = story.ends();
    assert_eq!(tracee, [(A, inside.as_str()), (A, root.as_str())]);
    assert_eq!(strict, [(A, root.as_str())]);
    assert_eq!(creates(&story.by_tracee).count(), 1);
}

/// containers.go lines 437 to 441 delete the container's entry, which both lives share, 30 s after
/// the first life's end; line 543 then finds none.
#[test]
fn the_end_of_a_restarted_container_is_missed_once_the_first_end_is_30_seconds_ago() {
    for (after_first_end, is_missed) in [(30 * SECOND, false), (30 * SECOND + 1, true)] {
        let mut story = Story::new();
        let path = docker(A);
        story.mkdir(100, 1, &path);
        story.rmdir(100, 1, &path);
        story.wait(2 * SECOND);
        story.mkdir(200, 1, &path);
        story.wait(after_first_end - 2 * SECOND);
        story.rmdir(200, 1, &path);
        let (tracee, strict) = story.ends();
        assert_eq!(strict.len(), 2);
        // Line 438 has `After`, so not yet at the very moment. No other removal is needed: this one
        // deletes first.
        assert_eq!(tracee.len(), if is_missed { 1 } else { 2 }, "{after_first_end} ns");
    }
}

/// A directory inside goes, whose removal deletes the container's entry too: the container is
/// reported while it runs, and not when it ends.
#[test]
fn a_removal_inside_a_running_container_is_a_false_end_and_hides_the_real_one() {
    let mut story = Story::new();
    let (root, inside) = (docker(A), format!("{}/system.slice/cron.service", docker(A)));
    story.mkdir(100, 1, &root);
    story.mkdir(101, 100, &inside);
    story.rmdir(101, 100, &inside);
    story.wait(31 * SECOND);
    story.rmdir(100, 1, &root);
    let (tracee, strict) = story.ends();
    assert_eq!(tracee, [(A, inside.as_str())]);
    assert_eq!(strict, [(A, root.as_str())]);
}

/// containers.go line 247: each directory that is made writes the container's entry again.
#[test]
fn a_directory_made_inside_brings_a_deleted_entry_back() {
    let mut story = Story::new();
    let (root, inside) = (docker(A), format!("{}/cron.service", docker(A)));
    story.mkdir(100, 1, &root);
    story.mkdir(101, 100, &inside);
    story.rmdir(101, 100, &inside);
    story.wait(31 * SECOND);
    // Somebody's removal deletes what is due.
    story.mkdir(50, 1, "/other");
    story.rmdir(50, 1, "/other");
    story.mkdir(102, 100, &inside);
    story.rmdir(100, 1, &root);
    assert_eq!(story.ends().0, [(A, inside.as_str()), (A, root.as_str())]);
}

/// containers.go line 246 keys by the low 32 bits and overwrites; line 438 takes the new entry's
/// zero time for long past.
#[test]
fn a_directory_with_the_low_bits_of_one_just_removed_is_forgotten_by_the_next_removal() {
    let mut story = Story::new();
    let (first, second) = (0x1_0000_0064, 0x2_0000_0064);
    story.mkdir(first, 1, &docker(A));
    story.rmdir(first, 1, &docker(A));
    story.mkdir(second, 1, &docker(B));
    story.rmdir(second, 1, &docker(B));
    let (tracee, strict) = story.ends();
    assert_eq!(tracee, [(A, docker(A).as_str())]);
    assert_eq!(strict, [(A, docker(A).as_str()), (B, docker(B).as_str())]);
}

/// containers.go lines 505 and 542: the look-up is by the low 32 bits too, and the event's path is
/// not used.
#[test]
fn of_two_directories_with_the_same_low_bits_the_older_is_taken_for_the_newer() {
    let mut story = Story::new();
    let (older, newer) = (0x1_0000_0064, 0x2_0000_0064);
    story.mkdir(older, 1, &docker(A));
    story.mkdir(newer, 1, &docker(B));
    story.rmdir(older, 1, &docker(A));
    let (tracee, strict) = story.ends();
    assert_eq!(tracee, [(B, docker(A).as_str())], "named B, in the place of A");
    assert_eq!(strict, [(A, docker(A).as_str())]);
}

/// containers.go lines 349 to 351: nothing asks whether an id follows `docker-`.
#[test]
fn a_service_whose_name_begins_like_a_container_is_one() {
    let mut story = Story::new();
    let path = "/system.slice/docker-prune-unused-images.service";
    story.mkdir(100, 1, path);
    story.rmdir(100, 1, path);
    let (tracee, strict) = story.ends();
    assert_eq!(tracee, [("prune-unused-images.service", path)]);
    assert_eq!(strict, []);
    assert_eq!(removes(&story.by_tracee).next().expect("a row").identity.runtime, Some(Engine::Docker));
}

/// containers.go lines 352 to 358 and 366 to 371.
#[test]
fn conmon_is_no_container_and_counts_for_what_is_around_it() {
    let mut story = Story::new();
    let podman = format!("/machine.slice/libpod-conmon-{A}.scope");
    let crio = format!("/kubepods.slice/crio-conmon-{A}.scope");
    let inner = format!("{}/libpod-conmon-{A}.scope", docker(B));
    for (id, path) in [(100, &podman), (101, &crio)] {
        story.mkdir(id, 1, path);
        story.rmdir(id, 1, path);
    }
    assert_eq!((story.by_tracee.len(), story.by_strict.len()), (0, 0));
    story.mkdir(102, 1, &docker(B));
    story.mkdir(103, 102, &inner);
    story.rmdir(103, 102, &inner);
    assert_eq!(story.ends(), (vec![(B, inner.as_str())], vec![]));
}

/// container_create.go lines 52 to 61 and containers.go lines 423 to 428 and 458 to 463.
#[test]
fn of_v1_hierarchies_only_the_one_with_cpuset_counts() {
    const CPUSET: u32 = 3;
    let life = |story: &mut Story| {
        for kind in [CgroupEventKind::Mkdir, CgroupEventKind::Rmdir] {
            for hierarchy in (1..10).chain([0]) {
                story.event(kind, key(hierarchy, 100), 1, &docker(A), &[]);
            }
        }
    };
    let mut hybrid = Story::watching(WatchedHierarchies::Only(HierarchyId(CPUSET)));
    life(&mut hybrid);
    let places: Vec<_> = removes(&hybrid.by_tracee).map(|row| row.place.key).collect();
    assert_eq!(places, [key(CPUSET, 100)]);
    assert_eq!(creates(&hybrid.by_tracee).count(), 1);
    let places: Vec<_> = removes(&hybrid.by_strict).map(|row| row.place.key).collect();
    assert_eq!(places, [key(0, 100)]);
    // On a v2 host Tracee does not ask for the hierarchy, and all share one map: the first removal
    // is reported, and each of the others finds the entry still there.
    let mut unified = Story::new();
    life(&mut unified);
    assert_eq!((creates(&unified.by_tracee).count(), removes(&unified.by_tracee).count()), (10, 10));
}

/// containers.go lines 335 to 415 know no other names (tracee#1563).
#[test]
fn an_id_that_is_not_hexadecimal_is_seen_by_obit_only() {
    let mut story = Story::new();
    let bundle = "/run/containerd/io.containerd.runtime.v2.task/shop/web-1";
    let create = ["runc", "--root", "/run/containerd/runc/shop", "create", "--bundle", bundle, "web-1"];
    let delete = ["runc", "--root", "/run/containerd/runc/shop", "delete", "web-1"];
    story.event(CgroupEventKind::Mkdir, key(0, 100), 1, "/shop/web-1", &create);
    story.event(CgroupEventKind::Rmdir, key(0, 100), 1, "/shop/web-1", &delete);
    assert_eq!(story.ends(), (vec![], vec![("web-1", "/shop/web-1")]));
}

/// containers.go lines 194 to 218 and 549 to 560; pkg/events/usermode.go line 120.
#[test]
fn the_first_walk_finds_what_is_alive_and_its_end_is_known() {
    let mut story = Story::watching(WatchedHierarchies::Only(HierarchyId(3)));
    let (root, inside) = (docker(A), format!("{}/init.scope", docker(A)));
    story.walk(
        SnapshotReason::Start,
        &[
            (key(3, 1), "/"),
            (key(3, 100), &root),
            (key(3, 101), &inside),
            (key(0, 1), "/"),
            (key(0, 100), &root),
            (key(0, 102), &docker(B)),
        ],
    );
    let [Row::Existing(existing)] = story.by_tracee.as_slice() else { panic!("{:?}", story.by_tracee) };
    assert_eq!((existing.identity.container_id.as_str(), existing.place.key), (A, key(3, 100)));
    story.event(CgroupEventKind::Rmdir, key(3, 100), 1, &root, &[]);
    assert_eq!(story.ends().0, [(A, root.as_str())]);
}

/// containers.go lines 517 to 535: the path that comes with the event is not used, and the
/// directory is gone.
#[test]
fn the_end_of_a_directory_that_was_never_seen_is_missed() {
    let mut story = Story::new();
    story.rmdir(100, 1, &docker(A));
    assert_eq!(story.ends(), (vec![], vec![(A, docker(A).as_str())]));
}

/// pkg/ebpf/controlplane/controller.go line 117: a loss is a line in a log file. No walk follows.
#[test]
fn what_was_lost_stays_lost() {
    let mut story = Story::new();
    story.walk(SnapshotReason::Start, &[(key(0, 1), "/")]);
    story.mkdir(100, 1, &docker(A));
    story.tell(Body::Lost(Loss { count: 2, kind: None, cpu: None, since: Seq(3) }));
    story.walk(SnapshotReason::Resync, &[(key(0, 1), "/"), (key(0, 101), &docker(B))]);
    assert_eq!(story.ends(), (vec![], vec![(A, docker(A).as_str())]));
    story.rmdir(101, 1, &docker(B));
    assert_eq!(story.ends().0, []);
}

#[test]
fn a_cut_path_names_the_container_around_it_and_the_row_says_that_it_is_cut() {
    let mut story = Story::new();
    let deep = format!("{}/{}", docker(A), "x/".repeat(400));
    for (id, path, is_cut) in [(100, docker(A), false), (101, deep, true), (102, docker(B), true)] {
        for kind in [CgroupEventKind::Mkdir, CgroupEventKind::Rmdir] {
            story.tell(Body::Cgroup(CgroupEvent {
                kind,
                cpu: 0,
                key: key(0, id),
                parent: None,
                level: 2,
                path: &path,
                path_truncated: is_cut,
                actor: Actor::default(),
                usage: Usage::default(),
            }));
        }
    }
    // The last of the three could be the beginning of any name.
    let found: Vec<_> =
        removes(&story.by_tracee).map(|row| (&*row.identity.container_id, row.place.is_path_cut)).collect();
    assert_eq!(found, [(A, false), (A, true)]);
    assert_eq!(creates(&story.by_tracee).count(), 1);
}

/// container_remove.go line 28 takes runtime and id. The task is in the context that a derived
/// event shares with its kernel event (pkg/events/derive/derive.go, `buildDerivedEvent`).
#[test]
fn a_row_has_what_tracee_fills_and_the_records_it_is_from() {
    let mut story = Story::new();
    let answer = RuntimeAnswer {
        container_id: Some(A.into()),
        runtime: Some("docker".into()),
        container_name: Some("web".into()),
        ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok)
    };
    story.mkdir(100, 1, &docker(A));
    story.tell(Body::Runtime(answer));
    story.wait(SECOND);
    story.rmdir(100, 1, &docker(A));
    let row = removes(&story.by_tracee).next().expect("a row");
    assert_eq!(row.identity.runtime, Some(Engine::Docker));
    assert_eq!((row.seq, row.rmdir_seq, row.boot_ns), (Seq(2), Some(Seq(2)), BootNs(101 * SECOND)));
    assert_eq!(row.evidence_seqs, [Seq(0), Seq(2)]);
    let task = row.removed_by.as_ref().expect("a task");
    assert_eq!((task.pid, task.comm.as_str(), task.parent_comm.as_str()), (77, "runc", ""));
    assert_eq!(row.identity.container_name, None, "enrichment is not repeated");
    assert_eq!((row.lifetime_ns, row.usage), (None, Usage::default()));
}

/// Reads what one row says as Tracee's event would: the runtime's word, and the id.
fn words(row: &Row) -> (String, String) {
    let identity = row.identity();
    (identity.runtime.map_or("-", Engine::as_str).to_owned(), identity.container_id.clone())
}

#[test]
fn every_directory_is_told_as_tracee_told_it() {
    let mut failures = String::new();
    let mut read = 0;
    for (line, text) in (1..).zip(include_str!("tracee-paths.tsv").lines()) {
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let columns: Vec<&str> = text.split('\t').collect();
        let [path, create_runtime, create_id, remove_runtime, remove_id] = columns[..] else {
            panic!("tracee-paths.tsv:{line}: {} columns instead of 5", columns.len());
        };
        let expected = |runtime: &str, id: &str| (runtime != "-").then(|| (runtime.to_owned(), id.to_owned()));
        let mut story = Story::new();
        story.mkdir(100, 1, path);
        story.rmdir(100, 1, path);
        let of_creates = story.by_tracee.iter().find(|row| matches!(row, Row::Create(_))).map(words);
        let of_removes = story.by_tracee.iter().find(|row| matches!(row, Row::Remove(_))).map(words);
        let found = (of_creates, of_removes);
        let expected = (expected(create_runtime, create_id), expected(remove_runtime, remove_id));
        if found != expected {
            failures += &format!("tracee-paths.tsv:{line}: {path}\n  expected {expected:?}\n  found    {found:?}\n");
        }
        read += 1;
    }
    assert!(read >= 498, "only {read} rows were read");
    assert!(failures.is_empty(), "\n{failures}");
}

/// Tracee's `Manager` in its plainest form, to compare with: a list of removed directories that
/// each removal walks.
#[derive(Default)]
struct Plain {
    directories: HashMap<u32, (String, Option<u64>)>,
    containers: HashMap<String, Option<Engine>>,
    removed: Vec<u32>,
}

impl Plain {
    fn update(&mut self, id: u32, path: &str) {
        let (container_id, runtime) = match path.rsplit('/').find(|name| name.len() == 64) {
            Some(name) => (name, path.contains("/docker/").then_some(Engine::Docker)),
            None => ("", None),
        };
        self.directories.insert(id, (container_id.to_owned(), None));
        self.containers.insert(container_id.to_owned(), runtime);
    }

    /// Returns the id and runtime that are reported.
    fn remove(&mut self, id: u32, now: u64) -> Option<(String, Option<Engine>)> {
        for removed in std::mem::take(&mut self.removed) {
            let (container_id, expires) = self.directories.get(&removed).cloned().unwrap_or_default();
            if expires.is_none_or(|expires| now > expires) {
                self.directories.remove(&removed);
                self.containers.remove(&container_id);
            } else {
                self.removed.push(removed);
            }
        }
        match self.directories.get_mut(&id) {
            Some((_, expires)) => {
                *expires = Some(now + 30 * SECOND);
                self.removed.push(id);
            }
            None => self.update(id, ""),
        }
        let (container_id, _) = self.directories.get(&id)?;
        let runtime = self.containers.get(container_id)?;
        (!container_id.is_empty()).then(|| (container_id.clone(), *runtime))
    }
}

#[derive(Clone, Debug)]
struct Step {
    is_mkdir: bool,
    id: u64,
    path: usize,
    seconds: u64,
}

fn step() -> impl Strategy<Value = Step> {
    // Two generations of three low words, so that they collide; gaps around the 30 s.
    let id = (0..2_u64, 1..4_u64).prop_map(|(high, low)| high << 32 | low);
    (any::<bool>(), id, 0..5_usize, prop_oneof![3 => 0..5_u64, 1 => Just(30), 1 => 25..40_u64])
        .prop_map(|(is_mkdir, id, path, seconds)| Step { is_mkdir, id, path, seconds })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    /// For any events, the same removals are reported that Tracee's own maps and list would give.
    #[test]
    fn the_same_removes_as_from_a_plain_list(steps in proptest::collection::vec(step(), 0..40)) {
        let paths = [docker(A), docker(B), format!("{}/x", docker(A)), format!("/shop/{A}"), "/other".to_owned()];
        let (mut story, mut plain) = (Story::new(), Plain::default());
        let mut expected = Vec::new();
        for Step { is_mkdir, id, path, seconds } in &steps {
            story.wait(seconds * SECOND);
            let low = u32::try_from(id & 0xffff_ffff).expect("masked");
            if *is_mkdir {
                story.mkdir(*id, 1, &paths[*path]);
                plain.update(low, &paths[*path]);
            } else {
                story.rmdir(*id, 1, &paths[*path]);
                expected.extend(plain.remove(low, story.now.0));
            }
        }
        let found: Vec<_> = removes(&story.by_tracee)
            .map(|row| (row.identity.container_id.clone(), row.identity.runtime.filter(|it| *it != Engine::Unknown)))
            .collect();
        prop_assert_eq!(found, expected);
    }
}
