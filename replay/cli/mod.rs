//! The command line: commands, arguments and their help. A file holds the arguments of a command,
//! or of a group of commands.

mod derive;
mod diff;
mod exit_codes;
mod explain;
mod export;
mod filter;
mod info;
mod inventory;
mod keep;
mod names;
mod order;
mod reference;
mod report;
mod triage;
mod verify;

use std::path::PathBuf;

use clap::{ColorChoice, Parser, Subcommand};

use crate::version::version;
use exit_codes::EXIT_CODES;

pub use derive::DeriveArgs;
pub use diff::DiffArgs;
pub use explain::ExplainArgs;
pub use export::ExportArgs;
pub use info::InfoArgs;
pub use inventory::{InventoryArgs, InventoryMoment};
pub use keep::{CloseArgs, DiscloseArgs, ExtractArgs, HandoverArgs};
pub use reference::{IdentifyArgs, SchemaArgs};
pub use report::ReportArgs;
pub use triage::TriageArgs;
pub use verify::VerifyArgs;

const EXAMPLES: &str = "\
Examples:
  # which containers were removed, as a table
  obit-replay derive case/
  # the same with every column, for machines
  obit-replay derive case/ --format jsonl | jq .
  # only these; see 'obit-replay derive --help'
  obit-replay derive case/ --name web --last 2h
  # the same for another program: an event for each instant of a life
  obit-replay export case/ --to timesketch --output case.jsonl
  # do the recorded rows follow from the raw log?
  obit-replay verify case/ && echo reproduced
  # who was this container, how did it live, how and on whose order did it end?
  obit-replay explain case/ web-1
  # which ends want a second look; what was running then?
  obit-replay triage case/
  obit-replay inventory case/ --at 03:10
  # a page for people: the time line of all lives, and the story of each
  obit-replay report case/ --output report.html
  # which rows differ between two cases; which ones would Tracee have given?
  obit-replay diff monday/ tuesday/
  obit-replay diff case/ --profile-a tracee
  # what is in this case, and is any of it damaged
  obit-replay info case/
  # seal a case whose capture was cut off
  obit-replay close case/
  # hand out what one container's rows rest on
  obit-replay extract case/ --container 4f1d --output one/
  # apply the path rule alone
  echo /docker/$ID | obit-replay identify";

/// Derive the container rows of a case again, from its recording alone.
///
/// A case is the directory that `obit-capture run --output CASE` made. Commands only read it; only
/// `close` and `handover` write into it. No root is needed.
#[derive(Debug, Parser)]
#[command(name = "obit-replay", version = version(), max_term_width = 100, arg_required_else_help = false)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct ReplayCli {
    #[command(subcommand)]
    pub command: ReplayCommand,
    /// Print colours: on a terminal (auto; not if NO_COLOR is set), always, or never
    #[arg(long, global = true, value_name = "WHEN", hide_possible_values = true, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// Print long text at once; without it a terminal gets it through OBIT_PAGER, PAGER or less
    #[arg(long, global = true)]
    pub no_pager: bool,
}

#[derive(Debug, Subcommand)]
pub enum ReplayCommand {
    Derive(Box<DeriveArgs>),
    Verify(VerifyArgs),
    Diff(Box<DiffArgs>),
    Explain(Box<ExplainArgs>),
    Info(InfoArgs),
    Inventory(Box<InventoryArgs>),
    Triage(Box<TriageArgs>),
    Export(Box<ExportArgs>),
    Close(CloseArgs),
    Extract(ExtractArgs),
    Disclose(DiscloseArgs),
    Handover(HandoverArgs),
    Identify(IdentifyArgs),
    Report(Box<ReportArgs>),
    Schema(SchemaArgs),
    /// Write man pages (man1) and shell completions (bash, zsh, fish) into a directory
    Reference {
        /// Directory to write them into
        directory: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::one_line;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        ReplayCli::command().debug_assert();
    }

    #[test]
    fn usage_errors_take_one_line_with_the_cause_and_the_right_help() {
        for (arguments, cause, help) in [
            (&["obit-replay"][..], "One of derive, verify", "'obit-replay --help'"),
            (&["obit-replay", "exhume"], "exhume", "'obit-replay --help'"),
            (&["obit-replay", "derive"], "CASE", "'obit-replay derive --help'"),
            (&["obit-replay", "derive", "c", "--format", "xml"], "xml", "'obit-replay derive --help'"),
            (&["obit-replay", "derive", "c", "--frmat", "csv"], "--frmat", "'obit-replay derive --help'"),
            (&["obit-replay", "verify", "c", "--show", "many"], "many", "'obit-replay verify --help'"),
        ] {
            let error = ReplayCli::try_parse_from(arguments).expect_err("bad usage");
            let line = one_line(&error, &ReplayCli::command(), arguments[1..].iter().map(Into::into));
            assert!(!line.contains('\n') && line.contains(cause) && line.ends_with(help), "{line}");
            assert!(!line.contains("tip:") && !line.contains("-- --"), "{line}");
            assert_eq!(line.contains("similar") && line.contains("'--format'"), cause == "--frmat", "{line}");
        }
    }

    #[test]
    fn examples_can_be_pasted_from_a_terminal_of_80_columns() {
        let mut program = ReplayCli::command();
        let commands: Vec<clap::Command> = program.get_subcommands().cloned().chain([program.clone()]).collect();
        program.build();
        for command in commands {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = help.lines().skip_while(|line| *line != "Examples:").take_while(|line| !line.is_empty());
            for line in examples {
                assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
            }
        }
    }
}
