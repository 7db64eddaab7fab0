//! obit-replay: reach the container rows of a case again, from its recording alone.
//!
//! `main` maps outcomes to exit codes and nothing else; each command is a module of its own.

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod output;
#[path = "../packaging/reference.rs"]
mod reference;

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};

use cli::{Cli, Command};
use commands::{close, derive, diff, explain, identify, info, verify};

/// How a command that came to its end ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Done; of a comparison: the same.
    Ok,
    /// A comparison found a difference.
    Different,
    /// What could be read was used, and part of the case could not; standard error has said what.
    Unusable,
}

fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        // Help and version come as errors too; they go to standard output. Nothing can be done if that is closed.
        Err(asked) if !asked.use_stderr() => {
            let _ = asked.print();
            return ExitCode::SUCCESS;
        }
        Err(usage) => {
            complain(&cli::one_line(&usage));
            return ExitCode::from(2);
        }
    };
    match run(command) {
        Ok(Outcome::Ok) => ExitCode::SUCCESS,
        Ok(Outcome::Different) => ExitCode::from(1),
        Ok(Outcome::Unusable) => ExitCode::from(2),
        // Whoever reads us has seen enough, as in `obit-replay derive CASE | head`.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}{}", advice(&error)));
            ExitCode::from(2)
        }
    }
}

fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Derive(args) => derive::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Info(args) => info::run(&args),
        Command::Close(args) => close::run(&args),
        Command::Reference { directory } => {
            reference::write(Cli::command(), &directory)
                .with_context(|| format!("cannot write into {}", directory.display()))?;
            Ok(Outcome::Ok)
        }
        Command::Identify(_) => {
            identify::run(io::stdin().lock(), io::BufWriter::with_capacity(1 << 16, io::stdout().lock()))?;
            Ok(Outcome::Ok)
        }
    }
}

/// Says on standard error what is wrong, on one line whatever is in it.
fn complain(message: &str) {
    say(&format!("obit-replay: {message}"));
}

/// Says something on standard error, on one line whatever is in it.
fn say(message: &str) {
    // With standard error closed there is no one to tell; the exit code still does.
    let _ = writeln!(io::stderr(), "{}", obit_schema::text::printable(message));
}

/// Prints what an exit code sums up. A reader that has seen enough does not change the verdict.
fn print_verdict(text: &str) -> anyhow::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Returns what to do about an error of a case, or nothing.
fn advice(error: &anyhow::Error) -> &'static str {
    match error.chain().find_map(|cause| cause.downcast_ref::<obit_case::Error>()) {
        Some(obit_case::Error::NewerFormat { .. }) => ": use a newer obit-replay",
        Some(obit_case::Error::Busy { .. }) => "; wait until the running obit-capture has ended",
        _ => "",
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let is_closed = |cause: &io::Error| cause.kind() == ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_closed))
}
