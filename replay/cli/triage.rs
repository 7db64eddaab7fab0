//! Arguments of `triage`.

use std::path::PathBuf;

use clap::Args;

use super::exit_codes::EXIT_CODES;
use super::filter::FilterArgs;
use crate::output::format::ReportFormat;

/// Count the ends of containers, and list those that want a second look.
///
/// Prints how many containers ended, by engine and cause, then the ends that have one of these
/// reasons, the most urgent first: killed_from_container (a task in another container killed it),
/// claimed_by_user (a user's own directory claims to be it), oom_by_ancestor (out of memory by a
/// limit above it), disputed (a source contradicts the kernel), never_started, ended_at_once
/// (within a second), seen_in_part (events were lost, or the end was not seen), not_removed (it
/// exited, and its directory was there to the end).
///
/// A reason is what the row's columns say, not a finding: many such ends are harmless.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay triage case/
  obit-replay triage nodes/ --last 1h --limit 20
  obit-replay triage case/ --format json |
    jq '.suspects[] | select(.reasons[0] == \"disputed\")'

{EXIT_CODES}"))]
pub struct TriageArgs {
    /// Directory of a case, or a directory with cases in it
    #[arg(value_name = "CASE", required = true)]
    pub cases: Vec<PathBuf>,
    /// Format of the output
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// List at most this many ends; all are counted
    #[arg(long, value_name = "ENDS", default_value_t = 100)]
    pub limit: usize,
    #[command(flatten)]
    pub filter: FilterArgs,
}
