//! The command line: commands, arguments and their help.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ColorChoice, Parser, Subcommand};
use obit_analysis::evidence::Requirement;
use obit_analysis::filter::{
    IdPattern, IdentityFilter, ImagePattern, KillerPattern, PodPattern, RowFilter, TextPattern, TimeArgument,
    TimeArgumentError,
};
use obit_analysis::span::CaseSpan;
use obit_derivation::Profile;
use obit_derivation::identity::Engine;
use obit_derivation::row::Cause;
use obit_schema::Table;

use crate::json::subject::SchemaSubject;
use crate::output::format::{ROW_FORMATS_HELP, ReportFormat, RowFormat};
use crate::version::version;

const EXIT_CODES: &str = "\
Exit codes:
  0  done; for verify and diff: the rows are the same
  1  verify and diff only: rows differ; for verify also: files were changed, or
     what was asked for is not proven
  2  the case, the input or the command line could not be used; standard error
     says what to do";

const EXAMPLES: &str = "\
Examples:
  # which containers were removed, as a table
  obit-replay derive case/
  # the same with every column, for machines
  obit-replay derive case/ --format jsonl | jq .
  # only these; see 'obit-replay derive --help'
  obit-replay derive case/ --name web --last 2h
  # do the recorded rows follow from the raw log?
  obit-replay verify case/ && echo reproduced
  # who was this container, how did it live, how and on whose order did it end?
  obit-replay explain case/ web-1
  # which ends want a second look; what was running then?
  obit-replay triage case/
  obit-replay inventory case/ --at 03:10
  # which rows differ between two cases; which ones would Tracee have given?
  obit-replay diff monday/ tuesday/
  obit-replay diff case/ --profile-a tracee
  # what is in this case, and is any of it damaged
  obit-replay info case/
  # seal a case whose capture was cut off
  obit-replay close case/
  # hand out what one container's rows rest on
  obit-replay extract case/ --container 4f1d --output one/
  # apply the path rule alone
  echo /docker/$ID | obit-replay identify";

/// Derive the container rows of a case again, from its recording alone.
///
/// A case is the directory that `obit-capture run --output CASE` made. Commands only read it; only
/// `close` and `handover` write into it. No root is needed.
#[derive(Debug, Parser)]
#[command(name = "obit-replay", version = version(), max_term_width = 100, arg_required_else_help = false)]
#[command(after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct ReplayCli {
    #[command(subcommand)]
    pub command: ReplayCommand,
    /// Print colours: on a terminal (auto; not if NO_COLOR is set), always, or never
    #[arg(long, global = true, value_name = "WHEN", hide_possible_values = true, default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
    /// Print long text at once; without it a terminal gets it through OBIT_PAGER, PAGER or less
    #[arg(long, global = true)]
    pub no_pager: bool,
}

#[derive(Debug, Subcommand)]
pub enum ReplayCommand {
    Derive(Box<DeriveArgs>),
    Verify(VerifyArgs),
    Diff(DiffArgs),
    Explain(ExplainArgs),
    Info(InfoArgs),
    Inventory(Box<InventoryArgs>),
    Triage(Box<TriageArgs>),
    Close(CloseArgs),
    Extract(ExtractArgs),
    Disclose(DiscloseArgs),
    Handover(HandoverArgs),
    Identify(IdentifyArgs),
    Schema(SchemaArgs),
    /// Write man pages (man1) and shell completions (bash, zsh, fish) into a directory
    Reference {
        /// Directory to write them into
        directory: PathBuf,
    },
}

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
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay verify case/
  obit-replay verify case/ --signers signers --require closed,signed,complete
  journalctl -o cat _UID=0 _EXE=/usr/bin/obit-capture |
    obit-replay verify case/ --anchor /dev/stdin --signers signers

{EXIT_CODES}"))]
pub struct VerifyArgs {
    /// Directory of the case
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
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

/// Seal a case whose capture was cut off (power, kill -9), for good.
///
/// The journals become parts; no row is added, changed or left out. case.json then says from which
/// record on something may be missing. A case that is still being written, or that is damaged, is
/// left as it is.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  obit-replay close case/ && obit-replay verify case/\n\n{EXIT_CODES}"))]
pub struct CloseArgs {
    /// Directory of the case
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// Sign the case with this OpenSSH private key (ed25519, without a passphrase)
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
}

/// Take the records that some containers' rows rest on out of a case.
///
/// The excerpt is a case of its own: the records with their old places in the log, and the rows
/// that follow from them. No more records are taken than are needed for the rows of the whole case
/// to follow: the rows' evidence alone, or all that was recorded of the containers, or of those
/// around them, or everything.
///
/// If the capture signed or anchored the case, each part has the root of a Merkle tree over its
/// records in the chain, and the excerpt carries the proof that its records stand in them:
/// 'obit-replay verify EXCERPT --signers FILE' checks it without the whole case. It shows that the
/// records are genuine, not that no others were left out.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay extract case/ --container 4f1d9e --output excerpt/
  obit-replay extract case/ --container 4f1d9e --container 77ab --output two/ \\
    --redact actor_argv,runtime.labels
  obit-replay verify excerpt/ --signers signers

{EXIT_CODES}"))]
pub struct ExtractArgs {
    /// Directory of the case
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// A container, by its id or as 'obit-replay explain' takes it; can be given several times
    #[arg(long = "container", value_name = "CONTAINER", required = true)]
    pub containers: Vec<String>,
    /// Leave out the values of these columns of text, as COLUMN or TABLE.COLUMN; the excerpt has
    /// salted commitments in their place
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    pub redact: Vec<String>,
    /// New directory of the excerpt
    #[arg(long, short, value_name = "EXCERPT")]
    pub output: PathBuf,
    /// Sign the excerpt with this OpenSSH private key (ed25519, without a passphrase)
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
}

/// Print texts that an excerpt leaves out, for whoever has the excerpt.
///
/// Prints one JSON object with the texts and the salts of their commitments; of all other texts it
/// tells nothing. 'obit-replay verify EXCERPT --disclosed FILE' compares it with the excerpt.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  obit-replay disclose case/ excerpt/ --column actor_argv --seq 42 > texts.json\n\n{EXIT_CODES}"))]
pub struct DiscloseArgs {
    /// Directory of the whole case
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// Directory of the excerpt
    #[arg(value_name = "EXCERPT")]
    pub excerpt: PathBuf,
    /// Disclose the texts of this column, as COLUMN or TABLE.COLUMN, and of those that were left
    /// out together with it
    #[arg(long = "column", value_name = "COLUMN", value_delimiter = ',', required = true)]
    pub columns: Vec<String>,
    /// Disclose those of these records only
    #[arg(long = "seq", value_name = "SEQ", value_delimiter = ',')]
    pub seqs: Vec<u64>,
}

/// Record that a closed case is handed to somebody.
///
/// Adds a record to handover.jsonl beside case.json, signed with the key of whoever hands the case
/// over. It names case.json by its digest, and the record before it. 'obit-replay verify' and
/// 'obit-replay info' show and check the records; the case itself stays as it is.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  obit-replay handover case/ --to 'J. Doe' --note 'copy on disk 7' --sign key\n\n{EXIT_CODES}"))]
pub struct HandoverArgs {
    /// Directory of the case
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// Who gets the case
    #[arg(long, value_name = "NAME")]
    pub to: String,
    /// Reason and circumstances
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub note: String,
    /// Sign with this OpenSSH private key (ed25519, without a passphrase)
    #[arg(long, value_name = "KEY")]
    pub sign: PathBuf,
}

/// Compare the rows that follow from two cases, or from one by two profiles' rules.
///
/// The rows of both are derived again from their raw logs. Rows are paired by container id and by
/// the number of rows of that id before them. Columns that differ between any two recordings, even
/// of the same moment on the same host, are left out: places in the log (`seq`, `created_seq`,
/// `rmdir_seq`, `first_seen_seq`, `evidence_seqs`) and readings of the clock (`ts`, `boot_ns`,
/// `emptied_at`, `lifetime_ns`, and `created_at` if the capture saw the creation).
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
  obit-replay diff case/ --profile-a tracee --profile-b strict

{EXIT_CODES}"))]
pub struct DiffArgs {
    /// Directory of one case
    #[arg(value_name = "A")]
    pub left: PathBuf,
    /// Directory of the other case; the same case if left out and a profile is given
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
    /// Show at most this many differing rows of each table; all are counted
    #[arg(long, value_name = "ROWS", default_value_t = 20)]
    pub show: usize,
    /// Format of the output; 'obit-replay schema diff' describes the JSON
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

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

/// Count the ends of containers, and list those that want a second look.
///
/// Prints how many containers ended, by engine and cause, then the ends that have one of these
/// reasons, the most urgent first: killed_from_container (a task in another container killed it),
/// claimed_by_user (a user's own directory claims to be it), oom_by_ancestor (out of memory by a
/// limit above it), disputed (a source contradicts the kernel), never_started, ended_at_once
/// (within a second), seen_in_part (events were lost, or the end was not seen), not_removed (it
/// exited, and its directory was there to the end).
///
/// A reason is what the row's columns say, not a finding: many such ends are harmless.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay triage case/
  obit-replay triage nodes/ --last 1h --limit 20
  obit-replay triage case/ --format json |
    jq '.suspects[] | select(.reasons[0] == \"disputed\")'

{EXIT_CODES}"))]
pub struct TriageArgs {
    /// Directory of a case, or a directory with cases in it
    #[arg(value_name = "CASE", required = true)]
    pub cases: Vec<PathBuf>,
    /// Format of the output
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
    /// List at most this many ends; all are counted
    #[arg(long, value_name = "ENDS", default_value_t = 100)]
    pub limit: usize,
    #[command(flatten)]
    pub filter: FilterArgs,
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

/// Tell who a container was, how it lived, how it ended, on whose order, and what others said.
///
/// Each life of the container (a restarted one has several) is told by itself. Numbers in brackets
/// name the records of the log that a sentence follows from; what the log does not tell is said to
/// be not known. Times are UTC.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  obit-replay explain case/ 4f1d9e
  obit-replay explain case/ web-1 --records
  obit-replay explain nodes/ shop/web-7f9c
  obit-replay explain case/ nginx:1.27

{EXIT_CODES}"))]
pub struct ExplainArgs {
    /// Directory of a case, or a directory with cases in it
    #[arg(value_name = "CASE", required = true)]
    pub cases: Vec<PathBuf>,
    /// The container: its id, its name or the first 4 or more characters of its id; else its pod
    /// (NAME or NAMESPACE/NAME); else its image. If it fits several, they are listed
    #[arg(value_name = "CONTAINER", required = true)]
    pub what: String,
    /// Also show each record that the rows came from, in the order of the log
    #[arg(long)]
    pub records: bool,
    /// Format of the output; 'obit-replay schema explain' describes the JSON
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// Show what a case holds: manifest, parts, counts, lost intervals, damage.
///
/// Reads only the manifest and the parts' footers, not the log itself, unless the case was never
/// closed.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  obit-replay info case/\n  obit-replay info case/ --format json | jq .problems\n\n{EXIT_CODES}"))]
pub struct InfoArgs {
    /// Directory of the case
    #[arg(value_name = "CASE")]
    pub case: PathBuf,
    /// Format of the output
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,
}

/// Read cgroup paths, one a line, and apply the path rule alone to each.
///
/// Prints one JSON object a line, with the keys path, runtime, container_id, root, pod_uid and
/// parent_container_id; null where the path does not tell. Paths are relative to the root of their
/// hierarchy. A derivation has better sources; the path is its last.
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  find /sys/fs/cgroup -type d -printf '/%P\\n' | obit-replay identify
  cut -d: -f3- /proc/self/cgroup | obit-replay identify

{EXIT_CODES}"))]
pub struct IdentifyArgs {}

/// Print the JSON Schema (draft 2020-12) of what a command prints for programs.
///
/// Without a name, lists the names. New members may be added to what a schema describes; none is
/// taken away, and none changes its meaning.
#[derive(Debug, Args)]
#[command(after_help = format!("Examples:\n  obit-replay schema\n  obit-replay schema verify > verify.schema.json\n\n{EXIT_CODES}"))]
pub struct SchemaArgs {
    /// Name of a schema: a command, or the table of rows
    #[arg(value_name = "WHAT", value_parser = schema_subject())]
    pub subject: Option<SchemaSubject>,
}

/// Parses the name of a schema.
fn schema_subject() -> impl TypedValueParser<Value = SchemaSubject> {
    let names = SchemaSubject::all().map(|subject| PossibleValue::new(subject.name()).help(subject.about()));
    PossibleValuesParser::new(names).try_map(|name| SchemaSubject::from_name(&name).ok_or("no such schema"))
}

/// Options that choose containers: see [`IdentityFilter`].
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct IdentityArgs {
    /// Containers with this id, or whose id begins with these 4 or more characters
    #[arg(long = "container", value_name = "ID")]
    pub containers: Vec<IdPattern>,
    /// Containers of this name
    #[arg(long = "name", value_name = "NAME")]
    pub names: Vec<TextPattern>,
    /// Containers of this Kubernetes pod, as NAME or NAMESPACE/NAME
    #[arg(long = "pod", value_name = "POD")]
    pub pods: Vec<PodPattern>,
    /// Containers in this Kubernetes namespace, or containerd's
    #[arg(long = "namespace", value_name = "NAMESPACE")]
    pub namespaces: Vec<TextPattern>,
    /// Containers of this image: its reference, of which tag, digest and docker.io/library/ may be
    /// left out, or its digest
    #[arg(long = "image", value_name = "IMAGE")]
    pub images: Vec<ImagePattern>,
    /// Containers of this engine: docker, containerd, crio, podman, …
    #[arg(long = "runtime", value_name = "ENGINE", value_delimiter = ',', value_parser = engine(), hide_possible_values = true)]
    pub runtimes: Vec<Engine>,
}

impl IdentityArgs {
    /// Returns the filter.
    pub fn filter(&self) -> IdentityFilter {
        let Self { containers, names, pods, namespaces, images, runtimes } = self.clone();
        IdentityFilter { containers, names, pods, namespaces, images, runtimes }
    }
}

/// Options that choose rows: see [`RowFilter`].
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters")]
pub struct FilterArgs {
    #[command(flatten)]
    pub identity: IdentityArgs,
    /// Ends with this cause: exited, signalled, oom_killed, cgroup_killed, killed_by_runtime,
    /// host_shutdown, start_failed, never_started, unknown
    #[arg(long = "cause", value_name = "CAUSE", value_delimiter = ',', value_parser = cause(), hide_possible_values = true)]
    pub causes: Vec<Cause>,
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
            causes: self.causes.clone(),
            exit_codes: self.exit_codes.clone(),
            killers: self.killers.clone(),
            since: self.since.or(self.last).map(|time| time.resolve(span)),
            until: self.until.map(|time| time.resolve(span)),
        }
    }
}

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

/// Parses the name of an engine.
fn engine() -> impl TypedValueParser<Value = Engine> {
    let names = Engine::ALL.iter().map(|engine| PossibleValue::new(engine.as_str()));
    PossibleValuesParser::new(names).try_map(|name| Engine::from_name(&name).ok_or("no such engine"))
}

/// Parses the name of a cause.
fn cause() -> impl TypedValueParser<Value = Cause> {
    let names = Cause::ALL.iter().map(|cause| PossibleValue::new(cause.as_str()));
    PossibleValuesParser::new(names).try_map(|name| Cause::from_name(&name).ok_or("no such cause"))
}

/// Parses the name of a derived table.
fn derived_table() -> impl TypedValueParser<Value = Table> {
    let names = Table::DERIVED.map(|table| {
        PossibleValue::new(table.name()).help(match table {
            Table::ContainerExit => "Containers that exited: the init ended, or the last task left",
            Table::ContainerRemove => "Containers that were removed: the root directory is gone",
            Table::ContainerCreate => "Containers that were created",
            Table::ExistingContainer => "Containers that were alive before the capture started",
            _ => "Sources that contradict each other about a container's end",
        })
    });
    PossibleValuesParser::new(names).try_map(|name| Table::from_name(&name).ok_or("no such table"))
}

/// Parses the name of a requirement.
fn requirement() -> impl TypedValueParser<Value = Requirement> {
    let names = Requirement::ALL.map(|requirement| PossibleValue::new(requirement.name()));
    let named = |name: String| Requirement::ALL.into_iter().find(|requirement| requirement.name() == name);
    PossibleValuesParser::new(names).try_map(move |name| named(name).ok_or("no such property"))
}

/// Parses the name of a profile.
fn profile() -> impl TypedValueParser<Value = Profile> {
    let names = Profile::ALL.iter().map(|profile| PossibleValue::new(profile.as_str()));
    PossibleValuesParser::new(names).try_map(|name| Profile::from_name(&name).ok_or("no such profile"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::one_line;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        ReplayCli::command().debug_assert();
    }

    #[test]
    fn usage_errors_take_one_line_with_the_cause_and_the_right_help() {
        for (arguments, cause, help) in [
            (&["obit-replay"][..], "One of derive, verify", "'obit-replay --help'"),
            (&["obit-replay", "exhume"], "exhume", "'obit-replay --help'"),
            (&["obit-replay", "derive"], "CASE", "'obit-replay derive --help'"),
            (&["obit-replay", "derive", "c", "--format", "xml"], "xml", "'obit-replay derive --help'"),
            (&["obit-replay", "derive", "c", "--frmat", "csv"], "--frmat", "'obit-replay derive --help'"),
            (&["obit-replay", "verify", "c", "--show", "many"], "many", "'obit-replay verify --help'"),
        ] {
            let error = ReplayCli::try_parse_from(arguments).expect_err("bad usage");
            let line = one_line(&error, &ReplayCli::command(), arguments[1..].iter().map(Into::into));
            assert!(!line.contains('\n') && line.contains(cause) && line.ends_with(help), "{line}");
            assert!(!line.contains("tip:") && !line.contains("-- --"), "{line}");
            assert_eq!(line.contains("similar") && line.contains("'--format'"), cause == "--frmat", "{line}");
        }
    }

    #[test]
    fn examples_can_be_pasted_from_a_terminal_of_80_columns() {
        let mut program = ReplayCli::command();
        let commands: Vec<clap::Command> = program.get_subcommands().cloned().chain([program.clone()]).collect();
        program.build();
        for command in commands {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples = help.lines().skip_while(|line| *line != "Examples:").take_while(|line| !line.is_empty());
            for line in examples {
                assert!(line.chars().count() <= 80, "{}: {line}", command.get_name());
            }
        }
    }
}
