//! The fold, told as short stories. Paths and argument vectors are those that Docker, containerd's `ctr`, runc and
//! crun produce.

use obit_derivation::identity::Engine;
use obit_derivation::record::*;
use obit_derivation::row::{ContainerCreate, ContainerRemove, ExistingContainer};

use crate::kit::{self, A, B, Log, docker, key};

#[derive(Default)]
struct Story {
    log: Log,
}

impl Story {
    fn with_grace(grace_ns: u64) -> Self {
        Self { log: Log::with_grace(grace_ns) }
    }

    fn tell(&mut self, body: Body<'_>) -> Seq {
        self.log.tell(body)
    }

    fn event(&mut self, kind: CgroupEventKind, hierarchy: u32, id: u64, parent: u64, path: &str, argv: &[&str]) -> Seq {
        let actor = Actor { pid: 77, comm: "runc", parent_comm: "containerd-shim", argv, ..Actor::default() };
        let event = kit::event(kind, key(hierarchy, id), CgroupId(parent), path);
        self.tell(Body::Cgroup(CgroupEvent { actor, ..event }))
    }

    fn mkdir(&mut self, hierarchy: u32, id: u64, parent: u64, path: &str, argv: &[&str]) -> Seq {
        self.event(CgroupEventKind::Mkdir, hierarchy, id, parent, path, argv)
    }

    fn rmdir(&mut self, hierarchy: u32, id: u64, parent: u64, path: &str, argv: &[&str]) -> Seq {
        self.event(CgroupEventKind::Rmdir, hierarchy, id, parent, path, argv)
    }

    fn directory(&mut self, reason: SnapshotReason, hierarchy: u32, id: u64, parent: u64, path: &str) {
        self.tell(Body::Directory(kit::directory(reason, key(hierarchy, id), CgroupId(parent), path)));
    }

    fn lost(&mut self, count: u64) {
        let since = Seq(self.log.next().0.saturating_sub(1));
        self.tell(Body::Lost(Loss { count, kind: None, cpu: None, since }));
    }

    /// A walk that shows these directories and nothing else.
    fn walk(&mut self, reason: SnapshotReason, directories: &[(u32, u64, u64, &str)]) {
        self.tell(Body::SnapshotBegin(reason));
        for (hierarchy, id, parent, path) in directories {
            self.directory(reason, *hierarchy, *id, *parent, path);
        }
        self.tell(Body::SnapshotEnd(reason));
    }

    fn removes(&self) -> Vec<&ContainerRemove> {
        kit::removes(&self.log.rows)
    }

    fn creates(&self) -> Vec<&ContainerCreate> {
        kit::creates(&self.log.rows)
    }

    fn existing(&self) -> Vec<&ExistingContainer> {
        kit::existing(&self.log.rows)
    }
}

fn create_argv(id: &str) -> Vec<String> {
    let bundle = format!("/run/containerd/io.containerd.runtime.v2.task/moby/{id}");
    ["runc", "--root", "/var/run/docker/runtime-runc/moby", "create", "--bundle", &bundle, id]
        .map(String::from)
        .to_vec()
}

fn delete_argv(id: &str) -> Vec<String> {
    ["runc", "--root", "/var/run/docker/runtime-runc/moby", "delete", id].map(String::from).to_vec()
}

fn refs(argv: &[String]) -> Vec<&str> {
    argv.iter().map(String::as_str).collect()
}

/// One Docker container on a hybrid host: nine v1 hierarchies, then v2, with ids that begin anew in each.
fn docker_life(story: &mut Story, id: &str, inode: u64) {
    let (path, create, delete) = (docker(id), create_argv(id), delete_argv(id));
    for hierarchy in (1..10).chain([0]) {
        story.mkdir(hierarchy, inode, 1, &path, &refs(&create));
        story.event(CgroupEventKind::Populated, hierarchy, inode, 1, &path, &refs(&create));
    }
    for hierarchy in 0..10 {
        story.event(CgroupEventKind::Empty, hierarchy, inode, 1, &path, &[]);
    }
    for hierarchy in (3..10).chain(0..3) {
        story.rmdir(hierarchy, inode, 1, &path, &refs(&delete));
    }
}

#[test]
fn ten_hierarchies_make_one_row_and_v2_decides() {
    let mut story = Story::default();
    docker_life(&mut story, A, 100);
    assert_eq!(story.creates().len(), 1);
    let removes = story.removes();
    assert_eq!(removes.len(), 1);
    let row = removes[0];
    assert_eq!(row.identity.container_id, A);
    assert_eq!(row.identity.runtime, Some(Engine::Docker));
    assert_eq!(row.identity.identified_by, Source::OciArgv);
    assert_eq!(row.identity.conflicts, Vec::<String>::new());
    assert_eq!(row.place.key, key(0, 100));
    assert_eq!(row.never_started, Some(false));
    assert_eq!(row.created_seq, Some(Seq(0)));
    // 20 records of making, 10 of emptying, then rmdir of hierarchies 3 to 9 before v2's.
    assert_eq!(row.rmdir_seq, Some(Seq(37)));
    assert_eq!(row.lifetime_ns, Some(37));
    assert_eq!(story.log.fold.live_containers(), 0);
}

#[test]
fn a_restart_is_a_second_life_of_the_same_id() {
    let mut story = Story::default();
    docker_life(&mut story, A, 100);
    docker_life(&mut story, A, 200);
    let places: Vec<_> = story.removes().iter().map(|row| row.place.key.cgroup.0).collect();
    assert_eq!(places, [100, 200]);
}

#[test]
fn removal_below_a_root_ends_nothing() {
    let mut story = Story::default();
    let path = docker(A);
    story.mkdir(0, 100, 1, &path, &refs(&create_argv(A)));
    let inner = format!("{path}/init.scope");
    story.mkdir(0, 101, 100, &inner, &[]);
    story.rmdir(0, 101, 100, &inner, &[]);
    assert_eq!(story.removes().len(), 0);
    story.rmdir(0, 100, 1, &path, &refs(&delete_argv(A)));
    assert_eq!(story.removes().len(), 1);
}

#[test]
fn a_nested_container_names_its_parent() {
    let mut story = Story::default();
    let outer = docker(A);
    let inner = format!("{outer}/docker/{B}");
    story.mkdir(0, 100, 1, &outer, &refs(&create_argv(A)));
    story.mkdir(0, 101, 100, &format!("{outer}/docker"), &[]);
    story.mkdir(0, 102, 101, &inner, &refs(&create_argv(B)));
    // The host's runc clears what the inner engine left behind: its argv names the outer container only.
    story.rmdir(0, 102, 101, &inner, &refs(&delete_argv(A)));
    story.rmdir(0, 101, 100, &format!("{outer}/docker"), &refs(&delete_argv(A)));
    story.rmdir(0, 100, 1, &outer, &refs(&delete_argv(A)));
    let ends: Vec<_> = story
        .removes()
        .iter()
        .map(|row| (row.identity.container_id.clone(), row.identity.parent_container_id.clone()))
        .collect();
    assert_eq!(ends, [(B.to_owned(), Some(A.to_owned())), (A.to_owned(), None)]);
}

#[test]
fn a_container_of_before_is_known_from_the_walk_and_ends_once() {
    let mut story = Story::default();
    let path = docker(A);
    story.walk(SnapshotReason::Start, &[(1, 1, 0, "/"), (1, 100, 1, &path), (0, 1, 0, "/"), (0, 300, 1, &path)]);
    assert_eq!(story.existing().len(), 1);
    assert_eq!(story.existing()[0].place.key, key(0, 300));
    story.rmdir(1, 100, 1, &path, &refs(&delete_argv(A)));
    story.rmdir(0, 300, 1, &path, &refs(&delete_argv(A)));
    let removes = story.removes();
    assert_eq!(removes.len(), 1);
    assert_eq!(removes[0].created_seq, None);
    assert_eq!(removes[0].lifetime_ns, None);
    assert_eq!(removes[0].never_started, None, "nobody saw whether a task was ever in it");
    assert_eq!(removes[0].identity.identified_by, Source::OciArgv, "runc delete named it");
    assert!(!removes[0].inferred);
}

#[test]
fn an_oci_state_file_tells_that_a_plain_name_is_a_container() {
    let mut story = Story::default();
    story.tell(Body::SnapshotBegin(SnapshotReason::Start));
    story.tell(Body::Runtime(RuntimeAnswer {
        bundle: Some("/run/containerd/io.containerd.runtime.v2.task/shop/web-1".into()),
        container_id: Some("web-1".into()),
        runtime: Some("containerd".into()),
        init_pid: Some(4242),
        created_at: Some(WallNs(5)),
        cgroup_paths: vec![(HierarchyId(1), "/shop/web-1".into()), (HierarchyId(0), "/shop/web-1".into())],
        ..RuntimeAnswer::unanswered(Source::OciState, Outcome::Ok)
    }));
    for (hierarchy, id) in [(1, 10), (0, 20)] {
        story.directory(SnapshotReason::Start, hierarchy, id, 1, "/shop");
        story.directory(SnapshotReason::Start, hierarchy, id + 1, id, "/shop/web-1");
    }
    story.tell(Body::SnapshotEnd(SnapshotReason::Start));
    let existing = story.existing();
    assert_eq!(existing.len(), 1);
    assert_eq!(existing[0].identity.container_id, "web-1");
    assert_eq!(existing[0].identity.identified_by, Source::OciState);
    assert_eq!(existing[0].identity.init_pid, Some(4242));
    let delete = ["runc", "--root", "/run/containerd/runc/shop", "delete", "web-1"];
    story.rmdir(1, 11, 10, "/shop/web-1", &delete);
    story.rmdir(0, 21, 20, "/shop/web-1", &delete);
    assert_eq!(story.removes().len(), 1);
    assert_eq!(story.removes()[0].created_at, Some(WallNs(5)));
}

#[test]
fn the_deepest_directory_that_a_runtime_makes_is_the_root() {
    // `linux.cgroupsPath` is /jobs/nightly: neither directory is named after the container.
    let argv = ["runc", "run", "--bundle", "/srv/bundle", "backup"];
    let mut story = Story::default();
    for hierarchy in [1, 0] {
        story.mkdir(hierarchy, 50, 1, "/jobs", &argv);
        story.mkdir(hierarchy, 51, 50, "/jobs/nightly", &argv);
        story.event(CgroupEventKind::Populated, hierarchy, 51, 50, "/jobs/nightly", &argv);
    }
    assert_eq!(story.creates().len(), 1);
    for hierarchy in [1, 0] {
        story.event(CgroupEventKind::Empty, hierarchy, 51, 50, "/jobs/nightly", &[]);
        story.rmdir(hierarchy, 51, 50, "/jobs/nightly", &argv);
    }
    // The parent stays behind as runc leaves it; someone clears it away later.
    story.rmdir(1, 50, 1, "/jobs", &[]);
    let removes = story.removes();
    assert_eq!(removes.len(), 1);
    assert_eq!(removes[0].identity.container_id, "backup");
    assert_eq!(removes[0].place.path, "/jobs/nightly");
}

#[test]
fn a_named_root_below_a_parent_the_runtime_made_is_one_life() {
    let bundle = "/run/containerd/io.containerd.runtime.v2.task/shop/web-1";
    let argv = ["runc", "--root", "/run/containerd/runc/shop", "create", "--bundle", bundle, "web-1"];
    let mut story = Story::default();
    for hierarchy in [1, 0] {
        story.mkdir(hierarchy, 50, 1, "/shop", &argv);
        story.mkdir(hierarchy, 51, 50, "/shop/web-1", &argv);
    }
    let delete = ["runc", "--root", "/run/containerd/runc/shop", "delete", "web-1"];
    for hierarchy in [1, 0] {
        story.rmdir(hierarchy, 51, 50, "/shop/web-1", &delete);
    }
    assert_eq!(story.creates().len(), 1);
    assert_eq!(story.creates()[0].created_seq, Seq(1), "the parent's making is not the container's");
    assert_eq!(story.removes().len(), 1);
    assert_eq!(story.removes()[0].never_started, Some(true));
    assert_eq!(story.removes()[0].identity.runtime, Some(Engine::Containerd));
}

#[test]
fn a_parent_that_one_runtime_makes_and_another_uses_first_is_no_root() {
    let argv = |id: &'static str| ["runc", "--root", "/run/containerd/runc/shop", "create", "--bundle", "/b", id];
    let mut story = Story::default();
    // The first container is known on one hierarchy; on the other its runtime has only made the namespace's directory
    // when the second one's makes its own in it and puts a process there, which makes the parent populated too.
    story.mkdir(0, 10, 1, "/shop/job-1", &argv("job-1"));
    story.mkdir(1, 50, 1, "/shop", &argv("job-1"));
    story.mkdir(1, 52, 50, "/shop/job-2", &argv("job-2"));
    story.event(CgroupEventKind::Populated, 1, 52, 50, "/shop/job-2", &argv("job-2"));
    story.event(CgroupEventKind::Populated, 1, 50, 1, "/shop", &argv("job-2"));
    story.mkdir(1, 51, 50, "/shop/job-1", &argv("job-1"));
    story.mkdir(0, 12, 1, "/shop/job-2", &argv("job-2"));
    for (hierarchy, inode, path) in
        [(1, 51, "/shop/job-1"), (0, 10, "/shop/job-1"), (0, 12, "/shop/job-2"), (1, 52, "/shop/job-2")]
    {
        story.rmdir(hierarchy, inode, 1, path, &[]);
    }
    let begun: Vec<_> = story.creates().iter().map(|row| row.identity.container_id.clone()).collect();
    let ended: Vec<_> = story
        .removes()
        .iter()
        .map(|row| (row.identity.container_id.clone(), row.identity.parent_container_id.clone()))
        .collect();
    assert_eq!(begun, ["job-1", "job-2"]);
    assert_eq!(ended, [("job-1".to_owned(), None), ("job-2".to_owned(), None)]);
}

#[test]
fn one_id_in_two_containerd_namespaces_is_two_containers() {
    let mut story = Story::default();
    for (namespace, inode) in [("shop", 100), ("lab", 200)] {
        let root = format!("/run/containerd/runc/{namespace}");
        let bundle = format!("/run/containerd/io.containerd.runtime.v2.task/{namespace}/web-1");
        let argv = ["runc", "--root", &root, "create", "--bundle", &bundle, "web-1"];
        for hierarchy in [1, 0] {
            story.mkdir(hierarchy, inode, 1, &format!("/{namespace}/web-1"), &argv);
        }
    }
    let delete = ["runc", "--root", "/run/containerd/runc/lab", "delete", "web-1"];
    for hierarchy in [1, 0] {
        story.rmdir(hierarchy, 200, 1, "/lab/web-1", &delete);
    }
    let places: Vec<_> = story.removes().iter().map(|row| row.place.path.clone()).collect();
    assert_eq!(places, ["/lab/web-1"]);
    assert_eq!(story.log.fold.live_containers(), 1);
}

#[test]
fn what_a_resync_misses_or_finds_is_inferred() {
    let mut story = Story::default();
    let (gone, new) = (docker(A), docker(B));
    story.mkdir(0, 100, 1, &gone, &refs(&create_argv(A)));
    story.lost(3);
    story.walk(SnapshotReason::Resync, &[(0, 1, 0, "/"), (0, 50, 1, "/docker"), (0, 101, 50, &new)]);
    let removes = story.removes();
    assert_eq!(removes.len(), 1);
    assert!(removes[0].inferred && removes[0].after_gap);
    assert_eq!((removes[0].rmdir_seq, removes[0].removed_by.clone()), (None, None));
    let found = story.creates()[1];
    assert_eq!(found.identity.container_id, B);
    assert!(found.inferred && found.after_gap);
}

#[test]
fn an_event_that_was_late_for_the_walk_is_no_second_end() {
    let mut story = Story::default();
    let path = docker(A);
    story.mkdir(0, 100, 1, &path, &refs(&create_argv(A)));
    story.walk(SnapshotReason::Resync, &[(0, 1, 0, "/")]);
    story.rmdir(0, 100, 1, &path, &refs(&delete_argv(A)));
    assert_eq!(story.removes().len(), 1);
}

#[test]
fn a_directory_removed_during_the_walk_stays_removed() {
    let mut story = Story::default();
    let path = docker(A);
    story.mkdir(0, 100, 1, &path, &refs(&create_argv(A)));
    story.tell(Body::SnapshotBegin(SnapshotReason::Resync));
    story.rmdir(0, 100, 1, &path, &refs(&delete_argv(A)));
    story.directory(SnapshotReason::Resync, 0, 100, 1, &path);
    story.tell(Body::SnapshotEnd(SnapshotReason::Resync));
    assert_eq!((story.creates().len(), story.removes().len()), (1, 1));
    assert_eq!(story.log.fold.live_containers(), 0);
}

#[test]
fn a_hierarchy_that_could_not_be_walked_proves_nothing() {
    let mut story = Story::default();
    story.mkdir(0, 100, 1, &docker(A), &refs(&create_argv(A)));
    story.tell(Body::SnapshotBegin(SnapshotReason::Stop));
    story.directory(SnapshotReason::Stop, 0, 1, 0, "/");
    story.tell(Body::SnapshotFailed(UnreadPart { hierarchy: HierarchyId(0), below: None }));
    story.tell(Body::SnapshotEnd(SnapshotReason::Stop));
    assert_eq!(story.removes().len(), 0);
}

#[test]
fn a_part_that_could_not_be_walked_proves_nothing_about_itself_only() {
    for (below, removed) in
        [("/docker", 0), ("/", 0), ("/user.slice", 1), ("/dock", 1), (&*docker(A), 1), ("/docker/b", 1)]
    {
        let mut story = Story::default();
        story.mkdir(0, 100, 1, &docker(A), &refs(&create_argv(A)));
        story.tell(Body::SnapshotBegin(SnapshotReason::Stop));
        story.directory(SnapshotReason::Stop, 0, 1, 0, "/");
        story.tell(Body::SnapshotFailed(UnreadPart { hierarchy: HierarchyId(0), below: Some(below.into()) }));
        story.tell(Body::SnapshotEnd(SnapshotReason::Stop));
        assert_eq!(story.removes().len(), removed, "{below}");
    }
}

#[test]
fn made_during_the_first_walk_is_a_creation_not_an_existing_container() {
    let mut story = Story::default();
    let path = docker(A);
    story.tell(Body::SnapshotBegin(SnapshotReason::Start));
    story.directory(SnapshotReason::Start, 0, 100, 1, &path);
    let made = story.mkdir(0, 100, 1, &path, &refs(&create_argv(A)));
    story.tell(Body::SnapshotEnd(SnapshotReason::Start));
    assert_eq!((story.existing().len(), story.creates().len()), (0, 1));
    assert_eq!(story.creates()[0].created_seq, made);
}

#[test]
fn unknown_until_removed_still_ends_once() {
    let mut story = Story::default();
    let path = docker(A);
    for hierarchy in 0..10 {
        story.rmdir(hierarchy, 100, 1, &path, &refs(&delete_argv(A)));
    }
    let removes = story.removes();
    assert_eq!(removes.len(), 1);
    assert_eq!(removes[0].created_seq, None);
}

#[test]
fn a_path_that_names_another_container_than_the_runtime_is_a_conflict() {
    let mut story = Story::default();
    let argv = ["runc", "run", "--bundle", "/tmp/b", "evil"];
    story.mkdir(0, 100, 1, &docker(A), &argv);
    story.rmdir(0, 100, 1, &docker(A), &argv);
    let row = story.removes()[0];
    assert_eq!((row.identity.runtime, row.identity.container_id.as_str()), (Some(Engine::Runc), "evil"));
    assert_eq!(row.identity.conflicts, [format!("path: container_id {A}"), "path: runtime docker".to_owned()]);
}

#[test]
fn a_delete_without_a_bundle_does_not_make_a_podman_container_a_bare_one() {
    let mut story = Story::default();
    let path = format!("/libpod_parent/libpod-{A}");
    story.walk(SnapshotReason::Start, &[(0, 1, 0, "/"), (0, 100, 1, &path)]);
    story.rmdir(0, 100, 1, &path, &["/usr/sbin/runc", "delete", "--force", A]);
    let row = story.removes()[0];
    assert_eq!(row.identity.runtime, Some(Engine::Podman));
    assert_eq!(row.identity.identified_by, Source::OciArgv);
    assert_eq!(row.identity.conflicts, Vec::<String>::new());
}

#[test]
fn what_is_said_within_the_grace_joins_and_what_comes_later_does_not() {
    let mut story = Story::with_grace(10);
    story.log.fold.enable_preview();
    let path = docker(A);
    story.mkdir(0, 100, 1, &path, &refs(&create_argv(A)));
    let rmdir = story.rmdir(0, 100, 1, &path, &refs(&delete_argv(A)));
    assert_eq!(story.removes().len(), 0, "the row waits");
    assert_eq!(story.log.fold.take_previews().len(), 1, "whoever follows does not");
    let answer = |field: fn(&mut RuntimeAnswer<'static>)| {
        let mut answer = RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok);
        answer.container_id = Some(A.into());
        field(&mut answer);
        Body::Runtime(answer)
    };
    story.tell(answer(|answer| answer.container_name = Some("web-1".into())));
    // The story's boot clock ticks once a record: ten records after the removal its grace is over.
    while story.log.next().0 <= rmdir.0 + 10 {
        assert_eq!(story.removes().len(), 0);
        story.tell(Body::Clock(ClockReading::default()));
    }
    story.tell(answer(|answer| answer.image_name = Some("late".into())));
    let removes = story.removes();
    assert_eq!(removes.len(), 1);
    assert_eq!(removes[0].identity.container_name.as_deref(), Some("web-1"));
    assert_eq!(removes[0].identity.image_name, None);
    assert_eq!((removes[0].seq, removes[0].rmdir_seq), (rmdir, Some(rmdir)));
}

#[test]
fn what_an_engine_says_before_the_directory_is_made_names_the_container() {
    let mut story = Story::default();
    let mut event = RuntimeAnswer::unanswered(Source::Containerd, Outcome::Ok);
    event.container_id = Some("web-1".into());
    event.namespace = Some("shop".into());
    event.image_name = Some("docker.io/library/busybox:latest".into());
    event.event = Some("/containers/create".into());
    event.init_pid = Some(1);
    story.tell(Body::Runtime(event));
    for (namespace, inode) in [("shop", 100), ("lab", 200)] {
        let root = format!("/run/containerd/runc/{namespace}");
        let bundle = format!("/run/containerd/io.containerd.runtime.v2.task/{namespace}/web-1");
        let path = format!("/{namespace}/web-1");
        story.mkdir(0, inode, 1, &path, &["runc", "--root", &root, "create", "--bundle", &bundle, "web-1"]);
        story.rmdir(0, inode, 1, &path, &["runc", "--root", &root, "delete", "web-1"]);
    }
    let images: Vec<_> = story.removes().iter().map(|row| row.identity.image_name.as_deref()).collect();
    assert_eq!(images, [Some("docker.io/library/busybox:latest"), None], "only the container of that namespace");
    assert_eq!(story.removes()[0].identity.init_pid, None, "an event before a life says nothing of that life");
}

#[test]
fn the_end_of_the_log_ends_the_grace() {
    let mut story = Story::with_grace(u64::MAX);
    docker_life(&mut story, A, 100);
    docker_life(&mut story, B, 200);
    assert_eq!(story.removes().len(), 0);
    story.log.fold.finish(&mut story.log.rows);
    let ids: Vec<_> = story.removes().iter().map(|row| row.identity.container_id.clone()).collect();
    assert_eq!(ids, [A, B], "in the order of the removals");
}

#[test]
fn an_answer_about_a_restarted_container_names_the_life_before_it_too() {
    let mut story = Story::with_grace(1_000);
    docker_life(&mut story, A, 100);
    story.mkdir(0, 200, 1, &docker(A), &refs(&create_argv(A)));
    let mut answer = RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok);
    answer.container_id = Some(A.into());
    answer.container_name = Some("web-1".into());
    answer.init_pid = Some(4242);
    story.tell(Body::Runtime(answer));
    story.tell(kit::exit_of(4242, CgroupId(200)));
    story.rmdir(0, 200, 1, &docker(A), &refs(&delete_argv(A)));
    story.log.fold.finish(&mut story.log.rows);
    let lives: Vec<_> =
        story.removes().iter().map(|row| (row.identity.container_name.clone(), row.identity.init_pid)).collect();
    assert_eq!(lives, [(Some("web-1".to_owned()), None), (Some("web-1".to_owned()), Some(4242))]);
}

#[test]
fn a_source_that_speaks_of_another_container_than_it_was_asked_about_is_a_conflict_and_nothing_more() {
    let mut story = Story::default();
    story.mkdir(0, 100, 1, &docker(A), &refs(&create_argv(A)));
    let mut lie = RuntimeAnswer::unanswered(Source::Docker, Outcome::Invalid);
    lie.container_id = Some(A.into());
    lie.answered_id = Some(B.into());
    lie.container_name = Some("evil".into());
    let lied = story.tell(Body::Runtime(lie));
    story.rmdir(0, 100, 1, &docker(A), &refs(&delete_argv(A)));
    let row = story.removes()[0];
    assert_eq!((row.identity.container_id.as_str(), row.identity.container_name.as_deref()), (A, None));
    assert_eq!(row.identity.conflicts, [format!("docker: container_id {B}")]);
    assert!(row.evidence_seqs.contains(&lied));
}

#[test]
fn evidence_leads_to_the_records_and_ascends() {
    let mut story = Story::default();
    docker_life(&mut story, A, 100);
    let row = story.removes()[0];
    assert!(row.evidence_seqs.windows(2).all(|pair| pair[0] < pair[1]));
    for seq in [row.created_seq, row.rmdir_seq] {
        assert!(row.evidence_seqs.contains(&seq.expect("seen from beginning to end")));
    }
}
