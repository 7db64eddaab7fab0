//! `triage`: how many containers ended of what, and which ends want a second look.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use obit_analysis::cases;
use obit_analysis::origin::RowOrigin;
use obit_analysis::problems::{self, Effect};
use obit_analysis::span::CaseSpan;
use obit_analysis::triage::{SuspectEnd, TriageReason, triage};
use obit_derivation::Row;
use obit_derivation::identity::Engine;
use obit_derivation::row::Cause;
use obit_schema::text::json;
use obit_schema::text::time;
use serde::Serialize;

use crate::cli::TriageArgs;
use crate::output::columns;
use crate::output::destination::Destination;
use crate::output::format::ReportFormat;
use crate::output::hosts::{host_names, say_clock_errors};
use crate::output::messages::{complain, say};
use crate::output::problems::report_problems;
use crate::output::table::TextTableWriter;
use crate::status::CommandStatus;

/// The answer, as JSON.
#[derive(Debug, Serialize)]
struct TriageDocument<'a> {
    /// The cases that were read.
    cases: &'a [RowOrigin],
    /// Ends by engine and cause.
    counts: Vec<CauseCount>,
    /// Ends by reason; an end with several counts for each.
    reasons: BTreeMap<&'static str, u64>,
    /// Number of ends that want a second look; not all need be listed.
    suspects_total: u64,
    /// The ends that want a second look, the most urgent first.
    suspects: Vec<SuspectEntry<'a>>,
}

/// Number of ends of one engine with one cause.
#[derive(Debug, Serialize)]
struct CauseCount {
    runtime: Option<&'static str>,
    cause: &'static str,
    ends: u64,
}

/// An end that wants a second look. All but the origin are columns of its row.
#[derive(Debug, Serialize)]
struct SuspectEntry<'a> {
    reasons: &'a [TriageReason],
    #[serde(flatten)]
    origin: &'a RowOrigin,
    seq: u64,
    ts: String,
    runtime: Option<&'static str>,
    container_id: &'a str,
    container_name: Option<&'a str>,
    image_name: Option<&'a str>,
    pod_name: Option<&'a str>,
    pod_namespace: Option<&'a str>,
    lifetime_ns: Option<u64>,
    cause: Option<&'static str>,
    exit_code: Option<u8>,
    exit_signal: Option<u8>,
    killed_by_pid: Option<u32>,
    killed_by_uid: Option<u32>,
    killed_by_comm: Option<&'a str>,
    killed_by_container_id: Option<&'a str>,
    oom_limit_cgroup_path: Option<&'a str>,
    conflicts: &'a [String],
}

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
    let (mut suspects, mut suspects_total, mut effect) = (Vec::new(), 0, Effect::None);
    for (place, case) in cases.iter().enumerate() {
        let report = triage(case, &filter)?;
        effect = effect.max(report_problems(case, &problems::all(case, &report.problems)));
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
            let counts = counts.into_iter().map(|((runtime, cause), ends)| CauseCount {
                runtime: runtime.map(Engine::as_str),
                cause: cause.as_str(),
                ends,
            });
            let document = TriageDocument {
                cases: &origins,
                counts: counts.collect(),
                reasons: by_reason.into_iter().map(|(reason, ends)| (reason.name(), ends)).collect(),
                suspects_total,
                suspects: suspects.iter().map(|placed| entry(placed, &origins)).collect(),
            };
            let mut output = io::BufWriter::new(io::stdout().lock());
            json::write_pretty(&document, &mut output)?;
            output.write_all(b"\n")?;
            output.flush()?;
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

fn entry<'a>(placed: &'a PlacedEnd, origins: &'a [RowOrigin]) -> SuspectEntry<'a> {
    let row = &placed.end.row;
    let (identity, death) = (row.identity(), row.death());
    let killer = death.and_then(|death| death.killed_by.as_ref());
    let lifetime_ns = match row {
        Row::Exit(row) => row.lifetime_ns,
        Row::Remove(row) => row.lifetime_ns,
        Row::Create(_) | Row::Existing(_) | Row::Disagreement(_) => None,
    };
    SuspectEntry {
        reasons: &placed.end.reasons,
        origin: origins.get(placed.case).unwrap_or(RowOrigin::UNKNOWN),
        seq: row.seq().0,
        ts: time::rfc3339(row.ts().0),
        runtime: identity.runtime.map(Engine::as_str),
        container_id: &identity.container_id,
        container_name: identity.container_name.as_deref(),
        image_name: identity.image_name.as_deref(),
        pod_name: identity.pod_name.as_deref(),
        pod_namespace: identity.pod_namespace.as_deref(),
        lifetime_ns,
        cause: death.map(|death| death.cause.as_str()),
        exit_code: death.and_then(|death| death.exit_code),
        exit_signal: death.and_then(|death| death.exit_signal),
        killed_by_pid: killer.map(|killer| killer.task.pid),
        killed_by_uid: killer.map(|killer| killer.task.uid),
        killed_by_comm: killer.map(|killer| killer.task.comm.as_str()),
        killed_by_container_id: killer.and_then(|killer| killer.container_id.as_deref()),
        oom_limit_cgroup_path: death.and_then(|death| death.oom_limit_cgroup_path.as_deref()),
        conflicts: &identity.conflicts,
    }
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
