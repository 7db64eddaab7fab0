//! `obit-capture run` as a child process.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use obit_test_engines::Stage;
use obit_test_engines::{terminate, wait_within};

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(60);

/// Start of the line on standard error after which every event is recorded.
pub const READY: &str = "recording to ";

/// Exit code of a capture whose case is incomplete.
pub const INCOMPLETE: i32 = 3;

/// Returns how often a test kills captures: `OBIT_KILLS`, or this.
pub fn kills(default: u64) -> u64 {
    std::env::var("OBIT_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A running capture.
pub struct Capture {
    child: Child,
    case: PathBuf,
    errors: Receiver<String>,
    seen: Vec<String>,
}

/// Exit of a capture.
#[derive(Debug)]
pub struct CaptureEnd {
    /// Exit status.
    pub status: ExitStatus,
    /// All lines of standard error.
    pub stderr: String,
}

impl Capture {
    /// Starts a capture and waits until it is recording.
    ///
    /// # Panics
    /// Panics if it ends before, or is not recording in time.
    pub fn start(stage: &Stage, case: &Path, options: &[&str]) -> Self {
        Self::spawn(stage, case, options).wait_until_recording()
    }

    /// Starts a command that ends in `obit-capture run` as the spawned process, and waits until it
    /// is recording.
    ///
    /// # Panics
    /// Panics if it ends before, or is not recording in time.
    pub fn start_command(command: Command, case: &Path) -> Self {
        Self::spawn_command(command, case).wait_until_recording()
    }

    /// Waits until it is recording.
    ///
    /// # Panics
    /// Panics if it ends before, or is not recording in time.
    pub fn wait_until_recording(mut self) -> Self {
        loop {
            match self.errors.recv_timeout(START_LIMIT) {
                Ok(line) => {
                    let is_ready = line.contains(READY);
                    self.seen.push(line);
                    if is_ready {
                        return self;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("obit-capture is not recording after {START_LIMIT:?}: {:?}", self.seen)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let status = wait_within(&mut self.child, STOP_LIMIT);
                    panic!("obit-capture ended before it was recording, with {status:?}: {:?}", self.seen)
                }
            }
        }
    }

    /// Starts a capture and returns at once.
    pub fn spawn(stage: &Stage, case: &Path, options: &[&str]) -> Self {
        let mut command = stage.command(env!("CARGO_BIN_EXE_obit-capture"));
        command.args(["run", "--output"]).arg(case).args(options);
        Self::spawn_command(command, case)
    }

    fn spawn_command(mut command: Command, case: &Path) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("cannot run obit-capture");
        let (sender, errors) = channel();
        let stderr = child.stderr.take().expect("piped");
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, case: case.to_owned(), errors, seen: Vec::new() }
    }

    /// Returns the path of its case.
    pub fn case(&self) -> &Path {
        &self.case
    }

    /// Returns its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns true if it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("waiting for a child").is_some()
    }

    /// Checks that it still records.
    ///
    /// # Panics
    /// Panics with what it said if it has ended.
    pub fn assert_runs(&mut self) {
        if self.has_ended() {
            let status = wait_within(&mut self.child, STOP_LIMIT);
            self.seen.extend(self.errors.iter());
            panic!("obit-capture ended by itself with {status:?}: {:?}", self.seen);
        }
    }

    /// Returns its peak of resident memory, in bytes.
    pub fn peak_memory_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
        kib * 1024
    }

    /// Returns true if a line of its standard error contains this.
    pub fn has_said(&mut self, part: &str) -> bool {
        self.seen.extend(self.errors.try_iter());
        self.seen.iter().any(|line| line.contains(part))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("cannot signal obit-capture");
    }

    /// Interrupts it as a user does, and waits for its end.
    ///
    /// # Panics
    /// Panics if it does not end in time.
    pub fn interrupt(mut self) -> CaptureEnd {
        if !self.has_ended() {
            self.signal(Signal::INT);
        }
        self.wait()
    }

    /// Interrupts it and expects a complete case.
    pub fn stop(self) -> CaptureEnd {
        let ended = self.interrupt();
        assert!(ended.status.success(), "obit-capture: {}\n{}", ended.status, ended.stderr);
        ended
    }

    /// Waits until it ends by itself.
    pub fn wait(mut self) -> CaptureEnd {
        let status = wait_within(&mut self.child, STOP_LIMIT)
            .unwrap_or_else(|| panic!("obit-capture has not ended within {STOP_LIMIT:?}: {:?}", self.seen));
        self.seen.extend(self.errors.iter());
        CaptureEnd { status, stderr: self.seen.join("\n") }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        terminate(&mut self.child, STOP_LIMIT);
    }
}
