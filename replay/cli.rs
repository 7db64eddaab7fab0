//! The command line: what can be asked, in the words of the help text.

use std::path::PathBuf;
use std::sync::LazyLock;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use obit_derivation::Profile;
use obit_schema::Table;

/// The commit this program was built from; a source tree outside git has none.
fn git_commit() -> &'static str {
    option_env!("OBIT_GIT_COMMIT").unwrap_or("unknown")
}

/// What `--version` prints after the program's name.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> =
        LazyLock::new(|| format!("{} (git commit {})", env!("CARGO_PKG_VERSION"), git_commit()));
    &VERSION
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done; of verify and diff: the rows are the same
  1  verify and diff only: rows differ
  2  the case, the input or the command line could not be used; standard error says what to do";

const EXAMPLES: &str = "\
Examples:
  obit-replay derive case/                            which containers ended, as a table
  obit-replay derive case/ --format jsonl | jq .      the same with every column, for machines
  obit-replay verify case/ && echo reproduced         do the recorded rows follow from the raw log?
  obit-replay diff monday/ tuesday/                   which rows differ between two cases
  obit-replay diff case/ --profile-a tracee           which rows would Tracee have given instead?
  obit-replay explain case/ 4f1d                      why is this container said to have ended?
  obit-replay info case/                              what is in this case, and is any of it damaged
  obit-replay close case/                             seal a case whose capture was cut off
  echo /docker/$ID | obit-replay identify             what the path rule alone says";

/// Reach the container rows of a case again, from its recording alone.
///
/// A case is the directory that `obit-capture run --output CASE` made. It is only ever read: no command here but
/// `close` writes into it. No root is needed.
#[derive(Debug, Parser)]
#[command(name = "obit-replay", version = version(), max_term_width = 100, arg_required_else_help = false)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Derive(DeriveArgs),
    Verify(VerifyArgs),
    Diff(DiffArgs),
    Explain(ExplainArgs),
    Info(InfoArgs),
    Close(CloseArgs),
    Identify(IdentifyArgs),
    /// Writes man pages and shell completions, for packages
    #[command(hide = true)]
    Reference {
        /// The directory to write them into
        directory: PathBuf,
    },
}

/// Derive rows from the raw log and print them.
///
/// The rows recorded at capture time are not looked at. If part of the raw log is missing, the rows that follow from the
/// rest are still printed, the damage is named on standard error, and the exit code is 2.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay derive case/
  obit-replay derive case/ --event container_create --format csv --output created.csv
  obit-replay derive case/ --format parquet --output removed.parquet
  obit-replay derive case/ --profile tracee

Formats:
  table    for people: what a responder needs first, 120 characters wide, times in UTC; text that
           could steer a terminal is written out, as \\u{{202e}}
  jsonl    one JSON object a line with every column; null where a value is absent; times RFC 3339
           with nine digits
  csv      every column; nothing between the commas where a value is absent; lists as JSON; values
           are not altered: standard error says so if a spreadsheet could run one as a formula
  parquet  every column, with the types of the case; needs --output
With another profile than strict, \"every column\" is every one that the profile fills.

{EXIT_CODES}"))]
pub struct DeriveArgs {
    /// The case's directory
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// Which rows
    #[arg(long, value_enum, default_value_t = Event::ContainerRemove)]
    pub event: Event,
    /// By whose rules: obit's own (strict), or those of Tracee on the same records, errors included: it reads paths only,
    /// and any removed directory inside a container is a row (tracee)
    #[arg(long, value_parser = profile(), hide_possible_values = true, default_value_t = Profile::Strict)]
    pub profile: Profile,
    /// How to print them
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Write to this new file instead of standard output; an existing file is never overwritten
    #[arg(long, value_name = "PATH")]
    pub output: Option<PathBuf>,
}

/// Derive again and compare with the rows recorded at capture time.
///
/// Prints the canonical digest of each table, of what was recorded and of what was derived. The digest is defined over rows
/// and their values, not over Parquet bytes, so it outlives any library. Rows that differ are shown field by field; rows
/// are paired by container id and by how many rows of that id came before.
///
/// "Same" is said only if everything was read. A case that was never closed is verified as far as it goes, and says so.
///
/// Checked as well: the checksums of all files, the chain of parts in case.json, signatures, and with --anchor what was
/// written elsewhere while the case grew. The end of the report says which parts are anchored, signed, or only hashed.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  obit-replay verify case/\n\n{EXIT_CODES}"))]
pub struct VerifyArgs {
    /// The case's directory
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// Show at most so many differing rows of each table; all are counted
    #[arg(long, value_name = "ROWS", default_value_t = 20)]
    pub show: usize,
    /// Whose signatures to trust: allowed signers as of ssh-keygen(1), lines of NAME ssh-ed25519 KEY
    #[arg(long, value_name = "FILE")]
    pub signers: Option<PathBuf>,
    /// What `obit-capture run --anchor` wrote elsewhere: lines may have anything before, as in a system journal's text
    #[arg(long, value_name = "FILE")]
    pub anchor: Option<PathBuf>,
}

/// Seal a case whose capture was cut off (power, kill -9), for good.
///
/// What is in its journals becomes parts; no row is added, changed or left out. case.json then says from which record on
/// something may be missing. A case that is still being written, or that is damaged, is left as it is.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  obit-replay close case/ && obit-replay verify case/\n\n{EXIT_CODES}"))]
pub struct CloseArgs {
    /// The case's directory
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// Sign the case with this OpenSSH private key (ed25519, without a passphrase)
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
}

/// Compare the rows that follow from two cases, or from one by two profiles' rules.
///
/// The rows of both are derived again from their raw logs. Rows are paired by container id and by how many rows of that id
/// came before. Columns that differ between any two recordings, even of the same moment on the same host, are left out:
/// places in the log (`seq`, `created_seq`, `rmdir_seq`, `first_seen_seq`, `evidence_seqs`) and readings of the clock
/// (`ts`, `boot_ns`, `emptied_at`, `lifetime_ns`, `created_at` of what the capture saw being created).
///
/// With two profiles, rows are paired by container id and path, and left out are also the columns that one of them does not
/// fill, `hierarchy_id` and `cgroup_id`: each profile has its own rule for which of a container's directories stands for it.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay diff before/ after/
  obit-replay diff case/ copy-of-case/ --all-columns
  obit-replay diff first-run/ second-run/ --ignore cgroup_id,removed_by_pid
  obit-replay diff case/ --profile-a tracee --profile-b strict

{EXIT_CODES}"))]
pub struct DiffArgs {
    /// One case's directory
    #[arg(value_name = "A")]
    pub left: PathBuf,
    /// The other's; the same one if a profile is given
    #[arg(value_name = "B", required_unless_present_any = ["profile_a", "profile_b"])]
    pub right: Option<PathBuf>,
    /// By whose rules the rows of A are derived: strict or tracee, as in 'obit-replay derive --help'
    #[arg(long, value_parser = profile(), hide_possible_values = true, default_value_t = Profile::Strict)]
    pub profile_a: Profile,
    /// By whose rules the rows of B are derived
    #[arg(long, value_parser = profile(), hide_possible_values = true, default_value_t = Profile::Strict)]
    pub profile_b: Profile,
    /// Compare only these rows; without it, all three tables
    #[arg(long, value_enum)]
    pub event: Option<Event>,
    /// Compare every column, those too that differ between any two recordings
    #[arg(long)]
    pub all_columns: bool,
    /// Leave these columns out as well
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub ignore: Vec<String>,
    /// Show at most so many differing rows of each table; all are counted
    #[arg(long, value_name = "ROWS", default_value_t = 20)]
    pub show: usize,
}

/// Show the records that led to a container's rows, and the rule that decided.
///
/// Each life (each life of that id) is shown by itself, with its records in the order of the log.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  obit-replay explain case/ 4f1d9e\n  obit-replay explain case/ web-1\n\n{EXIT_CODES}"))]
pub struct ExplainArgs {
    /// The case's directory
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// The container's id, or the first 4 or more characters of it
    #[arg(value_name = "CONTAINER_ID")]
    pub container_id: String,
}

/// Say what a case holds: manifest, parts, counts, lost intervals, damage.
///
/// Reads the manifest and the parts' footers only, not the log itself, unless the case was never closed.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  obit-replay info case/\n  obit-replay info case/ --format json | jq .problems\n\n{EXIT_CODES}"))]
pub struct InfoArgs {
    /// The case's directory
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// How to print it
    #[arg(long, value_enum, default_value_t = InfoFormat::Text)]
    pub format: InfoFormat,
}

/// Read cgroup paths, one a line, and say what the path rule alone makes of each.
///
/// One JSON object a line, with the keys path, runtime, container_id, root, pod_uid and parent_container_id; null where the
/// path does not tell. Paths are relative to their hierarchy's root. A derivation has better sources; the path is its last.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  find /sys/fs/cgroup -type d -printf '/%P\\n' | obit-replay identify
  cut -d: -f3- /proc/self/cgroup | obit-replay identify

{EXIT_CODES}"))]
pub struct IdentifyArgs {}

/// A derived table, by the name of the event its rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Event {
    /// Containers that ended
    ContainerRemove,
    /// Containers that were created
    ContainerCreate,
    /// Containers that were alive before the capture started
    ExistingContainer,
    /// Where sources contradict each other about a container's end
    Disagreement,
}

impl Event {
    /// The table of those rows.
    pub fn table(self) -> Table {
        match self {
            Self::ContainerRemove => Table::ContainerRemove,
            Self::ContainerCreate => Table::ContainerCreate,
            Self::ExistingContainer => Table::ExistingContainer,
            Self::Disagreement => Table::Disagreement,
        }
    }
}

/// How `derive` prints rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Table,
    Jsonl,
    Csv,
    Parquet,
}

/// How `info` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InfoFormat {
    Text,
    Json,
}

/// Reads the name of a profile.
fn profile() -> impl TypedValueParser<Value = Profile> {
    let names = Profile::ALL.iter().map(|profile| PossibleValue::new(profile.as_str()));
    PossibleValuesParser::new(names).try_map(|name| Profile::from_name(&name).ok_or("no such profile"))
}

/// A usage error of clap's, which takes several lines, in one.
pub fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let said: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    let said = said.join(" ");
    format!("{}; see 'obit-replay --help'", said.strip_prefix("error: ").unwrap_or(&said))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn usage_errors_take_one_line_and_keep_the_cause() {
        for (arguments, cause) in [
            (&["obit-replay"][..], "subcommand"),
            (&["obit-replay", "derive"], "CASE"),
            (&["obit-replay", "derive", "c", "--format", "xml"], "xml"),
            (&["obit-replay", "derive", "c", "--frmat", "csv"], "--frmat"),
            (&["obit-replay", "verify", "c", "--show", "many"], "many"),
        ] {
            let line = one_line(&Cli::try_parse_from(arguments).expect_err("bad usage"));
            assert!(!line.contains('\n') && line.contains(cause) && line.contains("--help"), "{line}");
        }
    }
}
