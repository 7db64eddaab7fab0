//! Recorders that run beside a load: obit-capture, two that people use for the same, and one that
//! records nothing.

// Each benchmark uses a part of this.
#![allow(dead_code)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::measure::{self, Run, wait4};

pub const CAPTURE: &str = env!("CARGO_BIN_EXE_obit-capture");
const CASE: &str = "target/bench/recorded";
/// File that `perf record` writes.
pub const PERF_DATA: &str = "target/bench/recorded.perf";
const BPFTRACE_OUTPUT: &str = "target/bench/recorded.jsonl";

/// First argument of a benchmark that records nothing: `floor.rs`.
pub const FLOOR: &str = "floor";

/// Longest time until a recorder records.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Program that records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorder {
    /// obit-capture with everything on, as it is without options.
    Obit,
    /// `perf record` of the same two tracepoints.
    Perf,
    /// bpftrace, which prints a line of JSON for each.
    Bpftrace,
    /// A program at each tracepoint that does nothing: the least that any recorder costs.
    Floor,
}

/// Prints the arguments of the tracepoints. bpftrace quotes the text as JSON itself (`-f json`).
const BPFTRACE_PROGRAM: &str = r#"
BEGIN { printf("recording\n"); }
tracepoint:cgroup:cgroup_mkdir, tracepoint:cgroup:cgroup_rmdir {
    printf("%llu %s %d %s %d %llu %d %s\n", nsecs, probe, pid, comm, args->root, args->id, args->level, str(args->path));
}"#;

impl Recorder {
    pub const ALL: [Self; 4] = [Self::Obit, Self::Perf, Self::Bpftrace, Self::Floor];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Obit => "obit-capture",
            Self::Perf => "perf record",
            Self::Bpftrace => "bpftrace, JSON",
            Self::Floor => "nothing: empty programs",
        }
    }

    /// Returns the rounds of so many in which it takes part: a few show a slow-down by half.
    pub fn rounds(self, rounds: usize) -> usize {
        match self {
            Self::Obit | Self::Perf | Self::Floor => rounds,
            Self::Bpftrace => rounds.min(5),
        }
    }

    /// Returns true if it stores events.
    pub fn keeps(self) -> bool {
        self != Self::Floor
    }

    /// Returns true if its program is installed.
    pub fn is_there(self) -> bool {
        let version = |program: &str| {
            let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            status.is_ok_and(|status| status.success())
        };
        match self {
            Self::Obit | Self::Floor => true,
            Self::Perf => version("perf"),
            Self::Bpftrace => version("bpftrace"),
        }
    }

    fn command(self) -> Command {
        match self {
            Self::Obit => capture(Path::new(CASE)),
            Self::Perf => {
                let mut command = Command::new("perf");
                command.args(["record", "-o", PERF_DATA, "-a", "-e", "cgroup:cgroup_mkdir,cgroup:cgroup_rmdir"]);
                // perf does not report when it is ready; it enables its events when its child
                // starts.
                command.args(["--", "sh", "-c", "echo recording >&2; exec sleep 3600"]);
                command
            }
            Self::Bpftrace => {
                let mut command = Command::new("bpftrace");
                command.args(["-f", "json", "-o", BPFTRACE_OUTPUT, "-e", BPFTRACE_PROGRAM]);
                command
            }
            Self::Floor => {
                let mut command = Command::new(std::env::current_exe().expect("a program has a path"));
                command.arg(FLOOR);
                command
            }
        }
    }
}

/// Returns `obit-capture run` into that directory, which is removed first.
pub fn capture(case: &Path) -> Command {
    let _ = fs::remove_dir_all(case);
    let mut command = Command::new(CAPTURE);
    command.arg("run").arg("--output").arg(case);
    command
}

/// A running recorder, ended when this value is dropped.
pub struct RunningRecorder {
    child: Child,
    /// CPU time of its start: the same for every storm, however short.
    starting_cpu_s: f64,
    ended: bool,
}

impl RunningRecorder {
    pub fn of(recorder: Recorder) -> Self {
        let _ = fs::remove_file(BPFTRACE_OUTPUT);
        match recorder {
            Recorder::Obit | Recorder::Perf | Recorder::Floor => Self::start(recorder.command()),
            Recorder::Bpftrace => {
                let child = recorder.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn();
                let mut recording = Self::of_child(child.expect("bpftrace starts"));
                let begun = Instant::now();
                while !fs::read_to_string(BPFTRACE_OUTPUT).is_ok_and(|text| text.contains("recording")) {
                    assert!(begun.elapsed() < START_LIMIT, "bpftrace did not start");
                    std::thread::sleep(Duration::from_millis(20));
                }
                recording.starting_cpu_s = measure::cpu_s(recording.pid());
                recording
            }
        }
    }

    /// Starts a command that reports on standard error when it records.
    pub fn start(mut command: Command) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut recording = Self::of_child(child.expect("the recorder starts"));
        let mut lines = BufReader::new(recording.child.stderr.take().expect("piped")).lines();
        let mut said = Vec::new();
        let is_ready = lines.by_ref().map_while(Result::ok).any(|line| {
            said.push(line);
            said.last().is_some_and(|line| line.contains("recording"))
        });
        assert!(is_ready, "{command:?} did not start: {said:?}");
        std::thread::spawn(move || lines.for_each(drop));
        recording.starting_cpu_s = measure::cpu_s(recording.pid());
        recording
    }

    fn of_child(child: Child) -> Self {
        Self { child, starting_cpu_s: 0.0, ended: false }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a user does. Returns the resources that it took after its start.
    pub fn stop(mut self) -> Run {
        let interrupted = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        assert!(interrupted.is_ok_and(|status| status.success()), "the recorder was gone already");
        self.ended = true;
        let (_, mut run) = wait4(&self.child);
        run.cpu_s -= self.starting_cpu_s;
        run
    }
}

impl Drop for RunningRecorder {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Output of a recorder.
#[derive(Clone, Copy, Debug)]
pub struct RecorderOutput {
    pub bytes: u64,
    /// Events of the load in it.
    pub events: u64,
    /// Events that it reports as lost, if its output says so.
    pub lost: u64,
}

impl RecorderOutput {
    /// Reads the output of a load whose directories have `obit-storm` in their path. Returns `None`
    /// for a recorder that stores nothing.
    pub fn of(recorder: Recorder) -> Option<Self> {
        let kept = match recorder {
            Recorder::Obit => Self::in_case(Path::new(CASE)),
            Recorder::Perf => {
                let events = lines_of_perf(PERF_DATA, is_of_load).expect("perf script runs");
                Self { bytes: size(Path::new(PERF_DATA)), events, lost: 0 }
            }
            Recorder::Bpftrace => {
                let text = File::open(BPFTRACE_OUTPUT).expect("bpftrace wrote");
                Self { bytes: size(Path::new(BPFTRACE_OUTPUT)), events: lines(text, is_of_load), lost: 0 }
            }
            Recorder::Floor => return None,
        };
        Some(kept)
    }

    /// Counts cgroup directories made and removed in a closed case, and the bytes of the whole
    /// case.
    pub fn in_case(case: &Path) -> Self {
        let manifest = fs::read(case.join("case.json")).expect("a case");
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
        let kinds = &manifest["counts"]["by_kind"];
        let events = ["cgroup_mkdir", "cgroup_rmdir"].iter().filter_map(|kind| kinds[kind].as_u64()).sum();
        Self { bytes: tree_bytes(case), events, lost: manifest["counts"]["lost"].as_u64().expect("a count") }
    }
}

/// Returns the bytes of all files below a directory.
pub fn tree_bytes(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let sizes =
        entries.map(|entry| if entry.path().is_dir() { tree_bytes(&entry.path()) } else { size(&entry.path()) });
    sizes.sum()
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}

/// Counts the lines of this kind that `perf script` prints of a log; `None` if it cannot.
pub fn lines_of_perf(data: &str, kind: impl Fn(&[u8]) -> bool) -> Option<u64> {
    let mut script = Command::new("perf").args(["script", "-i", data]).stdout(Stdio::piped()).spawn().ok()?;
    let lines = lines(script.stdout.take()?, kind);
    script.wait().ok()?.success().then_some(lines)
}

/// Counts line by line: this process's peak of memory counts as that of every process it starts
/// later (wait4(2)).
fn lines(text: impl Read, kind: impl Fn(&[u8]) -> bool) -> u64 {
    let lines = BufReader::new(text).split(b'\n').map(|line| line.expect("text can be read"));
    lines.filter(|line| kind(line)).count() as u64
}

fn is_of_load(line: &[u8]) -> bool {
    let mark = b"obit-storm";
    line.windows(mark.len()).any(|window| window == mark)
}
