//! Resources that real containers used: CPU time, a CPU quota, and their state when they were
//! killed.

use std::fs;
use std::path::{Path, PathBuf};

use obit_test_engines::{
    CgroupView, Containerd, Docker, FOREVER, HOG, Oci, OciRuntime, Stage, require_root, wait_until,
};
use serde_json::Value;

use crate::support::capture::Capture;
use crate::support::ledger::text;
use crate::support::replay;
use crate::support::rows::{only_row, stop_and_derive};

/// Loop that counts: about a quarter of a second of one processor.
const BURN: &str = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
/// Most CPU time that a container can still be charged after it is seen to have stopped: its last
/// task leaves the processor, at most a clock tick at 100 Hz. cgroupfs also rounds to microseconds.
const LAST_MOMENTS_NS: u64 = 10_000_000;

#[test]
fn docker_containers_have_their_usage_in_the_row() {
    let Some(_live) = require_root(&["runc", "containerd", "dockerd", "docker"]) else {
        return;
    };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let docker = Docker::start(&stage, &containerd);
    let capture = Capture::start(&stage, &stage.directory().join("case"), &[]);

    let burns = docker.run_to_the_end(&[], &["/bin/sh", "-c", BURN]);
    // A fifth of a processor.
    let throttled = docker.run_to_the_end(&["--cpu-period=50000", "--cpu-quota=10000"], &["/bin/sh", "-c", BURN]);
    let idle = docker.run_to_the_end(&[], &["/bin/sh", "-c", "exit 0"]);
    // A child takes memory until there is none left.
    let hog = format!("sh -c '{HOG}'; exit 0");
    let hungry = docker.run_to_the_end(&["--memory=16m", "--memory-swap=16m"], &["/bin/sh", "-c", &hog]);
    let frozen = docker.run(&[], &FOREVER);
    stage.run("docker", &["pause", &frozen]);
    stage.run("docker", &["kill", &frozen]);
    stage.cgroups.wait_until_gone(&frozen);

    let case = capture.case().to_owned();
    let rows = stop_and_derive(capture);
    let [burns, throttled, idle, hungry] = [burns, throttled, idle, hungry].map(|id| only_row(&rows, &id));
    assert_eq!((number(idle, "ooms"), number(idle, "oom_kills")), (0, 0));
    assert_eq!(number(hungry, "oom_kills"), 1);
    assert!(number(hungry, "ooms") >= 1, "{hungry:#}");
    for row in [burns, throttled] {
        let usage = assert_cpu_time_is_plausible(row);
        assert!(usage > number(idle, "cpu_usage_ns"), "a loop takes longer than an exit: {row:#} {idle:#}");
        assert!(number(row, "cpu_user_ns") > number(row, "cpu_system_ns"), "a shell's loop runs in user mode: {row:#}");
    }
    assert_eq!((number(burns, "cpu_throttled_count"), number(burns, "cpu_throttled_ns")), (0, 0));
    assert!(number(throttled, "cpu_throttled_count") > 0, "{throttled:#}");
    // It ran for a fifth of each period of its quota and waited for the rest.
    let (usage, waited) = (number(throttled, "cpu_usage_ns"), number(throttled, "cpu_throttled_ns"));
    assert!(waited > usage, "{throttled:#}");
    let explanation = replay::explain(&case, text(throttled, "container_id"));
    assert!(explanation.contains("CPU time: ") && explanation.contains("throttled in "), "{explanation}");

    let signals = &only_row(&rows, &frozen)["signals"];
    let first = signals[0].as_str().expect("a signal");
    assert!(first.starts_with("SIGKILL from runc[") && first.ends_with(", while frozen"), "{signals}");
}

#[test]
fn the_row_has_the_last_values_of_the_directories() {
    let Some(_live) = require_root(&["runc"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let capture = Capture::start(&stage, &stage.directory().join("case"), &[]);

    let id = "obit-live-burns";
    runc.start_script(id, BURN);
    wait_until("its end", || is_stopped(&stage, id));
    let said = usage_by_cgroupfs(&stage.cgroups.find(id));
    runc.remove(id);

    let rows = stop_and_derive(capture);
    let row = only_row(&rows, id);
    let usage = assert_cpu_time_is_plausible(row);
    assert!((said..said + LAST_MOMENTS_NS).contains(&usage), "{usage} ns, and {said} ns while the directories stood");
}

#[test]
fn cgroups_below_count_on_v2() {
    let Some(_live) = require_root(&["runc"]) else { return };
    let stage = Stage::new(CgroupView::V2Only);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let capture = Capture::start(&stage, &stage.directory().join("case"), &[]);

    let id = "obit-live-below";
    // A cgroup below the container's own does the work, as a service of an init system does.
    let sign = stage.root_file_system().join("go");
    runc.start_script(id, &format!("while [ ! -e /go ]; do sleep 0.02; done; {BURN}"));
    let below = stage.cgroups.make_inside(id, "work.service").pop().expect("the container has a directory");
    let root = below.parent().expect("the container's").to_owned();
    let state: Value = serde_json::from_str(&stage.run("runc", &["state", id])).expect("JSON from runc state");
    fs::write(below.join("cgroup.procs"), state["pid"].to_string()).expect("moving its process");
    fs::write(&sign, "").expect("the sign to go on");
    wait_until("its end", || is_stopped(&stage, id));
    // This read makes the kernel sum up. The row must do without.
    let said = keyed(&root, "usage_usec") * 1_000;
    let own = keyed(&below, "usage_usec") * 1_000;
    runc.remove(id);
    stage.cgroups.wait_until_gone(id);

    let rows = stop_and_derive(capture);
    let row = only_row(&rows, id);
    let usage = assert_cpu_time_is_plausible(row);
    assert!(own > said / 2, "the loop ran below: {own} of {said} ns");
    assert!((said..said + LAST_MOMENTS_NS).contains(&usage), "{usage} ns, and {said} ns while the directories stood");
}

/// Expects a CPU time above zero, below that of all processors, and equal to the sum of its parts.
/// Returns nanoseconds.
fn assert_cpu_time_is_plausible(row: &Value) -> u64 {
    let usage = number(row, "cpu_usage_ns");
    let processors = std::thread::available_parallelism().expect("the number of processors").get() as u64;
    assert!(usage > 0 && usage <= number(row, "lifetime_ns") * processors, "{row:#}");
    // A quarter of a second has dozens of ticks at any rate, so there are samples.
    assert_eq!(number(row, "cpu_user_ns") + number(row, "cpu_system_ns"), usage, "{row:#}");
    usage
}

/// Reads the CPU time of a container from its directories, in nanoseconds: v1's or v2's, whichever
/// is more.
fn usage_by_cgroupfs(directories: &[PathBuf]) -> u64 {
    let v1 = directories.iter().filter_map(|directory| fs::read_to_string(directory.join("cpuacct.usage")).ok());
    let v1 = v1.map(|text| text.trim().parse().expect("a number"));
    let v2 = directories.iter().filter(|directory| directory.join("cgroup.events").exists());
    v1.chain(v2.map(|directory| keyed(directory, "usage_usec") * 1_000)).max().expect("a directory that counts it")
}

/// Reads a value of cpu.stat.
fn keyed(directory: &Path, key: &str) -> u64 {
    let text = fs::read_to_string(directory.join("cpu.stat")).expect("cpu.stat");
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("{key} in {text}"))
}

fn is_stopped(stage: &Stage, id: &str) -> bool {
    stage.run("runc", &["state", id]).contains("\"stopped\"")
}

fn number(row: &Value, column: &str) -> u64 {
    row[column].as_u64().unwrap_or_else(|| panic!("{column} in {row:#}"))
}
