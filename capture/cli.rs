//! The command line of obit-capture.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser as _};
use clap::{Args, Parser, Subcommand};
use obit_analysis::export::ExportFormat;
use obit_filter::RowFilter;
use obit_filter::args::{CauseArgs, IdentityArgs};

use crate::announcing::{AnnouncementTarget, parse_file_format};
use crate::commands::check::report::CheckFormat;
use crate::commands::follow::FollowFormat;
use crate::host::case_dirs::CaseName;
use crate::pipeline::{ActorArgv, WhenFull};
use crate::sources::daemons::{LabelPolicy, RuntimeChoice};

/// Records the end of containers, with the evidence, into a case directory.
#[derive(Debug, Parser)]
#[command(
    name = "obit-capture",
    version = concat!(env!("CARGO_PKG_VERSION"), " (git commit ", env!("OBIT_GIT_COMMIT"), ")"),
    after_help = "Examples:
  obit-capture check                              # what works on this host
  obit-capture run --output case --duration 10m   # record for ten minutes
  obit-capture run --output case --follow         # print each end, until Ctrl-C
  obit-capture demo --output case                 # record a small workload

Exit codes:
  0  done, nothing is missing
  1  check: a capture cannot run here
  2  cannot run, or wrong usage
  3  the case is incomplete: events were lost, a user made more than is recorded
     or followed, or something failed on the way; what was recorded is in it

Read a case with obit-replay."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Record until the duration ends or a signal comes (SIGINT, SIGTERM, SIGHUP), then close the
    /// case. SIGUSR1: say how it fares. SIGUSR2: seal what is recorded so far
    Run(RunArgs),
    /// Report what would work on this host, what would not, and what to do about it
    Check(CheckArgs),
    /// Record a small workload: cgroup directories as the engines lay them out, made and removed
    /// below a cgroup of its own
    Demo(DemoArgs),
    /// Wait in a demo container until standard input ends
    #[command(hide = true)]
    DemoOccupant,
    /// Hold the key on standard input for a recorder, and sign what comes over standard output, a
    /// socket, until that is closed
    #[command(hide = true)]
    SignLines {
        /// Name of the key, for messages
        key: PathBuf,
    },
    /// Write what a recorder sends over standard output, a socket, to a target, until that is
    /// closed
    #[command(hide = true)]
    AnnounceRows {
        /// The target, as the recorder was given it
        #[arg(value_parser = AnnouncementTarget::parse)]
        target: AnnouncementTarget,
    },
    /// Ask daemons what a recorder sends over standard output, a socket, until that is closed
    #[command(hide = true)]
    AskDaemons(AskDaemonsArgs),
    /// Start what asks daemons, and start it again when it has ended
    #[command(hide = true)]
    SuperviseAsking(AskDaemonsArgs),
    /// Write man pages (man1) and shell completions (bash, zsh, fish) into a directory
    Reference {
        /// The directory to write them into
        directory: PathBuf,
    },
}

/// Options of a recording, for `run` and `demo`.
#[derive(Args, Debug)]
pub struct RecordArgs {
    /// The case directory to make; it must not exist, or be empty and writable by this user alone.
    /// An empty one of mode 2750 lets its group read the case. `{time}` in its name stands for the
    /// time of the start in UTC, like 20261124T070000Z
    #[arg(long, short, value_name = "CASE", value_parser = OsStringValueParser::new().map(CaseName::now))]
    pub output: CaseName,
    /// Size of the buffer between kernel and recorder: a power of two
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = parse_ring_buffer)]
    pub ring_buffer: u32,
    /// Type information of the running kernel, if the kernel does not carry its own
    #[arg(long, value_name = "FILE")]
    pub btf: Option<PathBuf>,
    /// Longest time that the row of an end waits for late answers about the container; 0s: none
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = parse_grace)]
    pub grace: Duration,
    /// Record the arguments of OCI runtimes only, or of every program that makes or
    /// removes a cgroup or ends a container. Arguments may carry secrets
    #[arg(long, value_enum, default_value_t = ActorArgv::Runtimes)]
    pub actor_argv: ActorArgv,
    /// Interval at which records are brought to disk. While cgroupfs is walked (at the start and
    /// at each cut of drop-oldest) events wait in memory for the end of the walk
    #[arg(long, value_name = "TIME", default_value = "200ms", value_parser = parse_duration)]
    pub sync_interval: Duration,
    /// Interval at which the clocks, and how well they are kept, are recorded; a clock that is set
    /// is recorded at once
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = parse_duration)]
    pub clock_interval: Duration,
    /// Seal a part of the case after this many rows
    #[arg(long, value_name = "ROWS", default_value_t = 1 << 20, value_parser = clap::value_parser!(u64).range(1..))]
    pub part_rows: u64,
    /// Seal a part of the case when its first row has this age
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_duration)]
    pub part_age: Duration,
    /// Largest size of the case; see --when-full
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_bytes: Option<u64>,
    /// Stop when the case has the size of --max-bytes, or go on and drop the oldest
    /// segments
    #[arg(long, value_enum, default_value_t = WhenFull::Stop, requires = "max_bytes")]
    pub when_full: WhenFull,
    /// With --when-full drop-oldest: the longest time that one segment covers, and so the most that
    /// is dropped at once
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = parse_duration)]
    pub segment_age: Duration,
    /// With `{time}` in --output: first remove the oldest cases of that name, until the others and
    /// this one's --max-bytes come to no more than this
    #[arg(long, value_name = "SIZE", value_parser = parse_size, requires = "max_bytes")]
    pub max_total: Option<u64>,
    /// Sign the case with this OpenSSH private key (ed25519, without a passphrase), which nobody
    /// else may read; `-`: it is standard input, a file that the recorder need not find. A process
    /// of its own holds the key; if that fails, the case goes on unsigned (exit code 3)
    #[arg(long, value_name = "KEY")]
    pub sign: Option<PathBuf>,
    /// Write a line for each sealed part to a file or FIFO off the case, or to the system's
    /// `journal`. Lines that do not get there in time are reported at the end (exit code 3)
    #[arg(long, value_name = "PATH")]
    pub anchor: Option<PathBuf>,
    /// Announce rows as they are decided, up to --grace after an end: `journal` gets an entry for
    /// each exit and removal (journalctl CONTAINER_NAME=web), `file:PATH` a line for each row, and
    /// is rotated at 64 MiB. A process of its own writes them. A target that is slow, full or
    /// hangs lacks some then; the case has all, and says how many
    #[arg(long, value_name = "TARGET", value_parser = AnnouncementTarget::parse)]
    pub announce: Option<AnnouncementTarget>,
    /// Format of the lines in the file of --announce: ecs, ocsf, otlp or timesketch, as
    /// `obit-replay export` writes them
    #[arg(long, value_name = "FORMAT", default_value = "ecs", requires = "announce", value_parser = parse_file_format)]
    pub announce_format: ExportFormat,
    /// Directory at which the host's file system is mounted, when obit runs in a container
    #[arg(long, value_name = "DIR", default_value = "/")]
    pub host_root: PathBuf,
    #[arg(long = "runtime", value_name = "KIND=PATH", help = runtime_help(), value_parser = RuntimeChoice::parse)]
    pub runtimes: Vec<RuntimeChoice>,
    /// Labels of containers to keep: all, none, or names joined by commas, a `*` at the end for any
    /// ending [default: a list of those that orchestrators set]
    #[arg(long, value_name = "LIST", value_parser = LabelPolicy::parse)]
    pub labels: Option<LabelPolicy>,
    /// Print nothing but errors
    #[arg(long, short)]
    pub quiet: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  obit-capture run --output case                          # until Ctrl-C
  obit-capture run --output case --duration 10m --quiet   # for a script
  obit-capture run --output case --follow --engine podman --cause oom_killed
  obit-capture run --output case --follow --format jsonl |
    jq -c '[.event, .cause]'
  obit-capture run --output '/var/lib/obit/{time}' --max-bytes 1GiB \\
    --when-full drop-oldest --max-total 4GiB
  obit-capture run --output case --sign ~/.ssh/id_ed25519 --anchor journal

Filters choose the lines that --follow prints; everything is recorded all the same. Several values of
one option mean any of them, several options all of them. Of names, pods, namespaces and images `*`
stands for any characters.")]
// --runtime names the socket of a daemon here.
#[command(mut_arg("engines", |engines| engines.long("engine").alias(None::<&str>)))]
pub struct RunArgs {
    #[command(flatten)]
    pub record: RecordArgs,
    /// Stop after this time, e.g. 30s, 10m, 1h30m
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Print one line for each container that exits or is removed, as it happens
    #[arg(long)]
    pub follow: bool,
    /// Format of that line
    #[arg(long, value_enum, default_value_t = FollowFormat::Text, requires = "follow")]
    pub format: FollowFormat,
    #[command(flatten)]
    pub identity: IdentityArgs,
    #[command(flatten)]
    pub cause: CauseArgs,
}

impl RunArgs {
    /// Returns the filter of the lines that `--follow` prints.
    pub fn filter(&self) -> RowFilter {
        RowFilter { identity: self.identity.filter(), causes: self.cause.causes.clone(), ..RowFilter::default() }
    }
}

#[derive(Args, Debug)]
#[command(after_help = "Example:
  obit-capture demo --output case && obit-replay verify case")]
pub struct DemoArgs {
    #[command(flatten)]
    pub record: RecordArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  obit-capture check
  obit-capture check --format json --output /var/lib/obit")]
pub struct CheckArgs {
    /// Format of the findings
    #[arg(long, value_enum, default_value_t = CheckFormat::Table)]
    pub format: CheckFormat,
    /// Type information of the running kernel, if the kernel does not carry its own
    #[arg(long, value_name = "FILE")]
    pub btf: Option<PathBuf>,
    /// Directory of the case to be made, to check its free space
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub output: PathBuf,
}

/// Options of the process that asks daemons: those of its recorder.
#[derive(Args, Debug)]
pub struct AskDaemonsArgs {
    #[arg(long)]
    pub host_root: PathBuf,
    #[arg(long = "runtime", value_parser = RuntimeChoice::parse)]
    pub runtimes: Vec<RuntimeChoice>,
    #[arg(long, value_parser = LabelPolicy::parse)]
    pub labels: Option<LabelPolicy>,
}

/// Returns the help of `--runtime`, which names every kind of daemon.
fn runtime_help() -> String {
    format!(
        "A daemon to ask about its containers: {}, and its socket; `none`: look for no others. May be given more than \
         once; other kinds are looked for at the usual places",
        RuntimeChoice::kinds()
    )
}

/// Reads a time that may be zero.
fn parse_grace(text: &str) -> Result<Duration, String> {
    if matches!(text, "0" | "0s" | "0ms") { Ok(Duration::ZERO) } else { parse_duration(text) }
}

/// Reads a time like `300ms`, `30s`, `10m`, `1h30m` or `2d`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no time: write it like 30s, 10m or 1h30m");
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, next) = after.split_at(letters);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let milliseconds = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let part = number.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = next;
    }
    if total.is_zero() { Err(wrong()) } else { Ok(total) }
}

/// Reads a size like `4096`, `64KiB`, `16MiB` or `20GiB`.
fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("'{text}' is no size: write it like 500MiB or 20GiB");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let shift = match unit {
        "" | "B" => 0,
        "K" | "KiB" => 10,
        "M" | "MiB" => 20,
        "G" | "GiB" => 30,
        "T" | "TiB" => 40,
        _ => return Err(wrong()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(1 << shift))
        .filter(|size| *size > 0)
        .ok_or_else(wrong)
}

/// Reads the size of a ring buffer.
fn parse_ring_buffer(text: &str) -> Result<u32, String> {
    let wrong = || format!("'{text}' is no size for a ring buffer: write a power of two like 64KiB, 1MiB or 16MiB");
    let bytes = parse_size(text).ok().and_then(|size| u32::try_from(size).ok()).ok_or_else(wrong)?;
    // The kernel takes only multiples of a page that are powers of two.
    if bytes >= 4096 && bytes.is_power_of_two() { Ok(bytes) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_derivation::identity::Engine;
    use obit_derivation::row::Cause;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn an_engine_is_followed_and_the_socket_of_a_daemon_is_a_runtime() {
        let words = "obit-capture run --output c --follow --runtime docker=/s --engine podman,docker --cause exited";
        let Command::Run(args) = Cli::try_parse_from(words.split(' ')).expect("good usage").command else {
            panic!("another command")
        };
        assert_eq!(args.record.runtimes.len(), 1);
        let filter = args.filter();
        assert_eq!(filter.identity.runtimes, [Engine::Podman, Engine::Docker]);
        assert_eq!(filter.causes, [Cause::Exited]);
    }

    #[test]
    fn times_add_up() {
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        for wrong in ["", "0s", "10", "s", "-1s", "1y", "99999999999999999999s", "18446744073709551615d"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ring_buffers_are_powers_of_two() {
        assert_eq!(parse_ring_buffer("16MiB"), Ok(16 << 20));
        assert_eq!(parse_ring_buffer("4096"), Ok(4096));
        for wrong in ["", "0", "1000", "3MiB", "2KiB", "4GiB", "16MB", "x"] {
            assert!(parse_ring_buffer(wrong).is_err(), "{wrong}");
        }
    }
}
