//! Runs obit-replay.

use std::ffi::OsStr;
use std::io::Write;
use std::process::{Command, Stdio};

/// Output and exit code of a run.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the program with these arguments and nothing on standard input.
pub fn replay<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Run {
    replay_with(arguments, b"")
}

/// Runs the program with these arguments and this on standard input.
pub fn replay_with<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>, input: &[u8]) -> Run {
    let mut child = command(arguments).spawn().expect("obit-replay starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let output = std::thread::scope(|scope| {
        // The program may stop reading early; the test decides if that is right.
        scope.spawn(move || _ = stdin.write_all(input));
        child.wait_with_output().expect("obit-replay ends")
    });
    Run {
        code: output.status.code().expect("obit-replay is not killed"),
        stdout: String::from_utf8(output.stdout).expect("output is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("errors are UTF-8"),
    }
}

/// Returns the program, ready to be spawned with pipes at all three ends.
pub fn command<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_obit-replay"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

impl Run {
    /// Fails unless the run ended with this code, and shows all of the run.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:#?}");
        self
    }

    /// Returns the lines of standard output as JSON.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// Fails unless standard error is exactly one line that contains all of these.
    #[track_caller]
    pub fn expect_one_error(&self, parts: &[&str]) {
        assert_eq!(self.stderr.lines().count(), 1, "{self:#?}");
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is not in {self:#?}");
        }
    }
}
