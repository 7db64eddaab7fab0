//! What a user without privileges, who was given a subtree of cgroupfs, can do to a recording of
//! the containers beside it. Needs root.
//!
//! Each attack takes three seconds; `OBIT_ATTACK_SECONDS` says otherwise, and `make test-all` takes
//! a minute each.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use arrow_array::cast::AsArray as _;
use obit_case::Case;
use obit_schema::Table;
use obit_test_engines::{CgroupView, Stage, require_root};

use crate::support::capture::{Capture, INCOMPLETE};
use crate::support::replay;
use crate::support::rows::manifest;

/// Limit on the recorder's memory, in bytes: that of the systemd unit and the DaemonSet.
const MEMORY_BYTES: u64 = 512 << 20;
/// Pause between two containers of root's.
const PAUSE: Duration = Duration::from_millis(20);
/// Directories named like containers that are there when a recorder starts: more than a user's
/// share.
const LEFT_BEHIND: usize = 20_000;

const ATTACKER: &str = "65534";
const GROUND: &str = "/sys/fs/cgroup/obit-live-attack";

/// What the attacker does again and again, below the given subtree.
const ATTACKS: [(&str, &str); 6] = [
    ("long names", "for what in mkdir rmdir; do printf '%0250d\\n' $(seq 2000) | xargs -n 200 $what; done"),
    (
        "names like containers'",
        "for what in mkdir rmdir; do printf 'docker-%064x.scope\\n' $(seq 5000) | xargs -n 500 $what; done",
    ),
    (
        "new names like containers'",
        "n=$((n + 500)); for what in mkdir rmdir; do printf 'cri-containerd-%064x.scope\\n' $(seq $n $((n + 499))) | xargs -n 500 $what; done",
    ),
    ("nesting", "deep=$(printf 'n/%.0s' $(seq 260)); mkdir -p $deep; rmdir -p $deep"),
    ("programs", "for number in $(seq 200); do /bin/true; done"),
    ("signals", "trap '' TERM; for number in $(seq 2000); do kill -TERM $$; done"),
];

fn attack_time() -> Duration {
    let seconds = std::env::var("OBIT_ATTACK_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(3))
}

/// A subtree that belongs to the attacker, beside root's containers; removed with all that is in
/// it.
struct Ground(PathBuf);

impl Ground {
    fn new(stage: &Stage) -> Self {
        let ground = Self(stage.outside(GROUND));
        ground.clear();
        ground
    }

    /// Gives the attacker an empty subtree.
    fn clear(&self) {
        let given = self.0.join("given.slice");
        remove(&given);
        fs::create_dir_all(&given).expect("a subtree");
        std::os::unix::fs::chown(given, Some(65534), None).expect("delegating");
    }

    /// Makes and removes the directory of a container of root's. Returns its id.
    fn container(&self, number: usize) -> String {
        let id = format!("{:064x}", (1_u128 << 100) + number as u128);
        let path = self.0.join("docker").join(&id);
        fs::create_dir_all(&path).expect("a container of root's");
        fs::remove_dir(path).expect("its end");
        id
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    let _ = fs::remove_dir(directory);
}

/// A script of the attacker's that runs in the given subtree, in a pid namespace of its own. Ended
/// with all that it has started when it is dropped.
struct Attacker(Child);

impl Attacker {
    fn start(stage: &Stage, script: &str) -> Self {
        let script = format!("cd {GROUND}/given.slice && {script}");
        let mut command = stage.command("unshare");
        command.args(["--pid", "--fork", "setpriv", "--reuid", ATTACKER, "--clear-groups"]);
        command.args(["--bounding-set=-all", "--inh-caps=-all", "sh", "-c", &script]);
        Self(command.stderr(std::process::Stdio::null()).spawn().expect("unshare runs"))
    }

    /// Waits for a script that ends by itself.
    fn wait(mut self) -> ExitStatus {
        self.0.wait().expect("a child")
    }

    fn is_running(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_none()
    }
}

impl Drop for Attacker {
    fn drop(&mut self) {
        // The end of the first process of the namespace ends all others, and then its parent.
        let mut pids = vec![self.0.id()];
        while let Some(pid) = pids.pop() {
            if is_first_of_namespace(pid) {
                // No other process can have the number before its parent has waited for it.
                let first = rustix::process::Pid::from_raw(pid.cast_signed()).expect("a pid");
                let _ = rustix::process::kill_process(first, rustix::process::Signal::KILL);
                break;
            }
            let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            pids.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
        let _ = self.0.wait();
    }
}

/// Returns true for the first process of a pid namespace that is not the host's.
fn is_first_of_namespace(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let pids = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
    let pids: Vec<_> = pids.split_whitespace().collect();
    pids.len() > 1 && pids.last() == Some(&"1")
}

/// Counts the removals of each container, also those that are kept of dropped segments.
fn removals(case: &Path) -> BTreeMap<String, usize> {
    let opened = Case::open(case).expect("a case");
    let mut counts = BTreeMap::new();
    let table = Table::ContainerRemove;
    for part in opened.parts(table).iter().chain(opened.kept_parts(table)) {
        for batch in opened.batches_of(table, part) {
            let batch = batch.expect("rows");
            let ids = batch.column_by_name("container_id").expect("ids").as_string::<i32>();
            ids.iter().flatten().for_each(|id| *counts.entry(id.to_owned()).or_default() += 1);
        }
    }
    counts
}

#[test]
fn no_attack_of_a_user_takes_a_container_of_roots_from_the_recording() {
    let Some(_live) = require_root(&["setpriv", "unshare", "xargs"]) else { return };
    let stage = Stage::new(CgroupView::V2Only);
    let ground = Ground::new(&stage);
    let time = attack_time();
    let mut number = 0;
    for (name, script) in ATTACKS {
        let case = stage.directory().join(name.replace([' ', '\''], "-"));
        let capture = Capture::start(&stage, &case, &["--max-bytes", "64MiB", "--when-full", "drop-oldest"]);
        let mut attacker = Attacker::start(&stage, &format!("n=1000000; while :; do {script}; done"));
        let begun = Instant::now();
        let mut ids = Vec::new();
        while begun.elapsed() < time {
            assert!(attacker.is_running(), "{name} has ended");
            ids.push(ground.container(number));
            number += 1;
            std::thread::sleep(PAUSE);
        }
        drop(attacker);
        let peak = capture.peak_memory_bytes();
        let ended = capture.interrupt();
        ground.clear();
        assert!(ended.stderr.contains(", 0 lost"), "{name}: {}", ended.stderr);
        assert!(peak < MEMORY_BYTES, "{name}: {peak} bytes of memory");
        let removed = removals(&case);
        let missing: Vec<_> = ids.iter().filter(|id| removed.get(*id) != Some(&1)).collect();
        assert!(
            missing.is_empty() && !ids.is_empty(),
            "{name}: {} of {} have no removal: {missing:?}",
            missing.len(),
            ids.len()
        );
        replay::assert_verifies(&case);
        let told = manifest(&case);
        let limited = |what: &str| told["recorder"][what][ATTACKER].as_u64().unwrap_or(0);
        let (thinned, not_followed) = (limited("events_thinned"), limited("directories_not_followed"));
        println!(
            "{name}, {time:?}: {} containers of root's, {thinned} events thinned, {not_followed} directories not \
             followed, {} segments dropped, {} MiB of memory",
            ids.len(),
            told["dropped"]["segments"].as_u64().unwrap_or(0),
            peak >> 20
        );
        // Whoever is limited is named, also by the exit code and on standard error.
        let is_limited = thinned + not_followed > 0;
        let code = if is_limited { INCOMPLETE } else { 0 };
        assert_eq!(ended.status.code(), Some(code), "{name}: {}", ended.stderr);
        assert_eq!(ended.stderr.contains(&format!("of user {ATTACKER}")), is_limited, "{name}: {}", ended.stderr);
        assert!(is_limited || name == "nesting" || name == "programs", "{name} is limited by nothing");
    }
}

#[test]
fn a_recorder_starts_on_a_host_full_of_a_users_directories() {
    let Some(_live) = require_root(&["setpriv", "unshare", "xargs"]) else { return };
    let stage = Stage::new(CgroupView::V2Only);
    let ground = Ground::new(&stage);
    let make = format!("printf 'docker-%064x.scope\\n' $(seq {LEFT_BEHIND}) | xargs -n 500 mkdir");
    assert!(Attacker::start(&stage, &make).wait().success(), "{make}");
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    let id = ground.container(0);
    let peak = capture.peak_memory_bytes();
    let ended = capture.interrupt();
    println!("{LEFT_BEHIND} directories: {} MiB of memory", peak >> 20);
    assert!(peak < MEMORY_BYTES, "{peak} bytes of memory");
    assert_eq!(ended.status.code(), Some(INCOMPLETE), "{}", ended.stderr);
    assert!(
        ended.stderr.contains(", 0 lost") && ended.stderr.contains(&format!("of user {ATTACKER}")),
        "{}",
        ended.stderr
    );
    assert_eq!(removals(&case).get(&id), Some(&1));
    replay::assert_verifies(&case);
}
