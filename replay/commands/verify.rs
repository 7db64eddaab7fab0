//! `verify`: compares the recorded rows with those that follow from the raw log.

use std::fmt::Write as _;

use anyhow::Context;
use obit_analysis::compare::{TableComparison, TableSummary};
use obit_analysis::problems;
use obit_analysis::verify::{Verdict, Verification, VerifyOptions, verify};
use obit_case::Case;
use obit_case::signing::AllowedSigners;
use obit_derivation::fold::DERIVATION_VERSION;
use obit_schema::digest::{Digest, case_digest};

use crate::cli::VerifyArgs;
use crate::output::differences::push_differences;
use crate::output::evidence::evidence_text;
use crate::output::messages::{complain, print_verdict};
use crate::output::problems::report_problems;
use crate::status::CommandStatus;

pub fn run(args: &VerifyArgs) -> anyhow::Result<CommandStatus> {
    let case = problems::open(&args.case)?;
    let signers = args.signers.as_deref().map(AllowedSigners::read).transpose().context("cannot tell whom to trust")?;
    for (line, why) in signers.iter().flat_map(|signers| &signers.skipped) {
        complain(&format!("signers, line {line}: {why}; it is left out"));
    }
    let options = VerifyOptions { max_listed: args.show, anchor: args.anchor.as_deref(), signers: signers.as_ref() };
    let verification = verify(&case, &options)?;
    report_problems(&case, &verification.problems);
    print_verdict(&report_text(&case, &verification))?;
    Ok(match verification.verdict {
        Verdict::Same | Verdict::SameAsFarAsWritten { .. } => CommandStatus::Done,
        Verdict::FilesChanged | Verdict::Different => CommandStatus::Different,
        Verdict::PastTheLog { .. } | Verdict::OlderRules { .. } | Verdict::Undecided => CommandStatus::Incomplete,
    })
}

fn report_text(case: &Case, verification: &Verification) -> String {
    let tables = &verification.comparison.tables;
    let mut text = String::new();
    // Writing to a String cannot fail.
    for table in tables {
        let _ = writeln!(text, "{}: {}", table.table, same_or_different(table.is_same()));
        push_summary(&mut text, "recorded", table.left);
        push_summary(&mut text, "derived", table.right);
    }
    let digest = |side: fn(&TableComparison) -> TableSummary| -> Digest {
        case_digest(tables.iter().map(|table| (table.table, side(table).digest)))
    };
    let (recorded, derived) = (digest(|table| table.left), digest(|table| table.right));
    let _ = writeln!(text, "case: {}", same_or_different(recorded == derived));
    let _ = writeln!(text, "  recorded {:>18} {recorded}", "sha256");
    let _ = writeln!(text, "  derived  {:>18} {derived}", "sha256");
    for table in tables {
        push_differences(&mut text, table, ["recorded", "derived"]);
    }
    text.push_str(&evidence_text(case, &verification.evidence.reach));
    let _ = writeln!(text, "{}", verdict_text(verification.verdict));
    text
}

fn same_or_different(is_same: bool) -> &'static str {
    if is_same { "same" } else { "different" }
}

fn push_summary(text: &mut String, side: &str, summary: TableSummary) {
    let _ = writeln!(text, "  {side:<8} {:>7} rows  sha256 {}", summary.rows, summary.digest);
}

fn verdict_text(verdict: Verdict) -> String {
    match verdict {
        Verdict::Same => "same: the recorded rows are those that follow from the raw log".to_owned(),
        Verdict::SameAsFarAsWritten { not_written, closed } => {
            let state = if closed { "the recording is incomplete" } else { "the case was never closed" };
            format!(
                "same as far as it was written: {state}, and every recorded row follows from the raw log; \
                 {not_written} more rows follow that were not written any more"
            )
        }
        Verdict::PastTheLog { rows } => format!(
            "undecided: the recording was cut off, and {rows} of the recorded rows come after the last record that could \
             be read, so nothing shows what they follow from; every other recorded row follows from the raw log"
        ),
        Verdict::FilesChanged => "different: the recorded rows follow from the raw log, \
             but files are not those that were closed, or what proves them does not hold (see standard error)"
            .to_owned(),
        Verdict::OlderRules { recorded, rows } => format!(
            "undecided: the rows were recorded by version {recorded} of the rules, and this program has version \
             {DERIVATION_VERSION}, by which {rows} rows differ (above); no record is missing or damaged, and the files \
             are those that were closed. A program with version {recorded} of the rules can tell whether its rows are \
             the recorded ones"
        ),
        Verdict::Different => "different: the recorded rows are not those that follow from the raw log".to_owned(),
        Verdict::Undecided => "undecided: part of the case could not be read (see standard error); \
             verify a whole copy of it"
            .to_owned(),
    }
}
