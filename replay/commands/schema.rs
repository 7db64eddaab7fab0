//! `schema`: the JSON Schemas of what commands print.

use std::fmt::Write as _;

use obit_analysis::json::schema::schema;
use obit_analysis::json::subject::SchemaSubject;

use crate::cli::SchemaArgs;
use crate::output::json;
use crate::output::messages::print_verdict;
use crate::status::CommandStatus;

pub fn run(args: &SchemaArgs) -> anyhow::Result<CommandStatus> {
    match args.subject {
        Some(subject) => json::print(&schema(subject))?,
        None => print_verdict(&list())?,
    }
    Ok(CommandStatus::Done)
}

/// Returns a line for each schema.
fn list() -> String {
    let mut lines = String::new();
    for subject in SchemaSubject::all() {
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{:<20} {}", subject.name(), subject.about());
    }
    lines
}
