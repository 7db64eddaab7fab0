//! obit-capture: records the end of containers, with the evidence, into a case.
//!
//! `main` maps outcomes to exit codes and nothing else; each command is a module of the library.

#[path = "../packaging/reference.rs"]
mod reference;
#[path = "../packaging/usage.rs"]
mod usage;

use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};

use obit_capture::Outcome;
use obit_capture::cli::{Cli, Command};
use obit_capture::commands::{check, demo, run};
use obit_capture::sources::daemons::{self, DaemonOptions};
use obit_capture::{announcing, signing};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are errors for clap; they go to standard output. If that is closed,
        // nobody reads them.
        Err(help) if !help.use_stderr() => {
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            let message = usage::one_line(&error, &Cli::command(), std::env::args_os().skip(1));
            eprintln!("obit-capture: {}", obit_schema::text::printable(&message));
            return ExitCode::from(2);
        }
    };
    let outcome = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::DemoOccupant => demo::occupy(),
        Command::SignLines { key } => signing::run(&key),
        Command::AnnounceRows { target } => announcing::run(&target),
        Command::AskDaemons(args) => daemons::run(DaemonOptions {
            host_root: args.host_root,
            choices: args.runtimes,
            labels: args.labels.unwrap_or_default(),
        }),
        Command::SuperviseAsking(args) => daemons::supervise(&args.host_root),
        Command::Reference { directory } => reference::write(Cli::command(), &directory)
            .with_context(|| format!("cannot write into {}", directory.display()))
            .map(|()| Outcome::Complete),
    };
    match outcome {
        Ok(Outcome::Complete) => ExitCode::SUCCESS,
        Ok(Outcome::NotHere) => ExitCode::from(1),
        Ok(Outcome::Incomplete) => ExitCode::from(3),
        Err(error) => {
            let message = format!("{error:#}{}", advice(&error));
            eprintln!("obit-capture: {}", obit_schema::text::printable(&message));
            ExitCode::from(2)
        }
    }
}

/// Returns what to do about an error of a case, or nothing.
fn advice(error: &anyhow::Error) -> String {
    match error.chain().find_map(|cause| cause.downcast_ref::<obit_case::Error>()) {
        Some(obit_case::Error::Unclosed { path }) => {
            format!(
                "; `obit-replay close {}` seals it for good; record into a path that does not exist yet",
                path.display()
            )
        }
        Some(obit_case::Error::Busy { .. }) => "; wait until the running obit-capture has ended".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_into_an_unclosed_case_is_told_how_to_go_on() {
        let refused = obit_case::Error::Unclosed { path: "/var/cases/a".into() };
        let error = anyhow::Error::new(refused).context("cannot record");
        assert!(advice(&error).contains("`obit-replay close /var/cases/a`"), "{}", advice(&error));
    }
}
