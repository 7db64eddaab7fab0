//! Arguments of the commands for whoever keeps a case and hands it out: `close`, `extract`,
//! `disclose` and `handover`.

use std::path::PathBuf;

use clap::Args;

use super::exit_codes::EXIT_CODES;

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
