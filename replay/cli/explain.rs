//! Arguments of `explain`.

use std::path::PathBuf;

use clap::Args;

use super::exit_codes::EXIT_CODES;
use super::filter::FilterArgs;
use crate::output::format::ReportFormat;

/// Tell who a container was, how it lived, how it ended, on whose order, and what others said.
///
/// Each life of the container (a restarted one has several) is told by itself. Numbers in brackets
/// name the records of the log that a sentence follows from; what the log does not tell is said to
/// be not known. Times are UTC.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay explain case/ 4f1d9e
  obit-replay explain case/ web-1 --records
  obit-replay explain nodes/ shop/web-7f9c
  obit-replay explain case/ nginx:1.27
  obit-replay explain case/ web-1 --cause oom_killed --last 2h --limit 3

Filters choose among containers that CONTAINER stands for, and among their lives: those with a row
that fits. See 'obit-replay derive --help' for what a time may be.

{EXIT_CODES}"))]
pub struct ExplainArgs {
    /// Directory of a case, or a directory with cases in it
    #[arg(value_name = "CASE", required = true)]
    pub cases: Vec<PathBuf>,
    /// The container: its id, its name or the first 4 or more characters of its id; else its pod
    /// (NAME or NAMESPACE/NAME); else its image. If it fits several, they are listed
    #[arg(value_name = "CONTAINER", required = true)]
    pub what: String,
    /// Also show each record that the rows came from, in the order of the log
    #[arg(long)]
    pub records: bool,
    /// Tell of at most this many lives
    #[arg(long, value_name = "LIVES", default_value_t = 1_000)]
    pub limit: usize,
    /// Format of the output; 'obit-replay schema explain' describes the JSON
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    #[command(flatten)]
    pub filter: FilterArgs,
}
