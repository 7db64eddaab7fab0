//! Recorders that run beside a load: obit-capture, two that people use for the same, and one that records nothing.

// Each benchmark looks at its part.
#![allow(dead_code)]

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::measure::{self, Run, wait4};

pub const CAPTURE: &str = env!("CARGO_BIN_EXE_obit-capture");
const CASE: &str = "target/bench/recorded";
/// Where `perf record` writes.
pub const PERF_DATA: &str = "target/bench/recorded.perf";
const BPFTRACE_OUTPUT: &str = "target/bench/recorded.jsonl";

/// How a benchmark is called when it is to record nothing: `floor.rs`.
pub const FLOOR: &str = "floor";

/// How long a recorder may take to begin.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Who records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorder {
    /// Everything on, as it is without options.
    Obit,
    /// `perf record` of the same two tracepoints.
    Perf,
    /// bpftrace, which prints a line of JSON for each.
    Bpftrace,
    /// A program at each tracepoint that does nothing: the least that any recorder costs.
    Floor,
}

/// Prints what the tracepoints say. bpftrace quotes the text as JSON itself (`-f json`).
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

    /// Of so many rounds, in how many it takes part: a slow-down by half is known after a few.
    pub fn rounds(self, rounds: usize) -> usize {
        match self {
            Self::Obit | Self::Perf | Self::Floor => rounds,
            Self::Bpftrace => rounds.min(5),
        }
    }

    /// Whether it keeps what it is told.
    pub fn keeps(self) -> bool {
        self != Self::Floor
    }

    /// Whether its program is there.
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
                // perf says nothing when it is ready; it enables its events when its child starts.
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

/// `obit-capture run` into that directory, which is removed first.
pub fn capture(case: &Path) -> Command {
    let _ = fs::remove_dir_all(case);
    let mut command = Command::new(CAPTURE);
    command.arg("run").arg("--output").arg(case);
    command
}

/// A recorder at work. It does not outlive this value.
pub struct RunningRecorder {
    child: Child,
    /// CPU time that it took to begin: of every storm the same, however short.
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

    /// Starts a command that says on standard error when it is recording.
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

    /// Ends it as a user does, and says what it took from when it had begun.
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

/// What a recorder left behind.
#[derive(Clone, Copy, Debug)]
pub struct RecorderOutput {
    pub bytes: u64,
    /// Events of the load that are in it.
    pub events: u64,
    /// Events that it says it lost, if it says so in what it keeps.
    pub lost: u64,
}

impl RecorderOutput {
    /// Of a load whose directories have `obit-storm` in their path; `None`: it keeps nothing.
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

    /// Cgroup directories made and removed, as a closed case counts them, and the bytes of the whole case.
    pub fn in_case(case: &Path) -> Self {
        let manifest = fs::read(case.join("case.json")).expect("a case");
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
        let kinds = &manifest["counts"]["by_kind"];
        let events = ["cgroup_mkdir", "cgroup_rmdir"].iter().filter_map(|kind| kinds[kind].as_u64()).sum();
        Self { bytes: tree_bytes(case), events, lost: manifest["counts"]["lost"].as_u64().expect("a count") }
    }
}

/// Bytes of all files below a directory.
pub fn tree_bytes(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let sizes =
        entries.map(|entry| if entry.path().is_dir() { tree_bytes(&entry.path()) } else { size(&entry.path()) });
    sizes.sum()
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}

/// Lines of this kind that `perf script` prints of a log; `None` if it cannot.
pub fn lines_of_perf(data: &str, kind: impl Fn(&[u8]) -> bool) -> Option<u64> {
    let mut script = Command::new("perf").args(["script", "-i", data]).stdout(Stdio::piped()).spawn().ok()?;
    let lines = lines(script.stdout.take()?, kind);
    script.wait().ok()?.success().then_some(lines)
}

/// Line by line: what this process ever held in memory counts as the peak of whatever it starts afterwards (wait4(2)).
fn lines(text: impl Read, kind: impl Fn(&[u8]) -> bool) -> u64 {
    let lines = BufReader::new(text).split(b'\n').map(|line| line.expect("text can be read"));
    lines.filter(|line| kind(line)).count() as u64
}

fn is_of_load(line: &[u8]) -> bool {
    let mark = b"obit-storm";
    line.windows(mark.len()).any(|window| window == mark)
}
