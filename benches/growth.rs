//! Growth of the cost of an event, and of memory: for the capture with the number of live
//! containers, for a replay with the length of the log.
//!
//! `cargo bench --bench growth -- [LIVE] [EVENTS]`; defaults 10000 containers and 10 million
//! events; 100000 and 100 million for the numbers that count. The first table needs root and is
//! left out without.

mod load;
mod measure;
mod recorder;
mod shapes;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use load::OwnedCgroup;
use measure::{MIB, numbers, run};
use recorder::RunningRecorder;
use shapes::Shape;

const REPLAY: &str = env!("CARGO_BIN_EXE_obit-replay");

/// Containers that come and go while the others live.
const CHURN: u64 = 20_000;

fn main() {
    if shapes::serve() {
        return;
    }
    let numbers = numbers();
    let live = numbers.first().copied().unwrap_or(10_000);
    let events = numbers.get(1).copied().unwrap_or(10_000_000);
    fs::create_dir_all("target/bench").expect("target is writable");
    // A failure shows now, and not after an hour: a case takes 7 bytes an event.
    let space = rustix::fs::statvfs("target/bench").expect("a file system");
    let free = space.f_bavail * space.f_frsize;
    assert!(
        free > 20 * events,
        "{events} events need {} MiB below target, and {} MiB are free",
        (20 * events) >> 20,
        free >> 20
    );
    match load::grounds().first() {
        Some(ground) if rustix::process::geteuid().is_root() => capture(ground, live),
        _ => println!("growth of the capture: not measured, needs root\n"),
    }
    println!("| events | derive: events/s | CPU µs/event | peak MiB | bytes/event |");
    println!("|---|---|---|---|---|");
    for events in steps(1_000_000, events) {
        let case = shapes::case(Shape::DockerHybrid, events);
        let taken = run(REPLAY, &["derive", &case.to_string_lossy(), "--format", "jsonl"]);
        println!(
            "| {events} | {:.0} | {:.3} | {:.0} | {:.1} |",
            events as f64 / taken.wall_s,
            taken.cpu_s * 1e6 / events as f64,
            taken.peak_rss_bytes as f64 / MIB,
            recorder::tree_bytes(&case.join("raw")) as f64 / events as f64,
        );
        // Only the largest case takes disk space.
        let _ = fs::remove_dir_all(case);
    }
}

/// Counts from `first` in steps of ten, up to `last`.
fn steps(first: u64, last: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(first), |step| step.checked_mul(10)).take_while(move |step| *step <= last)
}

fn capture(ground: &Path, live: u64) {
    println!(
        "| live containers | resident MiB | CPU µs/event while others come and go at full speed | peak MiB then |"
    );
    println!("|---|---|---|---|");
    let _alone = load::alone();
    let case = PathBuf::from("target/bench/growth");
    let recording = RunningRecorder::start(recorder::capture(&case));
    let pid = recording.pid();
    let own = OwnedCgroup::new(ground, "growth");
    // docker without systemd makes these: the id below a directory of that name.
    let docker = own.0.join("docker");
    let make = |directory: &Path| {
        fs::create_dir(directory).unwrap_or_else(|error| panic!("cannot make {}: {error}", directory.display()));
    };
    make(&docker);
    let mut made = 0;
    for step in steps(1_000, live) {
        for number in made..step {
            make(&docker.join(shapes::id(number)));
        }
        made = step;
        settle(pid);
        let resident = measure::memory_bytes(pid, "VmRSS") as f64 / MIB;
        let before = measure::cpu_s(pid);
        for number in 0..CHURN {
            let directory = docker.join(shapes::id(u64::MAX - step * CHURN - number));
            make(&directory);
            fs::remove_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        }
        settle(pid);
        println!(
            "| {step} | {resident:.1} | {:.2} | {:.1} |",
            (measure::cpu_s(pid) - before) * 1e6 / (2 * CHURN) as f64,
            measure::memory_bytes(pid, "VmHWM") as f64 / MIB,
        );
    }
    drop(own);
    recording.stop();
    let _ = fs::remove_dir_all(&case);
    println!();
}

/// Waits until a process has had no work for a second, so that all work is counted.
fn settle(pid: u32) {
    let begun = Instant::now();
    let mut last = measure::cpu_s(pid);
    while begun.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_secs(1));
        let now = measure::cpu_s(pid);
        // An idle recorder wakes up twenty times a second, which takes less.
        if now - last < 0.015 {
            return;
        }
        last = now;
    }
}
