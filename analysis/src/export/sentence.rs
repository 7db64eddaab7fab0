//! One sentence about an instant of a container, for people who scroll a time line.

use std::fmt::Write as _;

use obit_derivation::ending::signal_name;
use obit_schema::text::row_words::short_id;
use obit_schema::text::{shortened, time};

use super::instant::{Instant, InstantKind};
use super::row::ExportRow;

/// Most characters of one name in a sentence; the fields beside it have it whole.
const MAX_NAME: usize = 120;

/// Most characters of a step of an order, which may be a whole command line.
const MAX_STEP: usize = 300;

/// Puts a sentence about an instant in the place of `text`.
pub fn write_sentence(row: &ExportRow<'_>, instant: &Instant<'_>, text: &mut String) {
    text.clear();
    push_subject(row, text);
    match instant.kind {
        InstantKind::Created => {
            text.push_str(" was created");
            push_task(text, " by ", row.created_by_comm(), row.created_by_pid());
        }
        InstantKind::FoundAlive => text.push_str(" was alive when the recording began"),
        InstantKind::Started => text.push_str(" was started, as its runtime reports"),
        InstantKind::OrderStep => {
            text.push_str(", order to end it: ");
            text.push_str(&shortened(instant.step.unwrap_or_default(), MAX_STEP));
        }
        InstantKind::OomKilled => {
            text.push_str(": the OOM killer chose its init");
            if let Some(scope) = row.oom_limit_scope() {
                push_limit(text, scope, row.oom_limit_cgroup_path());
            }
        }
        InstantKind::Exited => push_end(row, text),
        InstantKind::Emptied => text.push_str(": its last task left"),
        InstantKind::Removed => {
            text.push_str(" was removed");
            push_task(text, " by ", row.removed_by_comm(), row.removed_by_pid());
            if row.cause().is_some_and(|cause| cause != "unknown") {
                text.push_str(" after it");
                push_end(row, text);
            }
        }
        InstantKind::Disputed => push_disagreement(row, text),
    }
}

/// Appends engine, name, id and pod: `docker container web (7c93299350c5)`.
fn push_subject(row: &ExportRow<'_>, text: &mut String) {
    if let Some(runtime) = row.runtime() {
        text.push_str(&shortened(runtime, MAX_NAME));
        text.push(' ');
    }
    text.push_str("container ");
    let id = row.container_id().unwrap_or_default();
    match row.container_name() {
        Some(name) if name != id => {
            text.push_str(&shortened(name, MAX_NAME));
            text.push_str(" (");
            text.push_str(&shortened(short_id(id), MAX_NAME));
            text.push(')');
        }
        _ => text.push_str(&shortened(short_id(id), MAX_NAME)),
    }
    if let Some(pod) = row.pod_name() {
        text.push_str(" of pod ");
        if let Some(namespace) = row.pod_namespace() {
            text.push_str(&shortened(namespace, MAX_NAME));
            text.push('/');
        }
        text.push_str(&shortened(pod, MAX_NAME));
    }
}

/// Appends how a container ended.
fn push_end(row: &ExportRow<'_>, text: &mut String) {
    let cause = match row.cause() {
        Some("start_failed") => return text.push_str(" failed to start: its program was never executed"),
        Some("never_started") => return text.push_str(" was never started"),
        Some("unknown") | None => return text.push_str(" exited; the end of its init was not seen"),
        Some("exited") => "",
        Some("oom_killed") => " of the OOM killer",
        Some("cgroup_killed") => " through cgroup.kill",
        Some("killed_by_runtime") => " of its OCI runtime",
        Some("host_shutdown") => " as the host was shut down",
        Some(_) => "",
    };
    match (row.exit_code(), row.exit_signal()) {
        (Some(code), _) => _ = write!(text, " exited with code {code}"),
        (None, Some(signal)) => {
            text.push_str(" was ended by ");
            text.push_str(&signal_name(u32::try_from(signal).unwrap_or(u32::MAX)));
        }
        (None, None) => text.push_str(" exited"),
    }
    text.push_str(cause);
    let verb = if row.exit_code().is_some() { ", asked to by " } else { ", sent by " };
    push_task(text, verb, row.killed_by_comm(), row.killed_by_pid());
    if let Some(lifetime) = row.lifetime_ns() {
        text.push_str("; it lived ");
        text.push_str(&time::duration(lifetime));
    }
}

/// Appends a task as `runc[77]`, if it is known.
fn push_task(text: &mut String, before: &str, comm: Option<&str>, pid: Option<u64>) {
    if let (Some(comm), Some(pid)) = (comm, pid) {
        text.push_str(before);
        text.push_str(&shortened(comm, MAX_NAME));
        _ = write!(text, "[{pid}]");
    }
}

fn push_limit(text: &mut String, scope: &str, path: Option<&str>) {
    text.push_str(match scope {
        "own" => "; its own memory limit was reached",
        "ancestor" => "; the memory limit of a cgroup above it was reached",
        "inside" => "; the memory limit of a cgroup in it was reached",
        "host" => "; the host had no memory left",
        _ => "",
    });
    if let Some(path) = path {
        text.push_str(": ");
        text.push_str(&shortened(path, MAX_NAME));
    }
}

fn push_disagreement(row: &ExportRow<'_>, text: &mut String) {
    text.push_str(": sources contradict each other about its end (");
    text.push_str(row.aspect().unwrap_or_default());
    text.push_str("): ");
    push_report(text, row.source(), row.value(), row.value_at());
    text.push_str(", ");
    push_report(text, row.other_source(), row.other_value(), row.other_value_at());
}

fn push_report(text: &mut String, source: Option<&str>, value: Option<&str>, at: Option<i64>) {
    text.push_str(&shortened(source.unwrap_or_default(), MAX_NAME));
    text.push_str(" says");
    if let Some(value) = value {
        text.push(' ');
        text.push_str(&shortened(value, MAX_NAME));
    }
    if let Some(at) = at {
        text.push(' ');
        text.push_str(&time::rfc3339(at));
    }
}
