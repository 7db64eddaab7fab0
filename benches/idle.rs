//! Cost of obit-capture on a host where next to nothing happens: one container a minute.
//!
//! `cargo bench --bench idle -- [MINUTES]` as root; default 3, and 10 for the numbers that count.

mod measure;
mod recorder;

use std::fs;
use std::time::{Duration, Instant};

use measure::{MIB, numbers};
use obit_test_engines::{CgroupView, Oci, OciRuntime, Stage, require_root};
use recorder::{RunningRecorder, tree_bytes};

fn main() {
    let minutes = numbers().first().copied().unwrap_or(3).max(1);
    let Some(_live) = require_root(&["runc"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let case = stage.directory().join("case");
    let mut command = stage.command(recorder::CAPTURE);
    command.args(["run", "--output"]).arg(&case);
    let recording = RunningRecorder::start(command);
    let pid = recording.pid();
    // The start is not idling.
    let started_cpu_s = measure::cpu_s(pid);
    let begun = Instant::now();
    for minute in 1..=minutes {
        runc.run_short(&format!("obit-bench-idle-{minute}"), None);
        std::thread::sleep((begun + Duration::from_secs(60 * minute)).saturating_duration_since(Instant::now()));
    }
    let cpu_s = measure::cpu_s(pid) - started_cpu_s;
    let resident = measure::memory_bytes(pid, "VmRSS") as f64 / MIB;
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap_or("?").to_owned();
    let seconds = begun.elapsed().as_secs_f64();
    let taken = recording.stop();
    println!(
        "| minutes | containers | CPU s | % of a core | wake-ups/s | resident MiB | bytes written | bytes of the closed case |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    println!(
        "| {minutes} | {minutes} | {cpu_s:.2} | {:.3} | {:.1} | {resident:.1} | {written} | {} |",
        cpu_s / seconds * 100.0,
        taken.switches as f64 / seconds,
        tree_bytes(&case),
    );
}
