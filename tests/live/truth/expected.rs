//! The columns of each table that the truth decides, and what each must say.

use std::fmt::{self, Display, Formatter};

use std::time::Duration;

use serde_json::{Value, json};

use super::coverage::Coverage;
use super::driver::containerd::NAMESPACE;
use super::life::{Killer, Life, Span};
use super::plan::Story;

/// Longest time in which an engine hears of what its runtime did.
const LATE: Duration = Duration::from_secs(1);

/// Judgement about one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Right,
    Unknown,
    False,
}

/// Demand on the value of a column.
#[derive(Clone, Debug)]
pub enum Expected {
    /// One of these values; null among them means that null is the truth.
    AnyOf(Vec<Value>),
    /// This value, as a daemon or a file reports it; null if none did in time.
    Reported(Value),
    /// A time in these bounds.
    Within(Span),
    /// A time in these bounds, as a daemon reports it; null if none did.
    ReportedWithin(Span),
    /// Any value but null.
    Somebody,
    /// A list with one of these texts in an element, and none of those.
    List { has: Vec<String>, lacks: Vec<String> },
}

impl Expected {
    fn null() -> Self {
        Self::AnyOf(vec![Value::Null])
    }

    fn is(value: impl Into<Value>) -> Self {
        Self::AnyOf(vec![value.into()])
    }

    fn optional(value: Option<impl Into<Value>>) -> Self {
        Self::AnyOf(vec![value.map_or(Value::Null, Into::into)])
    }

    /// Returns true if null is no fault, with or without a loss.
    pub fn may_be_unknown(&self) -> bool {
        matches!(self, Self::Reported(_) | Self::ReportedWithin(_))
    }
}

impl Display for Expected {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let time = |time: std::time::SystemTime| chrono::DateTime::<chrono::Utc>::from(time).to_rfc3339();
        match self {
            Self::AnyOf(values) => {
                let texts: Vec<_> = values.iter().map(Value::to_string).collect();
                f.write_str(&texts.join(" or "))
            }
            Self::Reported(value) => write!(f, "{value} or null"),
            Self::Within(span) | Self::ReportedWithin(span) => {
                write!(f, "{} … {}", time(span.from), time(span.to))
            }
            Self::Somebody => f.write_str("not null"),
            Self::List { has, lacks } => write!(f, "a list with {has:?} and without {lacks:?}"),
        }
    }
}

/// A column and what it must say.
pub struct Column {
    pub name: &'static str,
    pub expected: Expected,
}

/// Returns the columns of a table that the truth about a life decides, as far as a case covers it.
pub fn of_table(table: &str, life: &Life, coverage: &Coverage) -> Vec<Column> {
    // What a daemon says after the stop is not recorded.
    let is_at_stop = super::compare::span(table, life).to >= coverage.end.from;
    // Of a renaming, podman's service may tell after the start that followed it; and a recorder that
    // is held up may read of it then.
    let is_told_late = life.runtime == "podman" || coverage.has_gap_in(life.created);
    let mut columns = identity(table, life, is_at_stop, is_told_late);
    // The first walk finds what was there, whenever it reads its directory.
    if table == "existing_container" {
        return columns;
    }
    columns.extend(limits(life, coverage));
    let moment = match table {
        "container_create" => life.created,
        "container_exit" => life.ended,
        _ => life.removed,
    };
    columns.push(Column { name: "ts", expected: Expected::Within(moment) });
    if table != "container_create" {
        columns.push(creation(life, coverage));
        columns.extend(ending(life));
    }
    columns
}

/// Columns that say which container it was.
fn identity(table: &str, life: &Life, is_at_stop: bool, is_told_late: bool) -> Vec<Column> {
    // These rows do not wait for a daemon.
    let is_early = matches!(table, "container_create" | "existing_container");
    let is_create = table == "container_create";
    let name = if is_create { &life.first_name } else { &life.name };
    let reported = |value: Option<String>| match value {
        Some(value) if is_early => Expected::Reported(json!(value)),
        value => Expected::optional(value),
    };
    let is_renamed = life.name != life.first_name;
    let names = if is_renamed && (table == "existing_container" || is_at_stop) {
        // The walk, or the stop, may come between two names.
        Expected::AnyOf(vec![json!(life.first_name), json!(life.name), Value::Null])
    } else if is_renamed && is_create && is_told_late {
        // The row has the name that was told last.
        Expected::AnyOf(vec![json!(life.made_as), json!(life.first_name), Value::Null])
    } else {
        reported(name.clone())
    };
    let runtime = match table {
        // The walk finds a directory; who made it is read elsewhere.
        "existing_container" => Expected::Reported(json!(life.oci_runtime)),
        _ => Expected::is(life.oci_runtime),
    };
    let engine = match life.scene.story {
        // The words by which the engine is known are past the kilobyte that is recorded.
        Story::LongCommand { .. } if is_create => Expected::Reported(json!(life.runtime)),
        _ => Expected::is(life.runtime),
    };
    let mut columns = vec![
        Column { name: "runtime", expected: engine },
        Column { name: "oci_runtime", expected: runtime },
        Column { name: "container_name", expected: names },
        Column { name: "image_name", expected: reported(life.image.map(str::to_owned)) },
        Column { name: "parent_container_id", expected: Expected::optional(life.parent.clone()) },
        Column { name: "containerd_namespace", expected: namespace(table, life) },
    ];
    if !is_renamed {
        columns.push(Column { name: "conflicts", expected: Expected::is(json!([])) });
    }
    if let Some(pid) = life.pid {
        // An engine notes the time when it hears of the start; by then init may have ended.
        let started = Expected::ReportedWithin(Span { from: life.created.from, to: life.ended.to + LATE });
        columns.push(Column { name: "init_pid", expected: Expected::Reported(json!(pid)) });
        columns.push(Column { name: "started_at", expected: started });
    }
    if let Some(count) = life.restart_count {
        columns.push(Column { name: "restart_count", expected: Expected::Reported(json!(count)) });
    }
    columns
}

fn namespace(table: &str, life: &Life) -> Expected {
    match life.runtime {
        "containerd" if table == "existing_container" => Expected::Reported(json!(NAMESPACE)),
        "containerd" => Expected::is(NAMESPACE),
        // docker's containers are in a namespace of containerd too.
        "docker" => Expected::AnyOf(vec![Value::Null, json!("moby")]),
        _ => Expected::null(),
    }
}

/// Columns that say what was not seen. After a gap they may say so or not.
fn limits(life: &Life, coverage: &Coverage) -> Vec<Column> {
    // A daemon that restarts a container tells of each run when it has begun.
    let is_loop = matches!(life.scene.story, Story::CrashLoop { .. });
    let from = if is_loop { life.made } else { life.created.from };
    let seen = Span { from: from.max(coverage.begin.from), to: life.removed.to };
    let is_old_shared = coverage.began_before(life) && life.scene.story.shares_directory();
    if coverage.has_gap_in(seen) || life.ended.from <= coverage.begin.to || coverage.is_at_begin(life) || is_old_shared
    {
        return Vec::new();
    }
    ["inferred", "after_gap"].map(|name| Column { name, expected: Expected::is(false) }).into()
}

fn creation(life: &Life, coverage: &Coverage) -> Column {
    let is_seen = !coverage.began_before(life) && !coverage.has_gap_in(life.created);
    // docker's list has whole seconds.
    let span = Span { from: life.made - Duration::from_secs(1), to: life.ended.to + LATE };
    let expected = if is_seen { Expected::Within(life.created) } else { Expected::ReportedWithin(span) };
    Column { name: "created_at", expected }
}

/// Columns that say how and by whom it ended.
fn ending(life: &Life) -> Vec<Column> {
    let end = &life.end;
    let text_or_null = |text: &&str| if text.is_empty() { Value::Null } else { json!(text) };
    let mut columns = vec![
        Column { name: "cause", expected: Expected::AnyOf(end.causes.iter().map(|cause| json!(cause)).collect()) },
        Column { name: "exit_code", expected: Expected::optional(end.exit_code) },
        Column { name: "exit_signal", expected: Expected::optional(end.exit_signal) },
        Column { name: "signal_origin", expected: Expected::AnyOf(end.origins.iter().map(text_or_null).collect()) },
        Column { name: "never_started", expected: Expected::is(!life.is_started) },
    ];
    if life.is_started {
        columns.extend([
            Column { name: "cause_known_by", expected: Expected::is("kernel") },
            Column { name: "oom_killed", expected: Expected::is(end.oom_killed) },
            Column { name: "exited_at", expected: Expected::Within(life.ended) },
            Column { name: "reported_exit_code", expected: reported_exit_code(life) },
        ]);
    }
    if end.oom_kills > 0 {
        columns.push(Column { name: "oom_kills", expected: Expected::is(end.oom_kills) });
        columns.push(Column { name: "oom_limit_scope", expected: Expected::is("own") });
    }
    if let Some(signals) = life.signals {
        columns.push(Column { name: "signals_total", expected: Expected::is(signals) });
    }
    columns.extend(killer(life));
    columns
}

/// Daemons count a signal as 128 plus its number. Nobody reports what is run by hand.
fn reported_exit_code(life: &Life) -> Expected {
    let code = life.end.exit_code.map(i32::from).or(life.end.exit_signal.map(|signal| 128 + signal));
    match life.runtime {
        "runc" | "crun" => Expected::null(),
        _ => Expected::Reported(json!(code)),
    }
}

fn no_killer() -> Vec<Column> {
    ["killed_by_pid", "killed_by_comm", "killed_by_argv", "killed_by_container_id"]
        .map(|name| Column { name, expected: Expected::null() })
        .into()
}

fn killer(life: &Life) -> Vec<Column> {
    let mut innocents: Vec<_> = life.innocents.iter().map(|pid| format!("[{pid}]")).collect();
    match &life.end.killer {
        Killer::Nobody => {
            let mut columns = no_killer();
            columns.push(Column { name: "requested_by", expected: Expected::null() });
            columns
        }
        Killer::EndOfPidNamespace(owner) => {
            let mut columns = no_killer();
            let expected = Expected::List { has: vec![owner.clone()], lacks: innocents };
            columns.push(Column { name: "requested_by", expected });
            columns
        }
        Killer::Process(pid, container) => {
            // Who deleted the container afterwards is no part of the order.
            innocents.extend([" delete ", "task delete"].map(str::to_owned));
            vec![
                Column { name: "killed_by_pid", expected: Expected::is(*pid) },
                Column { name: "killed_by_uid", expected: Expected::is(0) },
                Column { name: "killed_by_container_id", expected: Expected::optional(container.clone()) },
                Column {
                    name: "requested_by",
                    expected: Expected::List { has: vec![format!("[{pid}]")], lacks: innocents },
                },
            ]
        }
        Killer::NobodyOrRuntime => {
            let runtime = Expected::AnyOf(vec![Value::Null, json!(life.oci_runtime)]);
            vec![
                Column { name: "killed_by_comm", expected: runtime },
                Column { name: "killed_by_container_id", expected: Expected::null() },
            ]
        }
        Killer::Runtime(verbs) => {
            if !verbs.contains(&"delete") {
                innocents.push(format!("delete {}", life.id));
            }
            let has: Vec<_> = verbs.iter().map(|verb| format!("{verb} ")).collect();
            vec![
                Column { name: "killed_by_pid", expected: Expected::Somebody },
                Column { name: "killed_by_comm", expected: Expected::is(life.oci_runtime) },
                Column { name: "killed_by_container_id", expected: Expected::null() },
                Column {
                    name: "killed_by_argv",
                    expected: Expected::List { has: vec![life.id.clone()], lacks: Vec::new() },
                },
                Column { name: "requested_by", expected: Expected::List { has, lacks: innocents } },
            ]
        }
    }
}
