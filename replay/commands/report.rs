//! `report`: the page for people.

use std::env;

use anyhow::Context;
use obit_analysis::cases;
use obit_analysis::problems::Effect;
use obit_analysis::span::CaseSpan;

use crate::cli::ReportArgs;
use crate::output::activity::Activity;
use crate::output::destination::Destination;
use crate::output::messages::{complain, say};
use crate::report::{gather, page};
use crate::status::CommandStatus;

pub fn run(args: &ReportArgs) -> anyhow::Result<CommandStatus> {
    // Before the output is made: a wrong path must not leave an empty file behind.
    let cases = cases::open(&args.cases)?;
    let mut output = Destination::open(Some(&args.output))?;
    let filter = args.filter.filter(CaseSpan::of_all(&cases));
    let activity = Activity::on_records("reading", &cases.iter().collect::<Vec<_>>());
    let (contents, effect) = gather(&cases, &filter, command_line())?;
    drop(activity);
    let written = page::write(&contents, &mut output).and_then(|()| output.finish());
    written.with_context(|| format!("cannot write {} (check the room on its disk)", args.output.display()))?;
    let told = contents.stories.len();
    say(&format!("{}: {} lives, {told} with their story", args.output.display(), contents.lives));
    if effect == Effect::Damage {
        complain("these lives follow from what could be read; others may be missing");
        return Ok(CommandStatus::Incomplete);
    }
    Ok(CommandStatus::Done)
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
