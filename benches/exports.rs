//! Measures `obit-replay export` in each format beside `derive --format jsonl`.
//!
//! An export writes the rows of all tables and `derive` those of one, so the time beside it is that
//! of one `derive` of all tables: the log is read once, which a `derive` of a table without rows
//! measures, and each table adds what its `derive` takes longer than that.
//!
//! `cargo bench --bench exports -- [EVENTS] [RUNS]`; defaults 2000000 and 5. Cases are those of the
//! benchmark `replay`. Each command is pinned to one processor by `taskset`.

mod measure;
mod shapes;

use measure::{MIB, Run, cell, numbers, run, spread};
use shapes::Shape;

const REPLAY: &str = env!("CARGO_BIN_EXE_obit-replay");

/// The table of which the cases have no rows.
const TABLE_WITHOUT_ROWS: &str = "disagreement";

/// The tables of which the cases have rows, if their shape makes any.
const TABLES: [&str; 4] = ["container_create", "container_exit", "container_remove", "existing_container"];

const FORMATS: [&str; 6] = ["timesketch", "ecs", "ecs-bulk", "ocsf", "otlp", "perfetto"];

fn main() {
    if shapes::serve() {
        return;
    }
    let numbers = numbers();
    let events = numbers.first().copied().unwrap_or(2_000_000);
    let runs = numbers.get(1).copied().unwrap_or(5);
    println!("| case | command | seconds (median, min, max) | rate beside derive | peak MiB |\n|---|---|---|---|---|");
    for shape in [Shape::DockerHybrid, Shape::KubernetesV2] {
        compare(shape, events, runs);
    }
}

fn compare(shape: Shape, events: u64, runs: u64) {
    let path = shapes::case(shape, events).to_string_lossy().into_owned();
    let derive = |table: &str| pinned(&["derive", &path, "--event", table, "--format", "jsonl"]);
    let (mut derived, mut exported) = (Vec::new(), FORMATS.map(|_| Vec::new()));
    // The runs are interleaved, so that a slow moment of the machine hits all commands alike.
    for _ in 0..runs {
        let reading = derive(TABLE_WITHOUT_ROWS);
        let tables = TABLES.map(derive);
        let writing_s: f64 = tables.iter().map(|table| (table.wall_s - reading.wall_s).max(0.0)).sum();
        let peak_rss_bytes = tables.iter().map(|table| table.peak_rss_bytes).max().unwrap_or(0);
        derived.push(Run { wall_s: reading.wall_s + writing_s, peak_rss_bytes, ..Run::default() });
        for (taken, format) in exported.iter_mut().zip(FORMATS) {
            taken.push(pinned(&["export", &path, "--to", format]));
        }
    }
    let beside = median_s(&derived);
    print_line(shape, "derive of all tables to JSON lines", &derived, beside);
    for (taken, format) in exported.iter().zip(FORMATS) {
        print_line(shape, &format!("export --to {format}"), taken, beside);
    }
}

/// Runs obit-replay on the first processor.
fn pinned(arguments: &[&str]) -> Run {
    run("taskset", &[&["-c", "0", REPLAY], arguments].concat())
}

fn median_s(taken: &[Run]) -> f64 {
    spread(&seconds(taken)).0
}

fn seconds(taken: &[Run]) -> Vec<f64> {
    taken.iter().map(|run| run.wall_s).collect()
}

fn print_line(shape: Shape, command: &str, taken: &[Run], beside_s: f64) {
    let peak = taken.iter().map(|run| run.peak_rss_bytes).max().unwrap_or(0) as f64 / MIB;
    let rate = beside_s / median_s(taken);
    println!("| {} | {command} | {} | {rate:.2} | {peak:.0} |", shape.as_str(), cell(&seconds(taken), 2));
}
