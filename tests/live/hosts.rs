//! Hosts that show their cgroups in odd ways: a capture there must see what another one sees on the
//! plain host.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use obit_test_engines::{CgroupView, Cgroups, Stage, require_root};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::capture::Capture;
use crate::support::replay;
use crate::support::rows::manifest;

/// Container id whose directory exists before the capture starts and is removed while it runs.
const BEFORE: &str = "0b17ab1e0b17ab1e0b17ab1e0b17ab1e0b17ab1e0b17ab1e0b17ab1e0b17ab1e";
/// Container id whose directory exists before the capture starts and stays.
const STAYS: &str = "57a757a757a757a757a757a757a757a757a757a757a757a757a757a757a757a7";

/// Returns the mount points of this type in the stage's namespace, in the order of mounting.
fn mount_points(stage: &Stage, kind: &str) -> Vec<String> {
    let mountinfo = stage.run("cat", &["/proc/self/mountinfo"]);
    let point = |line: &str| {
        let (left, right) = line.split_once(" - ")?;
        (right.split(' ').next() == Some(kind)).then(|| left.split(' ').nth(4).map(str::to_owned))?
    };
    mountinfo.lines().filter_map(point).collect()
}

/// Cgroup trees of the plain host, with the directory of a container that exists before a capture
/// starts and ends while it runs.
struct Host(Cgroups);

impl Host {
    fn with_a_container() -> Self {
        let host = Self(Cgroups::of_process(std::process::id()));
        host.0.make(&format!("/obit-live-hosts/docker/{BEFORE}"));
        host
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.0.remove_ours();
    }
}

/// Records the demo's containers on the plain host, and ends one more. Returns the ids that must
/// have ended.
fn end_containers(host: &Host, stage: &Stage) -> BTreeSet<String> {
    let case = stage.directory().join("demo");
    let status = Command::new(env!("CARGO_BIN_EXE_obit-capture"))
        .args(["demo", "--quiet", "--output"])
        .arg(&case)
        .stdin(Stdio::null())
        .status()
        .expect("cannot run obit-capture demo");
    assert!(status.success(), "obit-capture demo: {status}");
    host.0.remove(&format!("/obit-live-hosts/docker/{BEFORE}"));
    let mut ids = ids(&replay::derived_rows(&case, "container_remove"));
    assert!(ids.len() > 1, "the demo makes several containers: {ids:?}");
    ids.insert(BEFORE.to_owned());
    ids
}

fn ids(rows: &[Value]) -> BTreeSet<String> {
    rows.iter().map(|row| row["container_id"].as_str().expect("an id").to_owned()).collect()
}

/// Expects what every odd host must give: all ends, also of the container that existed before, and
/// a case that verifies.
fn assert_saw_all(case: &Path, ended: &BTreeSet<String>) {
    let removed = replay::derived_rows(case, "container_remove");
    let missing: Vec<_> = ended.difference(&ids(&removed)).cloned().collect();
    assert!(missing.is_empty(), "not seen to end: {missing:?}");
    let before: Vec<_> = removed.iter().filter(|row| row["container_id"] == BEFORE).collect();
    assert_eq!(before.len(), 1, "one container ends once");
    assert_eq!(before[0]["cgroup_path"], format!("/obit-live-hosts/docker/{BEFORE}"));
    replay::assert_verifies(case);
}

fn assert_existed(case: &Path) {
    let existing = replay::derived_rows(case, "existing_container");
    let before: Vec<_> = existing.iter().filter(|row| row["container_id"] == BEFORE).collect();
    assert_eq!(before.len(), 1, "the container that was there before is found by the walk: {existing:?}");
    assert_eq!(before[0]["cgroup_path"], format!("/obit-live-hosts/docker/{BEFORE}"));
}

/// Records in the stage as it is now.
fn record(host: &Host, stage: &Stage, case: &Path) -> BTreeSet<String> {
    let capture = Capture::start(stage, case, &[]);
    let ended = end_containers(host, stage);
    capture.stop();
    ended
}

/// Runs `check --format json` inside the stage.
fn check(stage: &Stage, name: &str) -> Vec<Value> {
    let output = stage.try_run(env!("CARGO_BIN_EXE_obit-capture"), &["check", "--format", "json", "--output", "/run"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let items = report["items"].as_array().expect("items");
    items.iter().filter(|item| item["name"] == name).cloned().collect()
}

fn case_of(stage: &Stage) -> PathBuf {
    stage.directory().join("case")
}

#[test]
fn only_v1_hierarchies_are_mounted() {
    let Some(_live) = require_root(&[]) else {
        return;
    };
    let host = Host::with_a_container();
    let stage = Stage::new(CgroupView::Host);
    for point in mount_points(&stage, "cgroup2") {
        stage.run("umount", &["-l", &point]);
    }
    if mount_points(&stage, "cgroup").is_empty() {
        // On a host with v2 only, a named hierarchy without a controller can always be made.
        stage.run("mkdir", &["/run/named"]);
        stage.run("mount", &["-t", "cgroup", "-o", "none,name=obit-live", "none", "/run/named"]);
    }
    assert_eq!(check(&stage, "cgroups")[0]["found"], "v1");
    let case = case_of(&stage);
    let ended = record(&host, &stage, &case);
    assert_saw_all(&case, &ended);
    assert_eq!(manifest(&case)["host"]["cgroup_mode"], "v1");
}

#[test]
fn only_the_v2_tree_is_mounted_and_read_only() {
    let Some(_live) = require_root(&[]) else {
        return;
    };
    let host = Host::with_a_container();
    let stage = Stage::new(CgroupView::V2Only);
    stage.run("mount", &["-o", "remount,bind,ro", "/sys/fs/cgroup"]);
    assert!(!stage.try_run("mkdir", &["/sys/fs/cgroup/obit-live-hosts/x"]).status.success(), "it is read-only");
    let case = case_of(&stage);
    let capture = Capture::start(&stage, &case, &[]);
    stage.run("mount", &["-o", "remount,bind,rw", "/sys/fs/cgroup"]);
    let ended = end_containers(&host, &stage);
    capture.stop();
    assert_existed(&case);
    assert_saw_all(&case, &ended);
    assert_eq!(manifest(&case)["host"]["cgroup_mode"], "v2");
}

#[test]
fn a_hierarchy_is_mounted_twice_and_elsewhere() {
    let Some(_live) = require_root(&[]) else {
        return;
    };
    let host = Host::with_a_container();
    let stage = Stage::new(CgroupView::Host);
    // The whole hierarchy at another place, and a part of it, which shows less, at a second one.
    stage.run("mkdir", &["/run/part", "/run/whole"]);
    stage.run("mount", &["-t", "cgroup2", "none", "/run/whole"]);
    stage.run("mount", &["--bind", "/run/whole/obit-live-hosts", "/run/part"]);
    for point in mount_points(&stage, "cgroup2").iter().filter(|point| !point.starts_with("/run/")) {
        stage.run("umount", &["-l", point]);
    }
    let seen = check(&stage, "hierarchy 0");
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0]["found"].as_str().unwrap().contains("/run/whole"), "{seen:?}");

    let case = case_of(&stage);
    let ended = record(&host, &stage, &case);
    assert_existed(&case);
    assert_saw_all(&case, &ended);
    let hierarchies = manifest(&case)["host"]["hierarchies"].clone();
    let v2: Vec<_> = hierarchies.as_array().unwrap().iter().filter(|one| one["id"] == 0).collect();
    assert_eq!(v2.len(), 1, "counted once: {v2:?}");
}

#[test]
fn obit_is_in_a_cgroup_namespace_of_its_own() {
    let Some(_live) = require_root(&[]) else {
        return;
    };
    let host = Host::with_a_container();
    let stage = Stage::new(CgroupView::Host);
    host.0.make("/obit-live-hosts/inside");
    // Enters a cgroup on every tree that takes it, then makes it the root of a namespace.
    let script = "for tree in $1; do echo 0 >$tree/obit-live-hosts/inside/cgroup.procs || true; done 2>/dev/null
         shift; exec unshare --cgroup \"$@\"";
    let trees = [mount_points(&stage, "cgroup"), mount_points(&stage, "cgroup2")].concat().join(" ");
    let case = case_of(&stage);
    let mut command = stage.command("sh");
    command.args(["-c", script, "sh", &trees, env!("CARGO_BIN_EXE_obit-capture"), "run", "--output"]).arg(&case);
    let capture = Capture::start_command(command, &case);
    let ended = end_containers(&host, &stage);
    capture.stop();
    assert_existed(&case);
    assert_saw_all(&case, &ended);
    assert_eq!(manifest(&case)["host"]["initial_cgroup_namespace"], false);
}

#[test]
fn obit_sees_its_own_part_of_the_cgroups_only() {
    let Some(_live) = require_root(&[]) else {
        return;
    };
    let host = Host::with_a_container();
    let stage = Stage::new(CgroupView::V2Only);
    host.0.make("/obit-live-hosts/inside");
    // As in a container without the host's cgroups: its cgroup is the root of a namespace, and
    // mounted.
    let script = "echo 0 >/sys/fs/cgroup/obit-live-hosts/inside/cgroup.procs
         exec unshare --cgroup --mount sh -ec 'umount -l /sys/fs/cgroup
         mount -t cgroup2 none /sys/fs/cgroup
         exec \"$@\"' sh \"$@\"";
    let run = |arguments: &[&str]| {
        let mut command = stage.command("sh");
        command.args(["-ec", script, "sh", env!("CARGO_BIN_EXE_obit-capture")]).args(arguments);
        command
    };
    let report = run(&["check", "--output", "/run"]).output().expect("obit-capture check");
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("--cgroupns=host"), "it says what is missing and what to do: {report}");

    let case = case_of(&stage);
    let mut command = run(&["run", "--output"]);
    command.arg(&case);
    let capture = Capture::start_command(command, &case);
    let ended = end_containers(&host, &stage);
    capture.stop();
    // Events come from the whole host; the capture did not see older containers, so no row says
    // that they existed.
    assert_saw_all(&case, &ended);
    assert_eq!(replay::derived_rows(&case, "existing_container"), Vec::<Value>::new());
    assert_eq!(manifest(&case)["host"]["initial_cgroup_namespace"], false);
}

#[test]
fn obit_is_in_a_pid_namespace_of_its_own() {
    let Some(_live) = require_root(&[]) else {
        return;
    };
    let host = Host::with_a_container();
    let stage = Stage::new(CgroupView::Host);
    // As in a container without --pid=host: the capture is process 1 there, and its /proc is the
    // namespace's.
    let inside = ["--pid", "--fork", "--kill-child", "--mount-proc", env!("CARGO_BIN_EXE_obit-capture")];
    let report = stage.try_run("unshare", &[&inside[..], &["check", "--output", "/run"]].concat());
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("--pid=host"), "it says what is missing and what to do: {report}");

    let case = case_of(&stage);
    let mut command = stage.command("unshare");
    command.args(inside).args(["run", "--output"]).arg(&case);
    let capture = Capture::start_command(command, &case);
    let ended = end_containers(&host, &stage);
    interrupt_child(capture.pid());
    let stopped = capture.wait();
    assert!(stopped.status.success(), "{stopped:?}");
    assert_existed(&case);
    assert_saw_all(&case, &ended);
    assert_eq!(manifest(&case)["host"]["initial_pid_namespace"], false);
    // The kernel gives pids of the host, whatever the capture can see: this test removed the
    // directory.
    let removed = replay::derived_rows(&case, "container_remove");
    let before = removed.iter().find(|row| row["container_id"] == BEFORE).expect("its end");
    assert_eq!(before["removed_by_pid"], std::process::id(), "{before}");
}

/// Interrupts the only child of a process.
fn interrupt_child(pid: u32) {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("its children");
    let child = children.trim().parse().ok().and_then(Pid::from_raw).expect("one child");
    kill_process(child, Signal::INT).expect("cannot signal obit-capture");
}

#[test]
fn the_kernel_shows_no_type_information() {
    let Some(_live) = require_root(&[]) else {
        return;
    };
    let host = Host::with_a_container();
    let stage = Stage::new(CgroupView::Host);
    // A file system on top hides the type information. On a host without any, the test needs
    // nothing.
    if Path::new("/sys/kernel/btf").is_dir() {
        stage.run("mount", &["-t", "tmpfs", "none", "/sys/kernel/btf"]);
    }
    if !stage.outside("/sys/kernel/tracing/events").exists() {
        stage.run("mount", &["-t", "tracefs", "none", "/sys/kernel/tracing"]);
    }
    assert_eq!(check(&stage, "BTF")[0]["status"], "warning", "it says what is lost");

    let case = case_of(&stage);
    let ended = record(&host, &stage, &case);
    assert_existed(&case);
    assert_saw_all(&case, &ended);
    assert_eq!(manifest(&case)["options"]["attach_type"], "tracepoint");
    for row in replay::derived_rows(&case, "container_remove") {
        assert!(row["removed_by_pid"].is_u64() && row["removed_by_comm"].is_string(), "known all the same: {row}");
        assert!(
            row["removed_by_parent_comm"].is_null() && row["memory_peak_bytes"].is_null(),
            "null and no guess: {row}"
        );
    }
}

#[test]
fn a_hierarchy_comes_and_goes_while_recording() {
    let Some(_live) = require_root(&[]) else {
        return;
    };
    let host = Host::with_a_container();
    let stage = Stage::new(CgroupView::Host);
    let case = case_of(&stage);
    let capture = Capture::start(&stage, &case, &[]);
    stage.run("mkdir", &["/run/late"]);
    stage.run("mount", &["-t", "cgroup", "-o", "none,name=obit-late", "none", "/run/late"]);
    stage.run("mkdir", &["-p", "/run/late/docker", &format!("/run/late/docker/{}", "1a7e".repeat(16))]);
    stage.run("rmdir", &[&format!("/run/late/docker/{}", "1a7e".repeat(16)), "/run/late/docker"]);
    stage.run("umount", &["/run/late"]);
    let mut ended = end_containers(&host, &stage);
    capture.stop();
    ended.insert("1a7e".repeat(16));
    assert_saw_all(&case, &ended);
}

#[test]
fn a_hierarchy_of_the_start_is_unmounted_while_recording() {
    let Some(_live) = require_root(&[]) else {
        return;
    };
    let host = Host::with_a_container();
    host.0.make(&format!("/obit-live-hosts/docker/{STAYS}"));
    let stage = Stage::new(CgroupView::Host);
    let case = case_of(&stage);
    let capture = Capture::start(&stage, &case, &[]);
    for kind in ["cgroup2", "cgroup"] {
        for point in mount_points(&stage, kind) {
            stage.run("umount", &["-l", &point]);
        }
    }
    let ended = end_containers(&host, &stage);
    // The walk at the stop finds no hierarchy. A reader can tell such a case from a complete one.
    let stopped = capture.interrupt();
    assert!(matches!(stopped.status.code(), Some(0 | 3)), "{stopped:?}");
    assert_existed(&case);
    assert_saw_all(&case, &ended);
    let of_stays = |event| {
        let rows = replay::derived_rows(&case, event);
        rows.iter().filter(|row| row["container_id"] == STAYS).count()
    };
    assert_eq!(of_stays("existing_container"), 1);
    assert_eq!(of_stays("container_remove"), 0, "a directory that cannot be seen any more has not ended");
}
