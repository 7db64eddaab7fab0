//! `inventory`: the containers that were there at a moment.

use std::io::{self, Write as _};

use anyhow::{bail, ensure};
use obit_analysis::cases;
use obit_analysis::inventory::{Moment, PresentContainer, SinceSource, take};
use obit_analysis::origin::RowOrigin;
use obit_analysis::problems::{self, Effect};
use obit_analysis::span::CaseSpan;
use obit_case::Case;
use obit_derivation::WallNs;
use obit_schema::text::json;
use obit_schema::text::time;
use serde::Serialize;

use crate::cli::{InventoryArgs, InventoryMoment};
use crate::output::columns;
use crate::output::format::ReportFormat;
use crate::output::hosts::{host_names, say_clock_errors};
use crate::output::messages::{complain, say};
use crate::output::problems::report_problems;
use crate::output::table::TextTableWriter;
use crate::status::CommandStatus;

/// The answer, as JSON.
#[derive(Debug, Serialize)]
struct InventoryDocument<'a> {
    /// The moment, RFC 3339; null if a record was asked for.
    at: Option<String>,
    /// The record that was asked for.
    at_seq: Option<u64>,
    /// The cases that were read.
    cases: &'a [RowOrigin],
    /// The containers that were there.
    containers: Vec<InventoryEntry<'a>>,
}

/// A container that was there.
#[derive(Debug, Serialize)]
struct InventoryEntry<'a> {
    #[serde(flatten)]
    origin: &'a RowOrigin,
    state: PresentState,
    runtime: Option<&'static str>,
    container_id: &'a str,
    container_name: Option<&'a str>,
    image_name: Option<&'a str>,
    image_id: Option<&'a str>,
    image_digest: Option<&'a str>,
    pod_name: Option<&'a str>,
    pod_namespace: Option<&'a str>,
    pod_uid: Option<&'a str>,
    containerd_namespace: Option<&'a str>,
    sandbox: Option<bool>,
    parent_container_id: Option<&'a str>,
    init_pid: Option<u32>,
    /// Time since which it was there, RFC 3339; null if that was before the capture.
    since: Option<String>,
    since_source: Option<SinceSource>,
    /// Time of the exit, RFC 3339, of one that had exited.
    exited_at: Option<String>,
    identified_by: &'static str,
    conflicts: &'a [String],
}

/// The state of a container at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum PresentState {
    /// It ran.
    Running,
    /// It had exited, and its directory was there.
    Exited,
}

pub fn run(args: &InventoryArgs) -> anyhow::Result<CommandStatus> {
    let cases = cases::open(&args.cases)?;
    let moment = moment(args, &cases)?;
    let filter = args.identity.filter();
    let (mut present, mut effect) = (Vec::new(), Effect::None);
    for (place, case) in cases.iter().enumerate() {
        say_outside(case, moment);
        let inventory = take(case, moment, &filter)?;
        effect = effect.max(report_problems(case, &problems::all(case, &inventory.problems)));
        present.extend(inventory.containers.into_iter().map(|container| (place, container)));
    }
    if cases.len() > 1 {
        say_clock_errors(&cases);
    }
    let origins: Vec<_> = cases.iter().map(RowOrigin::of).collect();
    match args.format {
        ReportFormat::Json => write_json(&origins, moment, &present)?,
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

fn state(container: &PresentContainer) -> PresentState {
    if container.exited_at.is_some() { PresentState::Exited } else { PresentState::Running }
}

fn entry<'a>((place, container): &'a (usize, PresentContainer), origins: &'a [RowOrigin]) -> InventoryEntry<'a> {
    let identity = &container.identity;
    InventoryEntry {
        origin: origins.get(*place).unwrap_or(RowOrigin::UNKNOWN),
        state: state(container),
        runtime: identity.runtime.map(|runtime| runtime.as_str()),
        container_id: &identity.container_id,
        container_name: identity.container_name.as_deref(),
        image_name: identity.image_name.as_deref(),
        image_id: identity.image_id.as_deref(),
        image_digest: identity.image_digest.as_deref(),
        pod_name: identity.pod_name.as_deref(),
        pod_namespace: identity.pod_namespace.as_deref(),
        pod_uid: identity.pod_uid.as_deref(),
        containerd_namespace: identity.containerd_namespace.as_deref(),
        sandbox: identity.sandbox,
        parent_container_id: identity.parent_container_id.as_deref(),
        init_pid: identity.init_pid,
        since: container.since.map(|(ts, _)| when(ts)),
        since_source: container.since.map(|(_, source)| source),
        exited_at: container.exited_at.map(when),
        identified_by: identity.identified_by.as_str(),
        conflicts: &identity.conflicts,
    }
}

fn write_json(origins: &[RowOrigin], moment: Moment, present: &[(usize, PresentContainer)]) -> anyhow::Result<()> {
    let document = InventoryDocument {
        at: if let Moment::Time(at) = moment { Some(when(at)) } else { None },
        at_seq: if let Moment::Record(seq) = moment { Some(seq) } else { None },
        cases: origins,
        containers: present.iter().map(|placed| entry(placed, origins)).collect(),
    };
    let mut output = io::BufWriter::new(io::stdout().lock());
    json::write_pretty(&document, &mut output)?;
    output.write_all(b"\n")?;
    Ok(output.flush()?)
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
    let running = present.iter().filter(|(_, container)| state(container) == PresentState::Running).count();
    let at = match moment {
        Moment::Time(at) => when(at),
        Moment::Record(seq) => format!("record {seq}"),
    };
    let exited = match present.len() - running {
        0 => String::new(),
        others => format!(", {others} had exited and were still there"),
    };
    say(&format!("{running} containers ran at {at}{exited}"));
    Ok(())
}
