//! The flight recorder: a case that stays within its size, keeps the newest, and says what it
//! dropped.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use obit_test_engines::{CgroupView, Oci, OciRuntime, SmallDisk, Stage, require_root};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::capture::{Capture, kills};
use crate::support::ledger::text;
use crate::support::rows::{manifest, only_row};
use crate::support::{analysis, replay};

/// Size of the case, in bytes.
const MAX_BYTES: u64 = 2 << 20;
/// Segments that must be dropped before the test ends.
const DROPS: u64 = 3;
/// Segments that are left when the disk is filled up.
const SEGMENTS_LEFT: usize = 4;
/// Longest time until they are dropped.
const LIMIT: Duration = Duration::from_secs(120);
/// Kills of a capture that cuts all the time.
const KILLS: u64 = 12;
/// Latest moment of a kill, from the moment the capture is ready.
const LATEST_KILL_MS: u64 = 1500;

const FLIGHT: [&str; 4] = ["--max-bytes", "2MiB", "--when-full", "drop-oldest"];

#[test]
fn a_flight_recorder_keeps_the_newest_within_its_size() {
    let Some(_live) = require_root(&["runc"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    runc.start_container("obit-live-before", None);
    let case = stage.directory().join("case");
    let mut capture = Capture::start(&stage, &case, &[&FLIGHT[..], &["--sync-interval", "50ms"]].concat());
    let began = Instant::now();
    runc.start_container("obit-live-across", None);
    let started = Instant::now();

    let mut made = Vec::new();
    let deadline = Instant::now() + LIMIT;
    while dropped_segments(&case) < DROPS {
        capture.assert_runs();
        assert!(Instant::now() < deadline, "{} segments dropped within {LIMIT:?}", dropped_segments(&case));
        for _ in 0..20 {
            made.push(container(&stage, made.len()));
        }
        let size = size(&case);
        assert!(size <= MAX_BYTES, "{size} bytes after {} containers", made.len());
    }
    let ending = Instant::now();
    for id in ["obit-live-across", "obit-live-before"] {
        runc.remove(id);
        stage.cgroups.wait_until_gone(id);
    }
    let lifetimes = (ending - started).as_nanos()..=began.elapsed().as_nanos();
    capture.stop();

    assert!(size(&case) <= MAX_BYTES, "{} bytes in the end", size(&case));
    let removed = replay::derived_rows(&case, "container_remove");
    assert_suffix(&removed, &made);
    // A container that lived through all segments is known as well as at its start.
    let across = only_row(&removed, "obit-live-across");
    assert_eq!(text(across, "identified_by"), "oci_argv", "{across}");
    let lifetime = u128::from(across["lifetime_ns"].as_u64().unwrap_or_else(|| panic!("no lifetime: {across}")));
    assert!(lifetimes.contains(&lifetime), "{lifetime} ns is not within {lifetimes:?}: {across}");
    assert_eq!((&across["after_gap"], &across["never_started"]), (&false.into(), &false.into()), "{across}");
    assert_eq!(text(across, "cause"), "killed_by_runtime", "{across}");
    let before = only_row(&removed, "obit-live-before");
    assert_eq!(before["lifetime_ns"], Value::Null, "its beginning was never seen: {before}");
    // Each segment that is left has it from the beginning; none has its creation.
    let existing = replay::derived_rows(&case, "existing_container");
    let manifest = manifest(&case);
    let segments = manifest["segments"].as_array().expect("segments");
    for end in [across, before] {
        let id = text(end, "container_id");
        let rows: Vec<_> = existing.iter().filter(|row| text(row, "container_id") == id).collect();
        let began_before = segments.iter().filter(|segment| segment["first_seq"].as_u64() < end["seq"].as_u64());
        assert_eq!(rows.len(), began_before.count(), "{id}: {rows:?}");
    }
    let rows = existing.iter().filter(|row| text(row, "container_id") == "obit-live-across");
    assert!(rows.clone().all(|row| row["created_at"] == across["created_at"]), "{:?}", rows.collect::<Vec<_>>());
    assert!(
        replay::derived_rows(&case, "container_create")
            .iter()
            .all(|row| text(row, "container_id") != "obit-live-across")
    );

    let said = replay::assert_verifies(&case);
    assert!(said.contains("dropped by the recorder to make room, as it was told to"), "{said}");
    let sums = std::process::Command::new("sha256sum")
        .args(["--check", "--strict", "--quiet", "SHA256SUMS"])
        .current_dir(&case)
        .output();
    assert!(sums.as_ref().is_ok_and(|sums| sums.status.success()), "{sums:?}");
    analysis::assert_readable_elsewhere(&case);
    let case = case.display().to_string();
    for arguments in [&["info", &case][..], &["explain", &case, "obit-live-across"], &["derive", &case]] {
        let output = replay::replay(arguments);
        assert!(output.status.success(), "{output:?}");
        let said = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8_lossy(&said).contains("dropped by the recorder"), "{arguments:?}");
    }
}

#[test]
fn what_is_known_of_containers_outlasts_a_flood() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::V2Only);
    let case = stage.directory().join("case");
    let options = ["--max-bytes", "8MiB", "--when-full", "drop-oldest", "--sync-interval", "50ms"];
    let mut capture = Capture::start(&stage, &case, &options);
    let first = container(&stage, 0);
    let deadline = Instant::now() + LIMIT;
    let mut number = 0;
    while dropped_segments(&case) < DROPS {
        capture.assert_runs();
        assert!(Instant::now() < deadline, "{} segments dropped within {LIMIT:?}", dropped_segments(&case));
        for _ in 0..500 {
            let name: String = (0..15).map(|word| format!("{:016x}", mixed(number * 15 + word))).collect();
            let path = format!("obit-live.slice/{name}");
            stage.cgroups.make(&path);
            stage.cgroups.remove(&path);
            number += 1;
        }
    }
    capture.stop();
    assert!(size(&case) <= 8 << 20, "{} bytes", size(&case));
    // Its records are gone, so nothing follows about it. Its rows are there, and proven by the chain.
    let removed = replay::derived_rows(&case, "container_remove");
    assert!(removed.iter().all(|row| text(row, "container_id") != first));
    let case_path = case.display().to_string();
    let explained = replay::replay(&["explain", &case_path, &first]);
    let said = String::from_utf8_lossy(&explained.stdout);
    for table in ["container_create", "container_remove"] {
        assert!(said.contains(&format!("{table} of a dropped segment, as it was recorded")), "{explained:?}");
    }
    let said = replay::assert_verifies(&case);
    assert!(said.contains("are kept as they were recorded"), "{said}");
    analysis::assert_readable_elsewhere(&case);
}

#[test]
fn a_flight_recorder_on_a_small_disk_drops_before_it_has_its_size() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let disk = SmallDisk::mount(&stage, "8m");
    let case = disk.outside.join("case");
    let options = ["--max-bytes", "1GiB", "--when-full", "drop-oldest", "--sync-interval", "50ms"];
    let mut capture = Capture::start(&stage, &disk.inside.join("case"), &options);
    // The recorder goes first: one that falls far behind fills the small disk with one segment,
    // which it cannot drop. This thread ends with the test.
    rustix::process::nice(5).expect("a lower priority");
    let mut made = Vec::new();
    let mut record_until = |dropped, left| {
        let deadline = Instant::now() + LIMIT;
        while dropped_segments(&case) < dropped || segments_left(&case) < left {
            capture.assert_runs();
            assert!(Instant::now() < deadline, "{} segments dropped within {LIMIT:?}", dropped_segments(&case));
            for _ in 0..20 {
                made.push(container(&stage, made.len()));
            }
        }
    };
    // Some must be left: where the current segment alone fills the disk, there is nothing to drop.
    record_until(DROPS, SEGMENTS_LEFT);
    // The disk is full before the capture could see it fill up.
    disk.fill_up();
    record_until(2 * DROPS, 1);
    let ended = capture.stop();
    assert_eq!(ended.stderr.matches("the disk is full").count(), 1, "said once: {}", ended.stderr);

    let manifest = manifest(&case);
    let for_the_disk = manifest["recorder"]["segments_dropped_on_full_disk"].as_u64();
    assert_eq!(for_the_disk, manifest["dropped"]["segments"].as_u64(), "all of them: {manifest}");
    assert_suffix(&replay::derived_rows(&case, "container_remove"), &made);
    let said = replay::assert_verifies(&case);
    assert!(said.contains("dropped by the recorder to make room, as it was told to"), "{said}");
}

#[test]
fn a_recorder_far_behind_on_a_full_disk_drops_its_only_segment_and_goes_on() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let disk = SmallDisk::mount(&stage, "6m");
    let case = disk.outside.join("case");
    let options = ["--max-bytes", "1GiB", "--when-full", "drop-oldest", "--sync-interval", "50ms"];
    let mut capture = Capture::start(&stage, &disk.inside.join("case"), &options);
    // The first segment is the only one, and has no room to be sealed.
    let mut made: Vec<_> = (0..20).map(|number| container(&stage, number)).collect();
    disk.fill_up();
    let deadline = Instant::now() + LIMIT;
    while dropped_segments(&case) == 0 {
        capture.assert_runs();
        assert!(Instant::now() < deadline, "nothing was dropped within {LIMIT:?}");
        made.push(container(&stage, made.len()));
    }
    fs::remove_file(disk.outside.join("somebody-elses")).expect("the other file");
    let later: Vec<_> = (0..20).map(|number| container(&stage, made.len() + number)).collect();
    let ended = capture.interrupt();
    assert!(ended.stderr.contains(", 0 lost") && ended.stderr.contains("the disk is full"), "{}", ended.stderr);
    let removed = replay::derived_rows(&case, "container_remove");
    assert_suffix(&removed, &[made, later].concat());
    let said = replay::assert_verifies(&case);
    assert!(said.contains("dropped by the recorder to make room, as it was told to"), "{said}");
}

#[test]
fn a_flight_recorder_killed_while_it_cuts_leaves_a_case_that_closes() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let kills = kills(KILLS);
    for round in 0..kills {
        let case = stage.directory().join(format!("case-{round}"));
        let options = [&FLIGHT[..], &["--sync-interval", "50ms", "--segment-age", "100ms"]].concat();
        let capture = Capture::start(&stage, &case, &options);
        let delay = Duration::from_millis(LATEST_KILL_MS * (round + 1) / kills);
        let stop = AtomicBool::new(false);
        let pid = Pid::from_raw(i32::try_from(capture.pid()).expect("a process id")).expect("a process id");
        let mut made = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // The test varies the moment of the kill.
                std::thread::sleep(delay);
                kill_process(pid, Signal::KILL).expect("cannot kill obit-capture");
                stop.store(true, Relaxed);
            });
            while !stop.load(Relaxed) {
                made.push(container(&stage, made.len()));
            }
        });
        capture.wait();
        let what = format!("round {round}, killed after {delay:?}");
        replay::assert_verifies(&case);
        let rows = replay::derived_rows(&case, "container_remove");
        assert_run(&rows, &made, &what);
        let closed = replay::replay(&["close", &case.display().to_string()]);
        assert!(closed.status.success(), "{what}: {closed:?}");
        replay::assert_verifies(&case);
        assert_eq!(replay::derived_rows(&case, "container_remove"), rows, "{what}");
    }
}

#[test]
fn each_end_has_one_row_however_often_the_recording_is_cut() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let case = stage.directory().join("case");
    let options =
        ["--max-bytes", "64MiB", "--when-full", "drop-oldest", "--sync-interval", "20ms", "--segment-age", "50ms"];
    let mut capture = Capture::start(&stage, &case, &options);
    let deadline = Instant::now() + LIMIT;
    let mut made = Vec::new();
    while segments_left(&case) < 20 {
        capture.assert_runs();
        assert!(Instant::now() < deadline, "not cut 20 times within {LIMIT:?}");
        made.push(container(&stage, made.len()));
    }
    capture.stop();
    assert_eq!(manifest(&case).get("dropped"), None, "there is room");
    let rows = replay::derived_rows(&case, "container_remove");
    let ended: Vec<_> = rows.iter().map(|row| text(row, "container_id")).filter(|id| is_ours(id)).collect();
    assert_eq!(ended, made, "each once, in order");
    let created = replay::derived_rows(&case, "container_create");
    let created: Vec<_> = created.iter().map(|row| text(row, "container_id")).filter(|id| is_ours(id)).collect();
    assert_eq!(created, made, "each was created once");
    let ours: Vec<_> = rows.iter().filter(|row| is_ours(text(row, "container_id"))).collect();
    assert!(ours.iter().all(|row| row["lifetime_ns"].is_u64() && row["inferred"] == false), "{ours:?}");
    replay::assert_verifies(&case);
}

#[test]
fn events_are_on_disk_in_time_while_a_storm_runs_and_segments_are_cut() {
    let Some(_live) = require_root(&[]) else { return };
    /// Greatest age of an event on disk: the default interval of 200 ms, that of the drain thread,
    /// the walk at a cut, and the delays of a busy machine.
    const MOST_MS: u64 = 2_000;
    let stage = Stage::new(CgroupView::Host);
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &["--max-bytes", "4MiB", "--when-full", "drop-oldest"]);
    let begun = Instant::now();
    let mut made = 0;
    while begun.elapsed() < Duration::from_secs(10) || segments_left(&case) < 3 {
        assert!(begun.elapsed() < LIMIT, "not cut within {LIMIT:?}");
        (0..100).for_each(|number| _ = container(&stage, made + number));
        made += 100;
    }
    let ended = capture.stop();
    let age_ms = manifest(&case)["recorder"]["sync_age_ms"].as_u64().expect("the recorder says it");
    println!("{made} containers in {:?}: {age_ms} ms at most; {}", begun.elapsed(), ended.stderr);
    // An event cannot be on disk before the thread that brings it there looks.
    assert!((1..=MOST_MS).contains(&age_ms), "{age_ms} ms");
}

/// Makes and removes a container that is only directories. Returns its id.
fn container(stage: &Stage, number: usize) -> String {
    // Text that compresses as badly as real ids.
    let id: String = (0..4).map(|part| format!("{:016x}", mixed((number * 4 + part) as u64))).collect();
    let id = format!("0b17{}", &id[4..]);
    let path = format!("obit-live.slice/docker-{id}.scope");
    stage.cgroups.make(&path);
    stage.cgroups.remove(&path);
    id
}

fn is_ours(id: &str) -> bool {
    id.starts_with("0b17") && id.len() == 64
}

/// Mixes a number: the finalizer of splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom
/// number generators").
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Expects the rows of the last containers that were made: each once, in order, none missing.
fn assert_suffix(rows: &[Value], made: &[String]) {
    let ended: Vec<_> = rows.iter().map(|row| text(row, "container_id")).filter(|id| is_ours(id)).collect();
    assert!(!ended.is_empty() && ended.len() < made.len(), "{} of {} are left", ended.len(), made.len());
    assert_eq!(ended, made[made.len() - ended.len()..], "the newest");
    for row in rows.iter().filter(|row| is_ours(text(row, "container_id"))) {
        assert_eq!(
            (text(row, "runtime"), &row["inferred"], &row["after_gap"]),
            ("docker", &false.into(), &false.into()),
            "{row}"
        );
    }
}

/// Expects the rows of containers that were made one after the other: each once, in order, none
/// between them missing.
fn assert_run(rows: &[Value], made: &[String], what: &str) {
    let ended: Vec<_> = rows.iter().map(|row| text(row, "container_id")).filter(|id| is_ours(id)).collect();
    let Some(first) = ended.first() else { return };
    let at = made.iter().position(|id| id == first).unwrap_or_else(|| panic!("{what}: {first} was not made"));
    assert_eq!(ended, made[at..at + ended.len()], "{what}");
}

/// Returns the number of dropped segments. case.json is replaced as a whole, so it can be read at
/// any moment.
fn dropped_segments(case: &Path) -> u64 {
    manifest(case)["dropped"]["segments"].as_u64().unwrap_or(0)
}

/// Returns the number of segments that the case has, the current one among them.
fn segments_left(case: &Path) -> usize {
    manifest(case)["segments"].as_array().map_or(0, Vec::len)
}

/// Returns the bytes of all files in a directory that is being written.
fn size(directory: &Path) -> u64 {
    let mut bytes = 0;
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        bytes += match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            // The file went meanwhile.
            Err(_) => 0,
        };
    }
    bytes
}
