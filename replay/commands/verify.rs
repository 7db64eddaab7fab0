//! `verify`: compares the recorded rows with those that follow from the raw log.

use std::fmt::Write as _;

use anyhow::Context;
use obit_analysis::compare::{TableComparison, TableSummary};
use obit_analysis::evidence::{AnchorSource, LineTrust, ProofRequest};
use obit_analysis::excerpt::DisclosureCheck;
use obit_analysis::problems;
use obit_analysis::verify::{Verdict, Verification, VerifyAnswer, VerifyOptions, verify};
use obit_case::Case;
use obit_case::signing::AllowedSigners;
use obit_derivation::fold::DERIVATION_VERSION;
use obit_schema::digest::{Digest, case_digest};
use obit_schema::text::printable;

use super::disclose;
use crate::cli::VerifyArgs;
use crate::output::attachments::attachments_text;
use crate::output::differences::push_differences;
use crate::output::evidence::{evidence_text, shortfall_text};
use crate::output::excerpt::excerpt_text;
use crate::output::messages::{complain, print_verdict};
use crate::output::problems::report_problems;
use crate::policy::RequestedProof;
use crate::status::CommandStatus;

/// Lines of a list of signers that are named one by one if they are left out.
const MAX_SKIPPED: usize = 20;

pub fn run(args: &VerifyArgs) -> anyhow::Result<CommandStatus> {
    let requested = RequestedProof::of(args)?;
    let case = problems::open(&args.case)?;
    let signers =
        requested.signers.as_deref().map(AllowedSigners::read).transpose().context("cannot tell whom to trust")?;
    complain_of_signers(signers.as_ref());
    let trust = if requested.trust_anchor { LineTrust::All } else { LineTrust::Signed };
    let proof = ProofRequest {
        anchor: requested.anchor.as_deref().map(|path| AnchorSource { path, trust }),
        signers: signers.as_ref(),
        case_id: requested.case_id.as_deref(),
        required: requested.required.clone(),
    };
    let verification = verify(&case, &VerifyOptions { max_listed: args.show, proof })?;
    report_problems(&case, &verification.problems);
    for shortfall in &verification.evidence.shortfalls {
        complain(&format!("{}: {}", case.path().display(), shortfall_text(shortfall)));
    }
    let mut text = report_text(&case, &verification, &requested);
    let disclosed = args.disclosed.as_deref().map(|path| disclose::check(path, &case)).transpose()?;
    if let Some(DisclosureCheck { fitting, others }) = disclosed {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "disclosed: {fitting} texts are those that were left out, {others} are not");
    }
    print_verdict(&text)?;
    if disclosed.is_some_and(|check| check.others > 0) {
        return Ok(CommandStatus::Different);
    }
    Ok(match verification.answer {
        VerifyAnswer::Holds => CommandStatus::Done,
        VerifyAnswer::Fails => CommandStatus::Different,
        VerifyAnswer::Undecided => CommandStatus::Incomplete,
    })
}

/// Says which lines of a list of signers are left out.
fn complain_of_signers(signers: Option<&AllowedSigners>) {
    let skipped = signers.map(|signers| signers.skipped.as_slice()).unwrap_or_default();
    for (line, why) in skipped.iter().take(MAX_SKIPPED) {
        complain(&format!("signers, line {line}: {why}; it is left out"));
    }
    if skipped.len() > MAX_SKIPPED {
        complain(&format!("signers: {} more lines are left out", skipped.len() - MAX_SKIPPED));
    }
}

fn report_text(case: &Case, verification: &Verification, requested: &RequestedProof) -> String {
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
    text.push_str(&verification.excerpt.as_ref().map(excerpt_text).unwrap_or_default());
    text.push_str(&attachments_text(verification.attachments.time_stamp.as_ref(), &verification.attachments.handovers));
    push_requirements(&mut text, verification, requested);
    let _ = writeln!(text, "{}", verdict_text(verification.verdict));
    text
}

/// Adds a line for each requirement. What proves a case says nothing of a file that is not the one
/// it was proven of, so nothing holds then.
fn push_requirements(text: &mut String, verification: &Verification, requested: &RequestedProof) {
    let is_intact =
        matches!(verification.verdict, Verdict::Same | Verdict::SameAsFarAsWritten { .. } | Verdict::NotProven);
    for requirement in &requested.required {
        let shortfall = verification.evidence.shortfalls.iter().find(|lack| lack.requirement == Some(*requirement));
        let state = match shortfall {
            Some(shortfall) => format!("no: {}", printable(&shortfall.why)),
            None if is_intact => "yes".to_owned(),
            None => "no: the case is not as it was recorded (see standard error)".to_owned(),
        };
        let _ = writeln!(text, "required: {:<8} {state}", requirement.name());
    }
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
        Verdict::NotProven => {
            "not proven: the recorded rows follow from the raw log and nothing contradicts the files, \
             but not all that was asked for is proven (see standard error)"
                .to_owned()
        }
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
