//! Messages on standard error, and the text of an answer on standard output.

use std::io::{self, ErrorKind, Write};

use anyhow::Context;
use obit_schema::text;

/// Prints what is wrong on standard error, on one line whatever is in it.
pub fn complain(message: &str) {
    say(&format!("obit-replay: {message}"));
}

/// Prints a message on standard error, on one line whatever is in it.
pub fn say(message: &str) {
    // With standard error closed nobody reads the message; the exit code still tells.
    let _ = writeln!(io::stderr(), "{}", text::printable(message));
}

/// Prints the text that an exit code sums up. A reader that closes the pipe early does not change
/// the exit code.
pub fn print_verdict(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}
