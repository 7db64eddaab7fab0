//! Arguments of `info`.

use std::path::PathBuf;

use clap::Args;

use super::exit_codes::EXIT_CODES;
use crate::output::format::ReportFormat;

/// Show what a case holds: manifest, parts, counts, lost intervals, damage.
///
/// Reads only the manifest and the parts' footers, not the log itself, unless the case was never
/// closed. The JSON of each of several cases is a line.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  obit-replay info case/\n  obit-replay info case/ --format json | jq .problems\n\n{EXIT_CODES}"))]
pub struct InfoArgs {
    /// Directory of a case, or a directory with cases in it
    #[arg(value_name = "CASE", required = true)]
    pub cases: Vec<PathBuf>,
    /// Format of the output
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}
