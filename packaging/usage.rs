//! Usage errors of both programs, in the same words.

use std::ffi::OsString;

use clap::Command;
use clap::error::ErrorKind;

/// Puts a usage error of clap, which takes several lines, on one line that names the help of the
/// command in question: the first of the arguments that is one.
pub fn one_line(error: &clap::Error, program: &Command, mut arguments: impl Iterator<Item = OsString>) -> String {
    let name = program.get_name();
    if matches!(error.kind(), ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand) {
        let commands: Vec<&str> =
            program.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name).collect();
        return format!("which command? One of {}; see '{name} --help'", commands.join(", "));
    }
    let text = error.to_string();
    let lines = || text.lines().map(str::trim);
    let cause: Vec<&str> = lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty() && !line.starts_with("tip:"))
        .collect();
    // Of what clap guesses, the advice to give an option as a value misleads.
    let similar = lines().filter_map(|line| line.strip_prefix("tip: ")).filter(|tip| tip.contains("similar"));
    let cause = [cause.join(" ")].into_iter().chain(similar.map(str::to_owned)).collect::<Vec<_>>().join("; ");
    let command = arguments.find_map(|argument| program.find_subcommand(argument)).map(Command::get_name);
    let command = command.map_or_else(String::new, |command| format!(" {command}"));
    format!("{}; see '{name}{command} --help'", cause.strip_prefix("error: ").unwrap_or(&cause))
}
