//! `verify`: compares the recorded rows with those that follow from the raw log.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, ensure};
use obit_analysis::cases;
use obit_analysis::compare::TableSummary;
use obit_analysis::evidence::{AnchorSource, LineTrust, ProofRequest};
use obit_analysis::excerpt::DisclosureCheck;
use obit_analysis::json::verify::VerifyReport;
use obit_analysis::origin::RowOrigin;
use obit_analysis::verdict_text::{SideDigests, requirement_states, verdict_text};
use obit_analysis::verify::{Verification, VerifyAnswer, VerifyOptions, verify};
use obit_case::Case;
use obit_case::signing::AllowedSigners;
use obit_schema::text::printable;

use super::disclose;
use crate::cli::VerifyArgs;
use crate::output::activity::Activity;
use crate::output::attachments::attachments_text;
use crate::output::differences::push_differences;
use crate::output::evidence::{evidence_text, shortfall_text};
use crate::output::excerpt::excerpt_text;
use crate::output::format::ReportFormat;
use crate::output::json::{self, JsonLayout};
use crate::output::messages::{complain, print_verdict, say};
use crate::output::problems::report_problems;
use crate::output::terminal::{HEADING, Look};
use crate::policy::RequestedProof;
use crate::status::CommandStatus;

/// Lines of a list of signers that are named one by one if they are left out.
const MAX_SKIPPED: usize = 20;

pub fn run(args: &VerifyArgs) -> anyhow::Result<CommandStatus> {
    let requested = RequestedProof::of(args)?;
    let cases = cases::open_each(&args.cases);
    let several = cases.len();
    ensure_for_each(args, &requested, several)?;
    let signers =
        requested.signers.as_deref().map(AllowedSigners::read).transpose().context("cannot tell whom to trust")?;
    complain_of_signers(signers.as_ref());
    let mut verdicts = Vec::new();
    for case in cases {
        let verified = case.map_err(anyhow::Error::from).and_then(|case| {
            if several > 1 && args.format == ReportFormat::Text {
                let gap = if verdicts.is_empty() { "" } else { "\n" };
                print_verdict(&format!("{gap}{}\n", heading(&case)))?;
            }
            verify_one(&case, args, &requested, signers.as_ref(), JsonLayout::of(several))
        });
        verdicts.push(match verified {
            Err(error) if several > 1 => {
                complain(&format!("{error:#}"));
                CommandStatus::Incomplete
            }
            verified => verified?,
        });
    }
    if several > 1 {
        let count = |status| verdicts.iter().filter(|verdict| **verdict == status).count();
        say(&format!(
            "{several} cases: {} hold, {} fail, {} are undecided",
            count(CommandStatus::Done),
            count(CommandStatus::Different),
            count(CommandStatus::Incomplete)
        ));
    }
    Ok(verdicts.into_iter().max().unwrap_or(CommandStatus::Done))
}

/// Refuses what is about one case where several are verified.
fn ensure_for_each(args: &VerifyArgs, requested: &RequestedProof, cases: usize) -> anyhow::Result<()> {
    if cases > 1 {
        ensure!(requested.case_id.is_none(), "an id is that of one case, and {cases} are to be verified");
        ensure!(args.disclosed.is_none(), "texts are disclosed of one excerpt, and {cases} cases are to be verified");
        if let Some(anchor) = &requested.anchor {
            let is_file = fs::metadata(anchor).is_ok_and(|metadata| metadata.is_file());
            ensure!(is_file, "{} is read for each of {cases} cases: give a file", anchor.display());
        }
    }
    Ok(())
}

/// Returns the line before what is printed of one of several cases.
fn heading(case: &Case) -> String {
    let host = RowOrigin::of(case).host.map(|host| format!(" of {host}")).unwrap_or_default();
    Look::get().paint(HEADING, &printable(&format!("{}{host}", case.path().display())))
}

fn verify_one(
    case: &Case,
    args: &VerifyArgs,
    requested: &RequestedProof,
    signers: Option<&AllowedSigners>,
    layout: JsonLayout,
) -> anyhow::Result<CommandStatus> {
    let trust = if requested.trust_anchor { LineTrust::All } else { LineTrust::Signed };
    let proof = ProofRequest {
        anchor: requested.anchor.as_deref().map(|path| AnchorSource { path, trust }),
        signers,
        case_id: requested.case_id.as_deref(),
        required: requested.required.clone(),
    };
    let activity = Activity::on_records("verifying", &[case]);
    let verification = verify(case, &VerifyOptions { max_listed: args.show, proof })?;
    drop(activity);
    report_problems(case, &verification.problems);
    for shortfall in &verification.evidence.shortfalls {
        complain(&format!("{}: {}", case.path().display(), shortfall_text(shortfall)));
    }
    let disclosed = args.disclosed.as_deref().map(|path| disclose::check(path, case)).transpose()?;
    match args.format {
        ReportFormat::Json => {
            json::print_as(&VerifyReport::new(case, &verification, &requested.required, disclosed), layout)?;
        }
        ReportFormat::Text => print_verdict(&report_text(case, &verification, requested, disclosed))?,
    }
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

/// Returns what is printed of a verification.
pub(super) fn report_text(
    case: &Case,
    verification: &Verification,
    requested: &RequestedProof,
    disclosed: Option<DisclosureCheck>,
) -> String {
    let tables = &verification.comparison.tables;
    let mut text = String::new();
    // Writing to a String cannot fail.
    for table in tables {
        let _ = writeln!(text, "{}: {}", table.table, same_or_different(table.is_same()));
        push_summary(&mut text, "recorded", table.left);
        push_summary(&mut text, "derived", table.right);
    }
    let SideDigests { recorded, derived } = SideDigests::of(tables);
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
    let _ = writeln!(text, "{}", verdict_text(case, verification.verdict));
    if let Some(DisclosureCheck { fitting, others }) = disclosed {
        let _ = writeln!(text, "disclosed: {fitting} texts are those that were left out, {others} are not");
    }
    text
}

/// Adds a line for each requirement.
fn push_requirements(text: &mut String, verification: &Verification, requested: &RequestedProof) {
    for (requirement, why_not) in requirement_states(verification, &requested.required) {
        let state = why_not.map_or_else(|| "yes".to_owned(), |why| format!("no: {}", printable(&why)));
        let _ = writeln!(text, "required: {:<8} {state}", requirement.name());
    }
}

fn same_or_different(is_same: bool) -> &'static str {
    if is_same { "same" } else { "different" }
}

fn push_summary(text: &mut String, side: &str, summary: TableSummary) {
    let _ = writeln!(text, "  {side:<8} {:>7} rows  sha256 {}", summary.rows, summary.digest);
}
