//! Options that choose rows: those of both programs, and times, which are relative to a case.

use clap::Args;
use obit_analysis::filter::{KillerPattern, RowFilter, TimeArgument, TimeArgumentError};
use obit_analysis::span::CaseSpan;
use obit_filter::args::{CauseArgs, IdentityArgs};

/// Options that choose rows: see [`RowFilter`].
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
    #[command(flatten)]
    pub identity: IdentityArgs,
    #[command(flatten)]
    pub cause: CauseArgs,
    /// Ends with this exit code, by the kernel's word
    #[arg(long = "exit-code", value_name = "CODE", value_delimiter = ',')]
    pub exit_codes: Vec<u8>,
    /// Ends by this task, as PROGRAM, PID or PROGRAM[PID]
    #[arg(long = "killed-by", value_name = "TASK")]
    pub killers: Vec<KillerPattern>,
    /// Rows from this time on
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<TimeArgument>,
    /// Rows up to this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<TimeArgument>,
    /// Rows of the last 10m, 2h, … before the case's end
    #[arg(long, value_name = "DURATION", value_parser = before_end, conflicts_with_all = ["since", "until"])]
    pub last: Option<TimeArgument>,
}

impl FilterArgs {
    /// Returns the filter for cases of this span.
    pub fn filter(&self, span: CaseSpan) -> RowFilter {
        RowFilter {
            identity: self.identity.filter(),
            causes: self.cause.causes.clone(),
            exit_codes: self.exit_codes.clone(),
            killers: self.killers.clone(),
            since: self.since.or(self.last).map(|time| time.resolve(span)),
            until: self.until.map(|time| time.resolve(span)),
        }
    }
}

/// Parses a moment.
fn moment(text: &str) -> Result<TimeArgument, TimeArgumentError> {
    text.parse()
}

/// Parses a duration that ends with the case.
fn before_end(text: &str) -> Result<TimeArgument, String> {
    match text.parse() {
        Ok(time @ TimeArgument::BeforeEnd(_)) => Ok(time),
        _ => Err("give a duration, as 10m, 1h30m or 2d".to_owned()),
    }
}
