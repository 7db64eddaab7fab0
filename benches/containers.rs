//! Slow-down of containers from start to end while obit-capture records.
//!
//! `cargo bench --bench containers -- [CONTAINERS] [PAIRS] [DOCKER_CONTAINERS] [DOCKER_PAIRS]` as
//! root; defaults 20, 7, and the same for docker. A pair is one block of that many containers
//! without a recorder and one with, interleaved; one container after the other, and four at a time.
//! runc runs by itself; docker has a daemon in a mount namespace of its own. Many small blocks tell
//! more than a few large ones; a docker container takes ten times as long as one of runc alone.
//!
//! The recorder has run for a while: it has started, seen a container and become quiet before a
//! block begins. Its cost while a block runs and its cost to close the case, which is the same for
//! one container as for many, are separate columns. It looks again at each container 1.2 s after
//! its end, so not at the last ones of a block.

mod measure;
mod recorder;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use measure::{interval_cell, numbers, spread};
use obit_test_engines::{CgroupView, Containerd, Docker, Oci, OciRuntime, Stage, require_root};
use recorder::{RecorderOutput, RunningRecorder};

/// Time without work after which a recorder counts as quiet: longer than it waits for its next
/// flush.
const QUIET: Duration = Duration::from_millis(400);

fn main() {
    let numbers = numbers();
    let number = |index: usize| numbers.get(index).map(|&number| number.max(1) as usize);
    let (containers, pairs) = (number(0).unwrap_or(20), number(1).unwrap_or(7));
    let (docker_containers, docker_pairs) = (number(2).unwrap_or(containers), number(3).unwrap_or(pairs));
    // The lock of the live tests: two captures would record each other's containers.
    let Some(_live) = require_root(&["runc", "containerd", "dockerd", "docker"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let docker_command = || {
        let mut command = stage.command("docker");
        command.args(["run", "--rm", "--network=none", "busybox:latest", "/bin/true"]);
        command
    };
    {
        // A failure shows now, and not after half an hour.
        let containerd = Containerd::start(&stage, "default");
        let _docker = Docker::start(&stage, &containerd);
        block(vec![docker_command()], 1);
    }
    println!(
        "| engine | at a time | containers a block | blocks | s without | s with | slow-down % (median, 95 % interval) | CPU ms/container | CPU ms to close | rows missing |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    {
        let runc = Oci::start(&stage, OciRuntime::Runc);
        let mut number = 0;
        let mut command = || {
            number += 1;
            let id = format!("obit-bench-{number}");
            let bundle = runc.bundle(&id, &["/bin/true"], None);
            let mut command = stage.command("runc");
            command.args(["run", "--bundle", &bundle, &id]);
            command
        };
        measure_engine("runc", &stage, containers, pairs, &mut command);
    }
    let containerd = Containerd::start(&stage, "default");
    let _docker = Docker::start(&stage, &containerd);
    measure_engine("docker", &stage, docker_containers, docker_pairs, &mut { docker_command });
}

fn measure_engine(name: &str, stage: &Stage, containers: usize, pairs: usize, command: &mut dyn FnMut() -> Command) {
    let case = stage.directory().join("case");
    for at_a_time in [1, 4] {
        let (mut without, mut with, mut slower) = (Vec::new(), Vec::new(), Vec::new());
        let (mut cpu_ms, mut closing_ms) = (Vec::new(), Vec::new());
        let mut missing = 0;
        // The first containers find nothing in any cache.
        block((0..containers.min(10)).map(|_| command()).collect(), at_a_time);
        for pair in 0..pairs {
            let (mut base_s, mut loaded_s) = (0.0, 0.0);
            // The first of a pair changes from pair to pair.
            for turn in 0..2 {
                let (one, commands) = (command(), (0..containers).map(|_| command()).collect());
                if (turn + pair) % 2 == 0 {
                    block(vec![one], 1);
                    // A recorder needs this long to become quiet: writes in the background go on in
                    // both turns.
                    std::thread::sleep(2 * QUIET);
                    base_s = block(commands, at_a_time);
                    continue;
                }
                let _ = fs::remove_dir_all(&case);
                let mut capture = stage.command(recorder::CAPTURE);
                capture.args(["run", "--output"]).arg(&case);
                let recording = RunningRecorder::start(capture);
                block(vec![one], 1);
                wait_until_quiet(recording.pid());
                let (begun_s, threads) = (measure::cpu_s(recording.pid()), threads_cpu_ms(recording.pid()));
                loaded_s = block(commands, at_a_time);
                cpu_ms.push(taken_since_ms(&threads, recording.pid()) / containers as f64);
                let until_stopped_s = measure::cpu_s(recording.pid()) - begun_s;
                closing_ms.push((recording.stop().cpu_s - until_stopped_s) * 1e3);
                missing += (1 + containers).saturating_sub(ends(&case));
            }
            without.push(base_s);
            with.push(loaded_s);
            slower.push((loaded_s / base_s - 1.0) * 100.0);
        }
        println!(
            "| {name} | {at_a_time} | {containers} | {pairs} | {:.2} | {:.2} | {} | {:.2} | {:.0} | {missing} |",
            spread(&without).0,
            spread(&with).0,
            interval_cell(&slower, 1),
            spread(&cpu_ms).0,
            spread(&closing_ms).0,
        );
    }
}

/// CPU time of each thread of a process, in milliseconds, from its `schedstat`
/// (Documentation/scheduler/sched-stats.rst): exact to the nanosecond. `/proc/PID/stat` counts
/// hundredths of a second; a container takes one or two.
fn threads_cpu_ms(pid: u32) -> BTreeMap<OsString, f64> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let spent = threads.filter_map(|thread| {
        let stat = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        Some((thread.file_name(), stat.split_whitespace().next()?.parse::<f64>().ok()? / 1e6))
    });
    spent.collect()
}

/// Waits until a process takes at most a hundredth of a processor.
fn wait_until_quiet(pid: u32) {
    for _ in 0..50 {
        let before = threads_cpu_ms(pid);
        std::thread::sleep(QUIET);
        if taken_since_ms(&before, pid) < QUIET.as_secs_f64() * 1e3 / 100.0 {
            return;
        }
    }
    panic!("the recorder does not become quiet");
}

/// CPU time that the threads of now have taken since then; a thread that ended meanwhile belongs to
/// the start.
fn taken_since_ms(before: &BTreeMap<OsString, f64>, pid: u32) -> f64 {
    let now = threads_cpu_ms(pid);
    now.iter().map(|(thread, ms)| ms - before.get(thread).unwrap_or(&0.0)).sum()
}

/// Runs commands, this many at a time. Returns the seconds that it took.
fn block(commands: Vec<Command>, at_a_time: usize) -> f64 {
    let mut shares: Vec<Vec<Command>> = (0..at_a_time).map(|_| Vec::new()).collect();
    for (index, command) in commands.into_iter().enumerate() {
        shares[index % at_a_time].push(command);
    }
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for share in shares {
            scope.spawn(move || {
                for mut command in share {
                    let output = command.stdin(Stdio::null()).output().expect("the engine runs");
                    let said = String::from_utf8_lossy(&output.stderr);
                    assert!(output.status.success(), "{command:?}: {}: {said}", output.status);
                }
            });
        }
    });
    begun.elapsed().as_secs_f64()
}

/// Counts the ends that the case has rows of.
fn ends(case: &Path) -> usize {
    assert!(RecorderOutput::in_case(case).events > 0, "nothing was recorded");
    let case = obit_case::Case::open(case).expect("a case");
    usize::try_from(case.rows(obit_schema::Table::ContainerRemove)).unwrap_or(usize::MAX)
}
