//! Lives as runs of processes: which process is the init, when a container exits, and what its
//! directories have to do with that.

use obit_derivation::record::*;
use obit_derivation::row::{Cause, ContainerExit, ContainerRemove, KnownBy};

use crate::kit::{self, A as ID, B as OTHER, INIT, Log, ROOT, SIGKILLED, docker, key, moment, wall};

const CREATE: &[&str] = &["runc", "--root", "/run/docker/runtime-runc/moby", "create", "--bundle", "/b/a", ID];
const DELETE: &[&str] = &["runc", "--root", "/run/docker/runtime-runc/moby", "delete", "--force", ID];
const KILL: &[&str] = &["runc", "--root", "/run/docker/runtime-runc/moby", "kill", ID, "9"];
/// A directory on the memory hierarchy of v1.
const MEMORY: CgroupKey = CgroupKey { hierarchy: HierarchyId(4), cgroup: CgroupId(500) };
/// An init that shares the host's pid namespace.
const IN_HOST_PIDS: Target<'static> = Target { is_reaper: false, pid_inside: INIT.pid, ..INIT };

#[derive(Default)]
struct Story {
    log: Log,
}

impl Story {
    /// A host without containers, as the first walk shows it.
    fn walked() -> Self {
        let mut story = Self::default();
        story.tell(Body::SnapshotBegin(SnapshotReason::Start));
        story.tell(Body::SnapshotEnd(SnapshotReason::Start));
        story
    }

    /// A container that a runtime has made and put a process into.
    fn made() -> Self {
        let mut story = Self::default();
        story.directory(CgroupEventKind::Mkdir, ROOT, &docker(ID), runc(3900, CREATE));
        story.attach(process(3950), ROOT, &docker(ID), runc(3900, CREATE));
        story.directory(CgroupEventKind::Populated, ROOT, &docker(ID), Actor::default());
        story
    }

    /// The same, whose program has begun.
    fn begun() -> Self {
        let mut story = Self::made();
        story.exec(INIT);
        story
    }

    fn tell(&mut self, body: Body<'_>) -> Seq {
        self.log.tell(body)
    }

    fn directory(&mut self, kind: CgroupEventKind, key: CgroupKey, path: &str, actor: Actor<'_>) -> Seq {
        let event = CgroupEvent { actor, ..kit::event(kind, key, CgroupId(1), path) };
        self.tell(Body::Cgroup(event))
    }

    fn attach(&mut self, target: Target<'_>, key: CgroupKey, path: &str, mover: Actor<'_>) -> Seq {
        let (level, path_truncated) = (2, false);
        self.tell(Body::Attach(ProcessAttach { cpu: 0, target, key, level, path, path_truncated, mover }))
    }

    fn exec(&mut self, target: Target<'_>) -> Seq {
        self.tell(Body::Exec(ProcessExec { cpu: 0, target, parent_comm: "runc" }))
    }

    fn exit(&mut self, target: Target<'_>, status: ExitStatus) -> Seq {
        let (oom_victim, rebooted) = (false, Some(false));
        self.tell(Body::Exit(TaskExit { cpu: 0, target, status, oom_victim, rebooted, parent_comm: "shim" }))
    }

    fn signal_at(
        &mut self,
        at: BootNs,
        target: Target<'_>,
        signal: u32,
        sent: (SignalOrigin, SignalResult, Actor<'_>),
    ) {
        let (origin, result, sender) = sent;
        self.log.tell_at(
            at,
            Body::Signal(FatalSignal {
                cpu: 0,
                target,
                signal,
                code: 0,
                origin: Some(origin),
                to_group: true,
                result: Some(result),
                sender,
                sender_v1: None,
                sender_loginuid: None,
                sender_ancestors: Vec::new(),
            }),
        );
    }

    fn signal(&mut self, target: Target<'_>, signal: u32, sent: (SignalOrigin, SignalResult, Actor<'_>)) {
        let at = moment(self.log.next());
        self.signal_at(at, target, signal, sent);
    }

    fn empty(&mut self, key: CgroupKey, id: &str) -> Seq {
        self.directory(CgroupEventKind::Empty, key, &docker(id), Actor::default())
    }

    fn remove(&mut self, key: CgroupKey, id: &str) -> Seq {
        self.directory(CgroupEventKind::Rmdir, key, &docker(id), Actor::default())
    }

    fn lost(&mut self, kind: KernelEventKind) {
        self.tell(Body::Lost(Loss { count: 1, kind: Some(kind), cpu: None, since: Seq(0) }));
    }

    fn states_init(&mut self, pid: u32) {
        let mut answer = RuntimeAnswer::unanswered(Source::OciState, Outcome::Ok);
        (answer.container_id, answer.init_pid) = (Some(ID.into()), Some(pid));
        self.tell(Body::Runtime(answer));
    }

    fn exits(&self) -> Vec<&ContainerExit> {
        kit::exits(&self.log.rows)
    }

    fn removals(&self) -> Vec<&ContainerRemove> {
        kit::removes(&self.log.rows)
    }

    /// The only exit.
    fn exited(&self) -> &ContainerExit {
        let exits = self.exits();
        let [exit] = exits[..] else { panic!("{exits:#?}") };
        exit
    }
}

fn runc<'a>(pid: u32, argv: &'a [&'a str]) -> Actor<'a> {
    Actor { pid, comm: "runc", argv, ..Actor::default() }
}

/// A process of a runtime, or one that is run in the container beside its init.
fn process(pid: u32) -> Target<'static> {
    Target { pid, pid_inside: pid, comm: "sh", is_reaper: false, started: BootNs(u64::from(pid)), ..INIT }
}

const BY_RUNC: (SignalOrigin, SignalResult, Actor<'static>) = (
    SignalOrigin::User,
    SignalResult::Delivered,
    Actor {
        pid: 900,
        tid: 900,
        ppid: 1,
        uid: 0,
        comm: "runc",
        parent_comm: "shim",
        cgroup: None,
        argv: KILL,
        argv_truncated: false,
    },
);

fn by(comm: &'static str, pid: u32) -> (SignalOrigin, SignalResult, Actor<'static>) {
    (SignalOrigin::User, SignalResult::Delivered, Actor { comm, pid, ..Actor::default() })
}

#[test]
fn an_exit_is_told_when_it_happens_whatever_becomes_of_the_directory() {
    let mut story = Story::begun();
    let exit = story.exit(INIT, ExitStatus::Exited(5));
    let row = story.exited();
    assert_eq!((row.seq, row.ts, row.death.exit_code), (exit, wall(moment(exit)), Some(5)));
    assert_eq!((row.death.cause, row.death.cause_known_by), (Cause::Exited, Some(KnownBy::Kernel)));
    assert_eq!((row.inferred, row.never_started, row.identity.init_pid), (false, Some(false), Some(INIT.pid)));
    assert!(story.removals().is_empty());
    story.empty(ROOT, ID);
    story.remove(ROOT, ID);
    let removals = story.removals();
    let [removal] = removals[..] else { panic!("{removals:#?}") };
    assert_eq!((removal.death.exit_code, removal.created_seq), (Some(5), story.exited().created_seq));
}

#[test]
fn the_end_of_an_init_that_was_moved_away_is_the_container_s() {
    let elsewhere = Target { cgroup: CgroupId(7), ..INIT };
    let mut story = Story::begun();
    story.exit(process(3950), ExitStatus::Exited(0));
    story.empty(ROOT, ID);
    assert!(story.exits().is_empty(), "it runs, elsewhere");
    story.signal(elsewhere, 9, BY_RUNC);
    story.exit(elsewhere, SIGKILLED);
    let row = story.exited();
    assert_eq!((row.death.cause, row.death.exit_signal), (Cause::KilledByRuntime, Some(9)));
}

#[test]
fn a_process_that_is_run_beside_the_init_is_never_it() {
    // The exit of the init is lost; a health check's was seen before.
    for is_lost in [false, true] {
        let mut story = Story::begun();
        let check = process(4100);
        story.exec(check);
        story.exit(check, ExitStatus::Exited(55));
        assert!(story.exits().is_empty());
        if is_lost {
            story.lost(KernelEventKind::Exit);
        } else {
            story.exit(INIT, ExitStatus::Exited(0));
        }
        story.empty(ROOT, ID);
        let row = story.exited();
        let (code, cause) = if is_lost { (None, Cause::Unknown) } else { (Some(0), Cause::Exited) };
        assert_eq!((row.death.exit_code, row.death.cause), (code, cause));
        assert_eq!((row.after_gap, row.inferred, row.death.cause_known_by.is_none()), (is_lost, is_lost, is_lost));
    }
}

#[test]
fn a_pid_that_a_source_states_names_the_process_that_had_it_then() {
    let mut story = Story::default();
    // It was there before the capture, and shares the host's pid namespace.
    story.tell(Body::SnapshotBegin(SnapshotReason::Start));
    let shown = kit::directory(SnapshotReason::Start, ROOT, CgroupId(1), "/docker/x");
    let path = docker(ID);
    story.tell(Body::Directory(Directory { populated: Some(true), path: (&*path).into(), ..shown }));
    story.tell(Body::SnapshotEnd(SnapshotReason::Start));
    story.states_init(INIT.pid);
    // Another process was given the number later.
    let later = Target { started: BootNs(1 << 40), ..IN_HOST_PIDS };
    story.exit(later, ExitStatus::Exited(3));
    assert!(story.exits().is_empty());
    story.exit(IN_HOST_PIDS, ExitStatus::Exited(4));
    assert_eq!(story.exited().death.exit_code, Some(4));
}

#[test]
fn what_is_stated_before_the_program_begins_does_not_make_an_exec_d_process_the_init() {
    // runc writes its state before the program begins; the state of the life before may be read yet.
    for stated in [INIT.pid, 17] {
        let mut story = Story::made();
        story.states_init(stated);
        story.exec(INIT);
        let check = process(4100);
        story.exec(check);
        story.exit(check, ExitStatus::Exited(139));
        assert!(story.exits().is_empty());
        story.exit(INIT, ExitStatus::Exited(3));
        assert_eq!(story.exited().death.exit_code, Some(3));
    }
}

#[test]
fn a_run_whose_end_was_not_seen_is_over_when_the_container_is_made_anew() {
    let mut story = Story::begun();
    story.lost(KernelEventKind::Exit);
    let again = key(0, 102);
    story.directory(CgroupEventKind::Mkdir, again, &docker(ID), runc(5900, CREATE));
    story.directory(CgroupEventKind::Populated, again, &docker(ID), Actor::default());
    let second = Target { pid: 6001, started: BootNs(80), cgroup: again.cgroup, ..INIT };
    story.exec(second);
    story.exit(second, ExitStatus::Exited(130));
    let told: Vec<_> = story.exits().iter().map(|row| (row.death.exit_code, row.after_gap)).collect();
    assert_eq!(told, [(None, true), (Some(130), false)]);
}

#[test]
fn the_directory_above_a_container_s_is_no_container_whatever_a_walk_shows_first() {
    let mut story = Story::default();
    story.tell(Body::SnapshotBegin(SnapshotReason::Start));
    let (parent, child) = (key(0, 50), key(0, 51));
    let path = docker(ID);
    story.tell(Body::Directory(kit::directory(SnapshotReason::Start, child, parent.cgroup, &path)));
    // The events of their making come after what the walk saw.
    story.directory(CgroupEventKind::Mkdir, parent, "/docker", runc(3900, CREATE));
    let event = kit::event(CgroupEventKind::Mkdir, child, parent.cgroup, &path);
    story.tell(Body::Cgroup(CgroupEvent { actor: runc(3900, CREATE), ..event }));
    story.directory(CgroupEventKind::Populated, child, &path, Actor::default());
    story.directory(CgroupEventKind::Populated, parent, "/docker", Actor::default());
    story.tell(Body::SnapshotEnd(SnapshotReason::Start));
    let created = kit::creates(&story.log.rows);
    assert_eq!(created.iter().map(|row| row.place.path.as_str()).collect::<Vec<_>>(), [path.as_str()]);
    assert!(kit::existing(&story.log.rows).is_empty());
}

#[test]
fn a_pid_namespace_that_the_container_makes_has_no_init_of_its_own() {
    let mut story = Story::made();
    story.exec(IN_HOST_PIDS);
    // `unshare -p -f sh`: its parent is inside.
    let nested = Target { parent_cgroup: Some(ROOT.cgroup), ..Target { pid: 4200, started: BootNs(60), ..INIT } };
    story.exec(nested);
    story.exit(nested, ExitStatus::Exited(5));
    assert!(story.exits().is_empty());
    story.exit(IN_HOST_PIDS, ExitStatus::Exited(3));
    assert_eq!(story.exited().death.exit_code, Some(3));
}

#[test]
fn the_deepest_container_wins_where_hierarchies_differ() {
    let (outer_v1, inner_v1) = (MEMORY, key(4, 501));
    let inner_path = format!("/docker/{ID}/docker/{OTHER}");
    let mut story = Story::begun();
    story.directory(CgroupEventKind::Mkdir, outer_v1, &docker(ID), runc(3900, CREATE));
    let event = kit::event(CgroupEventKind::Mkdir, inner_v1, outer_v1.cgroup, &inner_path);
    story.tell(Body::Cgroup(event));
    story.directory(CgroupEventKind::Populated, inner_v1, &inner_path, Actor::default());
    // On v2 its init is in the directory of the outer one.
    let (parent_cgroup, parent_v1) = (Some(ROOT.cgroup), Some(outer_v1.cgroup));
    let inner = Target { pid: 5000, started: BootNs(90), v1: Some(inner_v1), parent_cgroup, parent_v1, ..INIT };
    story.exec(inner);
    story.exit(inner, ExitStatus::Exited(66));
    let row = story.exited();
    assert_eq!((row.identity.container_id.as_str(), row.death.exit_code), (OTHER, Some(66)));
}

#[test]
fn a_directory_that_stays_has_a_life_for_each_run() {
    let mut story = Story::begun();
    story.exit(INIT, ExitStatus::Exited(1));
    // A foreign process keeps the directory; the runtime creates the container again.
    story.attach(process(6000), ROOT, &docker(ID), runc(5900, CREATE));
    let second = Target { pid: 6001, ppid: 5900, started: BootNs(80), ..INIT };
    story.exec(second);
    story.exit(second, ExitStatus::Exited(2));
    story.empty(ROOT, ID);
    story.remove(ROOT, ID);
    let codes: Vec<_> = story.exits().iter().map(|row| row.death.exit_code).collect();
    assert_eq!(codes, [Some(1), Some(2)]);
    let removals = story.removals();
    let created: Vec<_> = removals.iter().map(|row| (row.created_seq, row.death.exit_code)).collect();
    let of_exits: Vec<_> = story.exits().iter().map(|row| (row.created_seq, row.death.exit_code)).collect();
    assert_eq!(created, of_exits, "both are gone with the directory");
    assert_eq!(kit::creates(&story.log.rows).len(), 2);
}

#[test]
fn a_directory_whose_making_is_told_late_has_lost_no_removal() {
    let mut story = Story::default();
    story.attach(process(3950), ROOT, &docker(ID), runc(3900, CREATE));
    story.directory(CgroupEventKind::Mkdir, ROOT, &docker(ID), runc(3900, CREATE));
    story.exec(INIT);
    story.exit(INIT, SIGKILLED);
    let removed = story.remove(ROOT, ID);
    assert_eq!(kit::creates(&story.log.rows).len(), 1);
    let removals = story.removals();
    let told: Vec<_> = removals.iter().map(|row| (row.rmdir_seq, row.inferred, row.death.exit_signal)).collect();
    assert_eq!(told, [(Some(removed), false, Some(9))]);
    assert_eq!(story.exits().len(), 1);
}

#[test]
fn two_containers_in_one_directory_are_two() {
    let create_other = [&CREATE[..6], &[OTHER]].concat();
    let mut story = Story::begun();
    story.attach(process(6000), ROOT, &docker(ID), runc(5900, &create_other));
    let second = Target { pid: 6001, ppid: 5900, started: BootNs(80), ..INIT };
    story.exec(second);
    story.exit(second, ExitStatus::Exited(2));
    story.exit(INIT, ExitStatus::Exited(1));
    story.remove(ROOT, ID);
    let told: Vec<_> = story.exits().iter().map(|row| (&*row.identity.container_id, row.death.exit_code)).collect();
    assert_eq!(told, [(OTHER, Some(2)), (ID, Some(1))]);
    assert_eq!(story.removals().len(), 2);
}

#[test]
fn a_container_that_runs_on_in_other_directories_is_not_removed() {
    let mut story = Story::begun();
    story.directory(CgroupEventKind::Mkdir, MEMORY, &docker(ID), runc(3900, CREATE));
    story.directory(CgroupEventKind::Populated, MEMORY, &docker(ID), Actor::default());
    story.empty(ROOT, ID);
    story.remove(ROOT, ID);
    assert!(story.removals().is_empty() && story.exits().is_empty());
    story.exit(Target { cgroup: CgroupId(7), v1: Some(MEMORY), ..INIT }, ExitStatus::Exited(21));
    story.empty(MEMORY, ID);
    let last = story.remove(MEMORY, ID);
    let removals = story.removals();
    let [removal] = removals[..] else { panic!("{removals:#?}") };
    assert_eq!((removal.seq, removal.death.exit_code), (last, Some(21)));
}

#[test]
fn a_container_whose_program_never_began_has_no_exit_code() {
    let helper = process(3950);
    let init = Target { comm: "runc:[2:INIT]", ..INIT };
    for (is_deleted, cause) in [(false, Cause::StartFailed), (true, Cause::NeverStarted)] {
        let mut story = Story::made();
        story.exit(helper, ExitStatus::Exited(0));
        if is_deleted {
            let (origin, result, _) = BY_RUNC;
            story.signal(init, 9, (origin, result, runc(901, DELETE)));
            story.exit(init, SIGKILLED);
        } else {
            story.exit(init, ExitStatus::Exited(1));
        }
        story.empty(ROOT, ID);
        story.remove(ROOT, ID);
        let row = story.exited();
        assert_eq!((row.death.cause, row.never_started), (cause, Some(true)));
        assert_eq!((row.death.exit_code, row.death.exit_signal, &row.death.killed_by), (None, None, &None));
        let removals = story.removals();
        assert_eq!(removals.iter().map(|row| row.death.cause).collect::<Vec<_>>(), [cause]);
    }
    // Nothing was ever in it: there is nothing that exited.
    let mut story = Story::default();
    story.directory(CgroupEventKind::Mkdir, ROOT, &docker(ID), runc(3900, CREATE));
    story.remove(ROOT, ID);
    assert!(story.exits().is_empty());
    assert_eq!(story.removals()[0].death.cause, Cause::NeverStarted);
}

#[test]
fn a_runtime_s_name_tells_nothing_of_the_program_where_its_execution_may_be_lost() {
    for (comm, cause, code, never_started) in
        [("runc:[2:INIT]", Cause::Unknown, None, None), ("nginx", Cause::Exited, Some(1), Some(false))]
    {
        let mut story = Story::made();
        story.lost(KernelEventKind::Exec);
        story.exit(Target { comm, ..INIT }, ExitStatus::Exited(1));
        let row = story.exited();
        assert_eq!((row.death.cause, row.death.exit_code, row.never_started), (cause, code, never_started), "{comm}");
    }
    // Nobody saw whether the program began, nor its end.
    let mut story = Story::made();
    story.lost(KernelEventKind::Exec);
    story.lost(KernelEventKind::Exit);
    story.empty(ROOT, ID);
    let row = story.exited();
    assert_eq!((row.death.cause, row.never_started, row.after_gap), (Cause::Unknown, None, true));
}

#[test]
fn a_directory_whose_making_was_lost_is_of_the_run_that_it_outlives() {
    let path = docker(ID);
    // It shows itself when it is removed, after the exit, while the one on v2 is still there.
    let mut story = Story::begun();
    story.exit(INIT, ExitStatus::Exited(0));
    story.remove(MEMORY, ID);
    story.remove(ROOT, ID);
    assert_eq!((story.exits().len(), story.removals().len()), (1, 1));
    // A walk read it before the exit, which is told first.
    let mut story = Story::begun();
    story.lost(KernelEventKind::Cgroup(CgroupEventKind::Mkdir));
    story.tell(Body::SnapshotBegin(SnapshotReason::Resync));
    story.exit(INIT, ExitStatus::Exited(0));
    let shown = kit::directory(SnapshotReason::Resync, MEMORY, CgroupId(1), &path);
    story.tell(Body::Directory(Directory { populated: Some(true), ..shown }));
    let shown = kit::directory(SnapshotReason::Resync, ROOT, CgroupId(1), &path);
    story.tell(Body::Directory(Directory { populated: Some(true), ..shown }));
    story.tell(Body::SnapshotEnd(SnapshotReason::Resync));
    story.remove(MEMORY, ID);
    story.remove(ROOT, ID);
    assert_eq!((story.exits().len(), story.removals().len()), (1, 1));
    assert_eq!(kit::creates(&story.log.rows).len(), 1);
}

#[test]
fn a_request_counts_only_if_the_end_follows_on_it() {
    let second = 1_000_000_000;
    for (comm, wait_ns, expected) in
        [("bash", second / 2, Some("bash")), ("bash", 2 * second, None), ("runc", 60 * second, Some("runc"))]
    {
        let mut story = Story::begun();
        let sent = if comm == "runc" { BY_RUNC } else { by("bash", 800) };
        story.signal_at(BootNs(2_000), INIT, 15, sent);
        let exit = TaskExit {
            cpu: 0,
            target: INIT,
            status: ExitStatus::Exited(0),
            oom_victim: false,
            rebooted: None,
            parent_comm: "shim",
        };
        story.log.tell_at(BootNs(2_000 + wait_ns), Body::Exit(exit));
        let death = &story.exited().death;
        assert_eq!(death.killed_by.as_ref().map(|killer| killer.task.comm.as_str()), expected, "{comm} {wait_ns}");
        assert_eq!(death.requested_by.is_empty(), expected.is_none());
        assert_eq!(death.signals.len(), 1, "that it was sent is told all the same");
    }
}

#[test]
fn a_stranger_s_request_that_was_ignored_is_no_part_of_an_order() {
    let mut story = Story::begun();
    let (origin, _, sender) = by("bash", 800);
    story.signal(INIT, 15, (origin, SignalResult::Ignored, sender));
    story.signal(INIT, 9, BY_RUNC);
    story.exit(INIT, SIGKILLED);
    let steps: Vec<_> = story.exited().death.requested_by.iter().map(|step| step.what.clone()).collect();
    assert_eq!(steps, ["shim".to_owned(), KILL.join(" ")]);
}

#[test]
fn the_end_of_a_shared_pid_namespace_is_ordered_by_whoever_ended_its_owner() {
    let guest = Target { pid: 7000, started: BootNs(95), cgroup: CgroupId(101), is_reaper: false, ..INIT };
    let guest_root = key(0, 101);
    let create_other = [&CREATE[..6], &[OTHER]].concat();
    let mut story = Story::begun();
    story.directory(CgroupEventKind::Mkdir, guest_root, &docker(OTHER), runc(6900, &create_other));
    story.directory(CgroupEventKind::Populated, guest_root, &docker(OTHER), Actor::default());
    story.exec(guest);
    story.signal(INIT, 9, BY_RUNC);
    let dying = Actor { pid: INIT.pid, comm: "nginx", cgroup: Some(ROOT.cgroup), ..Actor::default() };
    story.signal(guest, 9, (SignalOrigin::PidNamespaceEnd, SignalResult::Delivered, dying));
    story.exit(guest, SIGKILLED);
    let death = &story.exited().death;
    assert_eq!((death.cause, death.signal_origin), (Cause::Signalled, Some(SignalOrigin::PidNamespaceEnd)));
    assert_eq!(death.killed_by, None, "the dying init of the other has ordered nothing");
    let steps: Vec<_> = death.requested_by.iter().map(|step| step.what.clone()).collect();
    assert_eq!(steps, ["shim".to_owned(), KILL.join(" "), format!("end of the pid namespace of {ID}")]);
}

#[test]
fn signals_that_are_not_listed_are_counted() {
    let mut story = Story::begun();
    for _ in 0..60 {
        story.signal(INIT, 15, by("bash", 800));
        story.signal(process(4100), 15, by("bash", 800));
    }
    story.signal(INIT, 9, by("bash", 800));
    story.exit(INIT, SIGKILLED);
    let death = &story.exited().death;
    assert_eq!((death.signals.len(), death.signals_total), (32, Some(61)));
}

#[test]
fn what_a_killer_s_container_is_tells_the_v1_tree_too() {
    let mut story = Story::begun();
    story.directory(CgroupEventKind::Mkdir, key(4, 600), &docker(OTHER), Actor::default());
    let sender = Actor { pid: 800, comm: "sh", cgroup: Some(CgroupId(1)), ..Actor::default() };
    story.tell(Body::Signal(FatalSignal {
        cpu: 0,
        target: Target { v1: Some(MEMORY), ..INIT },
        signal: 9,
        code: 0,
        origin: Some(SignalOrigin::User),
        to_group: true,
        result: Some(SignalResult::Delivered),
        sender,
        sender_v1: Some(CgroupId(600)),
        sender_loginuid: None,
        sender_ancestors: Vec::new(),
    }));
    story.exit(INIT, SIGKILLED);
    let killer = story.exited().death.killed_by.clone().expect("a killer");
    assert_eq!(killer.container_id.as_deref(), Some(OTHER));
}

#[test]
fn a_directory_that_was_renamed_is_no_container_and_a_container_s_stays_its_own() {
    let mut story = Story::default();
    story.directory(CgroupEventKind::Mkdir, MEMORY, "/x", Actor::default());
    story.directory(CgroupEventKind::Rename, MEMORY, &docker(ID), Actor::default());
    story.remove(MEMORY, ID);
    assert!(story.log.rows.is_empty());
    story.directory(CgroupEventKind::Mkdir, MEMORY, &docker(ID), runc(3900, CREATE));
    story.directory(CgroupEventKind::Rename, MEMORY, "/y", Actor::default());
    story.directory(CgroupEventKind::Rmdir, MEMORY, "/y", Actor::default());
    assert_eq!(story.removals().len(), 1);
}

#[test]
fn a_container_that_had_exited_before_the_capture_is_known_to_have() {
    let mut story = Story::default();
    story.tell(Body::SnapshotBegin(SnapshotReason::Start));
    let path = docker(ID);
    let mut answer = RuntimeAnswer::unanswered(Source::OciState, Outcome::Ok);
    (answer.container_id, answer.init_pid) = (Some(ID.into()), Some(INIT.pid));
    answer.cgroup_paths = vec![(HierarchyId::V2, (&*path).into())];
    story.tell(Body::Runtime(answer));
    let shown = kit::directory(SnapshotReason::Start, ROOT, CgroupId(1), &path);
    story.tell(Body::Directory(Directory { populated: Some(false), ..shown }));
    story.tell(Body::SnapshotEnd(SnapshotReason::Start));
    let row = story.exited();
    assert_eq!((row.inferred, row.death.cause, row.death.exited_at), (true, Cause::Unknown, None));
    assert_eq!(row.lifetime_ns, None);
}

#[test]
fn the_kernel_s_word_of_a_sandbox_is_not_of_the_program_in_it() {
    let runsc: &[&str] = &["runsc", "--root", "/run/docker/runtime-runc/moby", "create", "--bundle", "/b/a", ID];
    let mut story = Story::default();
    story.directory(CgroupEventKind::Mkdir, ROOT, &docker(ID), Actor { comm: "runsc", ..runc(3900, runsc) });
    story.directory(CgroupEventKind::Populated, ROOT, &docker(ID), Actor::default());
    story.exec(INIT);
    let mut answer = RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok);
    (answer.container_id, answer.event, answer.exit_code) = (Some(ID.into()), Some("die".into()), Some(7));
    story.tell(Body::Runtime(answer));
    story.exit(INIT, ExitStatus::Exited(0));
    let death = &story.exited().death;
    assert_eq!((death.exit_code, death.cause), (None, Cause::Unknown));
    assert_eq!((death.cause_known_by, death.reported_exit_code), (Some(KnownBy::Sandbox), Some(7)));
}

#[test]
fn a_stated_init_that_nobody_saw_does_not_outlive_the_directories_of_a_container_of_before() {
    let mut story = Story::default();
    story.states_init(7);
    story.tell(Body::SnapshotBegin(SnapshotReason::Start));
    let path = docker(ID);
    let shown = kit::directory(SnapshotReason::Start, ROOT, CgroupId(1), &path);
    story.tell(Body::Directory(Directory { populated: Some(true), ..shown }));
    story.tell(Body::SnapshotEnd(SnapshotReason::Start));
    story.states_init(7);
    story.remove(ROOT, ID);
    let row = story.exited();
    assert_eq!((row.inferred, row.identity.init_pid, row.death.cause), (true, None, Cause::Unknown));
}

#[test]
fn a_container_that_had_ended_before_the_first_walk_is_not_the_next_one_in_its_directory() {
    // A process of somebody else keeps the directory on v2; that on v1 is made anew.
    let mut story = Story::default();
    story.tell(Body::SnapshotBegin(SnapshotReason::Start));
    let path = docker(ID);
    let shown = kit::directory(SnapshotReason::Start, ROOT, CgroupId(1), &path);
    story.tell(Body::Directory(Directory { populated: Some(true), ..shown }));
    story.tell(Body::SnapshotEnd(SnapshotReason::Start));
    let before = Some(wall(moment(Seq(0))));
    story.tell(Body::Runtime(RuntimeAnswer {
        container_id: Some(ID.into()),
        started_at: before,
        finished_at: before,
        running: Some(false),
        exit_code: Some(137),
        ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok)
    }));
    story.directory(CgroupEventKind::Mkdir, MEMORY, &docker(ID), runc(3900, CREATE));
    story.attach(process(3950), MEMORY, &docker(ID), runc(3900, CREATE));
    story.attach(process(3950), ROOT, &docker(ID), runc(3900, CREATE));
    story.exec(INIT);
    story.exit(INIT, ExitStatus::Exited(3));
    story.remove(ROOT, ID);
    let told: Vec<_> = story
        .exits()
        .iter()
        .map(|row| (row.identity.init_pid, row.death.exit_code.map(u32::from), row.identity.started_at))
        .collect();
    assert_eq!(told.last(), Some(&(Some(INIT.pid), Some(3), None)), "{told:?}");
    assert_eq!(told.len(), 2, "the one that was there has ended as well: {told:?}");
}

/// What docker says of a container that it runs, or of what it did with it.
fn of_docker(pid: Option<u32>, event: Option<&'static str>) -> Body<'static> {
    Body::Runtime(RuntimeAnswer {
        container_id: Some(ID.into()),
        container_name: Some("web".into()),
        init_pid: pid,
        event: event.map(Into::into),
        created_at: Some(wall(moment(Seq(10)))),
        ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok)
    })
}

#[test]
fn a_container_without_a_directory_exits_with_the_process_that_its_engine_names() {
    let init = Target { cgroup: CgroupId(1), ..INIT };
    let mut story = Story::walked();
    story.tell(of_docker(Some(init.pid), None));
    story.signal(init, 9, by("kill", 900));
    story.exit(init, SIGKILLED);
    let row = story.exited();
    assert_eq!((row.place.as_ref(), row.identity.container_name.as_deref()), (None, Some("web")));
    let told = (row.identity.init_pid, row.death.cause, row.death.killed_by.as_ref().map(|by| by.task.pid));
    assert_eq!(told, (Some(init.pid), Cause::Signalled, Some(900)));
    assert_eq!((kit::creates(&story.log.rows).len(), story.removals().len()), (0, 0), "it has no directory");
}

#[test]
fn a_container_without_a_directory_is_known_only_while_its_engine_has_it_and_nothing_was_lost() {
    let init = Target { cgroup: CgroupId(1), ..INIT };
    let deleted: &[Body<'static>] = &[of_docker(Some(init.pid), None), of_docker(None, Some("destroy"))];
    let loss = Body::Lost(Loss { count: 1, kind: None, cpu: None, since: Seq(0) });
    let lost: &[Body<'static>] = &[loss.clone(), of_docker(Some(init.pid), None)];
    let lost_later: &[Body<'static>] = &[of_docker(Some(init.pid), None), loss];
    let of_no_daemon = RuntimeAnswer {
        container_id: Some(ID.into()),
        init_pid: Some(init.pid),
        ..RuntimeAnswer::unanswered(Source::OciState, Outcome::Ok)
    };
    for told in [deleted, lost, lost_later, &[Body::Runtime(of_no_daemon)]] {
        let mut story = Story::walked();
        for body in told {
            story.tell(body.clone());
        }
        story.exit(init, SIGKILLED);
        assert_eq!(story.exits().len(), 0, "{told:?}");
    }
    // Another process that has the pid later is another one.
    let mut story = Story::walked();
    story.tell(of_docker(Some(init.pid), None));
    story.exit(Target { started: BootNs(1_000_000), ..init }, SIGKILLED);
    assert_eq!(story.exits().len(), 0);
}

#[test]
fn what_is_stated_of_a_container_before_its_directory_begins_no_other_one() {
    let mut story = Story::walked();
    story.tell(of_docker(Some(7), None));
    story.directory(CgroupEventKind::Mkdir, ROOT, &docker(ID), runc(3900, CREATE));
    story.exec(INIT);
    story.exit(INIT, ExitStatus::Exited(0));
    story.remove(ROOT, ID);
    assert_eq!((story.exits().len(), story.removals().len()), (1, 1));
    assert_eq!((story.exited().identity.init_pid, story.exited().place.is_some()), (Some(INIT.pid), true));
}

#[test]
fn a_container_created_before_the_first_walk_was_over_may_have_a_directory() {
    let init = Target { cgroup: CgroupId(1), ..INIT };
    for (created, expected) in [(Seq(10), 1), (Seq(0), 0)] {
        let mut story = Story::walked();
        let Body::Runtime(answer) = of_docker(Some(init.pid), None) else { panic!("an answer") };
        let created_at = Some(wall(moment(created)));
        story.tell(Body::Runtime(RuntimeAnswer { created_at, ..answer }));
        story.exit(init, SIGKILLED);
        assert_eq!(story.exits().len(), expected, "{created:?}");
    }
}
