//! `disclose`: prints texts that an excerpt leaves out.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, bail};
use obit_analysis::excerpt::{Disclosure, DisclosureCheck, MAX_DISCLOSURE_BYTES, TextColumns};
use obit_analysis::problems;
use obit_case::Case;

use crate::cli::DiscloseArgs;
use crate::output::messages::print_verdict;
use crate::output::problems::report_problems;
use crate::status::CommandStatus;

pub fn run(args: &DiscloseArgs) -> anyhow::Result<CommandStatus> {
    let columns = TextColumns::parse(args.columns.iter().map(String::as_str))?;
    let (whole, excerpt) = (problems::open(&args.case)?, problems::open(&args.excerpt)?);
    report_problems(&whole, whole.problems());
    report_problems(&excerpt, excerpt.problems());
    let disclosure = Disclosure::of(&whole, &excerpt, &columns, &args.seqs.iter().copied().collect())?;
    if disclosure.texts.is_empty() {
        bail!("the excerpt leaves out no such text");
    }
    let text = serde_json::to_string_pretty(&disclosure).context("cannot write the texts as JSON")?;
    print_verdict(&format!("{text}\n"))?;
    Ok(CommandStatus::Done)
}

/// Compares the texts in a file with an excerpt.
pub fn check(path: &Path, excerpt: &Case) -> anyhow::Result<DisclosureCheck> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_DISCLOSURE_BYTES + 1).read_to_string(&mut text));
    let length = read.with_context(|| format!("cannot read {}", path.display()))?;
    if length as u64 > MAX_DISCLOSURE_BYTES {
        bail!("{} is longer than {MAX_DISCLOSURE_BYTES} bytes: give the output of disclose", path.display());
    }
    let disclosure: Disclosure =
        serde_json::from_str(&text).with_context(|| format!("{} is no output of disclose", path.display()))?;
    Ok(disclosure.check(excerpt)?)
}
