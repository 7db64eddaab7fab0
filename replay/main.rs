//! obit-replay: derive the container rows of a case again, from its recording alone.
//!
//! `main` maps the end of a command to an exit code and does nothing else; each command is a module
//! of its own.

#![forbid(unsafe_code)]

mod cli;
mod commands;
mod output;
mod policy;
#[path = "../packaging/reference.rs"]
mod reference;
mod report;
mod status;
#[path = "../packaging/usage.rs"]
mod usage;
mod version;

use std::env;
use std::io;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use cli::{ReplayCli, ReplayCommand};
use commands::{
    close, derive, diff, disclose, explain, export, extract, handover, identify, info, inventory, schema, triage,
    verify,
};
use output::messages::complain;
use output::terminal::Look;
use status::{CommandStatus, is_closed_pipe};

fn main() -> ExitCode {
    let command = match ReplayCli::try_parse() {
        Ok(cli) => {
            Look::set(cli.color, cli.no_pager);
            cli.command
        }
        // Help and version are errors for clap; they go to standard output. If that is closed,
        // nobody reads them.
        Err(help) if !help.use_stderr() => {
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            complain(&usage::one_line(&error, &ReplayCli::command(), env::args_os().skip(1)));
            return ExitCode::from(2);
        }
    };
    match run(command) {
        Ok(CommandStatus::Done) => ExitCode::SUCCESS,
        Ok(CommandStatus::Different) => ExitCode::from(1),
        Ok(CommandStatus::Incomplete) => ExitCode::from(2),
        // The reader has seen enough, as in `obit-replay derive CASE | head`.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("{error:#}{}", advice(&error)));
            ExitCode::from(2)
        }
    }
}

fn run(command: ReplayCommand) -> anyhow::Result<CommandStatus> {
    match command {
        ReplayCommand::Derive(args) => derive::run(&args),
        ReplayCommand::Export(args) => export::run(&args),
        ReplayCommand::Verify(args) => verify::run(&args),
        ReplayCommand::Diff(args) => diff::run(&args),
        ReplayCommand::Explain(args) => explain::run(&args),
        ReplayCommand::Info(args) => info::run(&args),
        ReplayCommand::Inventory(args) => inventory::run(&args),
        ReplayCommand::Triage(args) => triage::run(&args),
        ReplayCommand::Close(args) => close::run(&args),
        ReplayCommand::Extract(args) => extract::run(&args),
        ReplayCommand::Disclose(args) => disclose::run(&args),
        ReplayCommand::Handover(args) => handover::run(&args),
        ReplayCommand::Report(args) => commands::report::run(&args),
        ReplayCommand::Schema(args) => schema::run(&args),
        ReplayCommand::Reference { directory } => {
            reference::write(ReplayCli::command(), &directory)
                .with_context(|| format!("cannot write into {}", directory.display()))?;
            Ok(CommandStatus::Done)
        }
        ReplayCommand::Identify(_) => {
            identify::run(io::stdin().lock(), io::BufWriter::with_capacity(1 << 16, io::stdout().lock()))?;
            Ok(CommandStatus::Done)
        }
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
