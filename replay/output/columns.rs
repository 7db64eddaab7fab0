//! Which columns a person gets to see of each derived table, and how they read.

use obit_derivation::ending::signal_name;
use obit_derivation::row::{
    ActorCopy, Cause, ContainerCreate, ContainerRemove, Death, Disagreement, ExistingContainer, Identity, Place,
    ReportedValue,
};
use obit_derivation::{Profile, Row, WallNs};
use obit_schema::Table;

use super::table::{Column, Side};
use obit_schema::text::time;

/// Digits of a hexadecimal id that are shown, as docker and podman do.
const SHORT_ID_DIGITS: usize = 12;

const fn left(heading: &'static str, narrowest: usize) -> Column {
    Column { heading, narrowest, side: Side::Left }
}

const fn right(heading: &'static str, narrowest: usize) -> Column {
    Column { heading, narrowest, side: Side::Right }
}

const REMOVE: &[Column] = &[
    left("ENDED AT (UTC)", 23),
    left("RUNTIME", 10),
    left("CONTAINER", 13),
    left("IMAGE", 6),
    right("LIFETIME", 8),
    left("CAUSE", 12),
    left("KILLED BY", 10),
    left("NOTES", 7),
];

const CREATE: &[Column] = &[
    left("CREATED AT (UTC)", 23),
    left("RUNTIME", 10),
    left("CONTAINER", 14),
    left("IMAGE", 8),
    left("CREATED BY", 10),
    left("NOTES", 8),
];

const EXISTING: &[Column] = &[
    left("SEEN AT (UTC)", 23),
    left("RUNTIME", 10),
    left("CONTAINER", 14),
    left("IMAGE", 8),
    left("CREATED AT (UTC)", 16),
    right("INIT PID", 8),
    left("NOTES", 8),
];

const DISAGREEMENT: &[Column] = &[
    left("DECIDED AT (UTC)", 23),
    left("RUNTIME", 10),
    left("CONTAINER", 14),
    left("ABOUT", 10),
    left("SOURCE SAYS", 14),
    left("OTHER SAYS", 14),
];

/// Of a profile that knows little more than paths: the directory is what tells its rows apart.
const BY_PATH: &[Column] = &[left("WHEN (UTC)", 23), left("RUNTIME", 10), left("CONTAINER", 14), left("DIRECTORY", 40)];

/// The columns of a derived table.
pub fn of(table: Table, profile: Profile) -> &'static [Column] {
    match (profile, table) {
        (Profile::Tracee, _) => BY_PATH,
        (Profile::Strict, Table::ContainerCreate) => CREATE,
        (Profile::Strict, Table::ExistingContainer) => EXISTING,
        (Profile::Strict, Table::Disagreement) => DISAGREEMENT,
        (Profile::Strict, _) => REMOVE,
    }
}

/// A row's cells, in the order of its table's columns.
pub fn cells(row: &Row, profile: Profile) -> Vec<String> {
    match (profile, row) {
        (Profile::Tracee, Row::Remove(row)) => by_path(row.ts, &row.identity, &row.place),
        (Profile::Tracee, Row::Create(row)) => by_path(row.ts, &row.identity, &row.place),
        (Profile::Tracee, Row::Existing(row)) => by_path(row.ts, &row.identity, &row.place),
        (Profile::Tracee, Row::Disagreement(row)) => by_path(row.ts, &row.identity, &row.place),
        (Profile::Strict, Row::Remove(row)) => remove(row),
        (Profile::Strict, Row::Create(row)) => create(row),
        (Profile::Strict, Row::Existing(row)) => existing(row),
        (Profile::Strict, Row::Disagreement(row)) => disagreement(row),
    }
}

fn by_path(ts: WallNs, identity: &Identity, place: &Place) -> Vec<String> {
    vec![when(ts), runtime(identity), container(identity), short_path(&place.path)]
}

fn remove(row: &ContainerRemove) -> Vec<String> {
    let notes = [
        (row.inferred, "inferred"),
        (row.never_started == Some(true), "never-started"),
        (row.after_gap, "after-gap"),
        (row.usage.oom_kills.is_some_and(|kills| kills > 0), "oom-kills"),
    ];
    vec![
        when(row.ts),
        runtime(&row.identity),
        container(&row.identity),
        image(&row.identity),
        row.lifetime_ns.map_or_else(unknown, time::duration),
        cause(&row.death),
        row.death.killed_by.as_ref().map_or_else(unknown, |killer| actor(&killer.task)),
        join(&row.identity, &notes),
    ]
}

/// `exit 0`, `oom KILL`, `runtime TERM`: a signal without the letters that are the same for all.
fn cause(death: &Death) -> String {
    let signal = death.exit_signal.map_or_else(String::new, |signal| {
        let name = signal_name(signal.into());
        name.trim_start_matches("SIG").trim_start_matches("signal ").to_owned()
    });
    match (death.cause, death.exit_code) {
        (Cause::Unknown, _) => unknown(),
        (_, Some(code)) => format!("exit {code}"),
        (Cause::OomKilled, None) => format!("oom {signal}"),
        (Cause::CgroupKilled, None) => format!("cgroup {signal}"),
        (Cause::KilledByRuntime, None) => format!("runtime {signal}"),
        (Cause::HostShutdown, None) => format!("shutdown {signal}"),
        (_, None) => format!("signal {signal}"),
    }
}

fn create(row: &ContainerCreate) -> Vec<String> {
    vec![
        when(row.ts),
        runtime(&row.identity),
        container(&row.identity),
        image(&row.identity),
        row.created_by.as_ref().map_or_else(unknown, actor),
        join(&row.identity, &[(row.inferred, "inferred"), (row.after_gap, "after-gap")]),
    ]
}

fn existing(row: &ExistingContainer) -> Vec<String> {
    vec![
        when(row.ts),
        runtime(&row.identity),
        container(&row.identity),
        image(&row.identity),
        row.created_at.map_or_else(unknown, when),
        row.identity.init_pid.map_or_else(unknown, |pid| pid.to_string()),
        join(&row.identity, &[]),
    ]
}

fn disagreement(row: &Disagreement) -> Vec<String> {
    vec![
        when(row.ts),
        runtime(&row.identity),
        container(&row.identity),
        row.aspect.to_string(),
        said(&row.said),
        said(&row.other),
    ]
}

/// `docker_event: 137`; of a time that.
pub fn said(said: &ReportedValue) -> String {
    let value = said.value.clone().or_else(|| said.at.map(when)).unwrap_or_else(unknown);
    format!("{}: {value}", said.by.as_str())
}

fn when(ts: WallNs) -> String {
    time::to_millisecond(ts.0)
}

/// What stands for a value that is absent.
fn unknown() -> String {
    "-".to_owned()
}

fn runtime(identity: &Identity) -> String {
    identity.runtime.map_or_else(unknown, |runtime| runtime.as_str().to_owned())
}

/// The id, short where it is a long hexadecimal one, and the name beside it if there is another.
fn container(identity: &Identity) -> String {
    let id = short_id(&identity.container_id);
    match &identity.container_name {
        Some(name) if *name != identity.container_id => format!("{id} {name}"),
        _ => id.to_owned(),
    }
}

/// The first 12 digits of an id of 64; any other whole.
pub fn short_id(id: &str) -> &str {
    let is_long_hex = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_long_hex { &id[..SHORT_ID_DIGITS] } else { id }
}

/// The path with the long hexadecimal ids in it cut to their first 12 digits: what is below them tells more.
fn short_path(path: &str) -> String {
    let is_no_digit = |character: char| !character.is_ascii_hexdigit();
    let mut short = String::with_capacity(path.len());
    for run in path.split_inclusive(is_no_digit) {
        let digits = run.trim_end_matches(is_no_digit);
        match short_id(digits) {
            cut if cut.len() < digits.len() => short.extend([cut, "…", &run[digits.len()..]]),
            _ => short.push_str(run),
        }
    }
    short
}

/// The image's reference without what is the same for nearly all.
fn image(identity: &Identity) -> String {
    let Some(name) = &identity.image_name else {
        return unknown();
    };
    let name = name.split_once('@').map_or(name.as_str(), |(name, _)| name);
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    name.strip_prefix("library/").unwrap_or(name).to_owned()
}

fn actor(actor: &ActorCopy) -> String {
    format!("{}[{}]", actor.comm, actor.pid)
}

fn join(identity: &Identity, notes: &[(bool, &str)]) -> String {
    let mut said: Vec<&str> = notes.iter().filter(|(is_so, _)| *is_so).map(|(_, note)| *note).collect();
    if !identity.conflicts.is_empty() {
        said.push("conflict");
    }
    if identity.sandbox == Some(true) {
        said.push("sandbox");
    }
    if identity.parent_container_id.is_some() {
        said.push("nested");
    }
    said.join(",")
}
