//! Arguments of `derive`.

use std::path::PathBuf;

use clap::Args;
use obit_derivation::Profile;
use obit_schema::Table;

use super::exit_codes::EXIT_CODES;
use super::filter::FilterArgs;
use super::names::{derived_table, profile};
use super::order::OrderArgs;
use crate::output::format::{ROW_FORMATS_HELP, RowFormat};

/// Derive rows from the raw log and print them.
///
/// The rows recorded at capture time are not used. If part of the raw log is missing, the rows that
/// follow from the rest are still printed, the damage is named on standard error, and the exit code
/// is 2.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay derive case/
  obit-replay derive case/ --event container_create --output created.csv
  obit-replay derive case/ --output removed.parquet
  obit-replay derive case/ --profile tracee
  obit-replay derive case/ --image nginx --cause oom_killed --last 2h
  obit-replay derive case/ --event container_exit --sort=-lifetime_ns --limit 10
  obit-replay derive nodes/ --since 03:05 --until 03:15 --columns host,ts,cause

Filters choose rows after the derivation: several values of one option mean any of them, several
options all of them. Of names, pods, namespaces and images `*` stands for any characters. A time is
RFC 3339, a date, a time of day (03:10), today, yesterday, so long before the case's end (10m,
1h30m), start or end; it is UTC unless it says otherwise, and is compared with the rows' column ts.

With several cases the rows are in the order of the wall clocks of their hosts, with the columns
host, machine_id, boot_id and case_id before the others; standard error says how far each clock may
be off.

{ROW_FORMATS_HELP}

{EXIT_CODES}"))]
pub struct DeriveArgs {
    /// Directory of a case, or a directory with cases in it; several give one time line
    #[arg(value_name = "CASE", required = true)]
    pub cases: Vec<PathBuf>,
    /// Rows to print
    #[arg(long, value_parser = derived_table(), default_value_t = Table::ContainerRemove)]
    pub event: Table,
    /// Rules to derive by: obit's own (strict), or those of Tracee on the same records, errors
    /// included: it reads paths only, and any removed directory inside a container is a row
    /// (tracee)
    #[arg(long, value_parser = profile(), hide_possible_values = true, default_value_t = Profile::Strict)]
    pub profile: Profile,
    /// Format of the output; without it, the one that the name of the output's file ends with, else
    /// a table
    #[arg(long, value_enum)]
    pub format: Option<RowFormat>,
    /// Write to this new file instead of standard output; an existing file is never overwritten
    #[arg(long, short, value_name = "PATH")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    pub filter: FilterArgs,
    #[command(flatten)]
    pub order: OrderArgs,
}
