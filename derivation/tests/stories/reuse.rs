//! Names and numbers that come again: container ids, cgroup inode numbers, pids, and one id in two namespaces. What is said
//! of one life must never be read as said of another.

use obit_derivation::Row;
use obit_derivation::identity::Engine;
use obit_derivation::record::*;
use obit_derivation::row::Identity;

use crate::kit::{self, A, B, Log, creates, docker, key, moment, removes, wall};

const GRACE_NS: u64 = 1_000;

/// What a directory counts at its end is the number of that record, so that no two are alike.
#[derive(Default)]
struct Story {
    log: Log,
}

impl Story {
    fn with_grace() -> Self {
        Self { log: Log::with_grace(GRACE_NS) }
    }

    fn tell(&mut self, body: Body<'_>) -> Seq {
        self.log.tell(body)
    }

    fn event(&mut self, kind: CgroupEventKind, key: CgroupKey, parent: u64, path: &str, actor: Actor<'_>) -> Seq {
        let usage = Usage { memory_peak_bytes: Some(self.log.next().0), ..Usage::default() };
        let event = kit::event(kind, key, CgroupId(parent), path);
        self.tell(Body::Cgroup(CgroupEvent { actor, usage, ..event }))
    }

    fn mkdir(&mut self, key: CgroupKey, parent: u64, path: &str, argv: &[&str]) -> Seq {
        self.event(CgroupEventKind::Mkdir, key, parent, path, runc(argv))
    }

    fn rmdir(&mut self, key: CgroupKey, path: &str, argv: &[&str]) -> Seq {
        self.event(CgroupEventKind::Rmdir, key, 1, path, runc(argv))
    }

    fn end(self) -> Vec<Row> {
        self.log.end()
    }
}

fn runc<'a>(argv: &'a [&'a str]) -> Actor<'a> {
    Actor { pid: 77, comm: "runc", parent_comm: "containerd-shim", argv, ..Actor::default() }
}

fn ts(seq: u64) -> WallNs {
    wall(moment(Seq(seq)))
}

fn image(identity: &Identity) -> Option<&str> {
    identity.image_name.as_deref()
}

/// What a source says of a container.
fn answer<'a>(source: Source, id: &'a str, image: &'a str) -> RuntimeAnswer<'a> {
    RuntimeAnswer {
        container_id: Some(id.into()),
        image_name: Some(image.into()),
        ..RuntimeAnswer::unanswered(source, Outcome::Ok)
    }
}

/// The arguments of a bare runc that makes a container from a bundle.
fn run_argv<'a>(bundle: &'a str, id: &'a str) -> [&'a str; 5] {
    ["runc", "run", "--bundle", bundle, id]
}

/// Root, bundle and path of `ctr`'s containers in a namespace of containerd.
struct Ctr {
    root: String,
    bundle: String,
    path: String,
    id: &'static str,
}

impl Ctr {
    fn new(namespace: &str, id: &'static str) -> Self {
        Self {
            root: format!("/run/containerd/runc/{namespace}"),
            bundle: format!("/run/containerd/io.containerd.runtime.v2.task/{namespace}/{id}"),
            path: format!("/{namespace}/{id}"),
            id,
        }
    }

    fn create_argv(&self) -> [&str; 7] {
        ["runc", "--root", &self.root, "create", "--bundle", &self.bundle, self.id]
    }

    fn delete_argv(&self) -> [&str; 5] {
        ["runc", "--root", &self.root, "delete", self.id]
    }
}

// One id, one life after the other.

#[test]
fn an_id_given_again_from_another_bundle_is_another_container() {
    let mut story = Story::default();
    for (inode, bundle, name) in [(100, "/srv/old", "old:1"), (200, "/srv/new", "new:1")] {
        story.mkdir(key(0, inode), 1, "/job", &run_argv(bundle, "job"));
        let said = RuntimeAnswer { bundle: Some(bundle.into()), ..answer(Source::OciBundle, "job", name) };
        story.tell(Body::Runtime(said));
        story.rmdir(key(0, inode), "/job", &["runc", "delete", "job"]);
    }
    let rows = story.end();
    let ends: Vec<_> =
        removes(&rows).iter().map(|row| (row.place.key, image(&row.identity), row.created_seq)).collect();
    assert_eq!(ends, [(key(0, 100), Some("old:1"), Some(Seq(0))), (key(0, 200), Some("new:1"), Some(Seq(3)))]);
}

#[test]
fn what_is_said_of_the_second_bundle_is_not_of_the_first_container_whose_row_still_waits() {
    let mut story = Story::with_grace();
    story.mkdir(key(0, 100), 1, "/job", &run_argv("/srv/old", "job"));
    story.rmdir(key(0, 100), "/job", &["runc", "delete", "job"]);
    story.mkdir(key(0, 200), 1, "/job", &run_argv("/srv/new", "job"));
    for (bundle, name) in [("/srv/new", "new:1"), ("/srv/old", "old:1")] {
        let said = RuntimeAnswer { bundle: Some(bundle.into()), ..answer(Source::OciBundle, "job", name) };
        story.tell(Body::Runtime(said));
    }
    story.rmdir(key(0, 200), "/job", &["runc", "delete", "job"]);
    let rows = story.end();
    let images: Vec<_> = removes(&rows).iter().map(|row| image(&row.identity)).collect();
    assert_eq!(images, [Some("old:1"), Some("new:1")]);
}

/// `ctr` takes the same id, and so the same bundle, again: only the time of creation tells the two apart.
#[test]
fn a_container_made_after_the_end_of_one_with_its_id_says_nothing_about_that_one() {
    let web = Ctr::new("shop", "web-1");
    let mut story = Story::with_grace();
    story.mkdir(key(0, 100), 1, &web.path, &web.create_argv());
    let Seq(ended) = story.rmdir(key(0, 100), &web.path, &web.delete_argv());
    story.mkdir(key(0, 200), 1, &web.path, &web.create_argv());
    story.tell(Body::Runtime(RuntimeAnswer {
        namespace: Some("shop".into()),
        created_at: Some(ts(ended + 1)),
        ..answer(Source::Containerd, "web-1", "new:1")
    }));
    story.rmdir(key(0, 200), &web.path, &web.delete_argv());
    let rows = story.end();
    let images: Vec<_> = removes(&rows).iter().map(|row| image(&row.identity)).collect();
    assert_eq!(images, [None, Some("new:1")]);
}

/// The clock was set back within its life: its end seems to be before its beginning, and what is said of it is its own.
#[test]
fn a_wall_clock_that_was_set_takes_nothing_from_a_container() {
    let told = |reason: Option<ClockReason>| {
        let web = Ctr::new("shop", "web-1");
        let mut story = Story::with_grace();
        story.mkdir(key(0, 100), 1, &web.path, &web.create_argv());
        story.tell(Body::Clock(ClockReading { reason, ..ClockReading::default() }));
        story.rmdir(key(0, 100), &web.path, &web.delete_argv());
        story.tell(Body::Runtime(RuntimeAnswer {
            namespace: Some("shop".into()),
            // By the clock as it was before.
            created_at: Some(ts(3_600)),
            ..answer(Source::Containerd, "web-1", "its:1")
        }));
        removes(&story.end()).iter().map(|row| image(&row.identity).map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(told(Some(ClockReason::Set)), [Some("its:1".to_owned())]);
    assert_eq!(told(Some(ClockReason::Interval)), [None], "by a clock that nobody set, that is another container");
}

/// The first life's last directories go while the second has its first already.
#[test]
fn lives_of_one_id_may_overlap_in_other_hierarchies() {
    let (path, create, delete) = (docker(A), run_argv("/srv/a", A), ["runc", "delete", A]);
    let mut story = Story::default();
    for hierarchy in [1, 2, 0] {
        story.mkdir(key(hierarchy, 100), 1, &path, &create);
    }
    let first_end = story.rmdir(key(0, 100), &path, &delete);
    let second_beginning = story.mkdir(key(0, 200), 1, &path, &create);
    story.mkdir(key(1, 200), 1, &path, &create);
    story.rmdir(key(1, 100), &path, &delete);
    story.mkdir(key(2, 200), 1, &path, &create);
    story.rmdir(key(2, 100), &path, &delete);
    for hierarchy in [1, 2] {
        story.rmdir(key(hierarchy, 200), &path, &delete);
    }
    let second_end = story.rmdir(key(0, 200), &path, &delete);
    let rows = story.end();
    assert_eq!(creates(&rows).len(), 2);
    let ends: Vec<_> = removes(&rows).iter().map(|row| (row.created_seq, row.rmdir_seq)).collect();
    assert_eq!(ends, [(Some(Seq(0)), Some(first_end)), (Some(second_beginning), Some(second_end))]);
}

// One inode number, one directory after the other.

#[test]
fn a_number_that_was_a_containers_names_nothing_when_it_comes_again() {
    let mut story = Story::default();
    story.mkdir(key(0, 100), 1, &docker(A), &run_argv("/srv/a", A));
    story.tell(Body::Runtime(answer(Source::Docker, A, "a:1")));
    story.rmdir(key(0, 100), &docker(A), &["runc", "delete", A]);
    story.mkdir(key(0, 100), 1, "/user.slice/session-1.scope", &[]);
    story.rmdir(key(0, 100), "/user.slice/session-1.scope", &[]);
    let begun = story.mkdir(key(0, 100), 1, &docker(B), &run_argv("/srv/b", B));
    story.rmdir(key(0, 100), &docker(B), &["runc", "delete", B]);
    let rows = story.end();
    let ends: Vec<_> = removes(&rows)
        .iter()
        .map(|row| (row.identity.container_id.as_str(), image(&row.identity), row.created_seq, row.lifetime_ns))
        .collect();
    assert_eq!(ends, [(A, Some("a:1"), Some(Seq(0)), Some(2)), (B, None, Some(begun), Some(1))]);
}

#[test]
fn a_number_of_a_directory_inside_may_be_a_containers_root_later() {
    let mut story = Story::default();
    let inside = format!("{}/init.scope", docker(A));
    story.mkdir(key(0, 100), 1, &docker(A), &run_argv("/srv/a", A));
    story.mkdir(key(0, 101), 100, &inside, &[]);
    story.rmdir(key(0, 101), &inside, &[]);
    story.mkdir(key(0, 101), 1, &docker(B), &run_argv("/srv/b", B));
    story.rmdir(key(0, 101), &docker(B), &["runc", "delete", B]);
    let rows = story.end();
    let ends: Vec<_> = removes(&rows).iter().map(|row| row.identity.container_id.as_str()).collect();
    assert_eq!(ends, [B]);
}

/// Numbers begin anew in each hierarchy.
#[test]
fn one_number_in_two_hierarchies_is_two_directories() {
    let mut story = Story::default();
    story.mkdir(key(1, 100), 1, &docker(A), &run_argv("/srv/a", A));
    story.mkdir(key(2, 100), 1, &docker(B), &run_argv("/srv/b", B));
    story.rmdir(key(2, 100), &docker(B), &["runc", "delete", B]);
    let rows = story.end();
    let ends: Vec<_> = removes(&rows).iter().map(|row| row.identity.container_id.as_str()).collect();
    assert_eq!(ends, [B]);
}

/// The removal was lost, so the number seems to be taken still. A directory that is made is a new one.
#[test]
fn a_number_that_comes_again_after_a_loss_is_a_new_directory() {
    for was in [docker(A), format!("{}/init.scope", docker(A))] {
        let mut story = Story::default();
        if was != docker(A) {
            story.mkdir(key(0, 50), 1, &docker(A), &run_argv("/srv/a", A));
        }
        story.mkdir(key(0, 101), if was == docker(A) { 1 } else { 50 }, &was, &run_argv("/srv/a", A));
        story.tell(Body::Lost(Loss { count: 1, kind: None, cpu: None, since: Seq(0) }));
        let begun = story.mkdir(key(0, 101), 1, &docker(B), &run_argv("/srv/b", B));
        let ended = story.rmdir(key(0, 101), &docker(B), &["runc", "delete", B]);
        let rows = story.end();
        let ends: Vec<_> = removes(&rows)
            .iter()
            .filter(|row| !row.inferred)
            .map(|row| (row.identity.container_id.as_str(), row.created_seq, row.rmdir_seq))
            .collect();
        assert_eq!(ends, [(B, Some(begun), Some(ended))], "was {was}");
    }
}

// One id in two namespaces of containerd, at one time.

#[test]
fn what_is_said_of_an_id_in_one_namespace_is_not_of_the_other() {
    let (shop, lab) = (Ctr::new("shop", "web-1"), Ctr::new("lab", "web-1"));
    let mut story = Story::with_grace();
    for hierarchy in [1, 0] {
        // As two starters at once: hierarchy by hierarchy, in turn.
        story.mkdir(key(hierarchy, 100), 1, &shop.path, &shop.create_argv());
        story.mkdir(key(hierarchy, 200), 1, &lab.path, &lab.create_argv());
    }
    for (namespace, image) in [("shop", "shop:1"), ("lab", "lab:1")] {
        let said = answer(Source::Containerd, "web-1", image);
        story.tell(Body::Runtime(RuntimeAnswer { namespace: Some(namespace.into()), ..said }));
    }
    for hierarchy in [1, 0] {
        story.rmdir(key(hierarchy, 100), &shop.path, &shop.delete_argv());
        story.rmdir(key(hierarchy, 200), &lab.path, &lab.delete_argv());
    }
    let rows = story.end();
    let ends: Vec<_> = removes(&rows)
        .iter()
        .map(|row| {
            let namespace = row.identity.containerd_namespace.as_deref();
            (row.place.path.as_str(), namespace, image(&row.identity), row.identity.conflicts.len())
        })
        .collect();
    assert_eq!(ends, [("/shop/web-1", Some("shop"), Some("shop:1"), 0), ("/lab/web-1", Some("lab"), Some("lab:1"), 0)]);
    assert!(removes(&rows).iter().all(|row| row.identity.runtime == Some(Engine::Containerd)));
}

// One pid, one process after the other.

#[test]
fn the_task_of_a_row_is_the_one_of_its_own_record_whoever_had_its_pid_before() {
    let mut story = Story::default();
    let create = run_argv("/srv/a", A);
    story.mkdir(key(0, 100), 1, &docker(A), &create);
    story.mkdir(key(0, 200), 1, &docker(B), &run_argv("/srv/b", B));
    // Pid 77 was runc; it is a shell now, and clears both away.
    let shell = ["sh"];
    for (inode, id) in [(100, A), (200, B)] {
        let actor = Actor { pid: 77, uid: 1000, comm: "sh", parent_comm: "sshd", argv: &shell, ..Actor::default() };
        story.event(CgroupEventKind::Rmdir, key(0, inode), 1, &docker(id), actor);
    }
    let rows = story.end();
    for (row, id) in removes(&rows).iter().zip([A, B]) {
        assert_eq!(row.identity.container_id, id);
        let task = row.removed_by.as_ref().expect("it was seen");
        assert_eq!((task.pid, task.uid, task.comm.as_str()), (77, 1000, "sh"));
        assert_eq!(task.argv, ["sh"]);
    }
    let makers: Vec<_> = creates(&rows).iter().filter_map(|row| row.created_by.clone()).map(|task| task.argv).collect();
    assert_eq!(makers[0], create);
    assert_eq!(makers[1].last().map(String::as_str), Some(B));
}

#[test]
fn what_was_said_of_a_container_that_has_ended_is_not_of_the_next_one_with_its_id() {
    let mut story = Story::with_grace();
    let said = |image| RuntimeAnswer {
        namespace: Some("shop".into()),
        event: Some("/containers/create".into()),
        ..answer(Source::Containerd, "web", image)
    };
    let create = ["runc", "--root", "/run/containerd/runc/shop", "create", "--bundle", "/c/shop/web", "web"];
    let life = |story: &mut Story, inode| {
        story.mkdir(key(0, inode), 1, "/shop/web", &create);
        story.rmdir(key(0, inode), "/shop/web", &["runc", "--root", "/run/containerd/runc/shop", "delete", "web"]);
    };
    story.tell(Body::Runtime(said("a:1")));
    life(&mut story, 100);
    // containerd's word of the second comes when its directory is there.
    life(&mut story, 200);
    story.tell(Body::Runtime(said("b:1")));
    let rows = story.end();
    let images: Vec<_> = creates(&rows).iter().map(|row| image(&row.identity)).collect();
    assert_eq!(images, [Some("a:1"), None]);
    // A container of before the capture shows itself by its removal only.
    let mut story = Story::with_grace();
    story.rmdir(key(0, 100), "/shop/web", &["runc", "--root", "/run/containerd/runc/shop", "delete", "web"]);
    let as_of = Some(ts(story.log.next().0));
    story.tell(Body::Runtime(RuntimeAnswer { as_of, ..said("b:1") }));
    let rows = story.end();
    assert_eq!(image(&removes(&rows)[0].identity), None);
}

#[test]
fn two_containers_whose_first_processes_had_one_pid_are_two() {
    let mut story = Story::with_grace();
    for (inode, id, image) in [(100, A, "a:1"), (200, B, "b:1")] {
        story.mkdir(key(0, inode), 1, &docker(id), &[]);
        story.tell(Body::Runtime(RuntimeAnswer { init_pid: Some(4242), ..answer(Source::Docker, id, image) }));
        story.tell(kit::exit_of(4242, CgroupId(inode)));
        story.rmdir(key(0, inode), &docker(id), &[]);
    }
    let rows = story.end();
    let ends: Vec<_> = removes(&rows)
        .iter()
        .map(|row| (row.identity.container_id.as_str(), image(&row.identity), row.identity.init_pid))
        .collect();
    assert_eq!(ends, [(A, Some("a:1"), Some(4242)), (B, Some("b:1"), Some(4242))]);
}
