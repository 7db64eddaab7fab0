//! Arguments of `inventory`.

use std::path::PathBuf;

use clap::Args;
use obit_analysis::filter::{TimeArgument, TimeArgumentError};
use obit_filter::args::IdentityArgs;

use super::exit_codes::EXIT_CODES;
use crate::output::format::ReportFormat;

/// List the containers that were there at a moment: since when, and who each of them was.
///
/// A container runs from its creation to its exit. One that has exited and whose directory is still
/// there is listed as exited. Those that were alive when the capture started count from its start
/// on. The moment is compared with the wall clock of the rows, a record with their places in the
/// log. Who a container was is what its last row says: a name that a daemon told later is missing
/// if the case has no end of the container.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay inventory case/
  obit-replay inventory case/ --at 03:10 --namespace shop
  obit-replay inventory nodes/ --at 2026-11-30T03:10:00Z --format json
  # what ran when record 191 was admitted
  obit-replay inventory case/ --at 191

{EXIT_CODES}"))]
pub struct InventoryArgs {
    /// Directory of a case, or a directory with cases in it
    #[arg(value_name = "CASE", required = true)]
    pub cases: Vec<PathBuf>,
    /// The moment: start, end, RFC 3339, a time of day (03:10, UTC), so long before the case's end
    /// (10m), or the number of a record (seq)
    #[arg(long, value_name = "TIME", value_parser = inventory_moment, default_value = "end")]
    pub at: InventoryMoment,
    /// Format of the output
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    #[command(flatten)]
    pub identity: IdentityArgs,
}

/// The moment that `inventory` asks about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InventoryMoment {
    /// A moment by the wall clock.
    Time(TimeArgument),
    /// The place of a record.
    Record(u64),
}

/// Parses the moment of an inventory. A bare number is a record.
fn inventory_moment(text: &str) -> Result<InventoryMoment, TimeArgumentError> {
    match text.parse() {
        Ok(seq) => Ok(InventoryMoment::Record(seq)),
        Err(_) => text.parse().map(InventoryMoment::Time),
    }
}
