//! Vital signs at a removal are what cgroupfs said before.

use std::fs;

use super::*;

/// About a quarter of a second of one processor.
const BURN: &str = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; ";
/// What a task that is seen to have exited may still be charged: its way off the processor, at most
/// a clock tick at 100 Hz.
const LAST_MOMENTS_NS: u64 = 10_000_000;

fn text(cgroup: &OwnedCgroup, file: &str) -> Option<String> {
    fs::read_to_string(cgroup.path().join(file)).ok()
}

fn number(cgroup: &OwnedCgroup, file: &str) -> Option<u64> {
    text(cgroup, file).map(|text| text.trim().parse().unwrap())
}

/// The value of a key in a file of lines `key value`.
fn keyed(cgroup: &OwnedCgroup, file: &str, key: &str) -> u64 {
    let text = text(cgroup, file).unwrap_or_else(|| panic!("{file}"));
    let mut words = text.split_whitespace();
    words.find(|&word| word == key).unwrap_or_else(|| panic!("{key} in {file}: {text}"));
    words.next().unwrap().parse().unwrap()
}

/// Lets a shell run a script to its end in the cgroup.
fn lived(cgroup: &OwnedCgroup, script: &str) {
    let mut child = waiting_child(script);
    enter(&child, cgroup);
    child.stdin.as_mut().unwrap().write_all(b"go\nend\n").unwrap();
    assert!(child.wait().unwrap().success());
}

fn usage_at_removal(probe: &mut Probe, cgroup: OwnedCgroup) -> Usage {
    let id = inode(cgroup.path());
    drop(cgroup);
    let mut seen = Vec::new();
    drain_all(probe, &mut seen);
    of(&seen, id, CgroupEventKind::Rmdir)[0].1.usage
}

fn assert_just_after(value: Option<u64>, before: u64) {
    let value = value.expect("a value");
    assert!((before..before + LAST_MOMENTS_NS).contains(&value), "{value} ns, and {before} ns before");
}

#[test]
fn root_memory_and_tasks() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
    // 3 MB of variable, and two processes of the pipeline beside the shell.
    let script = "x=$(head -c 3000000 /dev/zero | tr '\\0' x); ";
    if let Some(cgroup) = v1_cgroup("memory") {
        lived(&cgroup, script);
        let peak = number(&cgroup, "memory.max_usage_in_bytes");
        assert!(peak > Some(3_000_000), "{peak:?}");
        let usage = usage_at_removal(&mut probe, cgroup);
        assert_eq!((usage.memory_peak_bytes, usage.oom_kills), (peak, Some(0)));
        assert!(usage.memory_usage_bytes.is_some_and(|usage| Some(usage) <= peak), "{usage:?}");
        assert_eq!((usage.pids_peak, usage.cpu_usage_ns), (None, None));
    }
    if let Some(cgroup) = v1_cgroup("pids") {
        lived(&cgroup, script);
        // The file came with the field.
        let peak = number(&cgroup, "pids.peak");
        let usage = usage_at_removal(&mut probe, cgroup);
        assert!(peak.is_none_or(|peak| peak >= 3), "{peak:?}");
        assert_eq!(usage, Usage { pids_peak: peak, ..Usage::default() });
    }
}

#[test]
fn root_cpu_time_on_v1() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
    let Some(cgroup) = v1_cgroup("cpuacct") else { return };
    lived(&cgroup, BURN);
    let read = number(&cgroup, "cpuacct.usage").unwrap();
    let usage = usage_at_removal(&mut probe, cgroup);
    assert_just_after(usage.cpu_usage_ns, read);
    assert!(usage.cpu_user_ns > usage.cpu_system_ns, "a loop of the shell runs in user mode: {usage:?}");
}

#[test]
fn root_cpu_time_on_v2_is_the_directory_s_own() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
    let Some(cgroup) = OwnedCgroup::create(is_v2) else { return };
    let below = cgroup.path().join("below");
    fs::create_dir(&below).unwrap();
    lived(&cgroup, BURN);
    let own_ns = keyed(&cgroup, "cpu.stat", "usage_usec") * 1_000;

    let mut child = waiting_child(BURN);
    fs::write(below.join("cgroup.procs"), child.id().to_string()).unwrap();
    child.stdin.as_mut().unwrap().write_all(b"go\nend\n").unwrap();
    assert!(child.wait().unwrap().success());
    let both_ns = keyed(&cgroup, "cpu.stat", "usage_usec") * 1_000;
    let (id, id_below) = (inode(cgroup.path()), inode(&below));

    drop(cgroup);
    let mut seen = Vec::new();
    drain_all(&mut probe, &mut seen);
    let [own, below] = [id, id_below].map(|id| of(&seen, id, CgroupEventKind::Rmdir)[0].1.usage);
    assert_just_after(own.cpu_usage_ns, own_ns);
    // Microseconds are rounded down each time.
    assert_just_after(below.cpu_usage_ns, both_ns - own_ns - 1_000);
    assert!(own.cpu_user_ns > own.cpu_system_ns, "a loop of the shell runs in user mode: {own:?}");
}

#[test]
fn root_a_quota_s_throttling() {
    if !live() {
        return;
    }
    let _turn = in_turn();
    let mut probe = Probe::attach(&ProbeOptions::default()).unwrap();
    let Some(cgroup) = v1_cgroup("cpu") else { return };
    // A fifth of a processor.
    fs::write(cgroup.path().join("cpu.cfs_period_us"), "50000").unwrap();
    fs::write(cgroup.path().join("cpu.cfs_quota_us"), "10000").unwrap();
    lived(&cgroup, BURN);
    let [count, ns] = ["nr_throttled", "throttled_time"].map(|key| keyed(&cgroup, "cpu.stat", key));
    let usage = usage_at_removal(&mut probe, cgroup);
    assert!(count > 0 && ns > 0);
    assert_eq!((usage.cpu_throttled_count, usage.cpu_throttled_ns), (Some(count), Some(ns)));

    let Some(free) = v1_cgroup("cpu") else { return };
    let usage = usage_at_removal(&mut probe, free);
    assert_eq!((usage.cpu_throttled_count, usage.cpu_throttled_ns), (Some(0), Some(0)));
}
