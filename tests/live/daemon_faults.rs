//! Daemons that are absent, hang, send nonsense or lie: each becomes a record, and the recording
//! goes on.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use obit_derivation::record::{Outcome, Source};
use obit_test_engines::{CgroupView, Containerd, DaemonFault, Docker, FakeDaemon, LIAR_ID, Stage, require_root};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::capture::Capture;
use crate::support::daemon_answers::{self, DaemonAnswer};
use crate::support::ledger::text;
use crate::support::replay;

/// Longest time that a daemon may delay the end of a capture. The capture allows it one second; the
/// rest is the walk of all cgroups and the writing, on a busy machine.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// Directory in which systemd and the kubelet put the containers of a pod.
const POD: &str = "/kubepods.slice/kubepods-besteffort.slice/\
                   kubepods-besteffort-pod0b170b17_0b17_0b17_0b17_0b170b170b17.slice";
/// Limits of the capture for one daemon: capture/sources/daemons/limits.rs.
const EVENT_BURST: usize = 2_000;
const EVENTS_PER_S: usize = 500;
/// More memory than a capture needs, and far less than an endless daemon sends.
const MEMORY_BYTES: u64 = 256 << 20;

#[test]
fn fake_daemons_cost_a_record_each_and_a_liar_changes_no_row() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let socket = |name: &str| stage.directory().join(name);
    let fakes = [
        (DaemonFault::Silent, "docker"),
        (DaemonFault::Endless, "docker"),
        (DaemonFault::Babble, "docker"),
        (DaemonFault::Closes, "docker"),
        (DaemonFault::Liar, "docker"),
        (DaemonFault::Flood, "docker"),
        (DaemonFault::Silent, "cri"),
        (DaemonFault::Babble, "cri"),
        (DaemonFault::Closes, "cri"),
    ]
    .map(|(fault, kind)| (kind, fault, FakeDaemon::start(socket(&format!("{kind}-{fault:?}")), fault)));
    let mut options = vec!["--runtime=none".to_owned(), format!("--runtime=docker={}", socket("absent").display())];
    options.extend(fakes.iter().map(|(kind, _, fake)| format!("--runtime={kind}={}", fake.path().display())));
    let options: Vec<_> = options.iter().map(String::as_str).collect();

    let case = stage.directory().join("case");
    let begun = Instant::now();
    let capture = Capture::start(&stage, &case, &options);
    const CONTAINERS: usize = 20;
    let ids: Vec<_> = (0..CONTAINERS).map(|number| format!("{:064x}", 0xdead_beef_u64 + number as u64)).collect();
    for id in &ids {
        for path in [format!("/docker/{id}"), format!("{POD}/cri-containerd-{id}.scope")] {
            stage.cgroups.make(&path);
            stage.cgroups.remove(&path);
        }
    }
    // Every answer that can come has come by now: the slowest takes the time limit.
    daemon_answers::wait_for(&case, "that the silent docker did not answer", |answer| {
        answer.outcome == Some(Outcome::Timeout) && answer.container_id == ids[0]
    });
    let peak = capture.peak_memory_bytes();
    let asked_to_stop = Instant::now();
    capture.stop();
    let took = asked_to_stop.elapsed();
    assert!(took < STOP_LIMIT, "the silent daemons held the capture up for {took:?}");
    assert!(peak < MEMORY_BYTES, "{peak} bytes of memory");

    let rows = replay::derived_rows(&case, "container_remove");
    // The host may have containers of others.
    let is_ours =
        |row: &&Value| text(row, "runtime") == "docker" && ids.iter().any(|id| id == text(row, "container_id"));
    let docker: Vec<_> = rows.iter().filter(is_ours).collect();
    assert_eq!(docker.len(), CONTAINERS);
    assert!(rows.iter().all(|row| text(row, "container_id") != LIAR_ID), "the liar's container has a row");
    for row in docker {
        assert_eq!(text(row, "container_name"), "", "the liar's name counts for nothing: {row}");
        assert_eq!(row["conflicts"], serde_json::json!([format!("docker: container_id {LIAR_ID}")]), "{row}");
    }
    let answers = daemon_answers::read_all(&case);
    let flood = answers.iter().filter(|answer| answer.container_id == "flood").count();
    let bound = EVENT_BURST + EVENTS_PER_S * (begun.elapsed().as_secs() as usize + 1);
    assert!((EVENT_BURST..bound).contains(&flood), "{flood} of the events that never end");
    let of = |socket: PathBuf| -> Vec<Option<Outcome>> {
        let about_ids = answers.iter().filter(|answer| answer.request.contains(&*socket.to_string_lossy()));
        about_ids.filter(|answer| ids.contains(&answer.container_id)).map(|answer| answer.outcome).collect()
    };
    for (kind, fault, fake) in &fakes {
        let outcomes = of(fake.path().to_owned());
        assert_eq!(outcomes.len(), CONTAINERS, "{kind} {fault:?}: each question has one outcome: {outcomes:?}");
        // Questions without an answer at the end of the capture were dropped.
        let allowed: &[Outcome] = match fault {
            DaemonFault::Silent => &[Outcome::Timeout, Outcome::Dropped],
            DaemonFault::Closes => &[Outcome::Refused],
            DaemonFault::Endless | DaemonFault::Babble | DaemonFault::Liar | DaemonFault::Flood => &[Outcome::Invalid],
        };
        let is_allowed = |outcome: &Option<Outcome>| outcome.is_some_and(|outcome| allowed.contains(&outcome));
        assert!(outcomes.iter().all(is_allowed), "{kind} {fault:?}: {outcomes:?}");
    }
    assert_eq!(of(socket("absent")), [Some(Outcome::Refused); CONTAINERS]);
    replay::assert_verifies(&case);
}

#[test]
fn a_daemon_that_comes_late_hangs_dies_and_comes_back_is_followed() {
    let programs = ["runc", "containerd", "ctr", "dockerd", "docker"];
    let Some(_live) = require_root(&programs) else { return };
    let stage = Stage::new(CgroupView::Host);
    let case = stage.directory().join("case");
    // No daemon runs yet.
    let capture = Capture::start(&stage, &case, &[]);
    let containerd = Containerd::start(&stage, "shop");
    let mut docker = Docker::start(&stage, &containerd);
    daemon_answers::wait_for(&case, "that docker came", |answer| is_of_docker(answer, "connected", Outcome::Ok));
    let first = docker.run_short("first");

    let mut during_hang = String::new();
    wait_for_another(&case, ("disconnected", Outcome::Timeout), || {
        docker.daemon.signal(Signal::STOP);
        during_hang = path_only_container(&stage, 1);
    });
    wait_for_another(&case, ("connected", Outcome::Ok), || docker.daemon.signal(Signal::CONT));

    wait_for_another(&case, ("disconnected", Outcome::Refused), || docker.daemon.kill());
    let during_death = path_only_container(&stage, 2);
    daemon_answers::wait_for(&case, "what became of the question", |answer| answer.container_id == during_death);
    wait_for_another(&case, ("connected", Outcome::Ok), || docker.start_again());
    let second = docker.run_short("second");
    stage.cgroups.wait_until_gone(&second);

    docker.daemon.signal(Signal::STOP);
    let at_the_end = path_only_container(&stage, 3);
    wait_until_recorded(&case, &at_the_end);
    let asked_to_stop = Instant::now();
    capture.stop();
    let took = asked_to_stop.elapsed();
    docker.daemon.signal(Signal::CONT);
    assert!(took < STOP_LIMIT, "the stopped daemon held the capture up for {took:?}");

    let answers = daemon_answers::read_all(&case);
    let outcomes = |id: &str| -> Vec<_> {
        let asked = answers.iter().filter(|answer| answer.container_id == id && answer.event.is_empty());
        asked.map(|answer| answer.outcome.expect("every record has one")).collect()
    };
    assert_eq!(outcomes(&during_hang), [Outcome::Timeout]);
    assert_eq!(outcomes(&during_death), [Outcome::Refused]);
    assert!(matches!(*outcomes(&at_the_end), [Outcome::Dropped | Outcome::Timeout]), "{:?}", outcomes(&at_the_end));
    let removed = replay::derived_rows(&case, "container_remove");
    for (id, name) in [(&first, "first"), (&second, "second")] {
        let row = removed.iter().find(|row| text(row, "container_id") == id).expect("its row");
        assert_eq!((text(row, "container_name"), text(row, "image_name")), (name, "busybox:latest"));
    }
    for id in [&during_hang, &during_death, &at_the_end] {
        assert_eq!(removed.iter().filter(|row| text(row, "container_id") == id).count(), 1, "its end was recorded");
    }
    replay::assert_verifies(&case);
}

fn is_of_docker(answer: &DaemonAnswer, event: &str, outcome: Outcome) -> bool {
    answer.source == Some(Source::Docker) && answer.event == event && answer.outcome == Some(outcome)
}

/// Runs an action and waits until the case has one more such answer of Docker than before. A slow
/// machine may have had one already.
fn wait_for_another(case: &Path, (event, outcome): (&str, Outcome), action: impl FnOnce()) {
    let count = || daemon_answers::read_all(case).iter().filter(|answer| is_of_docker(answer, event, outcome)).count();
    let before = count();
    action();
    daemon_answers::wait_for(case, &format!("{event}, {outcome}, of docker"), |_| count() > before);
}

/// Waits until the case that is being written has a container. Its daemon has been asked by then.
fn wait_until_recorded(case: &Path, id: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !replay::derived_rows(case, "container_create").iter().any(|row| text(row, "container_id") == id) {
        assert!(Instant::now() < deadline, "{id} is not in the case");
    }
}

/// Makes and removes the directories of a Docker container that dockerd does not know. Returns its
/// id.
fn path_only_container(stage: &Stage, number: u64) -> String {
    let id = format!("{:064x}", 0x0b17_0000 + number);
    stage.cgroups.make(&format!("/docker/{id}"));
    stage.cgroups.remove(&format!("/docker/{id}"));
    id
}
