//! Arguments of `diff`.

use std::path::PathBuf;

use clap::Args;
use obit_derivation::Profile;
use obit_schema::Table;

use super::exit_codes::EXIT_CODES;
use super::filter::FilterArgs;
use super::names::{derived_table, profile};
use crate::output::format::ReportFormat;

/// Compare the rows that follow from two cases, or from one by two profiles' rules.
///
/// The rows of both are derived again from their raw logs. Rows are paired by container id and by
/// the number of rows of that id before them. Columns that differ between any two recordings, even
/// of the same moment on the same host, are left out: places in the log (`seq`, `created_seq`,
/// `rmdir_seq`, `first_seen_seq`, `evidence_seqs`) and readings of the clock (`ts`, `boot_ns`,
/// `emptied_at`, `lifetime_ns`, and `created_at` if the capture saw the creation).
///
/// Of two sets, cases of one host are compared, the earliest with the earliest; a case without a
/// counterpart is a difference. The JSON of each pair is a line.
///
/// With two profiles, rows are paired by container id and path. Tables and columns that one profile
/// does not fill are left out too, as are `hierarchy_id` and `cgroup_id`: each profile has its own
/// rule for which of a container's directories stands for it.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay diff before/ after/
  obit-replay diff case/ copy-of-case/ --all-columns
  obit-replay diff first-run/ second-run/ --ignore cgroup_id,removed_by_pid
  obit-replay diff monday/ tuesday/ --namespace shop --columns cause,exit_code
  obit-replay diff case/ --profile-a tracee --profile-b strict

Filters choose the rows that are compared, on both sides, and the tables: those that have what is
asked for. A time is relative to each case's own end.

{EXIT_CODES}"))]
pub struct DiffArgs {
    /// Directory of one case, or of a set of cases
    #[arg(value_name = "A")]
    pub left: PathBuf,
    /// Directory of the other case, or of the other set; the same case if left out and a profile is
    /// given
    #[arg(value_name = "B", required_unless_present_any = ["profile_a", "profile_b"])]
    pub right: Option<PathBuf>,
    /// Rules for the rows of A: strict or tracee, as in 'obit-replay derive --help'
    #[arg(long, value_parser = profile(), hide_possible_values = true, default_value_t = Profile::Strict)]
    pub profile_a: Profile,
    /// Rules for the rows of B
    #[arg(long, value_parser = profile(), hide_possible_values = true, default_value_t = Profile::Strict)]
    pub profile_b: Profile,
    /// Compare only these rows; without it, all derived tables
    #[arg(long, value_parser = derived_table())]
    pub event: Option<Table>,
    /// Compare every column, also those that differ between any two recordings
    #[arg(long)]
    pub all_columns: bool,
    /// Leave these columns out as well
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Compare these columns only, also if they differ between any two recordings
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', conflicts_with_all = ["ignore", "all_columns"])]
    pub columns: Vec<String>,
    /// Show at most this many differing rows of each table; all are counted
    #[arg(long, value_name = "ROWS", default_value_t = 20)]
    pub show: usize,
    /// Format of the output; 'obit-replay schema diff' describes the JSON
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    #[command(flatten)]
    pub filter: FilterArgs,
}
