//! Conditions under which a capture cannot work: it reports them in one line, with its exit code,
//! and overwrites nothing.
//!
//! Exit codes of obit-capture: 2 = it could not run, 3 = the case is incomplete.

use obit_test_engines::{CgroupView, SmallDisk, Stage, output, require_root};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::support::capture::{Capture, CaptureEnd, INCOMPLETE};
use crate::support::replay;

const CANNOT_RUN: i32 = 2;
/// Longest time that a full disk may stay unnoticed under a storm of events.
const STORM_LIMIT: Duration = Duration::from_secs(60);

#[test]
fn without_root_it_names_what_is_missing_and_makes_no_case() {
    let Some(_live) = require_root(&["setpriv"]) else {
        return;
    };
    let directory = tempfile::tempdir().expect("a temporary directory");
    // Others may not be allowed to look into the build directory; here they are.
    let program = directory.path().join("obit-capture");
    fs::copy(env!("CARGO_BIN_EXE_obit-capture"), &program).expect("copying the program");
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).expect("opening the directory to all");
    let case = directory.path().join("case");

    let output = output(
        Command::new("setpriv")
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(&program)
            .args(["run", "--duration", "1s", "--output"])
            .arg(&case),
    );

    assert_refused(&output, &["root"]);
    assert!(!case.exists(), "a case was begun that could never be recorded");
}

#[test]
fn without_btf_it_names_the_file_and_makes_no_case() {
    let Some(_live) = require_root(&[]) else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let case = directory.path().join("case");

    let output = run_for_a_second(&case, &["--btf", "/nonexistent/vmlinux"]);

    assert_refused(&output, &["BTF", "/nonexistent/vmlinux"]);
    assert!(!case.exists(), "a case was begun that could never be recorded");
}

#[test]
fn a_directory_that_is_not_empty_is_left_as_it_is() {
    let Some(_live) = require_root(&[]) else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let case = directory.path().join("case");
    fs::create_dir(&case).expect("a directory");
    fs::write(case.join("case.json"), "somebody else's").expect("a file");

    let output = run_for_a_second(&case, &[]);

    assert_refused(&output, &[&case.display().to_string(), "empty"]);
    let names: Vec<_> =
        fs::read_dir(&case).expect("the directory").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names, ["case.json"], "nothing was added");
    assert_eq!(fs::read_to_string(case.join("case.json")).expect("the file"), "somebody else's");
}

#[test]
fn a_file_in_the_place_of_the_case_is_left_as_it_is() {
    let Some(_live) = require_root(&[]) else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let case = directory.path().join("case");
    fs::write(&case, "a file").expect("a file");

    let output = run_for_a_second(&case, &[]);

    assert_refused(&output, &[&case.display().to_string()]);
    assert_eq!(fs::read_to_string(&case).expect("the file"), "a file");
}

#[test]
fn an_empty_directory_is_a_good_place_for_a_case() {
    let Some(_live) = require_root(&[]) else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let case = directory.path().join("case");
    fs::create_dir(&case).expect("a directory");

    let output = run_for_a_second(&case, &[]);

    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    replay::assert_verifies(&case);
}

#[test]
fn a_disk_without_room_is_refused_before_the_start() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let disk = SmallDisk::mount(&stage, "16k");
    disk.fill_up();

    let ended = Capture::spawn(&stage, &disk.inside.join("case"), &["--duration", "1s"]).wait();

    assert_ended(&ended, CANNOT_RUN, &["space"]);
}

#[test]
fn a_disk_that_fills_up_ends_the_capture_and_keeps_what_was_written() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let disk = SmallDisk::mount(&stage, "512k");
    let mut capture = Capture::start(&stage, &disk.inside.join("case"), &[]);

    let deadline = Instant::now() + STORM_LIMIT;
    while !capture.has_ended() {
        assert!(Instant::now() < deadline, "a full disk went unnoticed for {STORM_LIMIT:?}");
        for number in 0..100 {
            // Names that do not compress away.
            let name = format!("/obit-live/{:016x}", (number + 1u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            stage.cgroups.make(&name);
            stage.cgroups.remove(&name);
        }
    }
    let ended = capture.wait();

    assert_ended(&ended, INCOMPLETE, &["space"]);
    let case = disk.outside.join("case");
    let info = replay::replay(&["info", &case.display().to_string()]);
    let said = String::from_utf8_lossy(&info.stdout);
    assert!(said.contains("cgroup_mkdir"), "what was written before can be read: {info:?}");
    // The capture keeps room for a last case.json; the moment at which the disk was full decides if
    // the rest can be sealed too.
    let closed = said.contains("incomplete: records ");
    let left_open = said.lines().any(|line| line.starts_with("state ") && line.contains(" open"));
    assert!(closed || left_open, "that records are missing is said: {said}");
}

fn run_for_a_second(case: &Path, options: &[&str]) -> Output {
    output(
        Command::new(env!("CARGO_BIN_EXE_obit-capture"))
            .args(["run", "--duration", "1s", "--output"])
            .arg(case)
            .args(options),
    )
}

fn assert_refused(output: &Output, named: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(CANNOT_RUN), "{stderr}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "one line says what is wrong: {stderr}");
    for word in named {
        assert!(stderr.contains(word), "{word:?} is not named in: {stderr}");
    }
}

fn assert_ended(ended: &CaptureEnd, code: i32, named: &[&str]) {
    assert_eq!(ended.status.code(), Some(code), "{}", ended.stderr);
    for word in named {
        assert!(ended.stderr.contains(word), "{word:?} is not named in: {}", ended.stderr);
    }
}
