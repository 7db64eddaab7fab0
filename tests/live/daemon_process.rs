//! The process that asks daemons: what it has, and what becomes of the recording when it dies or
//! hangs. Needs root.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use obit_derivation::record::Outcome;
use obit_test_engines::{CgroupView, DaemonFault, FakeDaemon, Stage, require_root};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::capture::{Capture, INCOMPLETE};
use crate::support::daemon_answers;
use crate::support::ledger::text;
use crate::support::replay;

/// Longest time that the process may delay the end of a capture.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// Longest time until something is in a case.
const PATIENCE: Duration = Duration::from_secs(20);
/// More memory than the process needs, and far less than an endless daemon sends.
const MEMORY_BYTES: u64 = 256 << 20;

/// Returns what case.json says of the process.
fn of_process(case: &Path) -> Value {
    let manifest = fs::read(case.join("case.json")).expect("case.json");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    manifest["recorder"]["daemon_process"].clone()
}

fn pid(case: &Path) -> Pid {
    let pid = of_process(case)["pid"].as_u64().expect("a pid");
    Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid")
}

/// Returns a field of proc(5)'s status.
fn status(pid: Pid, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let value = status.lines().find_map(|line| line.strip_prefix(&format!("{field}:"))).expect("the field");
    value.trim().to_owned()
}

/// Makes and removes the directories of a container of Docker. Returns its id.
fn container(stage: &Stage, number: u64) -> String {
    let id = format!("{:064x}", 0xda3_0000 + number);
    stage.cgroups.make(&format!("/docker/{id}"));
    stage.cgroups.remove(&format!("/docker/{id}"));
    id
}

#[test]
fn the_process_has_sockets_and_nothing_else_and_its_memory_is_bounded() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let case = stage.directory().join("case");
    let fake = FakeDaemon::start(stage.directory().join("endless"), DaemonFault::Endless);
    let key = stage.directory().join("key");
    assert!(
        stage.command("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status().unwrap().success()
    );
    let docker = format!("--runtime=docker={}", fake.path().display());
    let sign = format!("--sign={}", key.display());
    let capture = Capture::start(&stage, &case, &["--runtime=none", &docker, &sign]);
    let id = container(&stage, 1);
    daemon_answers::wait_for(&case, "what the endless daemon said", |answer| answer.container_id == id);

    let pid = pid(&case);
    let files = fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors");
    for file in files {
        let Ok(link) = fs::read_link(file.expect("an entry").path()) else { continue }; // closed meanwhile
        let link = link.to_string_lossy().into_owned();
        let is_expected = link.starts_with("socket:")
            || ["anon_inode:[eventpoll]", "anon_inode:[eventfd]", "/dev/null"].contains(&link.as_str());
        assert!(is_expected, "the process has {link} open");
    }
    assert_eq!((status(pid, "NoNewPrivs"), status(pid, "Seccomp")), ("1".into(), "2".into()));
    // CAP_DAC_READ_SEARCH alone.
    assert_eq!(status(pid, "CapPrm"), "0000000000000004");
    assert_eq!(of_process(&case)["confinement"]["capabilities"], serde_json::json!(["CAP_DAC_READ_SEARCH"]));
    let peak_kib: u64 = status(pid, "VmHWM").trim_end_matches(" kB").parse().expect("a number of KiB");
    println!("the process had {peak_kib} KiB at most, the recorder {}", capture.peak_memory_bytes() >> 10);
    assert!(peak_kib << 10 < MEMORY_BYTES, "{peak_kib} KiB of memory");
    capture.stop();
}

/// Starts a capture with a daemon that says nothing, and waits until a container is asked about.
/// Returns its id.
fn capture_with_an_open_question(stage: &Stage, case: &Path, fake: &FakeDaemon) -> (Capture, String) {
    let docker = format!("--runtime=docker={}", fake.path().display());
    let capture = Capture::start(stage, case, &["--runtime=none", &docker]);
    let asked = container(stage, 1);
    let has_create =
        || replay::derived_rows(case, "container_create").iter().any(|row| text(row, "container_id") == asked);
    let deadline = Instant::now() + PATIENCE;
    while !has_create() {
        assert!(Instant::now() < deadline, "the container is not in the case");
    }
    (capture, asked)
}

fn assert_each_end_is_there(case: &Path, ids: &[&String]) {
    let removed = replay::derived_rows(case, "container_remove");
    for id in ids {
        assert_eq!(removed.iter().filter(|row| text(row, "container_id") == **id).count(), 1, "its end was recorded");
    }
    replay::assert_verifies(case);
}

#[test]
fn a_process_that_dies_costs_a_record_for_each_question_and_is_started_again() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let case = stage.directory().join("case");
    let fake = FakeDaemon::start(stage.directory().join("silent"), DaemonFault::Silent);
    let (mut capture, asked) = capture_with_an_open_question(&stage, &case, &fake);
    let first = pid(&case);
    kill_process(first, Signal::KILL).expect("it runs");
    daemon_answers::wait_for(&case, "that nobody answers", |answer| {
        answer.container_id == asked && answer.outcome == Some(Outcome::Dropped)
    });
    assert!(capture.has_said("the process that asks daemons has ended (signal: 9"), "at once, not at the end");
    let deadline = Instant::now() + PATIENCE;
    while pid(&case) == first {
        assert!(Instant::now() < deadline, "it was not started again");
    }
    // The new one gives up as much, and is asked.
    assert_eq!(status(pid(&case), "CapPrm"), "0000000000000004");
    assert_eq!((status(pid(&case), "NoNewPrivs"), status(pid(&case), "Seccomp")), ("1".into(), "2".into()));
    let later = container(&stage, 2);
    daemon_answers::wait_for(&case, "that a daemon was asked in vain", |answer| {
        answer.container_id == later && answer.outcome == Some(Outcome::Timeout)
    });
    let ended = capture.interrupt();
    assert_eq!(ended.status.code(), Some(INCOMPLETE), "{}", ended.stderr);
    assert!(ended.stderr.contains(", 0 lost"), "{}", ended.stderr);
    assert!(ended.stderr.contains("has ended 1 times and was started again"), "{}", ended.stderr);
    let told = of_process(&case);
    assert_eq!(told["ends"], 1, "{told}");
    let end = &told["last_ends"][0];
    assert!(text(end, "status").starts_with("signal: 9") && end["started_again_at"].is_string(), "{told}");
    assert_each_end_is_there(&case, &[&asked, &later]);
}

#[test]
fn without_the_process_and_its_parent_each_question_is_a_record() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let case = stage.directory().join("case");
    let fake = FakeDaemon::start(stage.directory().join("silent"), DaemonFault::Silent);
    let (mut capture, asked) = capture_with_an_open_question(&stage, &case, &fake);
    let process = pid(&case);
    let parent = status(process, "PPid").parse().ok().and_then(Pid::from_raw).expect("a pid");
    // It keeps no more than its child does.
    assert_eq!((status(parent, "CapPrm"), status(parent, "NoNewPrivs")), ("0000000000000004".into(), "1".into()));
    kill_process(parent, Signal::KILL).expect("it runs");
    kill_process(process, Signal::KILL).expect("it runs");
    daemon_answers::wait_for(&case, "that nobody answers", |answer| answer.container_id == asked);
    let later = container(&stage, 2);
    daemon_answers::wait_for(&case, "that nobody asks", |answer| {
        answer.container_id == later && answer.outcome == Some(Outcome::Dropped)
    });
    assert!(capture.has_said("no daemon is asked any more"), "at once, not at the end");
    let ended = capture.interrupt();
    assert_eq!(ended.status.code(), Some(INCOMPLETE), "{}", ended.stderr);
    assert!(ended.stderr.contains(", 0 lost"), "{}", ended.stderr);
    assert_each_end_is_there(&case, &[&asked, &later]);
}

/// Returns true if a process or a child of it asks daemons.
fn asks_daemons(pid: u32) -> bool {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    command.split(|byte| *byte == 0).nth(1) == Some(b"ask-daemons")
        || children.split_whitespace().any(|child| child.parse().is_ok_and(asks_daemons))
}

#[test]
fn a_recorder_that_is_stopped_while_daemons_speak_starts_all_the_same() {
    /// Each tells of events all the time, in deliveries of its own; no more than 16 may wait.
    const DAEMONS: usize = 16;
    const DELAY: Duration = Duration::from_secs(2);
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let case = stage.directory().join("case");
    let mut arguments = vec!["--runtime=none".to_owned()];
    let fakes: Vec<_> = (0..DAEMONS)
        .map(|number| FakeDaemon::start(stage.directory().join(format!("daemon-{number}")), DaemonFault::Flood))
        .collect();
    arguments.extend(fakes.iter().map(|fake| format!("--runtime=docker={}", fake.path().display())));
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let capture = Capture::spawn(&stage, &case, &arguments);
    let deadline = Instant::now() + PATIENCE;
    while !asks_daemons(capture.pid()) {
        assert!(Instant::now() < deadline, "no process asks daemons");
    }
    // The recorder gets no processor while they speak.
    capture.signal(Signal::STOP);
    std::thread::sleep(DELAY);
    capture.signal(Signal::CONT);
    let capture = capture.wait_until_recording();
    let id = container(&stage, 1);
    let ended = capture.stop();
    assert!(ended.stderr.contains(", 0 lost"), "{}", ended.stderr);
    assert_each_end_is_there(&case, &[&id]);
}

#[test]
fn a_process_that_hangs_holds_nothing_up() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let case = stage.directory().join("case");
    let docker = format!("--runtime=docker={}", stage.directory().join("absent").display());
    let capture = Capture::start(&stage, &case, &["--runtime=none", &docker]);
    let process = pid(&case);
    kill_process(process, Signal::STOP).expect("it runs");
    // More than may be asked about at a time: the recorder says so of the others, and waits for
    // none.
    let ids: Vec<_> = (0..4_200).map(|number| container(&stage, number)).collect();
    let first_unasked =
        daemon_answers::wait_for(&case, "that there is no room", |answer| answer.outcome == Some(Outcome::Dropped));
    assert!(ids.contains(&first_unasked.container_id));
    let begun = Instant::now();
    let ended = capture.stop();
    assert!(begun.elapsed() < STOP_LIMIT, "it took {:?}", begun.elapsed());
    kill_process(process, Signal::CONT).expect("it is stopped");
    assert!(ended.stderr.contains(", 0 lost"), "{}", ended.stderr);
    let answers = daemon_answers::read_all(&case);
    for id in &ids {
        let outcomes: Vec<_> =
            answers.iter().filter(|answer| answer.container_id == *id).map(|answer| answer.outcome).collect();
        assert!(!outcomes.is_empty(), "{id}: no record says that nobody answered");
    }
    replay::assert_verifies(&case);
}
