//! The probe on the running kernel. These need root; each makes cgroups of its own and looks at
//! those only.

mod processes;
mod usage;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use obit_derivation::record::{CgroupEventKind, ExitStatus, KernelEventKind, SignalOrigin, SignalResult, Usage};
use obit_derivation::{CgroupId, CgroupKey};

use super::*;
use crate::host::hierarchies::{CgroupVersion, Hierarchy};
use crate::host::testing::{OwnedCgroup, live};
use crate::sources::kernel::wire::{KernelActor, KernelCgroup, KernelEvent, Payload, decode};

/// Long enough for a loaded machine; a test that passes never waits for it.
const DEADLINE: Duration = Duration::from_secs(30);

/// `OBIT_ARGV_BYTES` and `OBIT_PATH_BYTES` of bpf/wire.h.
const MAX_ARGV_BYTES: usize = 1024;
const MAX_PATH_BYTES: usize = 1024;

/// Number of programs that are attached where the kernel has BTF: one for each tracepoint.
const PROGRAMS: usize = 12;

/// One at a time: otherwise a test's events would be foreign ones in another's counters.
fn in_turn() -> MutexGuard<'static, ()> {
    static LIVE: Mutex<()> = Mutex::new(());
    lock(&LIVE)
}

fn is_v2(hierarchy: &Hierarchy) -> bool {
    hierarchy.version == CgroupVersion::V2
}

fn has(hierarchy: &Hierarchy, controller: &str) -> bool {
    hierarchy.controllers.iter().any(|name| name == controller)
}

/// A v1 hierarchy with this controller. There is none on a host that only has v2: then there is
/// nothing to test.
fn v1_cgroup(controller: &str) -> Option<OwnedCgroup> {
    let cgroup = OwnedCgroup::create(|hierarchy| !is_v2(hierarchy) && has(hierarchy, controller));
    if cgroup.is_none() {
        eprintln!("SKIPPED: no v1 hierarchy with {controller} is mounted here");
    }
    cgroup
}

/// An event without its borrowed record.
#[derive(Clone, Debug)]
struct Seen {
    record: Vec<u8>,
}

impl Seen {
    fn event(&self) -> KernelEvent<'_> {
        decode(&self.record, rustix::param::page_size() as u64).unwrap()
    }
}

/// Everything admitted since the attach, up to now.
fn drain_all(probe: &mut Probe, seen: &mut Vec<Seen>) {
    let mut batch = RawBatch::new();
    while probe.drain(Duration::ZERO, &mut batch).unwrap() > 0 {
        seen.extend(batch.iter().map(|record| Seen { record: record.to_vec() }));
    }
}

/// Drains until `done` says so of what was seen.
fn drain_until(probe: &mut Probe, seen: &mut Vec<Seen>, done: impl Fn(&[Seen]) -> bool) {
    let start = Instant::now();
    let mut batch = RawBatch::new();
    while !done(seen) {
        assert!(start.elapsed() < DEADLINE, "not seen in time; so far: {seen:#?}");
        probe.drain(Duration::from_millis(10), &mut batch).unwrap();
        seen.extend(batch.iter().map(|record| Seen { record: record.to_vec() }));
    }
}

fn of<'a>(seen: &'a [Seen], id: u64, kind: CgroupEventKind) -> Vec<(KernelEvent<'a>, KernelCgroup<'a>)> {
    let about_cgroups = seen.iter().map(Seen::event).filter_map(|event| match &event.payload {
        Payload::Cgroup(cgroup) => Some((event.clone(), cgroup.clone())),
        _ => None,
    });
    about_cgroups.filter(|(_, cgroup)| cgroup.cgroup_id == id && cgroup.kind == kind).collect()
}

fn path_in_hierarchy(cgroup: &OwnedCgroup) -> &[u8] {
    cgroup.view.mount_root.as_bytes()
}

fn inode(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().ino()
}

fn first_field(file: &str) -> Vec<u8> {
    let text = std::fs::read(file).unwrap();
    text.trim_ascii_end().to_vec()
}

/// Makes and removes a cgroup while the probe runs, and compares every field with what /proc and
/// cgroupfs say.
fn a_pair_is_seen_whole(options: &ProbeOptions, attach_type: AttachType, create: impl Fn() -> Option<OwnedCgroup>) {
    let mut probe = Probe::attach(options).unwrap();
    assert_eq!(probe.attach_type(), attach_type);
    let Some(cgroup) = create() else { return };
    let id = inode(cgroup.path());
    let parent = inode(cgroup.path().parent().unwrap());
    let path = path_in_hierarchy(&cgroup).to_vec();
    let hierarchy = cgroup.view.id.0;
    drop(cgroup);

    let mut seen = Vec::new();
    drain_all(&mut probe, &mut seen);
    let cmdline = std::fs::read("/proc/self/cmdline").unwrap();
    let kept = &cmdline[..cmdline.len().min(MAX_ARGV_BYTES)];
    let ppid = std::os::unix::process::parent_id();
    let mut times = Vec::new();
    for kind in [CgroupEventKind::Mkdir, CgroupEventKind::Rmdir] {
        let events = of(&seen, id, kind);
        let [(event, cgroup)] = &events[..] else { panic!("one {kind} of {id}, got {events:#?}") };
        times.push(event.boot_ns);
        let expected = KernelEvent {
            boot_ns: event.boot_ns,
            cpu: event.cpu,
            actor: KernelActor {
                pid: std::process::id(),
                tid: u32::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap(),
                ppid,
                uid: rustix::process::getuid().as_raw(),
                comm: &first_field("/proc/thread-self/comm"),
                parent_comm: &first_field(&format!("/proc/{ppid}/comm")),
                cgroup_id: Some(own_v2_cgroup()),
                argv: kept,
                argv_truncated: kept.len() < cmdline.len(),
            },
            payload: Payload::Cgroup(KernelCgroup {
                kind,
                hierarchy_id: hierarchy,
                cgroup_id: id,
                parent_cgroup_id: Some(parent),
                level: u32::try_from(path.iter().filter(|&&byte| byte == b'/').count()).unwrap(),
                path: &path,
                path_truncated: false,
                // What is read of a directory that has been used is in usage.rs.
                usage: if kind == CgroupEventKind::Mkdir { Usage::default() } else { cgroup.usage },
            }),
        };
        assert_eq!(*event, expected);
    }
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let now_ns = u64::try_from(now.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap();
    assert!(times[0] < times[1] && times[1] < now_ns, "{times:?} before {now_ns}");
    let all: Vec<u64> = seen.iter().map(|seen| seen.event().boot_ns).collect();
    assert!(all.is_sorted(), "records are in the order of their times: {all:?}");
}

/// The inode of this process's cgroup on v2.
fn own_v2_cgroup() -> u64 {
    let cgroups = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let path = cgroups.lines().find_map(|line| line.strip_prefix("0::")).unwrap();
    let v2 = crate::host::hierarchies::Hierarchies::read().unwrap().mounted.into_iter().find(is_v2).unwrap();
    inode(&v2.mount_point.join(path.trim_start_matches('/')))
}

#[test]
fn root_a_pair_on_v2_is_seen_whole() {
    if live() {
        let _turn = in_turn();
        a_pair_is_seen_whole(&ProbeOptions::default(), AttachType::TpBtf, || OwnedCgroup::create(is_v2));
    }
}

#[test]
fn root_a_pair_on_v1_is_seen_whole() {
    if live() {
        let _turn = in_turn();
        a_pair_is_seen_whole(&ProbeOptions::default(), AttachType::TpBtf, || v1_cgroup("pids"));
    }
}

#[test]
fn root_a_pair_is_seen_whole_with_detached_btf() {
    if live() {
        let _turn = in_turn();
        let btf = Some(PathBuf::from("/sys/kernel/btf/vmlinux"));
        let options = ProbeOptions { btf, ..ProbeOptions::default() };
        a_pair_is_seen_whole(&options, AttachType::RawTp, || OwnedCgroup::create(is_v2));
    }
}

/// A shell that does one thing and ends when its standard input is closed.
fn waiting_child(script: &str) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("read go; {script}read end")]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

fn enter(child: &Child, cgroup: &OwnedCgroup) {
    std::fs::write(cgroup.path().join("cgroup.procs"), child.id().to_string()).unwrap();
}

#[test]
fn root_the_first_task_and_the_last_are_seen() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
    for cgroup in [OwnedCgroup::create(is_v2), v1_cgroup("pids")].into_iter().flatten() {
        let id = inode(cgroup.path());
        let mut seen = Vec::new();
        let mut child = waiting_child("");
        enter(&child, &cgroup);
        drain_all(&mut probe, &mut seen);
        let populated = of(&seen, id, CgroupEventKind::Populated);
        let [(event, seen_cgroup)] = &populated[..] else { panic!("{populated:#?}") };
        assert_eq!((seen_cgroup.path, event.actor.pid), (path_in_hierarchy(&cgroup), std::process::id()));
        assert!(of(&seen, id, CgroupEventKind::Empty).is_empty());

        drop(child.stdin.take());
        child.wait().unwrap();
        drain_until(&mut probe, &mut seen, |seen| !of(seen, id, CgroupEventKind::Empty).is_empty());
        let empty = of(&seen, id, CgroupEventKind::Empty);
        let [(_, event)] = &empty[..] else { panic!("{empty:#?}") };
        assert_eq!((event.path, event.hierarchy_id), (path_in_hierarchy(&cgroup), cgroup.view.id.0));
        assert_eq!(of(&seen, id, CgroupEventKind::Populated).len(), 1);
    }
}

/// The signal and the exit of a process that was killed in a cgroup which its parent is not in; its
/// own child counts for nothing.
#[test]
fn root_the_end_of_a_process_in_a_cgroup_of_its_own_is_seen() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    for btf in [None, Some(PathBuf::from("/sys/kernel/btf/vmlinux"))] {
        let mut probe = Probe::attach(&ProbeOptions { btf, ..ProbeOptions::default() }).unwrap();
        let v1 = v1_cgroup("memory");
        let v2 = OwnedCgroup::create(is_v2).unwrap();
        let mut child = waiting_child("(exit 7); echo done; ");
        let pid = child.id();
        for cgroup in std::iter::once(&v2).chain(&v1) {
            enter(&child, cgroup);
        }
        child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();

        let mut seen = Vec::new();
        drain_all(&mut probe, &mut seen);
        let key =
            |cgroup: &OwnedCgroup| CgroupKey { hierarchy: cgroup.view.id, cgroup: CgroupId(inode(cgroup.path())) };
        let (mut signals, mut exits) = (0, 0);
        for event in seen.iter().map(Seen::event) {
            let target = match &event.payload {
                Payload::Exit { target, .. } | Payload::Signal { target, .. } => *target,
                _ => continue,
            };
            assert_ne!(target.facts.ppid, pid, "a process that a shell in the cgroup starts makes no record");
            if target.facts.pid != pid {
                continue;
            }
            assert_eq!((target.comm, target.facts.is_reaper), (&b"sh"[..], false));
            assert_eq!((target.facts.ppid, target.facts.pid_inside), (std::process::id(), pid));
            assert_eq!(target.facts.cgroup, key(&v2).cgroup);
            if let Some(v1) = &v1 {
                assert_eq!(target.facts.v1, Some(key(v1)));
            }
            assert!(target.facts.started.0 < event.boot_ns);
            match event.payload {
                Payload::Signal { signal, origin, to_group, result, .. } => {
                    signals += 1;
                    assert_eq!((signal, origin, to_group), (9, Some(SignalOrigin::User), true));
                    assert_eq!(result, Some(SignalResult::Delivered));
                    assert_eq!(event.actor.pid, std::process::id());
                }
                Payload::Exit { status, oom_victim, .. } => {
                    exits += 1;
                    let expected = ExitStatus::Signalled { signal: 9, core_dumped: false };
                    assert_eq!((status, oom_victim, signals), (expected, false, 1));
                }
                _ => {}
            }
        }
        assert_eq!((signals, exits), (1, 1));
    }
}

/// Arguments are not copied for each event of a task, but again once it has executed something.
#[test]
fn root_arguments_are_those_of_the_program_that_runs() {
    /// Makes directories with names of several lengths, then becomes another program, which does so
    /// too.
    const SCRIPT: &str = r#"
        my ($directory, $turn) = @ARGV;
        for my $number (1 .. 9) { mkdir "$directory/$turn" . "-" x $number or die "mkdir: $!" }
        exec $^X, "-e", $ENV{SCRIPT}, $directory, "second-and-last" if $turn eq "first";
    "#;
    if !live() {
        return;
    }
    let _turn = in_turn();
    for cgroup in [OwnedCgroup::create(is_v2), v1_cgroup("pids")].into_iter().flatten() {
        let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
        let directory = cgroup.path().to_str().unwrap();
        let mut perl = Command::new("perl");
        perl.env("SCRIPT", SCRIPT).args(["-e", SCRIPT, directory, "first"]);
        let mut perl = perl.spawn().unwrap();
        let (pid, status) = (perl.id(), perl.wait().unwrap());
        assert!(status.success());
        let mut seen = Vec::new();
        drain_all(&mut probe, &mut seen);

        for turn in ["first", "second-and-last"] {
            for number in 1..=9 {
                let name = format!("{turn}{}", "-".repeat(number));
                let events = of(&seen, inode(&cgroup.path().join(&name)), CgroupEventKind::Mkdir);
                let [(event, made)] = &events[..] else { panic!("{name}: {events:#?}") };
                let expected = [path_in_hierarchy(&cgroup), name.as_bytes()].join(&b'/');
                assert_eq!((event.actor.tid, made.path), (pid, &expected[..]));
                let arguments: Vec<&[u8]> = event.actor.argv_elements().collect();
                assert_eq!(arguments[1..], [&b"-e"[..], SCRIPT.as_bytes(), directory.as_bytes(), turn.as_bytes()]);
                std::fs::remove_dir(cgroup.path().join(name)).unwrap();
            }
        }
    }
}

#[test]
fn root_a_path_too_long_is_marked() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
    let cgroup = OwnedCgroup::create(is_v2).unwrap();
    let mut directory = cgroup.path().to_owned();
    let mut expected = path_in_hierarchy(&cgroup).to_vec();
    let mut made = Vec::new();
    while expected.len() <= MAX_PATH_BYTES + 200 {
        let name = "n".repeat(200);
        directory.push(&name);
        expected.extend(b"/".iter().chain(name.as_bytes()));
        std::fs::create_dir(&directory).unwrap();
        made.push((inode(&directory), expected.clone()));
    }
    let mut seen = Vec::new();
    drain_all(&mut probe, &mut seen);
    let mut cut = 0;
    for (id, path) in &made {
        let events = of(&seen, *id, CgroupEventKind::Mkdir);
        let [(_, event)] = &events[..] else { panic!("{events:#?}") };
        // A path that just fills the buffer cannot be told from one that is cut.
        let kept = path.len().min(MAX_PATH_BYTES - 1);
        let full = kept == MAX_PATH_BYTES - 1;
        assert!(event.path == &path[..kept], "{}", event.path.escape_ascii());
        assert_eq!(event.path_truncated, full);
        cut += usize::from(kept < path.len());
    }
    assert!(cut >= 1);
}

fn totals(probe: &Probe, kinds: &[KernelEventKind]) -> (u64, u64) {
    let counters = probe.counters().unwrap();
    let counted = counters.iter().filter(|count| kinds.contains(&count.kind));
    counted.fold((0, 0), |(admitted, lost), count| (admitted + count.admitted, lost + count.lost))
}

#[test]
fn root_what_does_not_fit_is_counted() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    const PAIRS: usize = 2_000;
    const ENDS: [KernelEventKind; 2] =
        [KernelEventKind::Cgroup(CgroupEventKind::Mkdir), KernelEventKind::Cgroup(CgroupEventKind::Rmdir)];
    // Sees the same events and more, with room for all: how many came from elsewhere on this host.
    let mut witness = Probe::attach(&ProbeOptions { ring_buffer_bytes: 64 << 20, btf: None }).unwrap();
    let page = u32::try_from(rustix::param::page_size()).unwrap();
    let mut probe = Probe::attach(&ProbeOptions { ring_buffer_bytes: page, btf: None }).unwrap();
    let cgroup = OwnedCgroup::create(is_v2).unwrap();
    let own = path_in_hierarchy(&cgroup).to_vec();
    let pair = cgroup.path().join("pair");
    for _ in 0..PAIRS {
        std::fs::create_dir(&pair).unwrap();
        std::fs::remove_dir(&pair).unwrap();
    }
    drop(cgroup);
    probe.detach();
    witness.detach();

    let is_mine = |event: KernelEvent<'_>| match event.payload {
        Payload::Cgroup(cgroup) => cgroup.path.starts_with(&own),
        _ => false,
    };
    let mine = |seen: &[Seen]| seen.iter().filter(|seen| is_mine(seen.event())).count() as u64;
    let mut seen = Vec::new();
    drain_all(&mut probe, &mut seen);
    let mut witnessed = Vec::new();
    drain_all(&mut witness, &mut witnessed);

    let own_events = 2 * PAIRS as u64 + 2;
    assert_eq!(mine(&witnessed), own_events);
    assert_eq!(totals(&witness, &wire::KINDS).1, 0);
    let foreign = witnessed.len() as u64 - own_events;
    let (admitted, lost) = totals(&probe, &wire::KINDS);
    assert_eq!(seen.len() as u64, admitted, "what was drained is what was admitted");
    assert!(lost > 0 && admitted > 0, "a page holds some events, not all: {admitted}, {lost}");
    let (admitted, lost) = totals(&probe, &ENDS);
    let counted = admitted + lost;
    assert!(
        (own_events..=own_events + foreign).contains(&counted),
        "{counted} of {own_events}, {foreign} from elsewhere"
    );
    let misses = probe.recursion_misses().expect("this kernel tells");
    assert_eq!(misses.len(), PROGRAMS);
    assert!(misses.iter().all(|(_, count)| *count == 0), "{misses:?}");
}

#[test]
fn root_a_full_buffer_ends_the_wait() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    let page = u32::try_from(rustix::param::page_size()).unwrap();
    let mut probe = Probe::attach(&ProbeOptions { ring_buffer_bytes: 16 * page, btf: None }).unwrap();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let storm = std::thread::spawn(move || {
        let cgroup = OwnedCgroup::create(is_v2).unwrap();
        let pair = cgroup.path().join("pair");
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            std::fs::create_dir(&pair).unwrap();
            std::fs::remove_dir(&pair).unwrap();
        }
    });
    let start = Instant::now();
    let mut batch = RawBatch::new();
    let drained = probe.drain(2 * DEADLINE, &mut batch).unwrap();
    let waited = start.elapsed();
    drop(stop);
    storm.join().unwrap();
    assert!(waited < DEADLINE, "{waited:?}");
    // In the ring buffer a record has a header of 8 bytes and ends on a multiple of 8.
    let occupied: usize = batch.iter().map(|record| 8 + record.len().next_multiple_of(8)).sum();
    assert!(occupied > 4 * page as usize, "woken by {drained} records in {occupied} bytes");
}

/// Looks, and sleeps when a look finds nothing, until it is there. A sleep that nothing ends takes
/// longer than a test may.
fn sleep_until(probe: &mut Probe, seen: &mut Vec<Seen>, done: impl Fn(&[Seen]) -> bool) {
    let mut batch = RawBatch::new();
    loop {
        probe.want_wakeup().unwrap();
        drain_all(probe, seen);
        if done(seen) {
            return;
        }
        if probe.wants_wakeup().unwrap() {
            let begun = Instant::now();
            probe.drain(2 * DEADLINE, &mut batch).unwrap();
            assert!(begun.elapsed() < DEADLINE, "an event has not ended the wait");
            seen.extend(batch.iter().map(|record| Seen { record: record.to_vec() }));
        }
    }
}

/// Each event comes while the drain is about to sleep, or sleeps, or has just been woken.
#[test]
fn root_an_event_wakes_a_drain_that_sleeps_whenever_it_comes() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    const EVENTS: usize = 600;
    for btf in [None, Some(PathBuf::from("/sys/kernel/btf/vmlinux"))] {
        let mut probe = Probe::attach(&ProbeOptions { btf, ..ProbeOptions::default() }).unwrap();
        let (seen_one, next) = std::sync::mpsc::sync_channel::<()>(0);
        let cgroup = OwnedCgroup::create(is_v2).unwrap();
        let prefix = [path_in_hierarchy(&cgroup), b"/one"].concat();
        let directory = cgroup.path().join("one");
        let maker = std::thread::spawn(move || {
            for number in 0..EVENTS {
                next.recv().unwrap();
                let made = number % 2 == 0;
                let done = if made { std::fs::create_dir(&directory) } else { std::fs::remove_dir(&directory) };
                done.unwrap();
            }
        });
        let mine = |seen: &Seen| match seen.event().payload {
            Payload::Cgroup(cgroup) => cgroup.path == prefix,
            _ => false,
        };
        for _ in 0..EVENTS {
            seen_one.send(()).unwrap();
            let mut seen = Vec::new();
            sleep_until(&mut probe, &mut seen, |seen| seen.iter().any(mine));
            assert_eq!(seen.iter().filter(|seen| mine(seen)).count(), 1);
        }
        maker.join().unwrap();
        assert_eq!(totals(&probe, &wire::KINDS).1, 0);
    }
}

#[test]
fn root_another_descriptor_ends_the_wait() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
    let other = rustix::event::eventfd(0, rustix::event::EventfdFlags::NONBLOCK).unwrap();
    probe.wake_on(other.as_fd()).unwrap();
    let mut batch = RawBatch::new();
    // Nobody reads it: it is what happens that counts.
    for _ in 0..3 {
        rustix::io::write(&other, &1_u64.to_ne_bytes()).unwrap();
        let begun = Instant::now();
        probe.drain(2 * DEADLINE, &mut batch).unwrap();
        assert!(begun.elapsed() < DEADLINE);
    }
}

#[test]
fn root_nothing_is_seen_after_detach_and_drop_unloads() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
    let ids = probe.program_ids().to_vec();
    assert_eq!(ids.len(), PROGRAMS);
    probe.detach();
    let cgroup = OwnedCgroup::create(is_v2).unwrap();
    let id = inode(cgroup.path());
    let mut seen = Vec::new();
    drain_all(&mut probe, &mut seen);
    assert!(of(&seen, id, CgroupEventKind::Mkdir).is_empty());
    drop(probe);
    // The kernel frees a program after a grace period.
    let start = Instant::now();
    while ids.iter().any(|&id| Program::fd_from_id(id).is_ok()) {
        assert!(start.elapsed() < DEADLINE, "still loaded");
        std::thread::yield_now();
    }
}

#[test]
fn root_a_thread_without_capabilities_is_told_which() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    // Capabilities belong to threads, so this one's loss is its own.
    let error = std::thread::spawn(|| {
        let mut sets = rustix::thread::capabilities(None).unwrap();
        sets.effective = CapabilitySet::BPF;
        rustix::thread::set_capabilities(None, sets).unwrap();
        Probe::attach(&ProbeOptions::default()).err()
    });
    let error = error.join().unwrap();
    assert!(matches!(&error, Some(ProbeError::Privileges { missing }) if *missing == ["CAP_PERFMON"]), "{error:?}");
    Probe::attach(&ProbeOptions::default()).unwrap();
}

#[test]
fn root_a_kernel_without_btf_is_named() {
    if !live() {
        return;
    }
    let missing = PathBuf::from("/nonexistent/vmlinux");
    let error = Probe::attach(&ProbeOptions { btf: Some(missing.clone()), ..ProbeOptions::default() }).err();
    assert!(matches!(&error, Some(ProbeError::NoBtf { path, .. }) if *path == missing), "{error:?}");
    // A file that is no BTF.
    let foreign = PathBuf::from("/proc/self/exe");
    let error = Probe::attach(&ProbeOptions { btf: Some(foreign), ..ProbeOptions::default() }).err();
    assert!(matches!(&error, Some(ProbeError::NoBtf { .. })), "{error:?}");
}

#[test]
fn a_size_that_no_ring_buffer_has_is_refused() {
    let page = u32::try_from(rustix::param::page_size()).unwrap();
    for bytes in [0, 1, page - 1, page / 2, page + 1, 3 * page, u32::MAX] {
        let refused = check_ring_buffer_size(bytes).unwrap_err();
        assert!(matches!(refused, ProbeError::RingBufferSize { bytes: said, .. } if said == bytes));
    }
    for bytes in [page, 2 * page, 1 << 31] {
        check_ring_buffer_size(bytes).unwrap();
    }
}
