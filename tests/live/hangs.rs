//! Outputs and file systems that are slow, full or hang: they hold up neither the recording nor its
//! end, and what they lack is told.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use obit_case::Case;
use obit_derivation::record::{Body, Outcome, Source};
use obit_test_engines::{
    CgroupView, HangingDisk, Oci, OciRuntime, Stage, make_and_remove, require_root, terminate, test_cgroups,
    wait_until, wait_within,
};
use rustix::fs::{CWD, FileType, Mode, OFlags, fcntl_getfl, fcntl_setfl, mknodat};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::capture::{Capture, INCOMPLETE};
use crate::support::ledger::text;
use crate::support::replay;
use crate::support::rows::manifest;

/// Longest time that the end of a recording may take, whatever hangs: the sum of what it waits for
/// each output and file system, with room for a busy machine.
const END_LIMIT: Duration = Duration::from_secs(20);
/// Program that makes the directory named last, as an OCI runtime makes a container's.
const MAKE_LAST: &str = "import os, sys; os.mkdir(os.environ['OBIT_MAKE'])";

/// Makes a container's directory in each hierarchy, by a process whose arguments are those of runc.
fn imitate_runc(stage: &Stage, id: &str, bundle: &Path) {
    let scripts = stage.directory().join("scripts");
    fs::create_dir_all(&scripts).expect("a directory");
    fs::write(scripts.join("create"), MAKE_LAST).expect("a script");
    stage.cgroups.own(id);
    for mount in stage.cgroups.mounts() {
        // Python takes its first argument for the script: runc's command.
        let mut python = std::process::Command::new("/usr/bin/python3");
        python.arg0("runc").current_dir(&scripts).args(["create", "--bundle"]).arg(bundle).arg(id);
        let made = python.env("OBIT_MAKE", mount.join(id)).status().expect("python3");
        assert!(made.success(), "{made}");
    }
}

/// Returns the outcomes of the readings of bundles, by container.
fn bundle_outcomes(case: &Path, id: &str) -> Vec<Outcome> {
    let case = Case::open(case).expect("a case");
    let mut outcomes = Vec::new();
    let mut records = case.records();
    records
        .for_each(|record| -> Result<(), obit_case::Error> {
            if let Body::Runtime(answer) = &record.body
                && answer.source == Source::OciBundle
                && answer.container_id.as_deref() == Some(id)
            {
                outcomes.push(answer.outcome);
            }
            Ok(())
        })
        .expect("records");
    outcomes
}

#[test]
fn a_bundle_on_a_file_system_that_hangs_is_a_record_and_later_ones_are_read() {
    let Some(_live) = require_root(&["runc", "python3"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let hanging = HangingDisk::mount(&stage);
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);

    imitate_runc(&stage, "obit-live-hangs", &hanging.inside.join("bundle"));
    runc.start_container("obit-live-reads-on", None);
    wait_until("the answers", || {
        let has = |id: &str| !bundle_outcomes(&case, id).is_empty();
        has("obit-live-hangs") && has("obit-live-reads-on")
    });
    // The end does not wait for it either: nothing hangs longer than a moment by now.
    imitate_runc(&stage, "obit-live-at-the-end", &hanging.inside.join("other/bundle"));
    imitate_runc(&stage, "obit-live-same-place", &hanging.inside.join("another"));
    let begun = Instant::now();
    let ended = capture.stop();
    assert!(begun.elapsed() < END_LIMIT, "{:?}", begun.elapsed());

    assert!(!bundle_outcomes(&case, "obit-live-hangs").contains(&Outcome::Ok));
    assert!(bundle_outcomes(&case, "obit-live-hangs").contains(&Outcome::Timeout), "{}", ended.stderr);
    let reads_on = bundle_outcomes(&case, "obit-live-reads-on");
    assert!(reads_on.iter().all(|outcome| *outcome == Outcome::Ok), "{reads_on:?}");
    for id in ["obit-live-at-the-end", "obit-live-same-place"] {
        assert!(!bundle_outcomes(&case, id).is_empty(), "{id}: no record says that there was no answer");
    }
    replay::assert_verifies(&case);
}

#[test]
fn a_state_directory_that_hangs_ends_neither_the_first_walk_nor_the_last() {
    let Some(_live) = require_root(&["runc"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    runc.start_container("obit-live-before", None);
    let hanging = HangingDisk::mount(&stage);
    let place = hanging.inside.display().to_string();
    // Its links are followed: where a user's runtime keeps its state, say.
    stage.run("mkdir", &["-p", "/run/user/1"]);
    stage.run("ln", &["-s", &format!("{place}/state"), "/run/user/1/crun"]);
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    runc.remove("obit-live-before");
    let begun = Instant::now();
    capture.stop();
    assert!(begun.elapsed() < END_LIMIT, "{:?}", begun.elapsed());

    let removed = replay::derived_rows(&case, "container_remove");
    assert!(removed.iter().any(|row| text(row, "container_id") == "obit-live-before"), "{removed:?}");
    let mut told = 0;
    let recorded = Case::open(&case).expect("a case");
    let mut records = recorded.records();
    records
        .for_each(|record| -> Result<(), obit_case::Error> {
            if let Body::Runtime(answer) = &record.body {
                told += usize::from(answer.source == Source::OciState && answer.outcome == Outcome::Timeout);
            }
            Ok(())
        })
        .expect("records");
    assert!(told > 0, "no record says that it could not be listed");
    replay::assert_verifies(&case);
}

#[test]
fn an_anchor_that_takes_no_more_is_told() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let test_cgroups = test_cgroups(&stage);
    let anchor = stage.directory().join("anchor");
    mknodat(CWD, &anchor, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
    // Held open, so that it stays full.
    let held = File::options().read(true).write(true).open(&anchor).expect("the FIFO");
    fill(&held);
    let case = stage.directory().join("case");
    let options = ["--anchor", &anchor.display().to_string(), "--part-rows", "5"];
    let capture = Capture::start(&stage, &case, &options);
    for number in 0..300 {
        make_and_remove(&test_cgroups, &format!("anchored-{number}"));
    }
    wait_until("parts", || manifest(&case)["parts"].as_array().is_some_and(|parts| parts.len() > 1));
    let begun = Instant::now();
    let ended = capture.interrupt();
    assert!(begun.elapsed() < END_LIMIT, "{:?}", begun.elapsed());

    assert_eq!(ended.status.code(), Some(INCOMPLETE), "{}", ended.stderr);
    assert!(ended.stderr.contains("did not reach the anchor"), "{}", ended.stderr);
    assert!(ended.stderr.contains(" 0 lost"), "{}", ended.stderr);
    let manifest = manifest(&case);
    assert_eq!(manifest["state"], "closed", "{manifest}");
    assert!(manifest["recorder"]["anchor_lines_missing"].as_u64() > Some(0), "{}", manifest["recorder"]);
    replay::assert_verifies(&case);
}

/// Writes into a pipe or FIFO until it takes no more.
fn fill(mut pipe: impl Write + AsFd) {
    let flags = fcntl_getfl(&pipe).expect("its flags");
    fcntl_setfl(&pipe, flags | OFlags::NONBLOCK).expect("not to block");
    while pipe.write(&[b'.'; 512]).is_ok() {}
    while pipe.write(b".").is_ok() {}
    fcntl_setfl(&pipe, flags).expect("as before");
}

/// Returns a pipe that is full.
fn full_pipe() -> (io::PipeReader, io::PipeWriter) {
    let (reader, writer) = io::pipe().expect("a pipe");
    fill(&writer);
    (reader, writer)
}

/// A capture whose output nobody reads; it ends with the test.
struct UnreadCapture(Child);

impl Drop for UnreadCapture {
    fn drop(&mut self) {
        terminate(&mut self.0, END_LIMIT);
    }
}

#[test]
fn nobody_needs_to_read_what_it_prints() {
    let Some(_live) = require_root(&["runc"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    runc.start_container("obit-live-unread", None);
    let case = stage.directory().join("case");
    let ((_unread_output, output), (_unread_errors, errors)) = (full_pipe(), full_pipe());
    let mut command = stage.command(env!("CARGO_BIN_EXE_obit-capture"));
    command.args(["run", "--follow", "--output"]).arg(&case);
    command.stdout(Stdio::from(output)).stderr(Stdio::from(errors));
    let mut capture = UnreadCapture(command.spawn().expect("obit-capture"));
    let has = |event: &str, id: &str| {
        case.join("case.json").exists()
            && replay::derived_rows(&case, event).iter().any(|row| text(row, "container_id") == id)
    };
    wait_until("the container that was there", || has("existing_container", "obit-live-unread"));
    runc.remove("obit-live-unread");
    for number in 0..5 {
        runc.run_short(&format!("obit-live-unread-{number}"), None);
    }
    wait_until("an end", || has("container_remove", "obit-live-unread-4"));
    kill_process(Pid::from_child(&capture.0), Signal::TERM).expect("a signal");
    let status = wait_within(&mut capture.0, END_LIMIT).expect("it ends though nobody reads what it prints");

    assert_eq!(status.code(), Some(0), "the case has everything");
    assert_eq!(manifest(&case)["state"], "closed");
    assert!(has("container_remove", "obit-live-unread"));
    replay::assert_verifies(&case);
}
