//! `handover`: records that a case is handed to somebody.

use std::time::SystemTime;

use anyhow::Context;
use obit_case::handover;
use obit_case::signing::Signer;
use obit_schema::text;
use obit_schema::text::time::rfc3339;

use crate::cli::HandoverArgs;
use crate::output::messages::print_verdict;
use crate::status::CommandStatus;

pub fn run(args: &HandoverArgs) -> anyhow::Result<CommandStatus> {
    let signer = Signer::read(&args.sign).context("cannot sign the hand-over")?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).context("the clock is before 1970")?;
    let at = rfc3339(i64::try_from(now.as_nanos()).context("the clock is past the year 2262")?);
    let count =
        handover::append(&args.case, &args.to, &args.note, at, &signer).context("cannot record the hand-over")?;
    let path = text::printable(&args.case.display().to_string()).into_owned();
    print_verdict(&format!("{path}: hand-over {count} recorded, signed with key {}\n", signer.fingerprint()))?;
    Ok(CommandStatus::Done)
}
