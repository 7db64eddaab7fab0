//! Arguments of the commands that need no case: `identify` and `schema`.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use obit_analysis::json::subject::SchemaSubject;

use super::exit_codes::EXIT_CODES;

/// Read cgroup paths, one a line, and apply the path rule alone to each.
///
/// Prints one JSON object a line, with the keys path, runtime, container_id, root, pod_uid and
/// parent_container_id; null where the path does not tell. Paths are relative to the root of their
/// hierarchy. A derivation has better sources; the path is its last.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  find /sys/fs/cgroup -type d -printf '/%P\\n' | obit-replay identify
  cut -d: -f3- /proc/self/cgroup | obit-replay identify

{EXIT_CODES}"))]
pub struct IdentifyArgs {}

/// Print the JSON Schema (draft 2020-12) of what a command prints for programs.
///
/// Without a name, lists the names. New members may be added to what a schema describes; none is
/// taken away, and none changes its meaning.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  obit-replay schema\n  obit-replay schema verify > verify.schema.json\n\n{EXIT_CODES}"))]
pub struct SchemaArgs {
    /// Name of a schema: a command, or the table of rows
    #[arg(value_name = "WHAT", value_parser = schema_subject())]
    pub subject: Option<SchemaSubject>,
}

/// Parses the name of a schema.
fn schema_subject() -> impl TypedValueParser<Value = SchemaSubject> {
    let names = SchemaSubject::all().map(|subject| PossibleValue::new(subject.name()).help(subject.about()));
    PossibleValuesParser::new(names).try_map(|name| SchemaSubject::from_name(&name).ok_or("no such schema"))
}
