//! `close`: seals a case whose capture was cut off, for good.

use anyhow::Context;
use obit_case::signing::Signer;
use obit_case::writer::WriterOptions;
use obit_case::{CaseWriter, Error};
use obit_schema::text;

use crate::cli::CloseArgs;
use crate::output::messages::print_verdict;
use crate::status::CommandStatus;

pub fn run(args: &CloseArgs) -> anyhow::Result<CommandStatus> {
    let signer = args.sign.as_deref().map(Signer::read).transpose().context("cannot sign the case")?;
    let options = WriterOptions { signer: signer.map(Signer::shared), ..WriterOptions::default() };
    let path = text::printable(&args.case.display().to_string()).into_owned();
    let mut writer = match CaseWriter::resume(&args.case, options) {
        Err(Error::AlreadyClosed { .. }) => {
            print_verdict(&format!("{path}: closed already, nothing was changed\n"))?;
            return Ok(CommandStatus::Done);
        }
        resumed => resumed.context("cannot close the case")?,
    };
    let summary = writer.close(|_| {}).context("cannot close the case; it can be tried again")?;
    if let Some(error) = writer.take_signing_failure() {
        return Err(error).context("the case is closed, and unsigned");
    }
    let rows: u64 = summary.counts.by_table.values().sum();
    let mut report = format!("{path}: closed: {rows} rows in {} parts\n", summary.parts.len());
    for missing in &writer.manifest().incomplete {
        report.push_str(&format!("from record {} on something may be missing\n", missing.first_seq));
    }
    print_verdict(&report)?;
    Ok(CommandStatus::Done)
}
