//! Options for the order and the columns of rows.

use clap::Args;

/// Options for the order and the columns of rows.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Order and columns")]
pub struct OrderArgs {
    /// Write these columns, in this order, by the names that docs/case-format.md has; also host,
    /// machine_id, boot_id and case_id
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Sort by these columns; --sort=-COLUMN for the greatest first. Rows without a value come last
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', allow_hyphen_values = true)]
    pub sort: Vec<String>,
    /// Write at most this many rows
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<usize>,
}
