//! The formats that output can have.

use std::path::Path;

use clap::ValueEnum;

/// A format of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RowFormat {
    Table,
    Jsonl,
    Csv,
    Parquet,
}

/// The formats of rows, as `derive --help` describes them.
pub const ROW_FORMATS_HELP: &str = "\
Formats:
  table    for people: the columns that matter first, as wide as the terminal and uncut in a pipe,
           times in UTC; text that could steer a terminal is escaped, as \\u{202e}
  jsonl    one JSON object a line with every column; null where a value is absent; times RFC 3339
           with nine digits
  csv      every column; nothing between the commas where a value is absent; lists as JSON; on
           standard output text that could steer a terminal is escaped, with --output no value is
           altered; standard error warns if a spreadsheet could run one as a formula
  parquet  every column, with the types of the case; needs --output
With another profile than strict, \"every column\" means every column that the profile fills.";

impl RowFormat {
    /// Returns the format that a file's name ends with: .csv, .jsonl (.ndjson), .parquet.
    pub fn of_extension(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// A format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    Text,
    Json,
}
