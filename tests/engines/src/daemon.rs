//! Daemons that a test starts itself, and that end with the test.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::stage::Stage;

const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// A running daemon.
pub struct Daemon {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts a program inside the stage and waits until `is_ready` returns true.
    pub fn start(stage: &Stage, name: &'static str, arguments: &[String], is_ready: impl Fn() -> bool) -> Self {
        let log = stage.directory().join(format!("{name}.log"));
        let file = File::create(&log).expect("a log file");
        // The kernel ends the daemon if this test is killed.
        let child = stage
            .command("setpriv")
            .args(["--pdeathsig", "TERM", name])
            .args(arguments)
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {name}: {error}"));
        let mut daemon = Self { name, child, log };
        let deadline = Instant::now() + START_LIMIT;
        while !is_ready() {
            if let Some(status) = daemon.child.try_wait().expect("waiting for a child") {
                panic!("{name} ended with {status}:\n{}", daemon.log_tail());
            }
            assert!(Instant::now() < deadline, "{name} is not ready after {START_LIMIT:?}:\n{}", daemon.log_tail());
            std::thread::sleep(Duration::from_millis(20));
        }
        daemon
    }

    /// Sends a signal to the daemon.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }

    /// Kills the daemon, as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap_or_else(|error| panic!("{}: {error}", self.name));
        self.child.wait().expect("waiting for a child");
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.signal(Signal::CONT); // a test that failed may have left it stopped
        }
        terminate(&mut self.child, STOP_LIMIT);
        if std::thread::panicking() {
            eprintln!("the end of {}'s log:\n{}", self.name, self.log_tail());
        }
    }
}

/// Sends SIGTERM to a child, and SIGKILL if it does not end in time.
pub fn terminate(child: &mut Child, limit: Duration) {
    if let Ok(Some(_)) = child.try_wait() {
        return;
    }
    let _ = kill_process(Pid::from_child(child), Signal::TERM);
    let deadline = Instant::now() + limit;
    while Instant::now() < deadline {
        if let Ok(Some(_)) = child.try_wait() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// Waits for a child's exit. Returns `None` if it still runs after `limit`.
pub fn wait_within(child: &mut Child, limit: Duration) -> Option<std::process::ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().expect("waiting for a child") {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs a command outside of any stage and returns its output.
pub fn output(command: &mut Command) -> std::process::Output {
    command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"))
}
