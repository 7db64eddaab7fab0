//! `close`: seal a case whose capture was cut off, for good.

use std::sync::Arc;

use anyhow::Context;
use obit_case::signing::Signer;
use obit_case::writer::WriterOptions;
use obit_case::{CaseWriter, Error};

use crate::cli::CloseArgs;
use crate::{Outcome, print_verdict};
use obit_schema::text;

pub fn run(args: &CloseArgs) -> anyhow::Result<Outcome> {
    let signer = args.sign.as_deref().map(Signer::read).transpose().context("cannot sign the case")?;
    let options = WriterOptions { signer: signer.map(Arc::new), ..WriterOptions::default() };
    let shown = text::printable(&args.case.display().to_string()).into_owned();
    let mut writer = match CaseWriter::resume(&args.case, options) {
        Err(Error::AlreadyClosed { .. }) => {
            print_verdict(&format!("{shown}: closed already, nothing was changed\n"))?;
            return Ok(Outcome::Ok);
        }
        taken_up => taken_up.context("cannot close the case")?,
    };
    let summary = writer.close(|_| {}).context("cannot close the case; it can be tried again")?;
    let rows: u64 = summary.counts.by_table.values().sum();
    let mut said = format!("{shown}: closed: {rows} rows in {} parts\n", summary.parts.len());
    for shortfall in &writer.manifest().incomplete {
        said.push_str(&format!("from record {} on something may be missing\n", shortfall.first_seq));
    }
    print_verdict(&said)?;
    Ok(Outcome::Ok)
}
