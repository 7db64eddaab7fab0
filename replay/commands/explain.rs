//! `explain`: the story of a container, and the records behind it.

use obit_analysis::cases;
use obit_analysis::explain::Explanation;
use obit_analysis::explain::text::write_explanation;
use obit_analysis::json::explain::ExplainReport;
use obit_analysis::problems::Effect;
use obit_analysis::span::CaseSpan;

use crate::cli::ExplainArgs;
use crate::output::activity::Activity;
use crate::output::containers::{FoundContainer, find_container};
use crate::output::destination::Destination;
use crate::output::format::ReportFormat;
use crate::output::json;
use crate::output::messages::say;
use crate::output::terminal::Look;
use crate::status::CommandStatus;

pub fn run(args: &ExplainArgs) -> anyhow::Result<CommandStatus> {
    let cases = cases::open(&args.cases)?;
    let activity = Activity::on_records("searching", &cases.iter().collect::<Vec<_>>());
    let filter = args.filter.filter(CaseSpan::of_all(&cases));
    let found = find_container(&cases, &args.what, &filter);
    drop(activity);
    let FoundContainer { case, container, problems, effect } = found?;
    let explanation = Explanation::tell(case, container, args.limit, problems)?;
    match args.format {
        ReportFormat::Json => json::print(&ExplainReport::new(case, &explanation)?)?,
        ReportFormat::Text => {
            let mut output = Destination::for_people(None)?;
            write_explanation(&explanation, args.records, Look::get(), &mut output)?;
            output.finish()?;
            let left_out = explanation.lives_left_out;
            if left_out > 0 {
                let noun = if left_out == 1 { "life" } else { "lives" };
                say(&format!("the filters leave out {left_out} {noun} of this container"));
            }
        }
    }
    Ok(if effect == Effect::Damage { CommandStatus::Incomplete } else { CommandStatus::Done })
}
