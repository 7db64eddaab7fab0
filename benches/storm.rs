//! What recording costs while cgroup directories come and go as fast as the kernel allows.
//!
//! `cargo bench --bench storm -- [SECONDS] [PAIRS]` as root; defaults 5 and 7. Each pair of runs is one without and one
//! with a recorder, interleaved; `perf record` on the same tracepoints is measured beside obit-capture.

mod load;
mod measure;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use measure::spread;

const CAPTURE: &str = env!("CARGO_BIN_EXE_obit-capture");
const CASE: &str = "target/bench/storm";
const PERF_DATA: &str = "target/bench/storm.perf";

/// Who listens during a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recorder {
    Nobody,
    Obit,
    Perf,
}

fn main() {
    let numbers: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let time = Duration::from_secs(numbers.first().copied().unwrap_or(5));
    let pairs = numbers.get(1).copied().unwrap_or(7);
    fs::create_dir_all("target/bench").expect("target is writable");
    println!(
        "| tree | recorder | pairs/s without | with | slow-down % (median, min, max) | CPU µs/event | bytes/event | lost |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for ground in load::grounds() {
        for recorder in [Recorder::Obit, Recorder::Perf] {
            row(&ground, recorder, time, pairs);
        }
    }
}

fn row(ground: &Path, recorder: Recorder, time: Duration, pairs: u64) {
    let (mut without, mut with, mut slower) = (Vec::new(), Vec::new(), Vec::new());
    let mut cost = Cost::default();
    for _ in 0..pairs {
        let base = storm(ground, Recorder::Nobody, time, &mut cost);
        let loaded = storm(ground, recorder, time, &mut cost);
        without.push(base);
        with.push(loaded);
        slower.push((base / loaded - 1.0) * 100.0);
    }
    let (median, low, high) = spread(&slower);
    println!(
        "| {} | {recorder:?} | {:.0} | {:.0} | {median:+.1} ({low:+.1} to {high:+.1}) | {:.2} | {:.1} | {} |",
        ground.display(),
        spread(&without).0,
        spread(&with).0,
        cost.cpu_s * 1e6 / cost.events.max(1) as f64,
        cost.bytes as f64 / cost.events.max(1) as f64,
        cost.lost,
    );
}

/// What a recorder took over all runs.
#[derive(Default)]
struct Cost {
    events: u64,
    cpu_s: f64,
    bytes: u64,
    lost: u64,
}

/// One run; pairs a second.
fn storm(ground: &Path, recorder: Recorder, time: Duration, cost: &mut Cost) -> f64 {
    let listening = start(recorder);
    let pairs = load::pairs(ground, time);
    if let Some(child) = listening {
        cost.events += 2 * pairs;
        stop(child, recorder, cost);
    }
    pairs as f64 / time.as_secs_f64()
}

fn start(recorder: Recorder) -> Option<Child> {
    let mut command = match recorder {
        Recorder::Nobody => return None,
        Recorder::Obit => {
            let _ = fs::remove_dir_all(CASE);
            let mut command = Command::new(CAPTURE);
            command.args(["run", "--output", CASE]);
            command
        }
        Recorder::Perf => {
            let mut command = Command::new("perf");
            command.args(["record", "-o", PERF_DATA, "-a", "-e", "cgroup:cgroup_mkdir,cgroup:cgroup_rmdir"]);
            // perf says nothing when it is ready; it enables its events when its child starts.
            command.args(["--", "sh", "-c", "echo recording >&2; exec sleep 3600"]);
            command
        }
    };
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().expect("the recorder starts");
    let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let ready = lines.by_ref().map_while(Result::ok).any(|line| line.contains("recording"));
    assert!(ready, "{recorder:?} did not start");
    std::thread::spawn(move || lines.for_each(drop));
    Some(child)
}

fn stop(child: Child, recorder: Recorder, cost: &mut Cost) {
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.is_ok_and(|status| status.success()), "the recorder was gone already");
    let (_, usage) = measure::wait4(child.id());
    cost.cpu_s += usage.cpu_s;
    match recorder {
        Recorder::Nobody => {}
        Recorder::Perf => cost.bytes += fs::metadata(PERF_DATA).map_or(0, |data| data.len()),
        Recorder::Obit => {
            let raw = format!("{CASE}/raw");
            let parts = fs::read_dir(raw).expect("a case").flatten();
            cost.bytes += parts.filter_map(|part| Some(part.metadata().ok()?.len())).sum::<u64>();
            let manifest = fs::read(format!("{CASE}/case.json")).expect("a case");
            let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
            cost.lost += manifest["counts"]["lost"].as_u64().unwrap_or(0);
        }
    }
}
