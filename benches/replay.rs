//! How fast `obit-replay` reads a case, beside `perf script` and DuckDB on the same number of events.
//!
//! `cargo bench --bench replay -- [EVENTS] [RUNS]`; defaults 1000000 and 7. Cases are made once, under `target/bench`.

mod load;
mod measure;
mod shapes;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use measure::{Run, run, spread};
use shapes::Shape;

const REPLAY: &str = env!("CARGO_BIN_EXE_obit-replay");

fn main() {
    if std::env::args().any(|argument| argument == "storm") {
        let ground = load::grounds().into_iter().next().expect("cgroupfs is mounted");
        println!("{}", load::pairs(&ground, Duration::from_secs(10)));
        return;
    }
    let numbers: Vec<u64> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let events = numbers.first().copied().unwrap_or(1_000_000);
    let runs = numbers.get(1).copied().unwrap_or(7);
    println!("| case | command | events/s (median, min, max) | CPU µs/event | peak MiB | bytes/event |");
    println!("|---|---|---|---|---|---|");
    for shape in Shape::ALL {
        let case = case(shape, events);
        let path = case.to_string_lossy().into_owned();
        let raw_bytes: u64 = sizes(&case.join("raw")).sum();
        let mut commands: Vec<(String, String, Vec<String>)> = vec![
            ("verify".into(), REPLAY.into(), vec!["verify".into(), path.clone()]),
            ("derive".into(), REPLAY.into(), words(&["derive", &path, "--format", "jsonl"])),
            ("info".into(), REPLAY.into(), words(&["info", &path])),
        ];
        if Path::new("target/venv/bin/python").exists() {
            // Every column of every raw event, with as many threads as obit-replay uses.
            let sql = format!(
                "import duckdb; c = duckdb.connect(config={{'threads': 1}}); c.execute(\"\"\"SELECT {} FROM '{path}/raw/events-*.parquet'\"\"\").fetchall()",
                "count(distinct hash(COLUMNS(*)))"
            );
            commands.push((
                "DuckDB, all columns, one thread".into(),
                "target/venv/bin/python".into(),
                words(&["-c", &sql]),
            ));
        }
        // Interleaved, so that a slow moment of the machine hits all alike.
        let mut taken: Vec<Vec<Run>> = vec![Vec::new(); commands.len()];
        for _ in 0..runs {
            for (taken, (_, program, arguments)) in taken.iter_mut().zip(&commands) {
                taken.push(run(program, &arguments.iter().map(String::as_str).collect::<Vec<_>>()));
            }
        }
        for (taken, (name, ..)) in taken.iter().zip(&commands) {
            let rates: Vec<f64> = taken.iter().map(|run| events as f64 / run.wall_s).collect();
            let (median, low, high) = spread(&rates);
            let cpu = spread(&taken.iter().map(|run| run.cpu_s * 1e6 / events as f64).collect::<Vec<_>>()).0;
            let peak = taken.iter().map(|run| run.peak_rss_bytes).max().unwrap_or(0) as f64 / 1_048_576.0;
            println!(
                "| {} | {name} | {median:.0} ({low:.0} to {high:.0}) | {cpu:.3} | {peak:.0} | {:.1} |",
                shape.as_str(),
                raw_bytes as f64 / events as f64,
            );
        }
    }
    perf_script(runs);
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// The case of that shape, made if it is not there.
fn case(shape: Shape, events: u64) -> PathBuf {
    let path = PathBuf::from(format!("target/bench/{}-{events}", shape.as_str()));
    if !path.join("SHA256SUMS").exists() {
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all("target/bench").expect("target is writable");
        shapes::write_case(&path, shape, events).expect("a case");
    }
    path
}

fn sizes(directory: &Path) -> impl Iterator<Item = u64> {
    fs::read_dir(directory).expect("a case has parts").flatten().filter_map(|entry| Some(entry.metadata().ok()?.len()))
}

/// `perf script` on a recording of the same tracepoints, if perf and root are there.
fn perf_script(runs: u64) {
    let data = "target/bench/perf.data";
    if !Path::new(data).exists() {
        let this = std::env::current_exe().expect("a program has a path");
        let recorded = Command::new("perf")
            .args(["record", "-q", "-o", data, "-a", "-e", "cgroup:cgroup_mkdir,cgroup:cgroup_rmdir", "--"])
            .arg(this)
            .arg("storm")
            .status();
        if !recorded.is_ok_and(|status| status.success()) {
            println!("\nperf script: not measured (needs perf, tracefs and root)");
            return;
        }
    }
    let counted = Command::new("perf").args(["script", "-i", data]).output().expect("perf script runs");
    let events = counted.stdout.iter().filter(|byte| **byte == b'\n').count() as f64;
    let rates: Vec<f64> = (0..runs).map(|_| events / run("perf", &["script", "-i", data]).wall_s).collect();
    let (median, low, high) = spread(&rates);
    let bytes = fs::metadata(data).map_or(0, |data| data.len()) as f64;
    println!(
        "| perf.data of {events} events | perf script | {median:.0} ({low:.0} to {high:.0}) | | | {:.1} |",
        bytes / events
    );
}
