//! Cost of recording while cgroup directories come and go as fast as the kernel allows.
//!
//! `cargo bench --bench storm -- [SECONDS] [ROUNDS]` as root; defaults 1 and 15. In each round
//! every recorder has a turn of that many seconds, after as many that are not timed; before and
//! after each turn nobody records. A slow-down is against the mean of these two, so that a slow
//! minute of the machine hits all alike. The processes of the load live through all rounds. Two of
//! them wait for each other in the kernel, and for that alone one turn in three is a tenth faster
//! or slower than the next: many short turns, and the interval in which their median lies, tell
//! more than a few long ones.
//!
//! `… -- lost [SECONDS]`: one turn of 60 seconds for each recorder and for nobody, for the lost
//! events, the memory and the bytes. Such single turns do not show how much slower a storm is.

mod floor;
mod load;
mod measure;
mod recorder;

use std::fs;
use std::path::Path;
use std::time::Duration;

use load::Load;
use measure::{interval_cell, numbers, spread};
use recorder::{Recorder, RecorderOutput, RunningRecorder};

fn main() {
    if load::serve() || floor::serve() {
        return;
    }
    let _alone = load::alone();
    let numbers = numbers();
    let seconds = |default| Duration::from_secs(numbers.first().copied().unwrap_or(default));
    fs::create_dir_all("target/bench").expect("target is writable");
    let recorders: Vec<Recorder> = Recorder::ALL.into_iter().filter(|recorder| recorder.is_there()).collect();
    if std::env::args().any(|argument| argument == "lost") {
        lost(seconds(60), &recorders);
    } else {
        slower(seconds(1), numbers.get(1).copied().unwrap_or(15).max(1) as usize, &recorders);
    }
    for missing in Recorder::ALL.iter().filter(|recorder| !recorders.contains(recorder)) {
        println!("\n{}: not measured, it is not installed", missing.as_str());
    }
}

fn slower(time: Duration, rounds: usize, recorders: &[Recorder]) {
    println!(
        "| tree | processes | recorder | pairs/s without | with | slow-down % (median, 95 % interval) | CPU µs/event | peak MiB | bytes/event | lost |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for ground in load::grounds() {
        for processes in [1, 2] {
            for row in rows(&ground, processes, recorders, time, rounds) {
                println!("{row}");
            }
        }
    }
}

/// Sums of a recorder over all rounds.
#[derive(Default)]
struct StormTotals {
    with: Vec<f64>,
    slower: Vec<f64>,
    cpu_us_per_event: Vec<f64>,
    bytes_per_event: Vec<f64>,
    peak_bytes: u64,
    /// `None` if the recorder stores nothing.
    lost: Option<u64>,
}

impl StormTotals {
    /// Runs one turn under a recorder. Returns the number of pairs. The storm before it is recorded
    /// too, and not timed: a recorder touches its buffers for the first time only once, which a
    /// long storm does not feel.
    fn turn(&mut self, recorder: Recorder, load: &mut Load, before: Duration, time: Duration) -> u64 {
        let recording = RunningRecorder::of(recorder);
        let before = load.storm(before);
        let pairs = load.storm(time);
        let taken = recording.stop();
        let kept = RecorderOutput::of(recorder);
        let events = 2 * (before + pairs);
        self.with.push(pairs as f64 / time.as_secs_f64());
        self.cpu_us_per_event.push(taken.cpu_s * 1e6 / events as f64);
        self.peak_bytes = self.peak_bytes.max(taken.peak_rss_bytes);
        if let Some(kept) = kept {
            self.bytes_per_event.push(kept.bytes as f64 / events as f64);
            *self.lost.get_or_insert(0) += events.saturating_sub(kept.events).max(kept.lost);
        }
        pairs
    }

    /// Formats the cells of the output: bytes an event, and lost events.
    fn kept_cells(&self) -> String {
        let Some(lost) = self.lost else { return "– | –".to_owned() };
        format!("{:.1} | {lost}", spread(&self.bytes_per_event).0)
    }
}

fn rows(ground: &Path, processes: usize, recorders: &[Recorder], time: Duration, rounds: usize) -> Vec<String> {
    let mut without = Vec::new();
    let mut measured: Vec<StormTotals> = recorders.iter().map(|_| StormTotals::default()).collect();
    let mut load = Load::start(ground, processes);
    // The first directories take the kernel longer.
    load.storm(time);
    for round in 0..rounds {
        let mut before = load.storm(time);
        without.push(before as f64 / time.as_secs_f64());
        for turn in 0..recorders.len() {
            // Each is first in some round.
            let turn = (turn + round) % recorders.len();
            let (recorder, measured) = (recorders[turn], &mut measured[turn]);
            if round >= recorder.rounds(rounds) {
                continue;
            }
            let pairs = measured.turn(recorder, &mut load, time, time);
            let after = load.storm(time);
            without.push(after as f64 / time.as_secs_f64());
            let base = (before + after) as f64 / 2.0;
            measured.slower.push((base / pairs as f64 - 1.0) * 100.0);
            before = after;
        }
    }
    let rows = recorders.iter().zip(&measured).map(|(recorder, measured)| {
        format!(
            "| {} | {processes} | {} | {:.0} | {:.0} | {} | {} | {:.0} | {} |",
            ground.display(),
            recorder.as_str(),
            spread(&without).0,
            spread(&measured.with).0,
            interval_cell(&measured.slower, 1),
            interval_cell(&measured.cpu_us_per_event, 2),
            measured.peak_bytes as f64 / measure::MIB,
            measured.kept_cells(),
        )
    });
    rows.collect()
}

fn lost(time: Duration, recorders: &[Recorder]) {
    println!("| tree | processes | seconds | recorder | pairs/s | CPU µs/event | peak MiB | bytes/event | lost |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for ground in load::grounds() {
        for processes in [1, 2] {
            let head = format!("| {} | {processes} | {} |", ground.display(), time.as_secs());
            let mut load = Load::start(&ground, processes);
            let pairs = load.storm(time);
            println!("{head} nobody | {:.0} | – | – | – | – |", pairs as f64 / time.as_secs_f64());
            for recorder in recorders.iter().filter(|recorder| recorder.keeps()) {
                let mut measured = StormTotals::default();
                measured.turn(*recorder, &mut load, Duration::ZERO, time);
                println!(
                    "{head} {} | {:.0} | {:.2} | {:.0} | {} |",
                    recorder.as_str(),
                    measured.with[0],
                    measured.cpu_us_per_event[0],
                    measured.peak_bytes as f64 / measure::MIB,
                    measured.kept_cells(),
                );
            }
        }
    }
}
