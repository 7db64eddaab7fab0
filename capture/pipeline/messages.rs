//! Messages of a recording to standard error. A terminal that was stopped, or a pipe that nobody
//! reads, holds up neither the recording nor its end.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::line_writer::LineWriter;

/// Longest time that the end of the program waits for standard error to take the last messages.
const PATIENCE: Duration = Duration::from_secs(2);

/// The messages of a recording, and the thread that prints them.
#[derive(Debug)]
pub struct MessageOutput {
    writer: LineWriter,
}

impl MessageOutput {
    /// Starts the thread.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start() -> Result<Self> {
        // Not the library's handle: a write that hangs would keep its lock.
        let stderr = io::stderr().as_fd().try_clone_to_owned().context("cannot use standard error")?;
        let mut stderr = File::from(stderr);
        let print = move |text: &str| {
            // An error means that nobody can read messages any more.
            let _ = stderr.write_all(text.as_bytes());
            Ok(())
        };
        Ok(Self { writer: LineWriter::start("obit-messages", print).context("cannot start a thread")? })
    }

    /// Prints a message, as a line of its own. Never waits.
    pub fn say(&self, message: &str) {
        self.writer.push(&format!("{message}\n"));
    }

    /// Prints a text as it is, without an end of the line. Never waits.
    pub fn draw(&self, text: &str) {
        self.writer.push(text);
    }

    /// Waits until standard error has taken all messages, or for some time if it does not.
    pub fn finish(&self) {
        let _ = self.writer.flush(Instant::now() + PATIENCE);
    }
}
