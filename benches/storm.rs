//! What recording costs while cgroup directories come and go as fast as the kernel allows.
//!
//! `cargo bench --bench storm -- [SECONDS] [ROUNDS]` as root; defaults 3 and 7. In each round everybody records once and
//! nobody once, so that a slow moment of the machine hits all alike; slow-downs are within a round.

mod load;
mod measure;
mod recorder;

use std::fs;
use std::path::Path;
use std::time::Duration;

use measure::{cell, numbers, spread};
use recorder::{Kept, Recorder, Recording};

fn main() {
    if load::serve() {
        return;
    }
    let _alone = load::alone();
    let numbers = numbers();
    let time = Duration::from_secs(numbers.first().copied().unwrap_or(3));
    let rounds = numbers.get(1).copied().unwrap_or(7) as usize;
    fs::create_dir_all("target/bench").expect("target is writable");
    let recorders: Vec<Recorder> = Recorder::ALL.into_iter().filter(|recorder| recorder.is_there()).collect();
    println!(
        "| tree | processes | recorder | pairs/s without | with | slow-down % (median, min, max) | CPU µs/event | peak MiB | bytes/event | lost |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for ground in load::grounds() {
        for processes in [1, 2] {
            for row in rows(&ground, processes, &recorders, time, rounds) {
                println!("{row}");
            }
        }
    }
    for missing in Recorder::ALL.iter().filter(|recorder| !recorders.contains(recorder)) {
        println!("\n{}: not measured, it is not installed", missing.as_str());
    }
}

/// What a recorder came to over all rounds.
#[derive(Default)]
struct Measured {
    with: Vec<f64>,
    slower: Vec<f64>,
    cpu_us_per_event: Vec<f64>,
    bytes_per_event: Vec<f64>,
    peak_bytes: u64,
    lost: u64,
}

fn rows(ground: &Path, processes: usize, recorders: &[Recorder], time: Duration, rounds: usize) -> Vec<String> {
    let mut without = Vec::new();
    let mut measured: Vec<Measured> = recorders.iter().map(|_| Measured::default()).collect();
    for round in 0..rounds {
        let mut base = None;
        let mut with = vec![0; recorders.len()];
        // Nobody has a turn like everybody else, and everybody is first sometime.
        for turn in 0..=recorders.len() {
            let turn = (turn + round) % (recorders.len() + 1);
            let Some(recorder) = recorders.get(turn) else {
                base = Some(load::storm(ground, processes, time));
                continue;
            };
            let recording = Recording::of(*recorder);
            let pairs = load::storm(ground, processes, time);
            let taken = recording.stop();
            let kept = Kept::of(*recorder);
            let events = 2 * pairs;
            let measured = &mut measured[turn];
            measured.cpu_us_per_event.push(taken.cpu_s * 1e6 / events as f64);
            measured.bytes_per_event.push(kept.bytes as f64 / events as f64);
            measured.peak_bytes = measured.peak_bytes.max(taken.peak_rss_bytes);
            measured.lost += events.saturating_sub(kept.events);
            with[turn] = pairs;
        }
        let base = base.expect("nobody has a turn in each round") as f64;
        without.push(base / time.as_secs_f64());
        for (measured, pairs) in measured.iter_mut().zip(with) {
            measured.with.push(pairs as f64 / time.as_secs_f64());
            measured.slower.push((base / pairs as f64 - 1.0) * 100.0);
        }
    }
    let rows = recorders.iter().zip(&measured).map(|(recorder, measured)| {
        format!(
            "| {} | {processes} | {} | {:.0} | {:.0} | {} | {} | {:.0} | {:.1} | {} |",
            ground.display(),
            recorder.as_str(),
            spread(&without).0,
            spread(&measured.with).0,
            cell(&measured.slower, 1),
            cell(&measured.cpu_us_per_event, 2),
            measured.peak_bytes as f64 / measure::MIB,
            spread(&measured.bytes_per_event).0,
            measured.lost,
        )
    });
    rows.collect()
}
