//! The columns that people see of each derived table, and the text of their cells.

use obit_analysis::inventory::{PresentContainer, SinceSource};
use obit_analysis::triage::SuspectEnd;
use obit_derivation::row::{ContainerCreate, Disagreement, ExistingContainer, Identity, ReportedValue};
use obit_derivation::{Profile, Row, WallNs};
use obit_schema::Table;
use obit_schema::text::{row_words, time};

use super::table::{Alignment, ColumnLayout};

/// A column of a table of rows of type `R`.
struct CellColumn<R: 'static> {
    layout: ColumnLayout,
    cell: fn(&R) -> String,
}

const fn left<R>(heading: &'static str, narrowest: usize, cell: fn(&R) -> String) -> CellColumn<R> {
    CellColumn { layout: ColumnLayout { heading, narrowest, alignment: Alignment::Left }, cell }
}

const fn right<R>(heading: &'static str, narrowest: usize, cell: fn(&R) -> String) -> CellColumn<R> {
    CellColumn { layout: ColumnLayout { heading, narrowest, alignment: Alignment::Right }, cell }
}

const EXIT: &[CellColumn<Row>] = &end("EXITED AT (UTC)");

const REMOVE: &[CellColumn<Row>] = &end("REMOVED AT (UTC)");

/// Returns the columns of rows that tell of an end.
const fn end(when_heading: &'static str) -> [CellColumn<Row>; 10] {
    [
        left(when_heading, 23, |row| when(row.ts())),
        left("RUNTIME", 7, |row| runtime(row.identity())),
        left("CONTAINER", 12, |row| container(row.identity())),
        left("NAME", 8, |row| name(row.identity())),
        left("IMAGE", 8, |row| image(row.identity())),
        right("LIFETIME", 6, |row| row.lifetime_ns().map_or_else(unknown, time::duration)),
        left("CAUSE", 12, |row| row.death().and_then(row_words::cause).unwrap_or_else(unknown)),
        left("KILLED BY", 8, |row| row.death().and_then(row_words::killer).unwrap_or_else(unknown)),
        left("ORDERED BY", 7, |row| row.death().and_then(row_words::orderer).unwrap_or_else(unknown)),
        left("NOTES", 7, end_notes),
    ]
}

const CREATE: &[CellColumn<ContainerCreate>] = &[
    left("CREATED AT (UTC)", 23, |row| when(row.ts)),
    left("RUNTIME", 7, |row| runtime(&row.identity)),
    left("CONTAINER", 12, |row| container(&row.identity)),
    left("NAME", 8, |row| name(&row.identity)),
    left("IMAGE", 8, |row| image(&row.identity)),
    left("CREATED BY", 10, |row| row.created_by.as_ref().map_or_else(unknown, row_words::task)),
    left("NOTES", 8, |row| join(&row.identity, &[(row.inferred, "inferred"), (row.after_gap, "after-gap")])),
];

const EXISTING: &[CellColumn<ExistingContainer>] = &[
    left("SEEN AT (UTC)", 23, |row| when(row.ts)),
    left("RUNTIME", 7, |row| runtime(&row.identity)),
    left("CONTAINER", 12, |row| container(&row.identity)),
    left("NAME", 8, |row| name(&row.identity)),
    left("IMAGE", 8, |row| image(&row.identity)),
    left("CREATED AT (UTC)", 16, |row| row.created_at.map_or_else(unknown, when)),
    right("INIT PID", 8, |row| row.identity.init_pid.map_or_else(unknown, |pid| pid.to_string())),
    left("NOTES", 8, |row| join(&row.identity, &[])),
];

const DISAGREEMENT: &[CellColumn<Disagreement>] = &[
    left("DECIDED AT (UTC)", 23, |row| when(row.ts)),
    left("RUNTIME", 7, |row| runtime(&row.identity)),
    left("CONTAINER", 12, |row| container(&row.identity)),
    left("NAME", 8, |row| name(&row.identity)),
    left("ABOUT", 10, |row| row.aspect.to_string()),
    left("SOURCE SAYS", usize::MAX, |row| reported(&row.said)),
    left("OTHER SAYS", usize::MAX, |row| reported(&row.other)),
];

/// The columns for a profile that knows little more than paths: the directory tells its rows apart.
const BY_PATH: &[CellColumn<Row>] = &[
    left("WHEN (UTC)", 23, |row| when(row.ts())),
    left("RUNTIME", 10, |row| runtime(row.identity())),
    left("CONTAINER", 12, |row| container(row.identity())),
    left("DIRECTORY", 40, |row| row.place().map_or_else(String::new, |place| short_path(&place.path))),
];

const PRESENCE: &[CellColumn<PresentContainer>] = &[
    left("SINCE (UTC)", 23, |row| row.since.map_or_else(|| "before the capture".to_owned(), |(ts, _)| when(ts))),
    left("STATE", 7, |row| if row.exited_at.is_some() { "exited" } else { "running" }.to_owned()),
    left("RUNTIME", 10, |row| runtime(&row.identity)),
    left("CONTAINER", 12, |row| container(&row.identity)),
    left("NAME", 8, |row| name(&row.identity)),
    left("IMAGE", 8, |row| image(&row.identity)),
    left("POD", 8, |row| pod(&row.identity)),
    left("NOTES", 8, |row| {
        let source = row.since.map(|(_, source)| source);
        let is = |one| source == Some(one);
        join(&row.identity, &[(is(SinceSource::Inferred), "inferred"), (is(SinceSource::Reported), "since-reported")])
    }),
];

const SUSPECT: &[CellColumn<SuspectEnd>] = &[
    left("ENDED AT (UTC)", 23, |end| when(end.row.ts())),
    left("RUNTIME", 10, |end| runtime(end.row.identity())),
    left("CONTAINER", 12, |end| container(end.row.identity())),
    left("NAME", 8, |end| name(end.row.identity())),
    left("IMAGE", 6, |end| image(end.row.identity())),
    left("CAUSE", 12, |end| end.row.death().and_then(row_words::cause).unwrap_or_else(unknown)),
    left("KILLED BY", 10, |end| end.row.death().and_then(row_words::killer).unwrap_or_else(unknown)),
    left("REASONS", 22, |end| end.reasons.iter().map(|reason| reason.name()).collect::<Vec<_>>().join(",")),
];

/// The columns of the ends by engine and cause.
pub const CAUSE_COUNTS: [ColumnLayout; 3] = [
    ColumnLayout { heading: "RUNTIME", narrowest: 10, alignment: Alignment::Left },
    ColumnLayout { heading: "CAUSE", narrowest: 12, alignment: Alignment::Left },
    ColumnLayout { heading: "ENDS", narrowest: 4, alignment: Alignment::Right },
];

/// Returns the layouts of the columns of an inventory.
pub fn presence_layouts() -> impl Iterator<Item = ColumnLayout> {
    PRESENCE.iter().map(|column| column.layout)
}

/// Returns the cells of a container that was there.
pub fn presence_cells(container: &PresentContainer) -> impl Iterator<Item = String> {
    PRESENCE.iter().map(|column| (column.cell)(container))
}

/// Returns the layouts of the columns of ends that want a second look.
pub fn suspect_layouts() -> impl Iterator<Item = ColumnLayout> {
    SUSPECT.iter().map(|column| column.layout)
}

/// Returns the cells of an end that wants a second look.
pub fn suspect_cells(end: &SuspectEnd) -> impl Iterator<Item = String> {
    SUSPECT.iter().map(|column| (column.cell)(end))
}

/// The column of the host, before the others where rows of several cases meet.
pub const HOST: ColumnLayout = ColumnLayout { heading: "HOST", narrowest: 8, alignment: Alignment::Left };

/// Returns the layouts of a derived table's columns.
pub fn layouts(table: Table, profile: Profile) -> Vec<ColumnLayout> {
    fn of<R>(columns: &[CellColumn<R>]) -> Vec<ColumnLayout> {
        columns.iter().map(|column| column.layout).collect()
    }
    match (profile, table) {
        (Profile::Tracee, _) => of(BY_PATH),
        (Profile::Strict, Table::ContainerExit) => of(EXIT),
        (Profile::Strict, Table::ContainerCreate) => of(CREATE),
        (Profile::Strict, Table::ExistingContainer) => of(EXISTING),
        (Profile::Strict, Table::Disagreement) => of(DISAGREEMENT),
        (Profile::Strict, _) => of(REMOVE),
    }
}

/// Returns a row's cells, in the order of its table's columns.
pub fn cells(row: &Row, profile: Profile) -> Vec<String> {
    fn of<R>(columns: &[CellColumn<R>], row: &R) -> Vec<String> {
        columns.iter().map(|column| (column.cell)(row)).collect()
    }
    match (profile, row) {
        (Profile::Tracee, row) => of(BY_PATH, row),
        (Profile::Strict, row @ Row::Exit(_)) => of(EXIT, row),
        (Profile::Strict, row @ Row::Remove(_)) => of(REMOVE, row),
        (Profile::Strict, Row::Create(row)) => of(CREATE, row),
        (Profile::Strict, Row::Existing(row)) => of(EXISTING, row),
        (Profile::Strict, Row::Disagreement(row)) => of(DISAGREEMENT, row),
    }
}

/// Returns `docker_event: 137`; for a report without a value, its time.
fn reported(report: &ReportedValue) -> String {
    let value = report.value.clone().or_else(|| report.at.map(when)).unwrap_or_else(unknown);
    format!("{}: {value}", report.by.as_str())
}

fn when(ts: WallNs) -> String {
    time::to_millisecond(ts.0)
}

/// Returns the text of a value that is absent.
fn unknown() -> String {
    "-".to_owned()
}

fn runtime(identity: &Identity) -> String {
    identity.runtime.map_or_else(unknown, |runtime| runtime.as_str().to_owned())
}

fn container(identity: &Identity) -> String {
    row_words::short_id(&identity.container_id).to_owned()
}

fn name(identity: &Identity) -> String {
    identity.container_name.clone().unwrap_or_else(unknown)
}

/// Cuts the long hexadecimal ids in a path to their first 12 digits: the directories below them
/// tell more.
fn short_path(path: &str) -> String {
    let is_no_digit = |character: char| !character.is_ascii_hexdigit();
    let mut short = String::with_capacity(path.len());
    for run in path.split_inclusive(is_no_digit) {
        let digits = run.trim_end_matches(is_no_digit);
        match row_words::short_id(digits) {
            cut if cut.len() < digits.len() => short.extend([cut, "…", &run[digits.len()..]]),
            _ => short.push_str(run),
        }
    }
    short
}

/// Returns the image's reference without its digest and the default registry.
fn image(identity: &Identity) -> String {
    let Some(name) = &identity.image_name else {
        return unknown();
    };
    let name = name.split_once('@').map_or(name.as_str(), |(name, _)| name);
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name).to_owned()
}

/// Returns `namespace/name` of the pod.
fn pod(identity: &Identity) -> String {
    match (&identity.pod_namespace, &identity.pod_name) {
        (Some(namespace), Some(name)) => format!("{namespace}/{name}"),
        (None, Some(name)) => name.clone(),
        (_, None) => unknown(),
    }
}

/// Returns the notes of a row that tells of an end.
fn end_notes(row: &Row) -> String {
    let (is_inferred, is_after_gap, usage) = match row {
        Row::Exit(row) => (row.inferred, row.after_gap, &row.usage),
        Row::Remove(row) => (row.inferred, row.after_gap, &row.usage),
        Row::Create(_) | Row::Existing(_) | Row::Disagreement(_) => return join(row.identity(), &[]),
    };
    let has_oom_kills = usage.oom_kills.is_some_and(|kills| kills > 0);
    join(row.identity(), &[(is_inferred, "inferred"), (is_after_gap, "after-gap"), (has_oom_kills, "oom-kills")])
}

fn join(identity: &Identity, notes: &[(bool, &str)]) -> String {
    let mut names: Vec<&str> = notes.iter().filter(|(is_so, _)| *is_so).map(|(_, note)| *note).collect();
    if !identity.conflicts.is_empty() {
        names.push("conflict");
    }
    if identity.sandbox == Some(true) {
        names.push("sandbox");
    }
    if identity.parent_container_id.is_some() {
        names.push("nested");
    }
    names.join(",")
}
