//! Measures how fast `obit-replay` reads a case, beside `perf script` and DuckDB on as many events.
//!
//! Each program is measured pinned to one processor and on all of them; DuckDB gets as many threads
//! as processors. The decoder alone and `perf script` always have one thread.
//!
//! `cargo bench --bench replay -- [EVENTS] [RUNS]`; defaults 2000000 and 7; 10000000 for the
//! numbers in RESULTS.md. Cases are made once, under `target/bench`.

mod decoder;
mod load;
mod measure;
mod recorder;
mod shapes;

use std::fs;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use measure::{MIB, Run, cell, numbers, run, spread};
use recorder::{Recorder, RunningRecorder};
use shapes::Shape;

const REPLAY: &str = env!("CARGO_BIN_EXE_obit-replay");
const PYTHON: &str = "target/venv/bin/python";
const PERF_DATA: &str = "target/bench/perf.data";

fn main() {
    if shapes::serve() || load::serve() || decoder::serve() {
        return;
    }
    let numbers = numbers();
    let events = numbers.first().copied().unwrap_or(2_000_000);
    let runs = numbers.get(1).copied().unwrap_or(7);
    fs::create_dir_all("target/bench").expect("target is writable");
    let perf_data = record_with_perf(events);
    println!("| case | command | events/s (median, min, max) | CPU µs/event | peak MiB | bytes/event |");
    println!("|---|---|---|---|---|---|");
    for shape in Shape::ALL {
        let case = shapes::case(shape, events);
        scan(&case, shape, events, runs, perf_data.as_ref());
    }
    if !Path::new(PYTHON).exists() {
        println!("\nDuckDB: not measured (`make venv` installs it)");
    }
    if perf_data.is_none() {
        println!("\nperf script: not measured (needs perf, tracefs and root)");
    }
    println!("\n| case | command | ms (median, min, max) | peak MiB |\n|---|---|---|---|");
    for shape in [Shape::DockerHybrid, Shape::KubernetesV2] {
        point(&shapes::case(shape, events), shape, events, runs);
    }
}

/// The processors that a command may use.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cores {
    One,
    All,
}

impl Cores {
    /// Returns the choices to measure: a machine with one processor has only one.
    fn choices() -> &'static [Self] {
        if count() > 1 { &[Self::One, Self::All] } else { &[Self::One] }
    }

    fn threads(self) -> usize {
        match self {
            Self::One => 1,
            Self::All => count(),
        }
    }

    fn label(self) -> String {
        match self {
            Self::One => "one core".to_owned(),
            Self::All => format!("{} cores", count()),
        }
    }

    /// Returns the words before a command that pin it to the last processor that this process may
    /// use; none for all processors.
    fn pin_words(self) -> Vec<String> {
        if self == Self::All {
            return Vec::new();
        }
        let status = fs::read_to_string("/proc/self/status").expect("proc(5)");
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("a list");
        let last = list.trim().rsplit([',', '-']).next().expect("a processor");
        ["taskset", "-c", last].map(str::to_owned).to_vec()
    }

    /// Runs a command on these processors.
    fn run(self, program: &str, arguments: &[String]) -> Run {
        let words = [&self.pin_words()[..], &[program.to_owned()], arguments].concat();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        run(words[0], &words[1..])
    }
}

/// Returns the number of processors that this process may use.
fn count() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// A task that is measured on one shape.
enum BenchTask {
    Command(&'static str, Vec<String>, Cores),
    /// A hash over every column of every raw event.
    DuckDb(String, Cores),
    /// The Parquet decoder of obit-replay alone, over every column of every raw event.
    Decoder([String; 2]),
    PerfScript(f64),
}

fn scan(case: &Path, shape: Shape, events: u64, runs: u64, perf_events: Option<&f64>) {
    let path = case.to_string_lossy();
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let mut all = Vec::new();
    for cores in Cores::choices() {
        all.push(BenchTask::Command("verify", words(&["verify", &path]), *cores));
        all.push(BenchTask::Command("derive to JSON lines", words(&["derive", &path, "--format", "jsonl"]), *cores));
        if Path::new(PYTHON).exists() {
            all.push(BenchTask::DuckDb(format!("{path}/raw/events/*.parquet"), *cores));
        }
    }
    all.push(BenchTask::Decoder(decoder::arguments(case)));
    all.extend(perf_events.map(|events| BenchTask::PerfScript(*events)));
    // The runs are interleaved, so that a slow moment of the machine hits all tasks alike.
    let this = std::env::current_exe().expect("a program has a path").display().to_string();
    let mut taken: Vec<Vec<Run>> = all.iter().map(|_| Vec::new()).collect();
    for _ in 0..runs {
        for (taken, measured) in taken.iter_mut().zip(&all) {
            taken.push(match measured {
                BenchTask::Command(_, arguments, cores) => cores.run(REPLAY, arguments),
                BenchTask::DuckDb(files, cores) => duckdb(files, *cores),
                BenchTask::Decoder(arguments) => Cores::One.run(&this, arguments),
                BenchTask::PerfScript(_) => run("perf", &["script", "-i", PERF_DATA]),
            });
        }
    }
    let raw_bytes = recorder::tree_bytes(&case.join("raw")) as f64 / events as f64;
    for (taken, measured) in taken.iter().zip(&all) {
        let (name, events, bytes) = match measured {
            BenchTask::Command(name, _, cores) => (format!("{name}, {}", cores.label()), events as f64, raw_bytes),
            BenchTask::DuckDb(_, cores) => {
                (format!("DuckDB: a hash over every column, {}", cores.label()), events as f64, raw_bytes)
            }
            BenchTask::Decoder(_) => {
                ("the Parquet decoder alone, every column, one core".to_owned(), events as f64, raw_bytes)
            }
            BenchTask::PerfScript(events) => {
                let bytes = fs::metadata(PERF_DATA).map_or(0, |data| data.len()) as f64;
                ("perf script of another log".to_owned(), *events, bytes / events)
            }
        };
        let rates: Vec<f64> = taken.iter().map(|run| events / run.wall_s).collect();
        let cpu: Vec<f64> = taken.iter().map(|run| run.cpu_s * 1e6 / events).collect();
        let peak = taken.iter().map(|run| run.peak_rss_bytes).max().unwrap_or(0) as f64 / MIB;
        println!(
            "| {} | {name} | {} | {:.3} | {peak:.0} | {bytes:.1} |",
            shape.as_str(),
            cell(&rates, 0),
            spread(&cpu).0
        );
    }
}

/// Measures the time of the query alone, without Python's start and the import.
fn duckdb(files: &str, cores: Cores) -> Run {
    let script = format!(
        "import duckdb, resource, time
connection = duckdb.connect(config={{'threads': {}}})
wall, cpu = time.perf_counter(), time.process_time()
connection.execute(\"\"\"SELECT bit_xor(hash(COLUMNS(*))) FROM '{files}'\"\"\").fetchall()
print(time.perf_counter() - wall, time.process_time() - cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)",
        cores.threads()
    );
    let words = [&cores.pin_words()[..], &[PYTHON, "-c", &script].map(str::to_owned)].concat();
    let output = Command::new(&words[0]).args(&words[1..]).output().expect("python runs");
    let said = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = said.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [wall_s, cpu_s, peak_kib] = numbers[..] else {
        panic!("DuckDB: {}", String::from_utf8_lossy(&output.stderr));
    };
    Run { wall_s, cpu_s, peak_rss_bytes: peak_kib as u64 * 1024, switches: 0 }
}

/// Measures questions about one thing in a large case.
fn point(case: &Path, shape: Shape, events: u64, runs: u64) {
    let path = case.to_string_lossy();
    // The id of a container that both shapes have, at the middle or before.
    let id = shapes::id(events / 320 * 4 + 1);
    for (name, arguments) in [("info", vec!["info", &path]), ("explain of one container", vec!["explain", &path, &id])]
    {
        let taken: Vec<Run> = (0..runs).map(|_| run(REPLAY, &arguments)).collect();
        let ms: Vec<f64> = taken.iter().map(|run| run.wall_s * 1e3).collect();
        let peak = taken.iter().map(|run| run.peak_rss_bytes).max().unwrap_or(0) as f64 / MIB;
        println!("| {} | {name} | {} | {peak:.0} |", shape.as_str(), cell(&ms, 1));
    }
}

/// Records the same tracepoints with perf: as many events, but a million at most. Returns the
/// number of events recorded.
fn record_with_perf(events: u64) -> Option<f64> {
    if !Path::new(PERF_DATA).exists() {
        let ground: PathBuf = load::grounds().into_iter().next()?;
        if !Recorder::Perf.is_there() || !rustix::process::geteuid().is_root() {
            return None;
        }
        let recording = RunningRecorder::of(Recorder::Perf);
        // A storm makes some 20,000 to 80,000 events a second.
        let mut load = load::Load::start(&ground, 1);
        let mut made = 0;
        while made < events.min(1_000_000) {
            made += 2 * load.storm(Duration::from_secs(1));
        }
        recording.stop();
        fs::rename(recorder::PERF_DATA, PERF_DATA).ok()?;
    }
    recorder::lines_of_perf(PERF_DATA, |_| true).filter(|lines| *lines > 0).map(|lines| lines as f64)
}
