//! Runs of a container of which one may hide in a loss: what is not known of which run it is, no row states; and what
//! walks find afterwards makes no run that was not there.

use obit_derivation::Row;
use obit_derivation::record::*;
use obit_derivation::row::Cause;

use crate::kit::{self, A as ID, INIT, Log, ROOT, creates, docker, exits, key, moment, removes, wall};

const ROOT_DIR: &str = "/run/docker/runtime-runc/moby";
const CREATE: &[&str] = &["runc", "--root", ROOT_DIR, "create", "--bundle", "/b/a", ID];
const DELETE: &[&str] = &["runc", "--root", ROOT_DIR, "delete", "--force", ID];
/// Its directory on a v1 hierarchy, and those of its next run.
const V1: CgroupKey = CgroupKey { hierarchy: HierarchyId(4), cgroup: CgroupId(500) };
const NEXT_ROOT: CgroupKey = CgroupKey { hierarchy: HierarchyId::V2, cgroup: CgroupId(101) };
const NEXT_V1: CgroupKey = CgroupKey { hierarchy: HierarchyId(4), cgroup: CgroupId(501) };
/// The first process of the next run.
const NEXT_INIT: Target<'static> =
    Target { pid: 5000, ppid: 4900, started: BootNs(90), cgroup: NEXT_ROOT.cgroup, ..INIT };
const DONE: ExitStatus = ExitStatus::Exited(3);

#[derive(Default)]
struct Story {
    log: Log,
}

impl Story {
    /// A container with a directory on each of these hierarchies.
    fn made(keys: &[CgroupKey]) -> Self {
        let mut story = Self::default();
        story.make(keys);
        story
    }

    fn make(&mut self, keys: &[CgroupKey]) {
        for key in keys {
            self.directory(CgroupEventKind::Mkdir, *key, CREATE);
            self.directory(CgroupEventKind::Populated, *key, CREATE);
        }
    }

    fn tell(&mut self, body: Body<'_>) -> Seq {
        self.log.tell(body)
    }

    fn tell_at(&mut self, at_ns: u64, body: Body<'_>) {
        self.log.tell_at(BootNs(at_ns), body);
    }

    fn directory(&mut self, kind: CgroupEventKind, key: CgroupKey, argv: &[&str]) {
        let actor = Actor { pid: 3900, comm: "runc", argv, ..Actor::default() };
        let path = docker(ID);
        let event = CgroupEvent { actor, ..kit::event(kind, key, CgroupId(1), &path) };
        self.tell(Body::Cgroup(event));
    }

    fn exec(&mut self, target: Target<'_>) {
        self.tell(Body::Exec(ProcessExec { cpu: 0, target, parent_comm: "runc" }));
    }

    fn exit(&mut self, target: Target<'_>, status: ExitStatus) {
        let (oom_victim, rebooted) = (false, Some(false));
        self.tell(Body::Exit(TaskExit { cpu: 0, target, status, oom_victim, rebooted, parent_comm: "shim" }));
    }

    fn lost(&mut self) {
        self.tell(Body::Lost(Loss { count: 1, kind: None, cpu: None, since: Seq(0) }));
    }

    /// A walk after a loss that shows these directories of the container, with tasks in them, and nothing else.
    fn walk(&mut self, keys: &[CgroupKey]) {
        self.walk_shows(keys, Some(true));
        self.tell(Body::SnapshotEnd(SnapshotReason::Resync));
    }

    /// A walk that has not ended.
    fn walk_shows(&mut self, keys: &[CgroupKey], populated: Option<bool>) {
        self.tell(Body::SnapshotBegin(SnapshotReason::Resync));
        for hierarchy in [ROOT.hierarchy, V1.hierarchy] {
            let root = CgroupKey { hierarchy, cgroup: CgroupId(1) };
            self.tell(Body::Directory(kit::directory(SnapshotReason::Resync, root, CgroupId(0), "/")));
        }
        for key in keys {
            let path = docker(ID);
            let shown = kit::directory(SnapshotReason::Resync, *key, CgroupId(1), &path);
            self.tell(Body::Directory(Directory { populated, ..shown }));
        }
    }

    /// What docker says: of which run, when it began, and how it ended.
    fn says(&mut self, init: Target<'_>, started: u64, exit_code: Option<i32>) {
        let ago = |before: u64| wall(BootNs(moment(self.log.next()).0 - before));
        let answer = RuntimeAnswer {
            container_id: Some(ID.into()),
            init_pid: Some(init.pid),
            started_at: Some(ago(started)),
            restart_count: Some(init.pid / 1000),
            exit_code,
            finished_at: exit_code.map(|_| ago(0)),
            ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok)
        };
        self.tell(Body::Runtime(answer));
    }

    /// What docker says of a run that is over: when it began, and how it ended.
    fn says_over(&mut self, started_at: WallNs, exit_code: i32) {
        let answer = RuntimeAnswer {
            container_id: Some(ID.into()),
            started_at: Some(started_at),
            exit_code: Some(exit_code),
            finished_at: Some(started_at),
            running: Some(false),
            ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok)
        };
        self.tell(Body::Runtime(answer));
    }

    fn end(self) -> Vec<Row> {
        self.log.end()
    }
}

/// What the rows of removals tell: the directory, the init, and its exit code.
fn told_of_removals(rows: &[Row]) -> Vec<(CgroupKey, Option<u32>, Option<u32>)> {
    let told =
        removes(rows).into_iter().map(|row| (row.place.key, row.identity.init_pid, row.death.exit_code.map(u32::from)));
    told.collect()
}

fn disagreements(rows: &[Row]) -> usize {
    rows.iter().filter(|row| matches!(row, Row::Disagreement(_))).count()
}

#[test]
fn a_row_names_an_init_only_if_its_end_was_seen() {
    for is_seen in [true, false] {
        let mut story = Story::made(&[ROOT]);
        story.exec(INIT);
        story.says(INIT, 1, None);
        story.lost();
        if is_seen {
            story.exit(INIT, DONE);
        }
        story.directory(CgroupEventKind::Rmdir, ROOT, DELETE);
        let rows = story.end();
        let (exit, remove) = (&exits(&rows)[0].identity, &removes(&rows)[0].identity);
        for identity in [exit, remove] {
            let told = (identity.init_pid, identity.started_at.is_some(), identity.restart_count);
            let expected = if is_seen { (Some(INIT.pid), true, Some(4)) } else { (None, false, None) };
            assert_eq!(told, expected, "the run whose end was not seen may be another one");
        }
    }
}

#[test]
fn a_reported_exit_code_is_of_the_only_run_that_was_reported() {
    for (ends, expected) in [(&[58][..], Some(58)), (&[58, 137], None)] {
        let mut story = Story::made(&[ROOT]);
        story.exec(INIT);
        story.lost();
        for (init, code) in [INIT, NEXT_INIT].into_iter().zip(ends) {
            story.says(init, 0, Some(*code));
        }
        story.directory(CgroupEventKind::Rmdir, ROOT, DELETE);
        let rows = story.end();
        let row = removes(&rows)[0];
        assert_eq!((row.death.cause, row.death.reported_exit_code), (Cause::Unknown, expected));
        assert_eq!(row.identity.conflicts, [""; 0], "two runs do not contradict each other");
        assert_eq!(disagreements(&rows), 0, "two runs do not contradict each other");
    }
}

#[test]
fn a_stated_init_in_the_directory_of_another_run_is_of_that_run() {
    let mut story = Story::made(&[ROOT]);
    story.lost();
    // The only run that is known when this is said.
    story.says(NEXT_INIT, 0, None);
    story.walk(&[NEXT_ROOT]);
    story.exec(NEXT_INIT);
    story.exit(NEXT_INIT, DONE);
    story.directory(CgroupEventKind::Rmdir, NEXT_ROOT, DELETE);
    let rows = story.end();
    assert_eq!(told_of_removals(&rows), [(ROOT, None, None), (NEXT_ROOT, Some(NEXT_INIT.pid), Some(3))]);
}

#[test]
fn a_directory_found_after_a_loss_is_not_of_a_container_that_is_gone() {
    // The making of the directory on v2 was lost; the walk shows whether it was that of the same run.
    for (shown, runs) in [(&[ROOT, V1][..], 1), (&[NEXT_ROOT, NEXT_V1], 2), (&[NEXT_ROOT], 2)] {
        let mut story = Story::made(&[V1]);
        story.lost();
        story.walk(shown);
        for key in shown {
            story.directory(CgroupEventKind::Rmdir, *key, DELETE);
        }
        let rows = story.end();
        assert_eq!((creates(&rows).len(), exits(&rows).len(), removes(&rows).len()), (runs, runs, runs), "{shown:?}");
        let is_found: Vec<_> = creates(&rows).iter().map(|row| row.inferred).collect();
        assert_eq!(is_found, [false, true][..runs]);
    }
}

#[test]
fn a_directory_that_waits_for_the_end_of_a_walk_may_be_gone_by_then() {
    let mut story = Story::made(&[V1]);
    story.lost();
    story.tell(Body::SnapshotBegin(SnapshotReason::Resync));
    let path = docker(ID);
    for key in [key(0, 1), key(4, 1)] {
        story.tell(Body::Directory(kit::directory(SnapshotReason::Resync, key, CgroupId(0), "/")));
    }
    let shown = kit::directory(SnapshotReason::Resync, NEXT_ROOT, CgroupId(1), &path);
    story.tell(Body::Directory(Directory { populated: Some(true), ..shown }));
    story.directory(CgroupEventKind::Rmdir, NEXT_ROOT, DELETE);
    story.tell(Body::SnapshotEnd(SnapshotReason::Resync));
    let rows = story.end();
    assert_eq!(removes(&rows).len(), 1, "nobody knows of which run it was, and it ends only one");
}

#[test]
fn the_next_run_is_one_whether_a_walk_or_its_program_shows_it() {
    // The directory on v2 is kept from one run to the next; that on v1 is made anew.
    let mut story = Story::made(&[ROOT, V1]);
    story.exec(INIT);
    story.lost();
    story.walk(&[ROOT, NEXT_V1]);
    let next = Target { cgroup: ROOT.cgroup, ..NEXT_INIT };
    story.exec(next);
    story.exit(next, DONE);
    for key in [NEXT_V1, ROOT] {
        story.directory(CgroupEventKind::Rmdir, key, DELETE);
    }
    let rows = story.end();
    let ended: Vec<_> = exits(&rows).iter().map(|row| row.identity.init_pid).collect();
    assert_eq!((creates(&rows).len(), ended), (2, vec![None, Some(next.pid)]));
}

#[test]
fn a_directory_that_may_be_the_root_is_it_once_it_was_emptied() {
    // Who entered it was lost; a directory that the runtime makes below it later is its own affair.
    let mut story = Story::default();
    let argv: &[&str] = &["runc", "run", "--bundle", "/b", "job"];
    let make = |story: &mut Story, key, parent, path| {
        let actor = Actor { pid: 3900, comm: "runc", argv, ..Actor::default() };
        let event = CgroupEvent { actor, ..kit::event(CgroupEventKind::Mkdir, key, CgroupId(parent), path) };
        story.tell(Body::Cgroup(event));
    };
    make(&mut story, ROOT, 1, "/plain");
    story.tell(Body::Cgroup(kit::event(CgroupEventKind::Empty, ROOT, CgroupId(1), "/plain")));
    make(&mut story, NEXT_ROOT, 100, "/plain/job");
    let rows = story.end();
    assert_eq!(exits(&rows)[0].place.as_ref().map(|place| place.key), Some(ROOT));
}

#[test]
fn what_a_source_took_back_may_be_of_another_container_where_one_may_hide() {
    for is_lost in [false, true] {
        let mut story = Story::made(&[ROOT]);
        let said = |image: &'static str, name: &'static str| RuntimeAnswer {
            container_id: Some(ID.into()),
            image_name: Some(image.into()),
            container_name: Some(name.into()),
            ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok)
        };
        story.tell(Body::Runtime(said("a:1", "one")));
        if is_lost {
            story.lost();
        }
        story.tell(Body::Runtime(said("b:1", "two")));
        story.directory(CgroupEventKind::Rmdir, ROOT, DELETE);
        let rows = story.end();
        let identity = &removes(&rows)[0].identity;
        let images = identity.conflicts.iter().filter(|conflict| conflict.contains("image_name")).count();
        let told = (identity.image_name.as_deref(), identity.container_name.as_deref(), images);
        assert_eq!(told, (if is_lost { None } else { Some("b:1") }, Some("two"), usize::from(!is_lost)));
    }
}

#[test]
fn a_directory_that_is_emptied_from_outside_is_no_exit_whatever_was_lost() {
    let outside = Actor { pid: 70, cgroup: Some(CgroupId(1)), ..Actor::default() };
    let inside = Actor { pid: INIT.pid, cgroup: Some(ROOT.cgroup), ..Actor::default() };
    for (actor, ends) in [(outside, vec![(Some(INIT.pid), false)]), (inside, vec![(None, true)])] {
        let mut story = Story::made(&[ROOT]);
        story.lost(); // with the execution of the program
        story.says(INIT, 0, None);
        let path = docker(ID);
        let event = kit::event(CgroupEventKind::Empty, ROOT, CgroupId(1), &path);
        story.tell(Body::Cgroup(CgroupEvent { actor: actor.clone(), ..event }));
        if actor.pid != INIT.pid {
            story.exit(Target { cgroup: CgroupId(900), ..INIT }, DONE);
        }
        story.directory(CgroupEventKind::Rmdir, ROOT, DELETE);
        let rows = story.end();
        let told: Vec<_> = exits(&rows).iter().map(|row| (row.identity.init_pid, row.inferred)).collect();
        assert_eq!(told, ends, "{}", actor.pid);
        assert_eq!((creates(&rows).len(), removes(&rows).len()), (1, 1));
    }
}

#[test]
fn a_directory_that_a_walk_shows_empty_tells_an_exit_that_was_lost() {
    for (populated, later, is_init_known, exited) in [
        (Some(false), None, false, true),
        (Some(false), None, true, true),
        (Some(true), None, false, false),
        // Nobody could read it.
        (None, None, false, false),
        // A task came after the walk had looked.
        (Some(false), Some(CgroupEventKind::Populated), false, false),
    ] {
        let mut story = Story::made(&[ROOT]);
        if is_init_known {
            story.exec(INIT);
        }
        story.lost();
        story.walk_shows(&[ROOT], populated);
        if let Some(kind) = later {
            story.directory(kind, ROOT, CREATE);
        }
        story.tell(Body::SnapshotEnd(SnapshotReason::Resync));
        let rows = story.end();
        let told: Vec<_> = exits(&rows)
            .iter()
            .map(|row| (row.inferred, row.death.cause, row.identity.init_pid, row.death.exited_at))
            .collect();
        let expected = (true, Cause::Unknown, None, None);
        assert_eq!(told, [expected][..usize::from(exited)], "{populated:?}, then {later:?}");
        assert_eq!(removes(&rows).len(), 0, "its directory is there");
    }
}

#[test]
fn a_walk_that_shows_an_empty_directory_adds_no_exit_to_one_that_was_seen() {
    let mut story = Story::made(&[ROOT]);
    story.exec(INIT);
    story.lost();
    story.walk_shows(&[ROOT], Some(false));
    // Both were on their way when the walk looked.
    story.exit(INIT, DONE);
    story.directory(CgroupEventKind::Empty, ROOT, &[]);
    story.tell(Body::SnapshotEnd(SnapshotReason::Resync));
    let rows = story.end();
    let told: Vec<_> = exits(&rows).iter().map(|row| (row.inferred, row.death.exit_code.map(u32::from))).collect();
    assert_eq!(told, [(false, Some(3))]);
}

#[test]
fn what_began_within_a_run_whose_end_was_seen_is_of_that_run() {
    // The directory on v2 is kept from one run to the next; that on v1 is made anew.
    let mut story = Story::made(&[ROOT, V1]);
    let started = wall(moment(story.log.next()));
    story.exec(INIT);
    story.exit(INIT, ExitStatus::Exited(58));
    story.directory(CgroupEventKind::Rmdir, V1, DELETE);
    story.lost();
    story.walk(&[ROOT, NEXT_V1]);
    story.says_over(started, 58);
    let next = Target { cgroup: ROOT.cgroup, ..NEXT_INIT };
    story.exec(next);
    story.exit(next, DONE);
    for key in [NEXT_V1, ROOT] {
        story.directory(CgroupEventKind::Rmdir, key, DELETE);
    }
    let rows = story.end();
    let told: Vec<_> = exits(&rows)
        .iter()
        .map(|row| (row.death.exit_code.map(u32::from), row.identity.started_at, row.death.reported_exit_code))
        .collect();
    assert_eq!(told.len(), 2, "{rows:#?}");
    assert_eq!(told[1], (Some(3), None, None), "docker spoke of the run before");
    assert_eq!(disagreements(&rows), 0, "docker spoke of the run before");
}

#[test]
fn a_state_read_after_a_loss_gives_no_init_of_the_next_run_to_the_one_before() {
    let create = &["runc", "create", "--bundle", "/b/a", "web-1"];
    // Rows of the run before are held back, so that what is said of it can join them.
    let mut story = Story { log: Log::with_grace(1_000) };
    let directory = |story: &mut Story, kind, key, argv: &[&str]| {
        let actor = Actor { pid: 3900, comm: "runc", argv, ..Actor::default() };
        story.tell(Body::Cgroup(CgroupEvent { actor, ..kit::event(kind, key, CgroupId(1), "/web-1") }));
    };
    directory(&mut story, CgroupEventKind::Mkdir, ROOT, create);
    directory(&mut story, CgroupEventKind::Populated, ROOT, create);
    story.lost();
    // Nothing says yet that the next directory of this name is a container's.
    story.tell(Body::SnapshotBegin(SnapshotReason::Resync));
    let top = kit::directory(SnapshotReason::Resync, key(0, 1), CgroupId(0), "/");
    let next = kit::directory(SnapshotReason::Resync, NEXT_ROOT, CgroupId(1), "/web-1");
    story.tell(Body::Directory(top));
    story.tell(Body::Directory(Directory { populated: Some(true), ..next }));
    let state = RuntimeAnswer {
        container_id: Some("web-1".into()),
        init_pid: Some(NEXT_INIT.pid),
        created_at: Some(wall(moment(story.log.next()))),
        cgroup_paths: vec![(NEXT_ROOT.hierarchy, "/web-1".into())],
        ..RuntimeAnswer::unanswered(Source::OciState, Outcome::Ok)
    };
    story.tell(Body::Runtime(state));
    story.tell(Body::SnapshotEnd(SnapshotReason::Resync));
    story.exit(NEXT_INIT, DONE);
    directory(&mut story, CgroupEventKind::Rmdir, NEXT_ROOT, &["runc", "delete", "web-1"]);
    let rows = story.end();
    assert_eq!(told_of_removals(&rows), [(ROOT, None, None), (NEXT_ROOT, None, None)]);
}

#[test]
fn a_directory_whose_state_is_of_a_run_that_has_exited_is_of_that_run() {
    // The making of its directory on v1 was lost, and the container is never deleted.
    for (stated, runs) in [(INIT, 1), (NEXT_INIT, 2)] {
        let mut story = Story::made(&[ROOT]);
        story.exec(INIT);
        story.exit(INIT, DONE);
        story.lost();
        story.tell(Body::SnapshotBegin(SnapshotReason::Resync));
        story.tell(Body::Runtime(RuntimeAnswer {
            container_id: Some(ID.into()),
            init_pid: Some(stated.pid),
            cgroup_paths: vec![(V1.hierarchy, docker(ID).into())],
            ..RuntimeAnswer::unanswered(Source::OciState, Outcome::Ok)
        }));
        let path = docker(ID);
        for (key, populated) in [(ROOT, Some(false)), (V1, None)] {
            let shown = kit::directory(SnapshotReason::Resync, key, CgroupId(1), &path);
            story.tell(Body::Directory(Directory { populated, ..shown }));
        }
        story.tell(Body::SnapshotEnd(SnapshotReason::Resync));
        let rows = story.end();
        assert_eq!(creates(&rows).len(), runs, "{rows:#?}");
    }
}

#[test]
fn what_runs_in_a_directory_that_waits_for_the_end_of_a_walk_is_not_of_the_run_before() {
    let mut story = Story { log: Log::with_grace(1_000) };
    story.make(&[ROOT]);
    story.lost();
    // The only run that is known when this is said.
    story.says(NEXT_INIT, 0, None);
    story.walk_shows(&[NEXT_ROOT], Some(true));
    story.exec(NEXT_INIT);
    story.tell(Body::SnapshotEnd(SnapshotReason::Resync));
    story.exit(NEXT_INIT, DONE);
    story.directory(CgroupEventKind::Rmdir, NEXT_ROOT, DELETE);
    let rows = story.end();
    assert_eq!(told_of_removals(&rows), [(ROOT, None, None), (NEXT_ROOT, Some(NEXT_INIT.pid), Some(3))]);
}

/// A recorder that was held up reads the making of a container after its walk has shown the directories, and after
/// daemons have told of its end.
#[test]
fn a_making_that_is_read_after_the_walk_is_that_of_the_life_found() {
    for shown in [&[ROOT, V1][..], &[V1]] {
        let mut story = Story::default();
        story.tell(Body::SnapshotBegin(SnapshotReason::Start));
        let path = docker(ID);
        for key in shown {
            let directory = kit::directory(SnapshotReason::Start, *key, CgroupId(1), &path);
            story.tell_at(100, Body::Directory(Directory { populated: Some(true), ..directory }));
        }
        let says = RuntimeAnswer {
            container_id: Some(ID.into()),
            init_pid: Some(INIT.pid),
            exit_code: Some(3),
            finished_at: Some(wall(BootNs(200))),
            ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok)
        };
        story.tell_at(200, Body::Runtime(says));
        for (at, key) in [(50, ROOT), (52, V1)] {
            let maker = || Actor { pid: 3900, comm: "runc", argv: CREATE, ..Actor::default() };
            for (later, kind) in [(0, CgroupEventKind::Mkdir), (1, CgroupEventKind::Populated)] {
                let event = CgroupEvent { actor: maker(), ..kit::event(kind, key, CgroupId(1), &path) };
                story.tell_at(at + later, Body::Cgroup(event));
            }
            let target = Target { pid: 4000, ppid: 3900, comm: "runc", started: BootNs(40), ..INIT };
            let attach =
                ProcessAttach { cpu: 0, target, key, level: 2, path: &path, path_truncated: false, mover: maker() };
            story.tell_at(at + 2, Body::Attach(attach));
        }
        story.tell_at(300, Body::SnapshotEnd(SnapshotReason::Start));
        let rows = story.end();
        let told: Vec<_> = creates(&rows).iter().map(|row| (row.inferred, row.boot_ns)).collect();
        assert_eq!(told, [(false, BootNs(50))], "{shown:?}");
        assert_eq!(exits(&rows).len(), 0, "the call that made it is no other run's: {shown:?}");
    }
}

#[test]
fn a_report_from_after_the_next_beginning_is_of_the_next_run() {
    let mut story = Story { log: Log::with_grace(1_000) };
    // A recorder that was held up hears of both ends before it reads of the first.
    story.make(&[ROOT]);
    story.exec(INIT);
    let died = |code: i32, at: u64| RuntimeAnswer {
        container_id: Some(ID.into()),
        event: Some("die".into()),
        exit_code: Some(code),
        finished_at: Some(wall(BootNs(at))),
        ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok)
    };
    story.tell_at(1_900, Body::Runtime(died(0, 1_110)));
    story.tell_at(1_901, Body::Runtime(died(137, 1_400)));
    story.tell_at(1_100, kit::exit_of(INIT.pid, ROOT.cgroup));
    let path = docker(ID);
    let gone = kit::event(CgroupEventKind::Rmdir, ROOT, CgroupId(1), &path);
    story.tell_at(1_120, Body::Cgroup(gone));
    let maker = Actor { pid: 4900, comm: "runc", argv: CREATE, ..Actor::default() };
    let made = kit::event(CgroupEventKind::Mkdir, NEXT_ROOT, CgroupId(1), &path);
    story.tell_at(1_300, Body::Cgroup(CgroupEvent { actor: maker, ..made }));
    story.tell_at(1_390, kit::exit_of(NEXT_INIT.pid, NEXT_ROOT.cgroup));
    story.tell_at(1_420, Body::Cgroup(kit::event(CgroupEventKind::Rmdir, NEXT_ROOT, CgroupId(1), &path)));
    let rows = story.end();
    let told: Vec<_> = removes(&rows).iter().map(|row| row.death.reported_exit_code).collect();
    assert_eq!(told, [Some(0), Some(137)]);
    assert_eq!(disagreements(&rows), 0);
}

/// What containerd says when a container is created or deleted.
fn containerd_says(event: &'static str, image: Option<&'static str>) -> RuntimeAnswer<'static> {
    RuntimeAnswer {
        container_id: Some(ID.into()),
        event: Some(event.into()),
        image_name: image.map(Into::into),
        ..RuntimeAnswer::unanswered(Source::Containerd, Outcome::Ok)
    }
}

#[test]
fn a_life_has_the_image_that_its_container_had_when_it_began() {
    // A recorder that was held up reads of the life when the container is deleted, and its id given to another one.
    for (made, image) in [(1_050, "a:1"), (1_250, "b:1")] {
        let mut story = Story::default();
        story.tell_at(1_000, Body::Runtime(containerd_says("/containers/create", Some("a:1"))));
        story.tell_at(1_100, Body::Runtime(containerd_says("/containers/delete", None)));
        story.tell_at(1_200, Body::Runtime(containerd_says("/containers/create", Some("b:1"))));
        let path = docker(ID);
        story.tell_at(made, Body::Cgroup(kit::event(CgroupEventKind::Mkdir, ROOT, CgroupId(1), &path)));
        let rows = story.end();
        assert_eq!(creates(&rows)[0].identity.image_name.as_deref(), Some(image), "made at {made}");
    }
}

#[test]
fn a_directory_that_a_walk_found_is_of_the_run_whose_call_made_it() {
    // The directory on v2 is kept from the run before, whose state is still there; a call makes the others anew while
    // the walk looks, which shows some of them before their making is read.
    for shown in [&[][..], &[NEXT_V1], &[NEXT_V1, key(5, 501)]] {
        let mut story = Story::default();
        story.tell(Body::SnapshotBegin(SnapshotReason::Start));
        let path = docker(ID);
        story.tell(Body::Runtime(RuntimeAnswer {
            container_id: Some(ID.into()),
            init_pid: Some(INIT.pid),
            cgroup_paths: vec![(ROOT.hierarchy, path.as_str().into())],
            ..RuntimeAnswer::unanswered(Source::OciState, Outcome::Ok)
        }));
        for key in [ROOT].iter().chain(shown) {
            let directory = kit::directory(SnapshotReason::Start, *key, CgroupId(1), &path);
            story.tell(Body::Directory(Directory { populated: Some(true), ..directory }));
        }
        let maker = || Actor { pid: 4900, comm: "runc", argv: CREATE, ..Actor::default() };
        for key in [NEXT_V1, key(5, 501)] {
            for kind in [CgroupEventKind::Mkdir, CgroupEventKind::Populated] {
                let event = CgroupEvent { actor: maker(), ..kit::event(kind, key, CgroupId(1), &path) };
                story.tell(Body::Cgroup(event));
            }
        }
        let target = Target { ppid: 4900, comm: "runc", ..NEXT_INIT };
        let attach =
            ProcessAttach { cpu: 0, target, key: ROOT, level: 2, path: &path, path_truncated: false, mover: maker() };
        story.tell(Body::Attach(attach));
        story.tell(Body::SnapshotEnd(SnapshotReason::Start));
        let next = Target { cgroup: ROOT.cgroup, ..NEXT_INIT };
        story.exec(next);
        story.exit(next, DONE);
        for key in [NEXT_V1, key(5, 501), ROOT] {
            story.directory(CgroupEventKind::Rmdir, key, DELETE);
        }
        let rows = story.end();
        assert_eq!(kit::existing(&rows).len() + creates(&rows).len(), 2, "{shown:?}: {rows:#?}");
        assert_eq!(told_of_removals(&rows), [(ROOT, None, None), (ROOT, Some(NEXT_INIT.pid), Some(3))], "{shown:?}");
    }
}

#[test]
fn the_first_process_of_another_container_in_the_directory_is_no_next_init_if_it_is_older() {
    // Two containers share a directory; who came first was lost with its entry.
    let mut story = Story::made(&[ROOT]);
    story.lost();
    story.exec(Target { cgroup: ROOT.cgroup, ..NEXT_INIT });
    story.exit(Target { pid: 4100, ..INIT }, DONE);
    let rows = story.end();
    assert_eq!((creates(&rows).len(), exits(&rows).len()), (1, 0), "{rows:#?}");
}

#[test]
fn the_init_of_another_container_in_the_directory_is_no_next_init_where_its_entry_was_lost() {
    // Two containers share a directory, and a walk sees the files of one of them only.
    let second = Target { cgroup: ROOT.cgroup, ..NEXT_INIT };
    let shown = kit::directory(SnapshotReason::Resync, ROOT, CgroupId(1), "/shared");
    let mut story = Story::default();
    story.lost();
    story.tell(Body::SnapshotBegin(SnapshotReason::Resync));
    story.tell(Body::Runtime(RuntimeAnswer {
        container_id: Some("web-1".into()),
        init_pid: Some(INIT.pid),
        cgroup_paths: vec![(ROOT.hierarchy, "/shared".into())],
        ..RuntimeAnswer::unanswered(Source::OciState, Outcome::Ok)
    }));
    story.tell(Body::Directory(Directory { populated: Some(true), ..shown }));
    story.tell(Body::SnapshotEnd(SnapshotReason::Resync));
    story.exec(second);
    story.exit(INIT, DONE);
    story.exit(second, ExitStatus::Exited(4));
    let delete = Actor { pid: 3900, comm: "runc", argv: &["runc", "delete", "web-2"], ..Actor::default() };
    let removal = kit::event(CgroupEventKind::Rmdir, ROOT, CgroupId(1), "/shared");
    story.tell(Body::Cgroup(CgroupEvent { actor: delete, ..removal }));
    let rows = story.end();
    assert_eq!((creates(&rows).len(), exits(&rows).len()), (1, 1), "{rows:#?}");
    assert_eq!(told_of_removals(&rows), [(ROOT, Some(INIT.pid), Some(3))]);
}

#[test]
fn a_directory_found_beside_a_life_that_began_within_the_walk_is_told_by_the_next_walk() {
    for (shown, runs) in [(&[NEXT_ROOT, V1][..], 1), (&[NEXT_ROOT], 2)] {
        let mut story = Story::default();
        // The walk has passed the directory's place when it is made.
        story.walk_shows(&[], None);
        story.make(&[V1]);
        story.lost();
        let path = docker(ID);
        let found = kit::directory(SnapshotReason::Resync, NEXT_ROOT, CgroupId(1), &path);
        story.tell(Body::Directory(Directory { populated: Some(true), ..found }));
        story.tell(Body::SnapshotEnd(SnapshotReason::Resync));
        story.walk(shown);
        for key in shown {
            story.directory(CgroupEventKind::Rmdir, *key, DELETE);
        }
        let rows = story.end();
        assert_eq!((creates(&rows).len(), exits(&rows).len(), removes(&rows).len()), (runs, runs, runs), "{shown:?}");
    }
}

#[test]
fn an_entry_that_is_read_after_the_walk_is_into_the_life_found_on_another_hierarchy() {
    let mut story = Story::default();
    story.tell(Body::SnapshotBegin(SnapshotReason::Resync));
    let path = docker(ID);
    let found = kit::directory(SnapshotReason::Resync, V1, CgroupId(1), &path);
    story.tell_at(1_500, Body::Directory(Directory { populated: Some(true), ..found }));
    // The directory there was kept from the run before, and the walk has yet to come to it.
    let mover = Actor { pid: 3900, comm: "runc", argv: CREATE, ..Actor::default() };
    let target = Target { pid: 3950, comm: "runc", is_reaper: false, ..INIT };
    let attach = ProcessAttach { cpu: 0, target, key: ROOT, level: 2, path: &path, path_truncated: false, mover };
    story.tell_at(1_400, Body::Attach(attach));
    story.tell(Body::SnapshotEnd(SnapshotReason::Resync));
    story.exec(INIT);
    story.exit(INIT, DONE);
    story.directory(CgroupEventKind::Rmdir, V1, DELETE);
    story.directory(CgroupEventKind::Rmdir, ROOT, DELETE);
    let rows = story.end();
    let told: Vec<_> = creates(&rows).iter().map(|row| (row.inferred, row.boot_ns)).collect();
    assert_eq!(told, [(false, BootNs(1_400))]);
    assert_eq!(told_of_removals(&rows), [(ROOT, Some(INIT.pid), Some(3))]);
}

#[test]
fn a_directory_that_a_call_is_seen_to_use_waits_for_no_end_of_the_walk() {
    const ELSEWHERE: &[&str] = &["runc", "--root", "/run/elsewhere", "create", "--bundle", "/b/b", ID];
    let path = docker(ID);
    let other = || Actor { pid: 4900, comm: "runc", argv: ELSEWHERE, ..Actor::default() };
    let enters = |story: &mut Story| {
        let target = Target { pid: 4950, comm: "runc", is_reaper: false, cgroup: ROOT.cgroup, ..NEXT_INIT };
        let attach =
            ProcessAttach { cpu: 0, target, key: ROOT, level: 2, path: &path, path_truncated: false, mover: other() };
        story.tell(Body::Attach(attach));
    };
    let makes = |story: &mut Story| {
        story.tell(Body::Cgroup(CgroupEvent {
            actor: other(),
            ..kit::event(CgroupEventKind::Mkdir, ROOT, CgroupId(1), &path)
        }));
    };
    let calls: [&dyn Fn(&mut Story); 2] = [&enters, &makes];
    for (call, name) in calls.into_iter().zip(["entered", "made"]) {
        // Two runtimes use one id. Whether the first one's container still runs, only the end of the walk can tell.
        let mut story = Story::made(&[V1]);
        story.lost();
        story.walk_shows(&[ROOT], Some(true));
        call(&mut story);
        let init = Target { cgroup: ROOT.cgroup, ..NEXT_INIT };
        story.exec(init);
        story.exit(init, DONE);
        story.tell(Body::SnapshotEnd(SnapshotReason::Resync));
        story.directory(CgroupEventKind::Rmdir, ROOT, &["runc", "--root", "/run/elsewhere", "delete", ID]);
        let rows = story.end();
        let told = told_of_removals(&rows);
        assert_eq!(told.last(), Some(&(ROOT, Some(init.pid), Some(3))), "{name}: {rows:#?}");
    }
}

#[test]
fn a_directory_of_a_life_whose_others_go_while_the_walk_looks_is_of_that_life() {
    // A walk passes v2 before the container is made, and finds it on v1. The next one finds it on v2, and comes to v1
    // when the container is gone; the events of its removal are lost. Or it was made anew.
    for (gone_by_then, runs) in [(true, 1), (false, 2)] {
        let mut story = Story::default();
        story.lost();
        story.walk(&[V1]);
        story.lost();
        story.walk_shows(&[ROOT], Some(true));
        story.lost();
        story.tell(Body::SnapshotEnd(SnapshotReason::Resync));
        story.walk(if gone_by_then { &[] } else { &[ROOT] });
        if !gone_by_then {
            story.directory(CgroupEventKind::Rmdir, ROOT, DELETE);
        }
        let rows = story.end();
        assert_eq!((creates(&rows).len(), removes(&rows).len()), (runs, runs), "{gone_by_then}: {rows:#?}");
    }
}
