//! `triage`: how many containers ended of what, and which ends want a second look.

use std::collections::BTreeMap;
use std::io::Write as _;

use obit_analysis::cases;
use obit_analysis::json::problems::of_case;
use obit_analysis::json::triage::{SuspectEntry, TriageDocument};
use obit_analysis::origin::RowOrigin;
use obit_analysis::problems::{self, Effect};
use obit_analysis::span::CaseSpan;
use obit_analysis::triage::{SuspectEnd, TriageReason, triage};
use obit_derivation::identity::Engine;
use obit_derivation::row::Cause;

use crate::cli::TriageArgs;
use crate::output::columns;
use crate::output::destination::Destination;
use crate::output::format::ReportFormat;
use crate::output::hosts::{host_names, say_clock_errors};
use crate::output::json;
use crate::output::messages::{complain, say};
use crate::output::problems::report_problems;
use crate::output::table::TextTableWriter;
use crate::status::CommandStatus;

/// An end with the place of its case.
struct PlacedEnd {
    case: usize,
    end: SuspectEnd,
}

pub fn run(args: &TriageArgs) -> anyhow::Result<CommandStatus> {
    let cases = cases::open(&args.cases)?;
    let filter = args.filter.filter(CaseSpan::of_all(&cases));
    let origins: Vec<_> = cases.iter().map(RowOrigin::of).collect();
    let mut counts: BTreeMap<(Option<Engine>, Cause), u64> = BTreeMap::new();
    let mut by_reason: BTreeMap<TriageReason, u64> = BTreeMap::new();
    let (mut suspects, mut suspects_total) = (Vec::new(), 0);
    let (mut problems, mut effect) = (Vec::new(), Effect::None);
    for (place, case) in cases.iter().enumerate() {
        let report = triage(case, &filter)?;
        let found = problems::all(case, &report.problems);
        effect = effect.max(report_problems(case, &found));
        problems.extend(of_case(case, &found));
        for (key, ends) in report.counts {
            *counts.entry(key).or_default() += ends;
        }
        for (reason, ends) in report.by_reason {
            *by_reason.entry(reason).or_default() += ends;
        }
        suspects_total += report.suspects_total;
        suspects.extend(report.suspects.into_iter().map(|end| PlacedEnd { case: place, end }));
        suspects.sort_by(|a, b| a.end.urgency().cmp(&b.end.urgency()));
        suspects.truncate(args.limit);
    }
    if cases.len() > 1 {
        say_clock_errors(&cases);
    }
    match args.format {
        ReportFormat::Json => {
            let entry = |placed: &PlacedEnd| {
                SuspectEntry::new(origins.get(placed.case).unwrap_or(RowOrigin::UNKNOWN), &placed.end)
            };
            json::print(&TriageDocument {
                cases: origins.iter().map(Into::into).collect(),
                counts: TriageDocument::counts(&counts),
                reasons: TriageDocument::reasons(&by_reason),
                suspects_total,
                suspects: suspects.iter().map(entry).collect(),
                problems,
            })?;
        }
        ReportFormat::Text => {
            write_counts(&counts)?;
            write_suspects(&suspects, &origins)?;
            let shown = suspects.len() as u64;
            let rest = if shown < suspects_total { format!(", of which {shown} are listed") } else { String::new() };
            let reasons: Vec<_> = by_reason.iter().map(|(reason, ends)| format!("{ends} {}", reason.name())).collect();
            let reasons = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(", ")) };
            let ends: u64 = counts.values().sum();
            say(&format!("{ends} containers ended, {suspects_total} ends want a second look{rest}{reasons}"));
        }
    }
    if effect == Effect::Damage {
        complain("these ends follow from what could be read; others may be missing");
        return Ok(CommandStatus::Incomplete);
    }
    Ok(CommandStatus::Done)
}

/// Writes the ends by engine and cause.
fn write_counts(counts: &BTreeMap<(Option<Engine>, Cause), u64>) -> anyhow::Result<()> {
    let mut table = TextTableWriter::new(columns::CAUSE_COUNTS.to_vec(), Destination::open(None)?);
    for ((runtime, cause), ends) in counts {
        let runtime = runtime.map_or("-", Engine::as_str);
        table.write(vec![runtime.to_owned(), cause.as_str().to_owned(), ends.to_string()])?;
    }
    let mut output = table.finish()?;
    if !counts.is_empty() {
        writeln!(output)?;
    }
    Ok(output.finish()?)
}

/// Writes the ends that want a second look.
fn write_suspects(suspects: &[PlacedEnd], origins: &[RowOrigin]) -> anyhow::Result<()> {
    let hosts = if origins.len() > 1 { host_names(origins) } else { Vec::new() };
    let host = (!hosts.is_empty()).then_some(columns::HOST);
    let layouts = host.into_iter().chain(columns::suspect_layouts()).collect();
    let mut table = TextTableWriter::open(layouts, None)?;
    for PlacedEnd { case, end } in suspects {
        let host = hosts.get(*case).cloned();
        table.write(host.into_iter().chain(columns::suspect_cells(end)).collect())?;
    }
    Ok(table.finish()?.finish()?)
}
