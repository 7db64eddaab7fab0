//! Arguments of `export`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use obit_analysis::export::ExportFormat;

use super::exit_codes::EXIT_CODES;
use super::filter::FilterArgs;
use crate::output::security_lake::LakePartition;

/// Write derived rows in the format of another program.
///
/// The rows of all derived tables are written, with host and case. What is absent is left out, not
/// written as zero. docs/exports.md lists which column becomes which field, and what a format
/// loses. With several cases one comes after the other. Memory does not grow with the case.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay export case/ --to timesketch --output case.jsonl
  obit-replay export nodes/ --to timesketch --since 03:05 --until 03:15
  obit-replay export nodes/ --to ocsf --output lake \\
      --security-lake eu-central-1/123456789012

Filters choose rows after the derivation, as those of 'obit-replay derive' do.

{EXIT_CODES}"))]
pub struct ExportArgs {
    /// Directory of a case, or a directory with cases in it
    #[arg(value_name = "CASE", required = true)]
    pub cases: Vec<PathBuf>,
    /// Format of the output
    #[arg(long, value_name = "FORMAT", value_parser = export_format())]
    pub to: ExportFormat,
    /// Write to this new file instead of standard output; an existing file is never overwritten
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// With --to ocsf: write Parquet into the new directory --output, in folders as Amazon Security
    /// Lake has them: region=REGION/accountId=ACCOUNT/eventDay=YYYYMMDD
    #[arg(long, value_name = "REGION/ACCOUNT", requires = "output", value_parser = LakePartition::parse)]
    pub security_lake: Option<LakePartition>,
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// Parses the name of a format.
fn export_format() -> impl TypedValueParser<Value = ExportFormat> {
    let names = ExportFormat::ALL.map(|format| PossibleValue::new(format.name()).help(format.summary()));
    let named = |name: String| ExportFormat::ALL.into_iter().find(|format| format.name() == name);
    PossibleValuesParser::new(names).try_map(move |name| named(name).ok_or("no such format"))
}
