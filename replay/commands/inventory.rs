//! `inventory`: the containers that were there at a moment.

use anyhow::{bail, ensure};
use obit_analysis::cases;
use obit_analysis::inventory::{Moment, PresentContainer, take};
use obit_analysis::json::inventory::InventoryReport;
use obit_analysis::json::problems::of_case;
use obit_analysis::origin::RowOrigin;
use obit_analysis::problems::{self, Effect};
use obit_analysis::span::CaseSpan;
use obit_case::Case;
use obit_derivation::WallNs;
use obit_schema::text::time;

use crate::cli::{InventoryArgs, InventoryMoment};
use crate::output::columns;
use crate::output::format::ReportFormat;
use crate::output::hosts::{host_names, say_clock_errors};
use crate::output::json;
use crate::output::messages::{complain, say};
use crate::output::problems::report_problems;
use crate::output::table::TextTableWriter;
use crate::status::CommandStatus;

pub fn run(args: &InventoryArgs) -> anyhow::Result<CommandStatus> {
    let cases = cases::open(&args.cases)?;
    let moment = moment(args, &cases)?;
    let filter = args.identity.filter();
    let (mut present, mut problems, mut effect) = (Vec::new(), Vec::new(), Effect::None);
    for (place, case) in cases.iter().enumerate() {
        say_outside(case, moment);
        let inventory = take(case, moment, &filter)?;
        let found = problems::all(case, &inventory.problems);
        effect = effect.max(report_problems(case, &found));
        problems.extend(of_case(case, &found));
        present.extend(inventory.containers.into_iter().map(|container| (place, container)));
    }
    if cases.len() > 1 {
        say_clock_errors(&cases);
    }
    let origins: Vec<_> = cases.iter().map(RowOrigin::of).collect();
    match args.format {
        ReportFormat::Json => json::print(&InventoryReport::new(&origins, moment, &present, problems))?,
        ReportFormat::Text => write_table(&origins, moment, &present)?,
    }
    if effect == Effect::Damage {
        complain("these containers follow from what could be read; others may be missing");
        return Ok(CommandStatus::Incomplete);
    }
    Ok(CommandStatus::Done)
}

/// Returns the moment that is asked about, which one of the cases must have seen.
fn moment(args: &InventoryArgs, cases: &[Case]) -> anyhow::Result<Moment> {
    match args.at {
        InventoryMoment::Record(seq) => match cases {
            [case] => {
                let last = case.parts(obit_schema::Table::Events).iter().filter_map(|part| part.last_seq).max();
                let dropped = case.manifest().and_then(|manifest| manifest.dropped.as_ref());
                let first = dropped.map_or(0, |dropped| dropped.last_seq.saturating_add(1));
                ensure!(first <= seq, "record {seq} is not in this case any more: it begins with record {first}");
                ensure!(Some(seq) <= last, "record {seq} is not in this case: its last event is {}", last.unwrap_or(0));
                Ok(Moment::Record(seq))
            }
            _ => bail!("a record is of one case: give one case, or a time"),
        },
        InventoryMoment::Time(time) => {
            let span = CaseSpan::of_all(cases);
            let at = time.resolve(span);
            ensure!(span.start <= at, "{} is before the first moment recorded, {}", when(at), when(span.start));
            ensure!(at <= span.end, "{} is after the last moment recorded, {}", when(at), when(span.end));
            Ok(Moment::Time(at))
        }
    }
}

/// Says that a case tells nothing of the moment.
fn say_outside(case: &Case, moment: Moment) {
    let span = CaseSpan::of(case);
    if let Moment::Time(at) = moment
        && !(span.start..=span.end).contains(&at)
    {
        complain(&format!(
            "{}: recorded from {} to {}; what is listed of it is what was there at the nearer end",
            case.path().display(),
            when(span.start),
            when(span.end)
        ));
    }
}

fn when(at: WallNs) -> String {
    time::rfc3339(at.0)
}

fn write_table(origins: &[RowOrigin], moment: Moment, present: &[(usize, PresentContainer)]) -> anyhow::Result<()> {
    let hosts = if origins.len() > 1 { host_names(origins) } else { Vec::new() };
    let host = (!hosts.is_empty()).then_some(columns::HOST);
    let layouts = host.into_iter().chain(columns::presence_layouts()).collect();
    let mut table = TextTableWriter::open(layouts, None)?;
    for (place, container) in present {
        let host = hosts.get(*place).cloned();
        table.write(host.into_iter().chain(columns::presence_cells(container)).collect())?;
    }
    table.finish()?.finish()?;
    let running = present.iter().filter(|(_, container)| container.exited_at.is_none()).count();
    let at = match moment {
        Moment::Time(at) => when(at),
        Moment::Record(seq) => format!("record {seq}"),
    };
    let exited = match present.len() - running {
        0 => String::new(),
        others => format!(", {others} had exited and were still there"),
    };
    let noun = if running == 1 { "container" } else { "containers" };
    say(&format!("{running} {noun} ran at {at}{exited}"));
    Ok(())
}
