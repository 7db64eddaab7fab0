//! Events of processes: where they are put, what they execute, what ends them.

use super::*;

/// Returns the events of one kind whose target is this process.
fn of_process(seen: &[Seen], pid: u32, kind: KernelEventKind) -> Vec<KernelEvent<'_>> {
    let target_pid = |event: &KernelEvent<'_>| match &event.payload {
        Payload::Attach { target, .. }
        | Payload::Exec { target }
        | Payload::Exit { target, .. }
        | Payload::Signal { target, .. }
        | Payload::Oom { target, .. } => Some(target.facts.pid),
        Payload::Cgroup(_) => None,
    };
    let of_kind = seen.iter().map(Seen::event).filter(|event| event.payload.kind() == kind);
    of_kind.filter(|event| target_pid(event) == Some(pid)).collect()
}

/// Lets a child go on from its first `read`.
fn let_go(child: &mut Child) {
    child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
}

#[test]
fn root_where_a_process_is_put_is_seen_on_v2_and_on_one_v1_tree() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
    for cgroup in [OwnedCgroup::create(is_v2), v1_cgroup("memory")].into_iter().flatten() {
        let key = CgroupKey { hierarchy: cgroup.view.id, cgroup: CgroupId(inode(cgroup.path())) };
        let mut child = waiting_child("");
        enter(&child, &cgroup);
        let mut seen = Vec::new();
        drain_all(&mut probe, &mut seen);
        let attached = of_process(&seen, child.id(), KernelEventKind::Attach);
        let [KernelEvent { actor, payload: Payload::Attach { target, cgroup: directory }, .. }] = &attached[..] else {
            panic!("{attached:#?}")
        };
        assert_eq!((actor.pid, target.facts.ppid), (std::process::id(), std::process::id()));
        assert_eq!((directory.key, directory.path), (key, path_in_hierarchy(&cgroup)));
        assert!(!directory.path_truncated);
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}

/// The container's program is the first one that is executed in a mount namespace of its own.
#[test]
fn root_a_program_in_another_mount_namespace_is_seen() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
    let cgroup = OwnedCgroup::create(is_v2).unwrap();
    let mut child = waiting_child("exec unshare --mount cat; ");
    enter(&child, &cgroup);
    let_go(&mut child);
    drop(child.stdin.take());
    child.wait().unwrap();

    let mut seen = Vec::new();
    drain_all(&mut probe, &mut seen);
    let executed = of_process(&seen, child.id(), KernelEventKind::Exec);
    let [KernelEvent { actor, payload: Payload::Exec { target }, .. }] = &executed[..] else {
        panic!("`unshare` itself is executed in the namespace of its parent: {executed:#?}")
    };
    assert_eq!((actor.pid, target.comm, target.facts.ppid), (child.id(), &b"cat"[..], std::process::id()));
    assert!(actor.argv.is_empty(), "a program's arguments may be secret: {actor:?}");
}

#[test]
fn root_a_directory_of_v1_that_is_renamed_is_seen_under_its_new_name() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
    let Some(cgroup) = v1_cgroup("pids") else { return };
    let [before, after] = ["before", "after"].map(|name| cgroup.path().join(name));
    std::fs::create_dir(&before).unwrap();
    let id = inode(&before);
    std::fs::rename(&before, &after).unwrap();

    let mut seen = Vec::new();
    drain_all(&mut probe, &mut seen);
    let renamed = of(&seen, id, CgroupEventKind::Rename);
    let [(event, directory)] = &renamed[..] else { panic!("{renamed:#?}") };
    let path = [path_in_hierarchy(&cgroup), b"/after"].concat();
    assert_eq!((event.actor.pid, directory.path), (std::process::id(), &path[..]));
}

/// After the tracepoint the kernel replaces the status by a signal that tells a reboot from a halt.
#[test]
fn root_the_exit_of_a_pid_namespace_that_reboots_has_the_status_that_its_parent_gets() {
    const HANGUP: u8 = 1;
    if !live() {
        return;
    }
    let _turn = in_turn();
    let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
    // Anywhere but in the new pid namespace this would reboot the host.
    let reboot = "[ $$ = 1 ] && exec busybox reboot -f";
    let status = Command::new("unshare").args(["--pid", "--fork", "sh", "-c", reboot]).status().unwrap();
    assert!(!status.success(), "{status}");

    let mut seen = Vec::new();
    drain_all(&mut probe, &mut seen);
    let mut rebooted = 0;
    for event in seen.iter().map(Seen::event) {
        if let Payload::Exit { target, status, rebooted: true, .. } = event.payload {
            rebooted += 1;
            assert!(target.facts.is_reaper, "{target:?}");
            assert_eq!(status, ExitStatus::Signalled { signal: HANGUP, core_dumped: false });
        }
    }
    assert_eq!(rebooted, 1);
}

/// A timer fires in the context of whatever task runs on its processor, which is not its author.
#[test]
fn root_a_signal_of_a_timer_and_one_of_a_limit_are_told_from_those_that_somebody_sent() {
    const TERMINATE: u32 = 15;
    const CPU_LIMIT: u32 = 24;
    const TIMER: &str = "import ctypes, struct, time
c, timer = ctypes.CDLL(None), ctypes.c_void_p()
assert c.timer_create(0, struct.pack('Qii48x', 0, 15, 0), ctypes.byref(timer)) == 0
assert c.timer_settime(timer, 0, struct.pack('qqqq', 0, 0, 0, 1000000), None) == 0
time.sleep(30)";
    if !live() {
        return;
    }
    let _turn = in_turn();
    let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
    let cgroup = OwnedCgroup::create(is_v2).unwrap();
    let by_timer = format!("exec python3 -c \"{TIMER}\"; ");
    let by_limit = "exec prlimit --cpu=1:9 sh -c 'while :; do :; done'; ";
    for (script, expected) in
        [(&*by_timer, (TERMINATE, Some(SignalOrigin::Timer))), (by_limit, (CPU_LIMIT, Some(SignalOrigin::Kernel)))]
    {
        let mut child = waiting_child(script);
        enter(&child, &cgroup);
        let_go(&mut child);
        let status = child.wait().unwrap();
        assert!(!status.success(), "{status}");

        let mut seen = Vec::new();
        drain_all(&mut probe, &mut seen);
        let signals: Vec<_> = of_process(&seen, child.id(), KernelEventKind::Signal)
            .iter()
            .filter_map(|event| match event.payload {
                Payload::Signal { signal, origin, .. } => Some((signal, origin)),
                _ => None,
            })
            .collect();
        assert_eq!(signals.first(), Some(&expected), "{signals:?}");
    }
}
