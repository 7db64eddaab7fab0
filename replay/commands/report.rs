//! `report`: the page for people.

use std::env;

use anyhow::Context;
use obit_analysis::cases;
use obit_analysis::evidence::{AnchorSource, LineTrust, ProofRequest};
use obit_analysis::problems::Effect;
use obit_analysis::span::CaseSpan;
use obit_analysis::verify::{VerifyOptions, verify};
use obit_case::Case;
use obit_case::signing::AllowedSigners;

use super::verify::report_text;
use crate::cli::ReportArgs;
use crate::output::activity::Activity;
use crate::output::destination::Destination;
use crate::output::messages::{complain, say};
use crate::policy::RequestedProof;
use crate::report::{gather, markdown, page};
use crate::status::CommandStatus;

pub fn run(args: &ReportArgs) -> anyhow::Result<CommandStatus> {
    // Before the output is made: a wrong path must not leave an empty file behind.
    let cases = cases::open(&args.cases)?;
    let mut output = Destination::open(Some(&args.output))?;
    let filter = args.filter.filter(CaseSpan::of_all(&cases));
    let activity = Activity::on_records("reading", &cases.iter().collect::<Vec<_>>());
    let (mut contents, effect) = gather(&cases, &filter, command_line())?;
    for (page_case, case) in contents.cases.iter_mut().zip(&cases) {
        page_case.verification = verification_text(case, args)?;
    }
    drop(activity);
    let is_markdown = args.output.extension().is_some_and(|extension| extension == "md");
    let written = match is_markdown {
        true => markdown::write(&contents, &mut output),
        false => page::write(&contents, &mut output),
    };
    let written = written.and_then(|()| output.finish());
    written.with_context(|| format!("cannot write {} (check the room on its disk)", args.output.display()))?;
    let told = contents.stories.len();
    say(&format!("{}: {} lives, {told} with their story", args.output.display(), contents.lives));
    if effect == Effect::Damage {
        complain("these lives follow from what could be read; others may be missing");
        return Ok(CommandStatus::Incomplete);
    }
    Ok(CommandStatus::Done)
}

/// Verifies a case, and returns what `verify` prints of it.
fn verification_text(case: &Case, args: &ReportArgs) -> anyhow::Result<String> {
    let (signers, anchor) = (args.signers.clone(), args.anchor.clone());
    let requested = RequestedProof { signers, anchor, ..RequestedProof::default() };
    let signers = args.signers.as_deref().map(AllowedSigners::read).transpose().context("cannot tell whom to trust")?;
    let proof = ProofRequest {
        anchor: args.anchor.as_deref().map(|path| AnchorSource { path, trust: LineTrust::Signed }),
        signers: signers.as_ref(),
        case_id: None,
        required: requested.required.clone(),
    };
    let verification = verify(case, &VerifyOptions { max_listed: 0, proof })?;
    Ok(report_text(case, &verification, &requested, None))
}

/// Returns this command line, quoted for a shell where that is needed.
fn command_line() -> String {
    let is_plain = |text: &str| {
        !text.is_empty() && text.chars().all(|one| one.is_ascii_alphanumeric() || "-_./:=,@%+".contains(one))
    };
    let quoted = env::args().skip(1).map(|text| match is_plain(&text) {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    });
    ["obit-replay".to_owned()].into_iter().chain(quoted).collect::<Vec<_>>().join(" ")
}
