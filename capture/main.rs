//! obit-capture: record the end of containers, with the evidence, into a case.
//!
//! `main` maps outcomes to exit codes and nothing else; each command is a module of its own.

mod check;
mod cli;
mod confine;
#[cfg(test)]
mod corpora;
mod demo;
mod follow;
mod host;
mod oci;
mod probe;
#[path = "../packaging/reference.rs"]
mod reference;
mod run;
mod runtimes;
mod session;
mod shelf;
mod snapshot;
mod wire;

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};

use cli::{Cli, Command};

/// How a command that came to its end ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Done, and nothing is missing.
    Complete,
    /// Capture cannot run on this host (`check`).
    NotHere,
    /// There is a case, and something is missing in it.
    Incomplete,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::DemoOccupant => demo::occupy(),
        Command::Reference { directory } => reference::write(Cli::command(), &directory)
            .with_context(|| format!("cannot write into {}", directory.display()))
            .map(|()| Outcome::Complete),
    };
    match outcome {
        Ok(Outcome::Complete) => ExitCode::SUCCESS,
        Ok(Outcome::NotHere) => ExitCode::from(1),
        Ok(Outcome::Incomplete) => ExitCode::from(3),
        Err(error) => {
            eprintln!("obit-capture: {}", obit_schema::text::printable(&format!("{error:#}")));
            ExitCode::from(2)
        }
    }
}
