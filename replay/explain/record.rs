//! One record of the raw log on one line.

use std::fmt::Write as _;

use obit_derivation::Record;
use obit_derivation::record::{Body, CgroupEvent, Directory, Loss, RuntimeAnswer};

use crate::text;
use obit_schema::print::time;

/// Longest line, in characters; an argument vector and a path may take kilobytes.
const LINE_CHARACTERS: usize = 1_000;

/// Time, kind, and what the record says.
pub fn line(record: &Record<'_>) -> String {
    let said = match &record.body {
        Body::Cgroup(event) => cgroup(event),
        Body::Lost(loss) => lost(loss),
        Body::Clock => "clock".to_owned(),
        Body::CaptureStart => "capture_start".to_owned(),
        Body::CaptureStop => "capture_stop".to_owned(),
        Body::SnapshotBegin(reason) => format!("snapshot_begin  ({reason})"),
        Body::SnapshotFailed(hierarchy) => format!("snapshot_failed  hierarchy {}", hierarchy.0),
        Body::SnapshotEnd(reason) => format!("snapshot_end  ({reason})"),
        Body::Directory(directory) => walked(directory),
        Body::Runtime(answer) => answered(answer),
        _ => "a kind of record that this program does not know".to_owned(),
    };
    let line = format!("{}  {said}", time::to_millisecond(record.ts.0));
    text::shortened(&line, LINE_CHARACTERS).into_owned()
}

fn cgroup(event: &CgroupEvent<'_>) -> String {
    let actor = &event.actor;
    let mut line = format!(
        "{}  {} on {}, by {}[{}] uid {} child of {}",
        event.kind,
        event.path,
        tree(event.key.hierarchy.0),
        actor.comm,
        actor.pid,
        actor.uid,
        actor.parent_comm,
    );
    // Writing to a String cannot fail.
    if event.path_truncated {
        line.push_str(", path cut");
    }
    if !actor.argv.is_empty() {
        let _ = write!(line, ": {}", actor.argv.join(" "));
    }
    if actor.argv_truncated {
        line.push_str(" (arguments cut)");
    }
    line
}

/// How a hierarchy is called: v2, or the number of a v1 one.
pub fn tree(hierarchy_id: u32) -> String {
    match hierarchy_id {
        0 => "v2".to_owned(),
        number => format!("v1 hierarchy {number}"),
    }
}

fn lost(loss: &Loss) -> String {
    let kind = loss.kind.map_or("events", |kind| kind.as_str());
    let cpu = loss.cpu.map_or_else(String::new, |cpu| format!(" on cpu {cpu}"));
    format!("lost  {} {kind}{cpu}, after record {}", loss.count, loss.since.0)
}

fn walked(directory: &Directory<'_>) -> String {
    let populated = match directory.populated {
        Some(true) => "populated",
        Some(false) => "empty",
        None => "not known whether populated",
    };
    let tree = tree(directory.key.hierarchy.0);
    format!("cgroupfs ({})  {} on {tree}, {populated}, {} pids", directory.reason, directory.path, directory.pids.len())
}

fn answered(answer: &RuntimeAnswer<'_>) -> String {
    let mut line = format!("{} {}", answer.source, answer.outcome);
    let facts = [
        ("event", &answer.event),
        ("id", &answer.container_id),
        ("runtime", &answer.runtime),
        ("name", &answer.container_name),
        ("image", &answer.image_name),
        ("pod", &answer.pod_name),
        ("pod namespace", &answer.pod_namespace),
        ("containerd namespace", &answer.namespace),
        ("bundle", &answer.bundle),
        ("cgroup", &answer.cgroup_path),
    ];
    for (what, value) in facts {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = write!(line, "  {what} {value}");
        }
    }
    if let Some(code) = answer.exit_code {
        let _ = write!(line, "  exit code {code}");
    }
    if answer.oom_killed == Some(true) {
        line.push_str("  killed for lack of memory");
    }
    line
}
