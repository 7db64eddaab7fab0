//! obit-capture: record the end of containers, with the evidence, into a case.
//!
//! `main` maps outcomes to exit codes and nothing else; each command is a module of the library.

#[path = "../packaging/reference.rs"]
mod reference;

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};

use obit_capture::Outcome;
use obit_capture::cli::{Cli, Command};
use obit_capture::commands::{check, demo, run};

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
