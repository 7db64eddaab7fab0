//! Arguments of `verify`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use obit_analysis::evidence::Requirement;

use super::exit_codes::EXIT_CODES;
use crate::output::format::ReportFormat;

/// Derive again and compare with the rows recorded at capture time.
///
/// Prints the canonical digest of each table, once over the recorded rows and once over the derived
/// rows. The digest is defined over rows and their values, not over Parquet bytes, so it outlives
/// any library. Rows that differ are shown field by field. Rows are paired by container id and by
/// the number of rows of that id before them.
///
/// The verdict is "same" only if everything was read. A case that was never closed is verified as
/// far as it goes, and the verdict says so.
///
/// Also checks the checksums of all files, the chain of parts in case.json, signatures, and with
/// --anchor the lines that were written elsewhere while the case grew. The end of the report lists
/// the parts that are anchored, signed, or only hashed.
///
/// Without --signers, --anchor and --require it is no error that something is not proven. With
/// --signers or --anchor, what was sealed must lie before the newest head that one of the signers
/// or the anchor vouches for. With requirements the exit code is 0 or 1 for any case that can be
/// opened.
///
/// Of several cases, each is verified by itself, and the JSON of each is a line. The exit code is 1
/// if any fails, else 2 if any could not be decided or opened.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay verify case/
  obit-replay verify nodes/ --format json | jq -r '[.host, .verdict] | @tsv'
  obit-replay verify case/ --signers signers --require closed,signed,complete
  journalctl -o cat _UID=0 _EXE=/usr/bin/obit-capture |
    obit-replay verify case/ --anchor /dev/stdin --signers signers

{EXIT_CODES}"))]
pub struct VerifyArgs {
    /// Directory of a case, or a directory with cases in it; each is verified by itself
    #[arg(value_name = "CASE", required = true)]
    pub cases: Vec<PathBuf>,
    /// Show at most this many differing rows of each table; all are counted
    #[arg(long, value_name = "ROWS", default_value_t = 20)]
    pub show: usize,
    /// Trust the signatures of these signers: allowed signers as in ssh-keygen(1), lines of NAME
    /// ssh-ed25519 KEY. Something must be signed by one of them
    #[arg(long, value_name = "FILE")]
    pub signers: Option<PathBuf>,
    /// Compare with the lines that `obit-capture run --anchor` wrote elsewhere; lines may have
    /// anything before, such as the time in a system journal's text. With --signers, only lines
    /// count that one of them signed
    #[arg(long, value_name = "FILE")]
    pub anchor: Option<PathBuf>,
    /// Count all lines of the anchor: nobody but the recorder could write to it
    #[arg(long)]
    pub trust_anchor: bool,
    /// Fail unless the case has this id
    #[arg(long, value_name = "ID")]
    pub case_id: Option<String>,
    /// Fail unless all of these hold: closed, signed (all of it, by one of the signers), anchored
    /// (all of it), complete (closed, and no record, event or segment is missing)
    #[arg(long, value_name = "PROPERTIES", value_delimiter = ',', value_parser = requirement(), hide_possible_values = true)]
    pub require: Vec<Requirement>,
    /// Read what must hold from this file: a JSON object with any of require (a list), signers,
    /// anchor (paths, from the file's folder on), trust_anchor (true or false) and case_id
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Compare the texts that 'obit-replay disclose' printed with the commitments of an excerpt
    #[arg(long, value_name = "FILE")]
    pub disclosed: Option<PathBuf>,
    /// Format of the output; 'obit-replay schema verify' describes the JSON
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// Parses the name of a requirement.
fn requirement() -> impl TypedValueParser<Value = Requirement> {
    let names = Requirement::ALL.map(|requirement| PossibleValue::new(requirement.name()));
    let named = |name: String| Requirement::ALL.into_iter().find(|requirement| requirement.name() == name);
    PossibleValuesParser::new(names).try_map(move |name| named(name).ok_or("no such property"))
}
