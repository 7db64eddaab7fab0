//! The process that holds the key: what it has, what the recorder lacks, and what happens when it
//! fails.

use std::fs::{self, File};
use std::path::Path;

use obit_test_engines::{CgroupView, Stage, make_and_remove, require_root, test_cgroups, wait_until};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::capture::{Capture, INCOMPLETE};
use crate::support::replay;
use crate::support::rows::manifest;

/// Makes a key, and a list of signers with it. Returns the paths of both.
fn make_key(stage: &Stage) -> (String, String) {
    let place = |name: &str| stage.directory().join(name).display().to_string();
    let (key, signers) = (place("key"), place("signers"));
    stage.run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &key]);
    let public = fs::read_to_string(format!("{key}.pub")).expect("the public key");
    fs::write(&signers, format!("recorder {public}")).expect("the signers");
    (key, signers)
}

/// Returns the process that a recorder has started to hold the key; another one asks daemons.
fn signing_process(capture: &Capture) -> Pid {
    let path = format!("/proc/{0}/task/{0}/children", capture.pid());
    let children = fs::read_to_string(path).expect("its children");
    let mut pids = children.split_whitespace().filter_map(|pid| Pid::from_raw(pid.parse().ok()?));
    let command = |pid: &Pid| fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    pids.find(|pid| command(pid).contains("sign-lines")).expect("the process that holds the key")
}

/// Returns what the descriptors of a process lead to.
fn descriptors(pid: u32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).expect("its descriptors").flatten();
    entries.filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.display().to_string())).collect()
}

/// Returns true if a process has ended, collected or not.
fn has_ended(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_pid())).unwrap_or_default();
    stat.rsplit(") ").next().is_none_or(|fields| fields.is_empty() || fields.starts_with('Z'))
}

#[test]
fn only_the_signing_process_has_the_key_and_it_has_nothing_else() {
    let Some(_live) = require_root(&["ssh-keygen"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let (key, signers) = make_key(&stage);
    for (name, sign) in [("by-path", key.as_str()), ("by-standard-input", "-")] {
        let case = stage.directory().join(name);
        let mut command = stage.command(env!("CARGO_BIN_EXE_obit-capture"));
        command.args(["run", "--sign", sign, "--output"]).arg(&case).stdin(File::open(&key).expect("the key"));
        if sign != "-" {
            command.stdin(std::process::Stdio::null());
        }
        let capture = Capture::start_command(command, &case);
        let signing = signing_process(&capture);
        let held = descriptors(capture.pid());
        assert!(held.len() > 3 && !held.iter().any(|path| path.contains(&key)), "the recorder: {held:?}");
        let held = descriptors(signing.as_raw_pid().unsigned_abs());
        let (sockets, others): (Vec<_>, Vec<_>) = held.iter().partition(|path| path.starts_with("socket:"));
        assert!(sockets.len() == 1 && others.iter().all(|path| *path == "/dev/null"), "the signing process: {held:?}");
        let status = fs::read_to_string(format!("/proc/{}/status", signing.as_raw_pid())).expect("its status");
        for line in ["CapPrm:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
            assert!(status.contains(line), "{line}: {status}");
        }
        // A service manager signals all processes of a service.
        kill_process(signing, Signal::TERM).expect("the signing process");
        capture.stop();
        wait_until("the end of the signing process", || has_ended(signing));
        let verified = replay::replay(&[
            "verify",
            &case.display().to_string(),
            "--signers",
            &signers,
            "--require",
            "closed,signed,complete",
        ]);
        assert!(verified.status.success(), "{verified:?}");
    }
}

/// Records while the signing process gets a signal, and asserts that this is told and that the case
/// goes on.
fn assert_goes_on_unsigned(signal: Signal, told: &str) {
    let stage = Stage::new(CgroupView::Host);
    let test_cgroups = test_cgroups(&stage);
    let (key, signers) = make_key(&stage);
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &["--sign", &key, "--part-rows", "20"]);
    let signing = signing_process(&capture);
    kill_process(signing, signal).expect("the signing process");
    for number in 0..20 {
        make_and_remove(&test_cgroups, &format!("unsigned-{number}"));
    }
    wait_until("the failure", || manifest(&case)["recorder"]["signing_failed"].is_string());
    make_and_remove(&test_cgroups, "afterwards");
    let ended = capture.interrupt();
    // A process that was stopped does not see that its socket is closed.
    let _ = kill_process(signing, Signal::KILL);
    assert_eq!(ended.status.code(), Some(INCOMPLETE), "{}", ended.stderr);
    assert!(ended.stderr.contains(told) && ended.stderr.contains("the case goes on unsigned"), "{}", ended.stderr);

    let manifest = manifest(&case);
    assert_eq!(manifest["state"], "closed", "{manifest}");
    let reason = manifest["recorder"]["signing_failed"].as_str().expect("the reason");
    assert!(reason.contains(told), "{reason}");
    assert!(manifest["head"]["final_signature"].is_null(), "{manifest}");
    assert!(manifest["signed_head"]["signature"].is_string(), "the head that was signed before: {manifest}");
    assert!(manifest["incomplete"].as_array().is_none_or(Vec::is_empty), "{manifest}");
    assert_verdict(&case, &[], 0);
    assert_verdict(&case, &["--signers", &signers], 1);
}

fn assert_verdict(case: &Path, options: &[&str], code: i32) {
    let case = case.display().to_string();
    let verified = replay::replay(&[&["verify", &case], options].concat());
    assert_eq!(verified.status.code(), Some(code), "{verified:?}");
}

#[test]
fn a_case_goes_on_unsigned_if_the_signing_process_is_killed() {
    let Some(_live) = require_root(&["ssh-keygen"]) else { return };
    assert_goes_on_unsigned(Signal::KILL, "the process that holds the key has ended (signal: 9");
}

#[test]
fn a_case_goes_on_unsigned_if_the_signing_process_does_not_answer() {
    let Some(_live) = require_root(&["ssh-keygen"]) else { return };
    assert_goes_on_unsigned(Signal::STOP, "the process that holds the key gave no answer within 5 s");
}
