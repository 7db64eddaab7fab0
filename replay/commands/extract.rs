//! `extract`: takes the records that some containers' rows rest on out of a case.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::slice;

use anyhow::Context;
use obit_analysis::excerpt::{ExtractOptions, ExtractSummary, SelectionScope, TextColumns, extract};
use obit_analysis::filter::RowFilter;
use obit_analysis::problems;
use obit_case::Case;
use obit_case::signing::Signer;
use obit_schema::text;

use crate::cli::ExtractArgs;
use crate::output::containers::find_container;
use crate::output::messages::print_verdict;
use crate::status::CommandStatus;

pub fn run(args: &ExtractArgs) -> anyhow::Result<CommandStatus> {
    let redacted = TextColumns::parse(args.redact.iter().map(String::as_str))?;
    let signer = args.sign.as_deref().map(Signer::read).transpose().context("cannot sign the excerpt")?;
    let case = problems::open(&args.case)?;
    let mut containers = BTreeSet::new();
    for asked in &args.containers {
        containers.insert(find_container(slice::from_ref(&case), asked, &RowFilter::default())?.container.container_id);
    }
    let options = ExtractOptions { containers, redacted, signer: signer.map(Signer::shared) };
    let summary = extract(&case, &args.output, &options).context("cannot make the excerpt")?;
    print_verdict(&summary_text(args, &case, &options, summary))?;
    Ok(CommandStatus::Done)
}

fn summary_text(args: &ExtractArgs, case: &Case, options: &ExtractOptions, summary: ExtractSummary) -> String {
    let ExtractSummary { scope, records, rows, without_proof } = summary;
    let mut lines = String::new();
    let output = text::printable(&args.output.display().to_string()).into_owned();
    // Writing to a String cannot fail.
    let _ =
        writeln!(lines, "{output}: {rows} rows and the {records} records that they follow from: {}", scope_text(scope));
    let redacted = options.redacted.names();
    if !redacted.is_empty() {
        let _ = writeln!(lines, "left out: {}", redacted.join(", "));
    }
    if without_proof > 0 {
        let why = if case.is_closed() { "these were recorded without" } else { "and none of what is in a journal" };
        let _ = writeln!(
            lines,
            "for {without_proof} records nothing shows that they stand in the whole case: only parts that were signed or \
             anchored while they were recorded have a root of their records, {why}"
        );
    }
    lines
}

fn scope_text(scope: SelectionScope) -> &'static str {
    match scope {
        SelectionScope::Evidence => "the rows' evidence",
        SelectionScope::Containers => "all that was recorded of the containers",
        SelectionScope::Related => "all that was recorded of the containers and of those around them",
        SelectionScope::Everything => "the whole log, as the rows do not follow from less",
    }
}
