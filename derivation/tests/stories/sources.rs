//! The words of sources: the newest one counts, as of the end; those that differ are kept; a word about another life or
//! another container of the same id is not taken for this one.

use obit_derivation::Row;
use obit_derivation::record::*;
use obit_derivation::row::Identity;

use crate::kit::{self, A, Log, creates, docker, key, moment, removes, wall};

const GRACE_NS: u64 = 1_000_000;

const DOCKER_CREATE: [&str; 7] = [
    "runc",
    "--root",
    "/var/run/docker/runtime-runc/moby",
    "create",
    "--bundle",
    "/run/containerd/io.containerd.runtime.v2.task/moby/a",
    A,
];
const DOCKER_DELETE: [&str; 5] = ["runc", "--root", "/var/run/docker/runtime-runc/moby", "delete", A];

struct Story {
    log: Log,
}

impl Story {
    fn new() -> Self {
        Self { log: Log::with_grace(GRACE_NS) }
    }

    fn event(&mut self, kind: CgroupEventKind, inode: u64, path: &str, argv: &[&str]) -> Seq {
        let actor = Actor { pid: 77, comm: "runc", parent_comm: "containerd-shim", argv, ..Actor::default() };
        let event = kit::event(kind, key(0, inode), CgroupId(1), path);
        self.log.tell(Body::Cgroup(CgroupEvent { actor, ..event }))
    }

    fn mkdir(&mut self, inode: u64, path: &str, argv: &[&str]) -> Seq {
        self.event(CgroupEventKind::Mkdir, inode, path, argv)
    }

    fn rmdir(&mut self, inode: u64, path: &str, argv: &[&str]) -> Seq {
        self.event(CgroupEventKind::Rmdir, inode, path, argv)
    }

    fn says(&mut self, answer: RuntimeAnswer<'_>) -> Seq {
        self.log.tell(Body::Runtime(answer))
    }

    /// The end of the first process of the container in a directory.
    fn exit(&mut self, inode: u64, pid: u32) {
        self.log.tell(kit::exit_of(pid, CgroupId(inode)));
    }

    /// A life of docker's container A: begins, hears what is said, and ends.
    fn docker_life(&mut self, inode: u64, said: &[RuntimeAnswer<'_>]) {
        self.mkdir(inode, &docker(A), &DOCKER_CREATE);
        for answer in said {
            self.says(answer.clone());
        }
        self.rmdir(inode, &docker(A), &DOCKER_DELETE);
    }

    fn end(self) -> Vec<Row> {
        self.log.end()
    }
}

/// What docker says of container A.
fn said() -> RuntimeAnswer<'static> {
    RuntimeAnswer { container_id: Some(A.into()), ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok) }
}

fn named(name: &'static str) -> RuntimeAnswer<'static> {
    RuntimeAnswer { container_name: Some(name.into()), ..said() }
}

fn event(word: &'static str, name: &'static str) -> RuntimeAnswer<'static> {
    RuntimeAnswer { event: Some(word.into()), ..named(name) }
}

fn ts(seq: Seq) -> WallNs {
    wall(moment(seq))
}

/// The name and the conflicts of each end.
fn names(rows: &[Row]) -> Vec<(Option<&str>, Vec<&str>)> {
    let of = |identity: &'_ Identity| -> (Option<&'static str>, Vec<&'static str>) {
        let leak = |text: &String| -> &'static str { Box::leak(text.clone().into_boxed_str()) };
        (identity.container_name.as_ref().map(leak), identity.conflicts.iter().map(leak).collect())
    };
    removes(rows).into_iter().map(|row| of(&row.identity)).collect()
}

// Renames.

#[test]
fn a_container_that_is_renamed_while_it_lives_has_its_last_name() {
    let mut story = Story::new();
    story.says(event("create", "old"));
    let renamed = Seq(story.log.next().0 + 3);
    story.docker_life(100, &[event("start", "old"), named("old"), event("rename", "new"), event("die", "new")]);
    let rows = story.end();
    assert_eq!(names(&rows), [(Some("new"), vec!["docker: container_name old"])]);
    assert!(removes(&rows)[0].evidence_seqs.contains(&renamed));
}

/// As `docker compose up` does to a service that it creates anew.
#[test]
fn a_container_that_is_renamed_before_its_start_has_its_last_name_from_the_beginning() {
    let mut story = Story::new();
    story.says(event("create", "abc123_web_1"));
    story.says(event("rename", "web_1"));
    story.docker_life(100, &[]);
    let rows = story.end();
    assert_eq!(creates(&rows)[0].identity.container_name.as_deref(), Some("web_1"));
    assert_eq!(names(&rows), [(Some("web_1"), vec!["docker: container_name abc123_web_1"])]);
}

#[test]
fn a_life_that_begins_after_a_renaming_has_the_new_name() {
    for source in [Source::Docker, Source::Podman] {
        let tell = |answer| RuntimeAnswer { source, ..answer };
        let mut story = Story::new();
        story.says(tell(event("create", "old")));
        story.docker_life(100, &[tell(named("old")), tell(event("rename", "new"))]);
        story.docker_life(200, &[]);
        let conflict =
            if source == Source::Docker { "docker: container_name old" } else { "podman: container_name old" };
        assert_eq!(names(&story.end()), [(Some("new"), vec![conflict]), (Some("new"), vec![conflict])]);
    }
}

/// Docker makes an object of containerd's for each life, and has it deleted at the end.
#[test]
fn what_containerd_makes_for_each_life_takes_nothing_from_what_docker_said() {
    let of_containerd = |word| RuntimeAnswer { source: Source::Containerd, event: Some(word), ..said() };
    let mut story = Story::new();
    story.says(event("create", "web"));
    for inode in [100, 200] {
        story.says(of_containerd("/containers/create".into()));
        story.docker_life(inode, &[]);
        story.says(of_containerd("/containers/delete".into()));
    }
    assert_eq!(names(&story.end()), [(Some("web"), vec![]), (Some("web"), vec![])]);
}

#[test]
fn a_renaming_after_the_end_is_none_of_the_life_that_ended() {
    let mut story = Story::new();
    story.docker_life(100, &[named("old")]);
    story.says(event("rename", "new"));
    story.says(named("new"));
    assert_eq!(names(&story.end()), [(Some("old"), vec![])]);
}

/// Nobody tells of a rename: a file is read when the container has ended, and its last change lies before that.
#[test]
fn what_a_file_has_said_since_before_the_end_is_so_at_the_end() {
    for (changed, name) in [(2, "new"), (4, "old")] {
        let mut story = Story::new();
        let begun = story.log.next();
        story.docker_life(100, &[named("old")]);
        let as_of = Some(ts(Seq(begun.0 + changed)));
        story.says(RuntimeAnswer { as_of, ..named("new") });
        let rows = story.end();
        assert_eq!(removes(&rows)[0].identity.container_name.as_deref(), Some(name), "changed at {changed}");
    }
}

#[test]
fn an_answer_to_a_question_from_before_a_renaming_does_not_take_the_name_back() {
    for (is_clock_set, name) in [(false, "new"), (true, "old")] {
        let mut story = Story::new();
        story.mkdir(100, &docker(A), &DOCKER_CREATE);
        let reason = is_clock_set.then_some(ClockReason::Set);
        let asked = ts(story.log.next());
        story.log.tell(Body::Clock(ClockReading { reason, ..ClockReading::default() }));
        let renamed = ts(story.log.next());
        story.says(RuntimeAnswer { as_of: Some(renamed), ..event("rename", "new") });
        story.says(RuntimeAnswer { as_of: Some(asked), ..named("old") });
        story.rmdir(100, &docker(A), &DOCKER_DELETE);
        assert_eq!(names(&story.end())[0].0, Some(name), "the clock was set: {is_clock_set}");
    }
}

#[test]
fn a_name_that_was_taken_back_is_no_conflict_and_the_one_between_is() {
    let mut story = Story::new();
    story.docker_life(100, &[named("a"), event("rename", "b"), event("rename", "a")]);
    assert_eq!(names(&story.end()), [(Some("a"), vec!["docker: container_name b"])]);
}

/// As `nerdctl rename` does: the label is a new one, the annotation stays as it is.
#[test]
fn a_name_in_a_bundle_is_that_of_the_beginning() {
    let mut story = Story::new();
    let of = |source, name| RuntimeAnswer { source, ..named(name) };
    story.docker_life(100, &[of(Source::OciBundle, "old"), of(Source::Containerd, "new")]);
    story.docker_life(200, &[of(Source::OciBundle, "only")]);
    let conflict = vec!["oci_bundle: container_name old"];
    assert_eq!(names(&story.end()), [(Some("new"), conflict), (Some("only"), vec![])]);
}

// Sources that differ.

#[test]
fn each_fact_in_which_two_sources_differ_is_a_conflict() {
    let mut story = Story::new();
    let begun = story.log.next();
    let by = |source, image: &'static str, pod: &'static str, started: u64, pid| RuntimeAnswer {
        source,
        image_name: Some(image.into()),
        pod_uid: Some(pod.into()),
        started_at: Some(WallNs(ts(begun).0 + started as i64)),
        init_pid: Some(pid),
        ..said()
    };
    let second = 1_000_000_000;
    story.docker_life(
        100,
        &[
            by(Source::Docker, "busybox", "u1", 2, 7),
            by(Source::Containerd, "docker.io/library/busybox:latest", "u1", 3, 7),
        ],
    );
    story.says(by(Source::Cri, "busybox:2", "u2", 5, 8));
    let rows = story.end();
    let row = removes(&rows)[0];
    assert_eq!(row.identity.conflicts, ["cri: image_name busybox:2", "cri: pod_uid u2", "cri: init_pid 8"]);
    assert_eq!(
        (row.identity.started_at, row.identity.init_pid),
        (Some(WallNs(ts(begun).0 + 2)), None),
        "no exit is seen"
    );

    // The two begin a second apart: more than the moments of one start.
    let mut story = Story::new();
    story.mkdir(100, &docker(A), &DOCKER_CREATE);
    for (source, late) in [(Source::Docker, 0), (Source::Cri, second), (Source::Containerd, second + 1)] {
        story.says(by(source, "busybox", "u1", 2 + late, 7));
    }
    story.log.tell_at(BootNs(3 * second), Body::Clock(ClockReading::default()));
    let actor = Actor::default();
    let path = docker(A);
    let gone = CgroupEvent { actor, ..kit::event(CgroupEventKind::Rmdir, key(0, 100), CgroupId(1), &path) };
    story.log.tell_at(BootNs(3 * second), Body::Cgroup(gone));
    let rows = story.end();
    assert_eq!(removes(&rows)[0].identity.conflicts, ["containerd: started_at 2023-11-14T22:13:21.000001003Z"]);
}

#[test]
fn a_daemon_that_could_not_be_asked_is_evidence_of_what_the_row_lacks() {
    for (outcome, is_kept) in [
        (Outcome::Refused, true),
        (Outcome::Denied, true),
        (Outcome::Timeout, true),
        (Outcome::Dropped, true),
        (Outcome::NotFound, false),
    ] {
        let mut story = Story::new();
        let refused = Seq(story.log.next().0 + 1);
        story.docker_life(100, &[RuntimeAnswer { outcome, ..named("no word of this counts") }]);
        let rows = story.end();
        assert_eq!(names(&rows), [(None, vec![])]);
        assert_eq!(removes(&rows)[0].evidence_seqs.contains(&refused), is_kept, "{outcome}");
    }
}

// Other lives.

#[test]
fn a_start_is_of_the_life_in_which_it_lies() {
    let mut story = Story::new();
    let mut starts = Vec::new();
    for inode in 0..5 {
        let before = starts.last().copied();
        story.mkdir(100 + inode, &docker(A), &DOCKER_CREATE);
        let started = ts(story.log.next());
        starts.push(started);
        // First docker still speaks of the life before; afterwards a file tells of this one.
        if let Some(before) = before {
            story.says(RuntimeAnswer { started_at: Some(before), init_pid: Some(1), running: Some(true), ..said() });
        }
        if inode % 2 == 0 {
            story.says(RuntimeAnswer { started_at: Some(started), init_pid: Some(10 + inode as u32), ..said() });
        }
        story.exit(100 + inode, if inode % 2 == 0 { 10 + inode as u32 } else { 1 });
        story.rmdir(100 + inode, &docker(A), &DOCKER_DELETE);
    }
    // When the next life has begun, a file still tells of the last one's start.
    story.mkdir(200, &docker(A), &DOCKER_CREATE);
    story.says(RuntimeAnswer { started_at: starts.last().copied(), running: Some(false), ..said() });
    let rows = story.end();
    let told: Vec<_> = removes(&rows).iter().map(|row| (row.identity.started_at, row.identity.init_pid)).collect();
    let [a, b, c, d, e] = starts[..] else { panic!("five lives") };
    let expected =
        [(Some(a), Some(10)), (Some(b), Some(1)), (Some(c), Some(12)), (Some(d), Some(1)), (Some(e), Some(14))];
    assert_eq!(told, expected, "what docker says of the life before completes that one");
    assert!(removes(&rows).iter().all(|row| row.identity.conflicts.is_empty()));
}

/// Docker notes a start when it is done; on a slow host that was 130 ms after the removal.
#[test]
fn a_start_that_is_noted_after_a_short_life_is_of_that_life() {
    const MS: i64 = 1_000_000;
    for (late_ms, is_of_it) in [(130, true), (700, false)] {
        let mut story = Story::new();
        story.docker_life(100, &[]);
        let noted = Some(WallNs(ts(story.log.next()).0 + late_ms * MS));
        story.says(RuntimeAnswer { started_at: noted, ..said() });
        let rows = story.end();
        assert_eq!(removes(&rows)[0].identity.started_at, noted.filter(|_| is_of_it), "{late_ms} ms");
    }
}

#[test]
fn a_state_that_was_written_before_a_life_began_is_of_another() {
    let mut story = Story::new();
    let early = ts(story.log.next());
    story.log.tell(Body::Clock(ClockReading::default()));
    story.mkdir(100, "/job", &["runc", "run", "--bundle", "/b", "job"]);
    let state = |created, pid| RuntimeAnswer {
        container_id: Some("job".into()),
        created_at: Some(created),
        init_pid: Some(pid),
        ..RuntimeAnswer::unanswered(Source::OciState, Outcome::Ok)
    };
    story.says(state(early, 1));
    story.says(state(ts(story.log.next()), 2));
    story.exit(100, 1);
    story.exit(100, 2);
    story.rmdir(100, "/job", &["runc", "delete", "job"]);
    let rows = story.end();
    assert_eq!(removes(&rows)[0].identity.init_pid, Some(2));
}

#[test]
fn an_event_of_a_start_tells_when_it_was_and_of_whom() {
    let mut story = Story::new();
    let argv = ["runc", "--root", "/run/containerd/runc/shop", "create", "--bundle", "/c/shop/web", "web"];
    story.mkdir(100, "/shop/web", &argv);
    let started = ts(story.log.next());
    story.says(RuntimeAnswer {
        container_id: Some("web".into()),
        namespace: Some("shop".into()),
        event: Some("/tasks/start".into()),
        init_pid: Some(4242),
        started_at: Some(started),
        ..RuntimeAnswer::unanswered(Source::Containerd, Outcome::Ok)
    });
    story.exit(100, 4242);
    story.rmdir(100, "/shop/web", &["runc", "--root", "/run/containerd/runc/shop", "delete", "web"]);
    let rows = story.end();
    let row = removes(&rows)[0];
    assert_eq!((row.identity.started_at, row.identity.init_pid), (Some(started), Some(4242)));
}

// Ids that are used again, or twice.

/// What containerd says of `web` in namespace `shop`.
fn containerd(image: &'static str) -> RuntimeAnswer<'static> {
    RuntimeAnswer {
        container_id: Some("web".into()),
        namespace: Some("shop".into()),
        runtime: Some("containerd".into()),
        image_name: Some(image.into()),
        ..RuntimeAnswer::unanswered(Source::Containerd, Outcome::Ok)
    }
}

fn of_event(word: &'static str, answer: RuntimeAnswer<'static>) -> RuntimeAnswer<'static> {
    RuntimeAnswer { event: Some(word.into()), ..answer }
}

const CREATE: [&str; 7] = [
    "runc",
    "--root",
    "/run/containerd/runc/shop",
    "create",
    "--bundle",
    "/run/containerd/io.containerd.runtime.v2.task/shop/web",
    "web",
];
const DELETE: [&str; 5] = ["runc", "--root", "/run/containerd/runc/shop", "delete", "web"];

fn images(rows: &[Row]) -> Vec<(Option<String>, Vec<String>)> {
    removes(rows).iter().map(|row| (row.identity.image_name.clone(), row.identity.conflicts.clone())).collect()
}

fn only(images: &[Option<&str>]) -> Vec<(Option<String>, Vec<String>)> {
    images.iter().map(|image| (image.map(str::to_owned), Vec::new())).collect()
}

#[test]
fn a_creation_replaces_what_was_foretold_of_its_id_and_a_deletion_forgets_it() {
    for (tells_delete, tells_create, expected) in [
        (true, true, [Some("bb:1"), Some("wb:1")]),
        (false, true, [Some("bb:1"), Some("wb:1")]),
        (true, false, [Some("bb:1"), None]),
    ] {
        let mut story = Story::new();
        story.says(of_event("/containers/create", containerd("bb:1")));
        story.mkdir(100, "/shop/web", &CREATE);
        story.rmdir(100, "/shop/web", &DELETE);
        if tells_delete {
            story.says(of_event("/containers/delete", RuntimeAnswer { image_name: None, ..containerd("") }));
        }
        if tells_create {
            story.says(of_event("/containers/create", containerd("wb:1")));
        }
        story.mkdir(200, "/shop/web", &CREATE);
        story.rmdir(200, "/shop/web", &DELETE);
        assert_eq!(images(&story.end()), only(&expected));
    }
}

/// The answer about the first container comes last, when the second has begun.
#[test]
fn of_two_containers_with_one_id_the_one_created_last_is_the_one_that_lives() {
    for order in [[0, 1], [1, 0]] {
        let mut story = Story::new();
        let first = ts(story.log.next());
        story.log.tell(Body::Clock(ClockReading::default()));
        story.mkdir(100, "/shop/web", &CREATE);
        story.rmdir(100, "/shop/web", &DELETE);
        let second = ts(story.log.next());
        story.log.tell(Body::Clock(ClockReading::default()));
        story.mkdir(200, "/shop/web", &CREATE);
        for which in order {
            let (image, created_at) = [("bb:1", first), ("wb:1", second)][which];
            story.says(RuntimeAnswer { created_at: Some(created_at), ..containerd(image) });
        }
        story.rmdir(200, "/shop/web", &DELETE);
        assert_eq!(images(&story.end()), only(&[Some("bb:1"), Some("wb:1")]), "{order:?}");
    }
}

#[test]
fn what_containerd_says_of_an_id_is_not_of_a_container_that_a_bare_runtime_made() {
    // With and without a place of the state, and with the arguments seen late or early.
    let calls: [&[&str]; 3] = [
        &["runc", "run", "--bundle", "/srv/b", "web"],
        &["runc", "run", "web"],
        &["crun", "--root", "/tmp/state", "run", "-b", "/srv/b", "web"],
    ];
    for call in calls {
        let mut story = Story::new();
        story.says(of_event("/containers/create", containerd("bb:1")));
        story.mkdir(100, "/shop/web", &CREATE);
        story.mkdir(200, "/web", call);
        story.says(containerd("bb:1"));
        story.says(RuntimeAnswer { init_pid: Some(7), ..of_event("/tasks/start", containerd("bb:1")) });
        story.rmdir(100, "/shop/web", &DELETE);
        story.rmdir(200, "/web", &["runc", "delete", "web"]);
        let rows = story.end();
        assert_eq!(images(&rows), only(&[Some("bb:1"), None]), "{call:?}");
        assert_eq!(removes(&rows)[1].identity.containerd_namespace, None);
    }
}

#[test]
fn what_was_taken_for_a_containers_own_goes_when_its_runtime_shows_that_it_is_another_one() {
    let mut story = Story::new();
    story.log.tell(Body::SnapshotBegin(SnapshotReason::Start));
    let state = |bundle: &'static str| RuntimeAnswer {
        container_id: Some("web".into()),
        runtime: Some("containerd".into()),
        bundle: Some(bundle.into()),
        cgroup_paths: vec![(HierarchyId(0), "/shop/web".into())],
        ..RuntimeAnswer::unanswered(Source::OciBundle, Outcome::Ok)
    };
    story.says(state("/run/containerd/io.containerd.runtime.v2.task/shop/web"));
    story.log.tell(Body::Directory(kit::directory(SnapshotReason::Start, key(0, 100), CgroupId(1), "/shop/web")));
    story.log.tell(Body::SnapshotEnd(SnapshotReason::Start));
    story.says(containerd("bb:1"));
    story.rmdir(100, "/shop/web", &["runc", "--root", "/run/containerd/runc/lab", "delete", "web"]);
    assert_eq!(images(&story.end()), only(&[None]));
}

/// Two daemons run one id in one namespace: the bundle tells whose container a runtime made.
#[test]
fn what_one_containerd_says_is_not_of_the_container_of_another() {
    let bundle = |state: &str| format!("{state}/io.containerd.runtime.v2.task/shop/web");
    let (ours, theirs) = (bundle("/run/containerd"), bundle("/run/other"));
    let mut story = Story::new();
    let argv = ["runc", "--root", "/run/containerd/runc/shop", "create", "--bundle", &theirs, "web"];
    story.says(RuntimeAnswer { bundle: Some((&*ours).into()), ..containerd("bb:1") });
    story.mkdir(100, "/shop/web", &argv);
    story.says(RuntimeAnswer { bundle: Some((&*ours).into()), ..containerd("bb:1") });
    story.says(RuntimeAnswer { bundle: Some((&*theirs).into()), init_pid: Some(7), ..containerd("wb:1") });
    story.rmdir(100, "/shop/web", &DELETE);
    assert_eq!(images(&story.end()), only(&[Some("wb:1")]));
}

#[test]
fn two_daemons_that_differ_about_one_container_are_a_conflict() {
    let mut story = Story::new();
    story.mkdir(100, "/shop/web", &CREATE);
    story.says(containerd("bb:1"));
    story.says(containerd("wb:1"));
    story.rmdir(100, "/shop/web", &DELETE);
    let conflict = vec!["containerd: image_name bb:1".to_owned()];
    assert_eq!(images(&story.end()), [(Some("wb:1".to_owned()), conflict)]);
}

// Pods behind other engines.

#[test]
fn the_kubelets_labels_name_the_pod_whatever_the_engine() {
    for (kind, sandbox) in [("container", Some(false)), ("podsandbox", Some(true)), ("other", None)] {
        let mut story = Story::new();
        let label = |name: &'static str, value: &'static str| (name.into(), value.into());
        let labels = vec![
            label("io.kubernetes.pod.name", "web-1"),
            label("io.kubernetes.pod.namespace", "shop"),
            label("io.kubernetes.pod.uid", "0f2a8c6e"),
            label("io.kubernetes.container.name", "nginx"),
            label("io.kubernetes.docker.type", kind),
        ];
        story.docker_life(100, &[RuntimeAnswer { labels, ..named("k8s_nginx_web-1") }]);
        let rows = story.end();
        let identity = &removes(&rows)[0].identity;
        assert_eq!(identity.container_name.as_deref(), Some("k8s_nginx_web-1"), "the engine's own name");
        assert_eq!(
            (identity.pod_name.as_deref(), identity.pod_namespace.as_deref(), identity.pod_uid.as_deref()),
            (Some("web-1"), Some("shop"), Some("0f2a8c6e"))
        );
        assert_eq!(identity.sandbox, sandbox);
    }
}

#[test]
fn a_count_of_restarts_that_docker_states_between_two_runs_is_not_of_the_run_before() {
    for (count, running, expected) in [
        (2, Some(true), Some(2)),
        (3, Some(false), None),
        (3, None, None),
        // It was never started again, whenever that was said.
        (0, Some(false), Some(0)),
    ] {
        let mut log = Log::default();
        let path = docker(A);
        log.tell(Body::Cgroup(kit::event(CgroupEventKind::Mkdir, kit::ROOT, CgroupId(1), &path)));
        log.tell(Body::Runtime(RuntimeAnswer {
            container_id: Some(A.into()),
            restart_count: Some(count),
            running,
            ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok)
        }));
        log.tell(Body::Cgroup(kit::event(CgroupEventKind::Rmdir, kit::ROOT, CgroupId(1), &path)));
        let rows = log.end();
        assert_eq!(removes(&rows)[0].identity.restart_count, expected, "{count} while running: {running:?}");
    }
}
