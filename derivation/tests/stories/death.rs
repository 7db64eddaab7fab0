//! Tests the verdict on a container's end in short stories: a container begins, things happen to
//! its processes, it is removed.

use obit_derivation::record::*;
use obit_derivation::row::{Cause, ContainerRemove, Death, LimitScope};

use crate::kit::{self, A as ID, B as OTHER, Log, ROOT, SIGKILLED, docker, key, moment, wall};

/// The container's directory on the memory hierarchy of v1, beside the one on v2.
const MEMORY: CgroupKey = CgroupKey { hierarchy: HierarchyId(4), cgroup: CgroupId(500) };

const INIT: Target<'static> = Target { v1: Some(MEMORY), ..kit::INIT };

struct Story {
    log: Log,
}

impl Story {
    /// A container whose program has begun.
    fn new() -> Self {
        let mut story = Self::made();
        story.exec(INIT);
        story
    }

    fn made() -> Self {
        let mut story = Self { log: Log::default() };
        story.directory(CgroupEventKind::Mkdir, ROOT, ID);
        story.directory(CgroupEventKind::Mkdir, MEMORY, ID);
        story.directory(CgroupEventKind::Populated, ROOT, ID);
        story
    }

    fn tell(&mut self, body: Body<'_>) -> Seq {
        self.log.tell(body)
    }

    fn directory(&mut self, kind: CgroupEventKind, key: CgroupKey, id: &str) {
        self.tell(Body::Cgroup(kit::event(kind, key, CgroupId(1), &docker(id))));
    }

    fn exit(&mut self, target: Target<'_>, status: ExitStatus) -> Seq {
        self.tell(Body::Exit(TaskExit {
            cpu: 0,
            target,
            status,
            oom_victim: false,
            rebooted: None,
            parent_comm: "containerd-shim",
        }))
    }

    fn exec(&mut self, target: Target<'_>) -> Seq {
        self.tell(Body::Exec(ProcessExec { cpu: 0, target, parent_comm: "runc" }))
    }

    fn signal(&mut self, signal: u32, origin: SignalOrigin, result: SignalResult, sender: Actor<'_>) -> Seq {
        self.signal_of(signal, origin, result, sender, &[])
    }

    /// Sends a signal whose sender was started by these, its parent first.
    fn signal_of(
        &mut self,
        signal: u32,
        origin: SignalOrigin,
        result: SignalResult,
        sender: Actor<'_>,
        sender_ancestors: &[Ancestor<'_>],
    ) -> Seq {
        self.tell(Body::Signal(FatalSignal {
            cpu: 0,
            target: INIT,
            signal,
            code: 0,
            origin: Some(origin),
            to_group: origin != SignalOrigin::OnBehalf,
            result: Some(result),
            sender,
            sender_v1: None,
            sender_loginuid: Some(1000),
            sender_ancestors: sender_ancestors.to_vec(),
        }))
    }

    fn oom(&mut self, target: Target<'_>, limit: Option<OomLimit>) -> Seq {
        self.tell(Body::Oom(OomKill { cpu: 0, target, memory_bytes: None, limit, invoker: Actor::default() }))
    }

    /// Removes the container. Returns how it ended, and all evidence of its row.
    fn end(self) -> (Death, Vec<Seq>) {
        let row = self.row();
        (row.death, row.evidence_seqs)
    }

    fn row(mut self) -> ContainerRemove {
        self.directory(CgroupEventKind::Rmdir, MEMORY, ID);
        self.directory(CgroupEventKind::Rmdir, ROOT, ID);
        let removes = kit::removes(&self.log.rows);
        let [row] = removes[..] else { panic!("one container ended") };
        row.clone()
    }
}

fn task<'a>(comm: &'a str, argv: &'a [&'a str]) -> Actor<'a> {
    Actor { pid: 900, comm, parent_comm: "containerd-shim", argv, ..Actor::default() }
}

const KILL: &[&str] = &["runc", "--root", "/var/run/docker/runtime-runc/moby", "kill", ID, "9"];

#[test]
fn without_the_exit_of_its_init_nothing_is_known() {
    let (death, _) = Story::new().end();
    assert_eq!(death, Death::default());
    assert_eq!(death.cause, Cause::Unknown);
}

#[test]
fn a_code_of_137_is_an_exit() {
    let mut story = Story::new();
    let exit = story.exit(INIT, ExitStatus::Exited(137));
    let (death, evidence) = story.end();
    assert_eq!((death.cause, death.exit_code, death.exit_signal), (Cause::Exited, Some(137), None));
    assert_eq!((death.oom_killed, death.killed_by), (Some(false), None));
    assert_eq!(death.exited_at, Some(wall(moment(exit))));
    assert_eq!(death.cause_evidence_seqs, [exit]);
    assert!(evidence.contains(&exit));
}

#[test]
fn a_stop_that_escalates_shows_both_signals_and_the_last_decides() {
    let mut story = Story::new();
    let stop = [&KILL[..5], &["15"]].concat();
    let asked = story.signal(15, SignalOrigin::User, SignalResult::Ignored, task("runc", &stop));
    let killed = story.signal(9, SignalOrigin::User, SignalResult::Delivered, task("runc", KILL));
    // Signals after the first SIGKILL change nothing any more.
    story.signal(9, SignalOrigin::User, SignalResult::AlreadyPending, task("kill", &["kill"]));
    let exit = story.exit(INIT, SIGKILLED);
    let (death, _) = story.end();
    assert_eq!(death.cause, Cause::KilledByRuntime);
    let killer = death.killed_by.clone().expect("a killer");
    assert_eq!((killer.task.comm.as_str(), killer.loginuid, killer.container_id), ("runc", Some(1000), None));
    let expected = ["containerd-shim", &stop.join(" "), &KILL.join(" ")];
    assert_eq!(steps(&death), expected, "the stop and the kill; who removes it has ordered nothing");
    let expected =
        ["SIGTERM from runc[900], ignored", "SIGKILL from runc[900]", "SIGKILL from kill[900], already pending"];
    assert_eq!(death.signals, expected);
    assert_eq!(death.cause_evidence_seqs, [asked, killed, Seq(killed.0 + 1), exit]);
}

fn steps(death: &Death) -> Vec<&str> {
    death.requested_by.iter().map(|step| step.what.as_str()).collect()
}

#[test]
fn the_way_of_an_order_is_told_in_the_order_of_time() {
    let podman = Ancestor { pid: 800, uid: 0, started: BootNs(20), comm: "podman" };
    let shell = Ancestor { pid: 700, uid: 1000, started: BootNs(10), comm: "bash" };
    let systemd = Ancestor { pid: 1, uid: 0, started: BootNs(1), comm: "systemd" };
    let mut story = Story::new();
    let stop = [&KILL[..5], &["15"]].concat();
    let by_podman = |argv| Actor { parent_comm: "podman", ..task("runc", argv) };
    let ancestors = [podman, shell, systemd];
    let mut order = RuntimeAnswer::unanswered(Source::Podman, Outcome::Ok);
    (order.container_id, order.event) = (Some(ID.into()), Some("kill".into()));
    let asked = story.signal_of(15, SignalOrigin::User, SignalResult::Ignored, by_podman(&stop), &ancestors);
    story.tell(Body::Runtime(order.clone()));
    let killed = story.signal_of(9, SignalOrigin::User, SignalResult::Delivered, by_podman(KILL), &ancestors);
    story.exit(INIT, SIGKILLED);
    // A daemon reports its order a moment later.
    let told = story.tell(Body::Runtime(order));
    let (death, _) = story.end();
    let at = |seq: Seq| wall(moment(seq));
    let steps: Vec<_> = death.requested_by.iter().map(|step| (step.what.as_str(), step.at)).collect();
    let expected = [
        ("bash[700]", wall(BootNs(10))),
        ("podman[800]", wall(BootNs(20))),
        (&*stop.join(" "), at(asked)),
        ("podman_event: kill", at(Seq(asked.0 + 1))),
        (&*KILL.join(" "), at(killed)),
        ("podman_event: kill", at(told)),
    ];
    assert_eq!(steps, expected, "each once, and not the first process of the host");
}

#[test]
fn a_signal_that_the_image_names_asks_to_end_and_another_does_not() {
    const SIGUSR1: u32 = 10;
    const SIGRTMIN_3: u32 = 37;
    for (stop_signal, expected) in [(Some(SIGRTMIN_3), Some("runc")), (Some(15), None), (None, None)] {
        let mut story = Story::new();
        let mut said = RuntimeAnswer::unanswered(Source::OciBundle, Outcome::Ok);
        (said.container_id, said.stop_signal) = (Some(ID.into()), stop_signal);
        story.tell(Body::Runtime(said));
        let reload = [&KILL[..5], &["10"]].concat();
        story.signal(SIGUSR1, SignalOrigin::User, SignalResult::Delivered, task("runc", &reload));
        let stop = [&KILL[..5], &["37"]].concat();
        story.signal(SIGRTMIN_3, SignalOrigin::User, SignalResult::Delivered, task("runc", &stop));
        story.exit(INIT, ExitStatus::Exited(0));
        let (death, _) = story.end();
        assert_eq!(death.killed_by.as_ref().map(|killer| killer.task.comm.as_str()), expected);
        assert_eq!(death.signals, ["SIGUSR1 from runc[900]", "SIGRTMIN+3 from runc[900]"]);
        let is_ordered = steps(&death).contains(&stop.join(" ").as_str());
        assert_eq!(is_ordered, expected.is_some());
        assert!(!steps(&death).contains(&reload.join(" ").as_str()), "that was no order to end");
    }
}

/// An engine that was told to stop a container with a signal of the caller's choice says that it
/// was a stop, and not by which signal. What it sent before, to reload, stays a reload.
#[test]
fn of_a_stop_that_a_daemon_reports_only_the_last_signal_asked_to_end() {
    const SIGUSR1: u32 = 10;
    const SIGUSR2: u32 = 12;
    for status in [ExitStatus::Exited(0), SIGKILLED] {
        let mut story = Story::new();
        let calls = ["10", "12", "9"].map(|signal| [&KILL[..5], &[signal]].concat());
        let [reload, stop, kill] = &calls;
        story.signal(SIGUSR1, SignalOrigin::User, SignalResult::Delivered, task("runc", reload));
        story.signal(SIGUSR2, SignalOrigin::User, SignalResult::Delivered, task("runc", stop));
        if status == SIGKILLED {
            story.signal(9, SignalOrigin::User, SignalResult::Delivered, task("runc", kill));
        }
        story.exit(INIT, status);
        let mut said = RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok);
        (said.container_id, said.event) = (Some(ID.into()), Some("stop".into()));
        story.tell(Body::Runtime(said));
        let (death, _) = story.end();
        let has = |call: &[&str]| steps(&death).contains(&call.join(" ").as_str());
        assert_eq!((has(reload), has(stop), has(kill)), (false, true, status == SIGKILLED), "{:?}", steps(&death));
    }
}

/// The kernel reports a reboot of a pid namespace as SIGHUP, which the init may have been sent and
/// handled before.
#[test]
fn a_handled_hangup_has_nothing_to_do_with_a_later_reboot() {
    const SIGHUP: u32 = 1;
    for (rebooted, killer) in [(Some(true), None), (Some(false), Some("kill"))] {
        let mut story = Story::new();
        story.signal(SIGHUP, SignalOrigin::User, SignalResult::Delivered, task("kill", &["kill"]));
        let status = ExitStatus::Signalled { signal: 1, core_dumped: false };
        let (oom_victim, parent_comm) = (false, "containerd-shim");
        story.tell(Body::Exit(TaskExit { cpu: 0, target: INIT, status, oom_victim, rebooted, parent_comm }));
        let (death, _) = story.end();
        assert_eq!((death.cause, death.exit_signal), (Cause::Signalled, Some(1)));
        assert_eq!(death.killed_by.as_ref().map(|killer| killer.task.comm.as_str()), killer);
        assert_eq!(
            (death.signal_origin.is_some(), death.requested_by.is_empty()),
            (killer.is_some(), killer.is_none())
        );
        assert_eq!(death.signals, ["SIGHUP from kill[900]"]);
    }
}

#[test]
fn signals_are_read_as_engines_write_them() {
    for (text, number) in [
        ("SIGTERM", Some(15)),
        ("QUIT", Some(3)),
        ("28", Some(28)),
        ("SIGWINCH", Some(28)),
        ("SIGRTMIN", Some(34)),
        ("SIGRTMIN+3", Some(37)),
        ("RTMIN+30", Some(64)),
        ("SIGRTMAX", Some(64)),
        ("RTMAX-2", Some(62)),
        ("RTMAX-31", None),
        ("RTMIN+31", None),
        ("0", None),
        ("65", None),
        ("SIG", None),
        ("", None),
        ("sigterm", None),
    ] {
        assert_eq!(obit_derivation::ending::signal_number(text), number, "{text}");
    }
}

#[test]
fn who_was_obeyed_is_named_and_who_was_ignored_is_not() {
    for (result, expected) in [(SignalResult::Delivered, Some("runc")), (SignalResult::Ignored, None)] {
        let mut story = Story::new();
        story.signal(15, SignalOrigin::User, result, task("runc", KILL));
        story.exit(INIT, ExitStatus::Exited(0));
        let (death, _) = story.end();
        assert_eq!((death.cause, death.exit_code), (Cause::Exited, Some(0)));
        assert_eq!(death.killed_by.map(|killer| killer.task.comm).as_deref(), expected);
    }
}

#[test]
fn only_a_runtime_that_names_the_container_is_the_runtime() {
    let other = [&KILL[..4], &[OTHER, "9"]].concat();
    for (argv, cause) in [(KILL, Cause::KilledByRuntime), (&other[..], Cause::Signalled), (&["runc"], Cause::Signalled)]
    {
        let mut story = Story::new();
        story.signal(9, SignalOrigin::User, SignalResult::Delivered, task("runc", argv));
        story.exit(INIT, SIGKILLED);
        assert_eq!(story.end().0.cause, cause, "{argv:?}");
    }
}

#[test]
fn what_a_process_does_to_itself_has_no_killer() {
    let mut story = Story::new();
    let itself = Actor { pid: INIT.pid, comm: "nginx", ..Actor::default() };
    story.signal(6, SignalOrigin::Tkill, SignalResult::Delivered, itself);
    story.exit(INIT, ExitStatus::Signalled { signal: 6, core_dumped: true });
    let (death, _) = story.end();
    assert_eq!((death.cause, death.exit_signal, death.core_dumped), (Cause::Signalled, Some(6), Some(true)));
    assert_eq!((death.killed_by, death.requested_by), (None, Vec::new()));
    assert_eq!(death.signals, ["SIGABRT from itself"]);
}

#[test]
fn the_killer_s_own_container_is_named() {
    let mut story = Story::new();
    story.directory(CgroupEventKind::Mkdir, key(0, 101), OTHER);
    let neighbour = Actor { cgroup: Some(CgroupId(101)), ..task("sh", &["sh"]) };
    story.signal(9, SignalOrigin::User, SignalResult::Delivered, neighbour);
    story.exit(INIT, SIGKILLED);
    let (death, _) = story.end();
    assert_eq!(death.killed_by.and_then(|killer| killer.container_id).as_deref(), Some(OTHER));
}

#[test]
fn a_signal_to_what_is_frozen_is_said_to_be() {
    for (is_frozen, said) in [
        (Some(true), "SIGTERM from runc[900], while frozen"),
        (Some(false), "SIGTERM from runc[900]"),
        (None, "SIGTERM from runc[900]"),
    ] {
        let mut story = Story::new();
        story.tell(Body::Signal(FatalSignal {
            cpu: 0,
            target: Target { is_frozen, ..INIT },
            signal: 15,
            code: 0,
            origin: Some(SignalOrigin::User),
            to_group: true,
            result: Some(SignalResult::Delivered),
            sender: task("runc", KILL),
            sender_v1: None,
            sender_loginuid: None,
            sender_ancestors: Vec::new(),
        }));
        story.exit(INIT, ExitStatus::Exited(0));
        let (death, _) = story.end();
        assert_eq!(death.signals, [said]);
    }
}

#[test]
fn the_ways_of_sigkill_are_told_apart() {
    let shutdown = Actor { pid: 1, comm: "systemd-shutdow", ..Actor::default() };
    let systemd = Actor { pid: 1, comm: "systemd", ..Actor::default() };
    for (origin, sender, cause, has_killer) in [
        (SignalOrigin::OnBehalf, task("sh", &[]), Cause::CgroupKilled, true),
        (SignalOrigin::CgroupKill, task("sh", &[]), Cause::CgroupKilled, true),
        // Who did it comes before how.
        (SignalOrigin::CgroupKill, task("runc", KILL), Cause::KilledByRuntime, true),
        (SignalOrigin::Ptrace, task("gdb", &[]), Cause::Signalled, true),
        (SignalOrigin::User, shutdown, Cause::HostShutdown, true),
        (SignalOrigin::User, systemd, Cause::Signalled, true),
        // Whatever ran when a timer expired, a worker of a terminal, a dying parent or namespace.
        (SignalOrigin::Timer, task("runc", KILL), Cause::Signalled, false),
        (SignalOrigin::Tty, task("kworker/u8:1", &[]), Cause::Signalled, false),
        (SignalOrigin::ParentDeath, task("containerd-shim", &[]), Cause::Signalled, false),
        (SignalOrigin::PidNamespaceEnd, task("init", &[]), Cause::Signalled, false),
        (SignalOrigin::Kernel, task("init", &[]), Cause::Signalled, false),
    ] {
        let mut story = Story::new();
        story.signal(9, origin, SignalResult::Delivered, sender);
        story.exit(INIT, SIGKILLED);
        let (death, _) = story.end();
        assert_eq!((death.cause, death.oom_killed), (cause, Some(false)));
        assert_eq!((death.killed_by.is_some(), death.signal_origin), (has_killer, Some(origin)));
    }
}

#[test]
fn the_oom_killer_s_mark_decides_and_the_limit_is_placed() {
    let host = OomLimit::Host;
    let on_memory = |cgroup, level| OomLimit::Cgroup(key(4, cgroup), level);
    let own = format!("/docker/{ID}");
    for (limit, scope, path) in [
        (Some(on_memory(500, 2)), Some(LimitScope::Own), Some(own.as_str())),
        (Some(on_memory(7, 1)), Some(LimitScope::Ancestor), Some("/docker")),
        (Some(on_memory(900, 3)), Some(LimitScope::Inside), None),
        (Some(host), Some(LimitScope::Host), None),
        (None, None, None),
    ] {
        let mut story = Story::new();
        let sent = story.signal(9, SignalOrigin::Kernel, SignalResult::Delivered, task("nginx", &[]));
        let kill = story.oom(INIT, limit);
        let exit = story.exit(INIT, SIGKILLED);
        let (death, _) = story.end();
        assert_eq!((death.cause, death.oom_killed), (Cause::OomKilled, Some(true)));
        assert_eq!(death.killed_by, None, "who asked for memory is no killer");
        assert_eq!((death.oom_limit_scope, death.oom_limit_cgroup_path.as_deref()), (scope, path));
        assert_eq!(death.cause_evidence_seqs, [sent, kill, exit]);
    }
}

#[test]
fn a_kernel_that_tells_of_no_victim_marks_its_exit() {
    let mut story = Story::new();
    story.signal(9, SignalOrigin::Kernel, SignalResult::Delivered, task("nginx", &[]));
    let (cpu, target, status) = (0, INIT, SIGKILLED);
    story.tell(Body::Exit(TaskExit { cpu, target, status, oom_victim: true, rebooted: None, parent_comm: "runc" }));
    let (death, _) = story.end();
    assert_eq!((death.cause, death.oom_limit_scope), (Cause::OomKilled, None));
}

#[test]
fn a_process_that_was_killed_already_is_no_victim_of_the_oom_killer() {
    let mut story = Story::new();
    story.signal(9, SignalOrigin::User, SignalResult::Delivered, task("runc", KILL));
    // The OOM killer also marks what is dying, to give it memory for that.
    story.oom(INIT, None);
    story.exit(INIT, SIGKILLED);
    let (death, _) = story.end();
    assert_eq!((death.cause, death.oom_killed), (Cause::KilledByRuntime, Some(false)));
}

#[test]
fn a_child_s_death_for_lack_of_memory_is_not_the_container_s() {
    let mut story = Story::new();
    let child = Target { pid: 4001, pid_inside: 7, ppid: INIT.pid, is_reaper: false, started: BootNs(60), ..INIT };
    story.oom(child, Some(OomLimit::Cgroup(MEMORY, 2)));
    story.tell(Body::Exit(TaskExit {
        cpu: 0,
        target: child,
        status: SIGKILLED,
        oom_victim: true,
        rebooted: None,
        parent_comm: "nginx",
    }));
    story.exit(INIT, ExitStatus::Exited(1));
    let (death, _) = story.end();
    assert_eq!((death.cause, death.exit_code, death.oom_killed), (Cause::Exited, Some(1), Some(false)));
    assert_eq!(death.oom_limit_scope, Some(LimitScope::Own), "that there was one is told");
}

#[test]
fn the_init_is_found_among_helpers_commands_and_nested_namespaces() {
    let process =
        |pid, ppid, started, comm, is_reaper| Target { pid, ppid, started: BootNs(started), comm, is_reaper, ..INIT };
    let helpers = [process(10, 9, 1, "runc:[0:PARENT]", false), process(11, 10, 2, "runc:[1:CHILD]", false)];
    let command = process(30, 29, 70, "health-check", false);
    let inside = |target| Target { parent_cgroup: Some(ROOT.cgroup), ..target };
    // With a pid namespace of its own, and a browser's sandbox in it.
    let own = (process(20, 9, 50, "init", true), inside(process(21, 20, 60, "sandbox", true)));
    // With the host's pid namespace, and a browser's sandbox in it.
    let shared = (process(20, 9, 50, "init", false), inside(process(21, 20, 60, "sandbox", true)));
    for (init, nested) in [own, shared] {
        for order in [[command, nested, init], [nested, init, command], [init, nested, command]] {
            let mut story = Story::made();
            for helper in helpers {
                story.exit(helper, ExitStatus::Exited(0));
            }
            for target in [init, nested, command] {
                story.exec(target);
            }
            for target in order {
                story.exit(target, ExitStatus::Exited(if target == init { 42 } else { 7 }));
            }
            let (death, _) = story.end();
            assert_eq!((death.exit_code, death.init_comm.as_deref()), (Some(42), Some("init")), "{order:?}");
        }
    }
}

#[test]
fn lost_exits_matter_where_that_of_the_init_is_missing() {
    let lost = |kind| Body::Lost(Loss { count: 1, kind: Some(kind), cpu: None, since: Seq(1) });
    for (kind, init_is_seen, after_gap) in [
        (KernelEventKind::Exit, true, false),
        (KernelEventKind::Exit, false, true),
        (KernelEventKind::Signal, true, true),
        (KernelEventKind::Cgroup(CgroupEventKind::Mkdir), true, true),
    ] {
        let mut story = Story::new();
        story.tell(lost(kind));
        if init_is_seen {
            story.exit(INIT, ExitStatus::Exited(0));
        }
        assert_eq!(story.row().after_gap, after_gap, "{kind}, seen: {init_is_seen}");
    }
}

#[test]
fn evidence_is_bounded_and_the_first_process_is_kept() {
    let mut story = Story::new();
    for number in 0..1_000_u32 {
        let command = Target {
            pid: 10_000 + number,
            pid_inside: 50,
            ppid: 3,
            is_reaper: false,
            started: BootNs(100 + u64::from(number)),
            ..INIT
        };
        story.exit(command, ExitStatus::Exited(0));
        story.signal(15, SignalOrigin::User, SignalResult::Ignored, task("kill", &[]));
    }
    let killed = story.signal(9, SignalOrigin::User, SignalResult::Delivered, task("runc", KILL));
    let exit = story.exit(INIT, SIGKILLED);
    let (death, evidence) = story.end();
    assert_eq!(death.cause, Cause::KilledByRuntime);
    assert!(death.cause_evidence_seqs.ends_with(&[killed, exit]));
    assert!(death.signals.len() <= 32 && evidence.len() <= 64, "{} signals", death.signals.len());
}

#[test]
fn a_process_of_another_container_says_nothing_about_this_one() {
    let mut story = Story::new();
    let elsewhere = Target { pid: 4001, cgroup: CgroupId(1), v1: None, ..INIT };
    story.exit(elsewhere, ExitStatus::Exited(0));
    assert_eq!(story.end().0, Death::default());
    // On a host whose runtime keeps out of the v2 tree, the v1 tree tells.
    let mut story = Story::new();
    story.exit(Target { cgroup: CgroupId(1), ..INIT }, ExitStatus::Exited(3));
    assert_eq!(story.end().0.exit_code, Some(3));
}
