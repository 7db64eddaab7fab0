//! The arguments of `report`.

use std::path::PathBuf;

use clap::Args;

use super::exit_codes::EXIT_CODES;
use super::filter::FilterArgs;

/// Write a page for people: the time line of all lives, and the story of each.
///
/// The page is one HTML file that asks nothing of a network: open it in any current browser, also
/// from a USB stick. The same case and options always make the same file.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay report case/ --output report.html
  obit-replay report nodes/ --since 03:05 --until 03:15 --output night.html
  obit-replay report case/ --container 4f1d9e --output one.md

Each case is verified, and the result is part of the page. To print what there is to know of one
end, open its life in the page and print that: it has page numbers and needs no colour.

A life is on the page if one of its rows matches the filters; all of its rows are.

{EXIT_CODES}"))]
pub struct ReportArgs {
    /// Directory of a case, or a directory with cases in it
    #[arg(value_name = "CASE", required = true)]
    pub cases: Vec<PathBuf>,
    /// Name of the new file: NAME.html is a page, NAME.md the same stories as Markdown
    #[arg(long, value_name = "FILE")]
    pub output: PathBuf,
    /// File of signers to trust, as for `verify`
    #[arg(long, value_name = "FILE")]
    pub signers: Option<PathBuf>,
    /// Anchor of the case, as for `verify`; its lines count if one of the signers signed them
    #[arg(long, value_name = "FILE")]
    pub anchor: Option<PathBuf>,
    #[command(flatten)]
    pub filter: FilterArgs,
}
