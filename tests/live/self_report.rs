//! Facts that a recorder records about itself: given-up privileges, its own program, the clocks,
//! signals with their senders, and what it sent to others.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use obit_case::Case;
use obit_case::chain::Chain;
use obit_derivation::record::{Body, ClockReading, ClockReason};
use obit_test_engines::{CgroupView, Stage, make_and_remove, require_root, test_cgroups};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::capture::Capture;
use crate::support::replay;
use crate::support::rows::manifest;

/// Longest time that an action of the recorder may take.
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn a_recorder_reports_on_itself() {
    let Some(_live) = require_root(&["ssh-keygen", "readelf"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let test_cgroups = test_cgroups(&stage);
    let place = |name: &str| stage.directory().join(name).display().to_string();
    let (key, anchor, signers) = (place("key"), place("anchor"), place("signers"));
    stage.run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &key]);
    let public = fs::read_to_string(format!("{key}.pub")).expect("the public key");
    fs::write(&signers, format!("recorder {public}")).expect("the signers");
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &["--sign", &key, "--anchor", &anchor, "--part-rows", "20"]);

    // The recorder needs CAP_BPF (39) and CAP_DAC_READ_SEARCH (2) only: every thread has just
    // these, and the filter of system calls (2 is SECCOMP_MODE_FILTER).
    let mut threads = 0;
    for task in fs::read_dir(format!("/proc/{}/task", capture.pid())).expect("its threads").flatten() {
        let status = fs::read_to_string(task.path().join("status")).expect("a thread's status");
        for line in ["CapPrm:\t0000008000000004", "NoNewPrivs:\t1", "Seccomp:\t2"] {
            assert!(status.contains(line), "{line}: {status}");
        }
        threads += 1;
    }
    assert!(threads > 4, "{threads} threads");
    let programs = loaded_programs(capture.pid());
    // The case has this while the recorder runs, whatever happens to it later.
    let program = wait_for(&case, |manifest| manifest["recorder"]["binary_sha256"].as_str().map(str::to_owned));
    for number in 0..20 {
        make_and_remove(&test_cgroups, &format!("self-report-{number}"));
    }
    capture.stop();

    let manifest = manifest(&case);
    let recorder = &manifest["recorder"];
    assert_eq!(recorder["confinement"]["seccomp"], "filtered", "{recorder}");
    let signal = &recorder["signals"][0];
    assert_eq!(
        (&signal["signal"], &signal["sender"]["pid"]),
        (&"SIGINT".into(), &std::process::id().into()),
        "{recorder}"
    );
    let sum = stage.run("sha256sum", &[env!("CARGO_BIN_EXE_obit-capture")]);
    assert_eq!(sum.split(' ').next(), Some(program.as_str()), "{recorder}");
    assert_eq!(recorder["binary_sha256"], Value::from(program));
    let notes = stage.run("readelf", &["--notes", env!("CARGO_BIN_EXE_obit-capture")]);
    let build_id = notes.lines().find_map(|line| line.trim().strip_prefix("Build ID: "));
    assert_eq!(recorder["binary_build_id"], Value::from(build_id), "{notes}");
    let told: BTreeSet<u64> =
        manifest["options"]["program_ids"].as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
    assert_eq!(told, programs, "the kernel's numbers of its programs");
    let counts = &manifest["counts"]["by_kind"];
    assert_eq!((&counts["capture_start"], &counts["capture_stop"]), (&1.into(), &1.into()), "attached, and detached");
    for option in ["ring_buffer_bytes", "sync_interval_ms", "clock_interval_ms", "part_rows", "anchor", "signed_by"] {
        assert!(!manifest["options"][option].is_null(), "{option}: {manifest}");
    }
    assert!(recorder["clock_at_start"]["synchronized"].is_boolean(), "{recorder}");
    let case = case.display().to_string();
    let info = replay::replay(&["info", &case]);
    let told = String::from_utf8_lossy(&info.stdout);
    for (fact, value) in
        recorder.as_object().expect("what it says").iter().filter(|(fact, _)| fact.starts_with("binary"))
    {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        assert!(told.contains(&format!("recorder   {fact}: {value}")), "{told}");
    }
    let verified = replay::replay(&["verify", &case, "--signers", &signers, "--anchor", &anchor]);
    let said = String::from_utf8_lossy(&verified.stdout);
    assert!(verified.status.success() && said.contains("only hashed  nothing"), "{verified:?}");
    // The file grew with the case, from its beginning on.
    let lines = fs::read_to_string(&anchor).expect("the anchor");
    let words: Vec<Vec<&str>> = lines.lines().map(|line| line.split(' ').collect()).collect();
    assert_eq!((words[0][0], words[0][3]), ("obit-head", "0"), "{lines}");
    assert!(words.len() > 3 && words[words.len() - 1][0] == "obit-closed", "{lines}");
}

#[test]
fn the_clocks_are_recorded_again_and_again() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &["--clock-interval", "100ms"]);
    let deadline = Instant::now() + LIMIT;
    let is_interval = |reading: &(i64, ClockReading)| reading.1.reason == Some(ClockReason::Interval);
    while clocks(&case).iter().filter(|reading| is_interval(reading)).count() < 3 {
        assert!(Instant::now() < deadline, "no three readings after {LIMIT:?}");
    }
    capture.stop();

    let mut clocks = clocks(&case);
    // A reading with the reason `due` records when a row is let go, and nothing about the clocks.
    clocks.retain(|(_, reading)| reading.reason != Some(ClockReason::Due));
    let reasons: Vec<_> = clocks.iter().filter_map(|(_, reading)| reading.reason).collect();
    assert_eq!((reasons.first(), reasons.last()), (Some(&ClockReason::Start), Some(&ClockReason::Stop)), "{reasons:?}");
    for (_, reading) in &clocks {
        assert!(reading.synchronized.is_some() && reading.max_error_ns.is_some(), "how it is kept: {reading:?}");
        assert!(reading.suspended_ns.is_some(), "{reading:?}");
    }
    // The recorded step is the difference of two pairs.
    for pair in clocks.windows(2) {
        assert_eq!(pair[1].1.step_ns, Some(pair[1].0 - pair[0].0), "{pair:?}");
    }
    assert_eq!(clocks[0].1.step_ns, None);
    replay::assert_verifies(&case);
}

#[test]
fn a_terminal_that_goes_away_ends_a_recording_unless_hangups_are_ignored() {
    let Some(_live) = require_root(&["nohup"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let names = |case: &Path| -> Vec<String> {
        let signals = manifest(case)["recorder"]["signals"].as_array().expect("a list").clone();
        signals.iter().filter_map(|signal| signal["signal"].as_str().map(str::to_owned)).collect()
    };
    let case = stage.directory().join("hung-up");
    // The caller may have been started with the signal ignored, which is inherited.
    let mut command = stage.command("env");
    command.args(["--default-signal=HUP", env!("CARGO_BIN_EXE_obit-capture"), "run", "--output"]).arg(&case);
    let capture = Capture::start_command(command, &case);
    capture.signal(Signal::HUP);
    let ended = capture.wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(names(&case), ["SIGHUP"]);
    assert_eq!(manifest(&case)["state"], "closed");

    let case = stage.directory().join("nohup");
    let mut command = stage.command("nohup");
    command.arg(env!("CARGO_BIN_EXE_obit-capture")).args(["run", "--output"]).arg(&case);
    let capture = Capture::start_command(command, &case);
    capture.signal(Signal::HUP);
    capture.stop();
    assert_eq!(names(&case), ["SIGINT"], "SIGHUP was ignored, as it was asked to");
}

#[test]
fn a_case_that_is_cut_off_is_named_by_the_systems_journal() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let test_cgroups = test_cgroups(&stage);
    // The stage has a /run of its own, and no journal in it but the test's.
    fs::create_dir_all(stage.outside("/run/systemd/journal")).expect("the journal's place");
    let journal = UnixDatagram::bind(stage.outside("/run/systemd/journal/socket")).expect("the journal's socket");
    journal.set_read_timeout(Some(LIMIT)).expect("a limit");
    let case = stage.directory().join("case");
    let told = std::thread::scope(|scope| {
        let journal = scope.spawn(|| messages(&journal));
        let capture = Capture::start(&stage, &case, &["--anchor", "journal", "--part-rows", "20"]);
        for number in 0..20 {
            make_and_remove(&test_cgroups, &format!("journal-{number}"));
        }
        capture.stop();
        journal.join().expect("the journal")
    });
    // The form in which `journalctl -t obit-capture` prints it.
    let anchor = stage.directory().join("journal.txt");
    let lines = told.iter().map(|line| format!("Nov 24 09:00:00 host obit-capture[7]: {line}\n"));
    fs::write(&anchor, lines.collect::<String>()).expect("the journal's text");
    let verify = |anchored: bool| {
        let (case, anchor) = (case.display().to_string(), anchor.display().to_string());
        let with = ["verify", &case, "--anchor", &anchor];
        replay::replay(&with[..if anchored { 4 } else { 2 }])
    };
    let whole = verify(true);
    assert!(whole.status.success(), "{whole:?}");
    assert!(String::from_utf8_lossy(&whole.stdout).contains("only hashed  nothing"), "{whole:?}");

    cut_off_last_part(&case);
    let named = "anchor: it saw";
    let says = |run: &std::process::Output| String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(!says(&verify(false)).contains("cut off"), "without it nothing tells: {:?}", verify(false));
    let cut = verify(true);
    assert!(!cut.status.success() && says(&cut).contains(named), "{cut:?}");
    assert!(says(&cut).contains("the end of the case was cut off"), "{cut:?}");
}

/// Reads the lines that an anchor sent, up to the one that says that the case is closed.
fn messages(journal: &UnixDatagram) -> Vec<String> {
    let mut lines = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let length = journal.recv(&mut buffer).expect("a message within the limit");
        let message = String::from_utf8(buffer[..length].to_vec()).expect("UTF-8");
        // systemd, "Native Journal Protocol": one field a line.
        let fields: Vec<(&str, &str)> = message.lines().filter_map(|line| line.split_once('=')).collect();
        assert!(fields.contains(&("SYSLOG_IDENTIFIER", "obit-capture")), "{message}");
        let line = fields.iter().find(|(name, _)| *name == "MESSAGE").expect("a message").1.to_owned();
        let is_last = line.starts_with("obit-closed ");
        lines.push(line);
        if is_last {
            return lines;
        }
    }
}

/// Removes the newest part and makes chain and sums anew, as somebody would who knows how a case is
/// made.
fn cut_off_last_part(case: &Path) {
    let parts = |manifest: &Value| manifest["parts"].as_array().expect("parts").len();
    let chain = Case::open(case).expect("a case").manifest().and_then(Chain::follow).expect("a chain");
    let mut manifest = manifest(case);
    let kept = parts(&manifest) as u64 - 1;
    let last = manifest["parts"].as_array_mut().expect("parts").pop().expect("a part");
    fs::remove_file(case.join(last["file"].as_str().expect("a name"))).expect("removed");
    manifest["head"] = serde_json::json!({"parts": kept, "sha256": chain.after(kept)});
    let text = serde_json::to_vec_pretty(&manifest).expect("text");
    fs::write(case.join("case.json"), &text).expect("written");
    let files = manifest["parts"].as_array().expect("parts").iter().filter_map(|part| part["file"].as_str());
    let mut sums = String::new();
    for file in files.chain(["case.json"]) {
        let digest = Sha256::digest(fs::read(case.join(file)).expect("a file"));
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        sums.push_str(&format!("{hex}  {file}\n"));
    }
    fs::write(case.join("SHA256SUMS"), sums).expect("written");
}

/// Returns the ids of the BPF programs that a process has descriptors of.
fn loaded_programs(pid: u32) -> BTreeSet<u64> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fdinfo")).expect("its descriptors").flatten();
    let texts = descriptors.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    // A link names its program too.
    let number = |text: String| {
        let line = text.lines().find_map(|line| line.strip_prefix("prog_id:"))?;
        line.trim().parse().ok()
    };
    texts.filter_map(number).collect()
}

/// Returns the clock readings of a case: wall minus boot, and the reading.
fn clocks(case: &Path) -> Vec<(i64, ClockReading)> {
    let case = Case::open(case).expect("a case");
    let mut clocks = Vec::new();
    let mut records = case.records();
    records
        .for_each(|record| -> Result<(), obit_case::Error> {
            if let Body::Clock(reading) = &record.body {
                clocks.push((record.ts.0.saturating_sub_unsigned(record.boot_ns.0), *reading));
            }
            Ok(())
        })
        .expect("records");
    clocks
}

#[test]
fn a_recorder_says_how_it_fares_and_seals_what_it_has_when_asked_by_a_signal() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let test_cgroups = test_cgroups(&stage);
    let case = stage.directory().join("case");
    let mut capture = Capture::start(&stage, &case, &[]);
    let sealed = |manifest: &Value| {
        let parts = manifest["parts"].as_array().expect("a list");
        Some(parts.iter().filter(|part| part["table"] == "events").count()).filter(|sealed| *sealed > 0)
    };
    for number in 1..=2 {
        make_and_remove(&test_cgroups, &format!("asked-{number}"));
        capture.signal(Signal::USR2);
        wait_for(&case, |manifest| sealed(manifest).filter(|sealed| *sealed == number));
    }
    // Its helpers too, as `systemctl kill` does.
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", capture.pid())).expect("its children");
    for child in children.split_whitespace().filter_map(|pid| pid.parse().ok()).filter_map(Pid::from_raw) {
        kill_process(child, Signal::USR1).expect("a helper");
    }
    capture.signal(Signal::USR1);
    let told = format!("recording to {} since ", case.display());
    let deadline = Instant::now() + LIMIT;
    while !capture.has_said(&told) {
        assert!(Instant::now() < deadline, "it says nothing");
        std::thread::yield_now();
    }
    make_and_remove(&test_cgroups, "afterwards");
    // Neither is among the signals that ended it.
    capture.stop();
    let signals = manifest(&case)["recorder"]["signals"].clone();
    let names: Vec<_> = signals.as_array().expect("a list").iter().map(|signal| signal["signal"].clone()).collect();
    assert_eq!(names, ["SIGINT"]);
    replay::assert_verifies(&case);
}

/// Waits until case.json has a value.
fn wait_for<T>(case: &Path, mut find: impl FnMut(&Value) -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(found) = find(&manifest(case)) {
            return found;
        }
        assert!(Instant::now() < deadline, "it is not in case.json after {LIMIT:?}");
        std::thread::yield_now();
    }
}
