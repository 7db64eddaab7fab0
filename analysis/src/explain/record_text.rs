//! Lines about records of the raw log, one for each.

use std::fmt::Write as _;

use obit_derivation::ending::signal_name;
use obit_derivation::record::{
    Actor, Body, CgroupEvent, ClockReading, ClockReason, Directory, ExitStatus, FatalSignal, Loss, OomKill, OomLimit,
    ProcessAttach, ProcessExec, RuntimeAnswer, Target, TaskExit, Thinning,
};

use obit_schema::text;

/// Longest line, in characters: an argument vector and a path may take kilobytes.
const LINE_CHARACTERS: usize = 1_000;

/// Returns the line of a record: its kind, and what it says. It is safe to print.
pub(super) fn body_line(body: &Body<'_>) -> String {
    text::shortened(&body_text(body), LINE_CHARACTERS).into_owned()
}

/// Returns the kind of a record and what it says. A carried record holds no other carried one.
fn body_text(body: &Body<'_>) -> String {
    match body {
        Body::Cgroup(event) => cgroup(event),
        Body::Attach(attach) => attach_text(attach),
        Body::Exec(exec) => exec_text(exec),
        Body::Exit(exit) => exit_text(exit),
        Body::Signal(signal) => signal_text(signal),
        Body::Oom(kill) => oom_kill(kill),
        Body::Lost(loss) => lost(loss),
        Body::Thinned(thinning) => thinned(thinning),
        Body::Clock(reading) => clock(reading),
        Body::CaptureStart => "capture_start".to_owned(),
        Body::CaptureStop => "capture_stop".to_owned(),
        Body::SegmentBegin => "segment_begin".to_owned(),
        Body::Carried(carried) => format!("carried from record {}: {}", carried.from.0, body_text(&carried.body)),
        Body::SnapshotBegin(reason) => format!("snapshot_begin  ({reason})"),
        Body::SnapshotFailed(part) => {
            let below = part.below.as_ref().map_or_else(String::new, |path| format!(" below {path}"));
            format!("snapshot_failed  hierarchy {}{below}", part.hierarchy.0)
        }
        Body::SnapshotEnd(reason) => format!("snapshot_end  ({reason})"),
        Body::Directory(directory) => directory_text(directory),
        Body::Runtime(answer) => answer_text(answer),
        _ => "a kind of record that this program does not know".to_owned(),
    }
}

fn clock(reading: &ClockReading) -> String {
    let step = reading.step_ns.unwrap_or_default() as f64 / 1e9;
    match reading.reason {
        Some(ClockReason::Set) => format!("clock  the wall clock was set by {step:+.3} s"),
        Some(ClockReason::Resume) => format!("clock  back from suspend; the wall clock moved by {step:+.3} s beside"),
        Some(reason) => format!("clock  ({reason})"),
        None => "clock".to_owned(),
    }
}

fn cgroup(event: &CgroupEvent<'_>) -> String {
    let cut = if event.path_truncated { ", path cut" } else { "" };
    let tree = tree(event.key.hierarchy.0);
    format!("{}  {} on {tree}{cut}, by {}", event.kind, event.path, actor(&event.actor))
}

fn actor(actor: &Actor<'_>) -> String {
    let mut text = format!("{}[{}] uid {} child of {}", actor.comm, actor.pid, actor.uid, actor.parent_comm);
    // Writing to a String cannot fail.
    if !actor.argv.is_empty() {
        let _ = write!(text, ": {}", actor.argv.join(" "));
    }
    if actor.argv_truncated {
        text.push_str(" (arguments cut)");
    }
    text
}

fn target(target: &Target<'_>) -> String {
    let inside = match target.pid_inside {
        inside if inside == target.pid => String::new(),
        inside => format!(" (inside: {inside})"),
    };
    format!("{}[{}]{inside}", target.comm, target.pid)
}

/// Returns `exit code 3`, or `SIGKILL, core dumped`.
fn status_text(status: ExitStatus) -> String {
    match status {
        ExitStatus::Exited(code) => format!("exit code {code}"),
        ExitStatus::Signalled { signal, core_dumped } => {
            let core = if core_dumped { ", core dumped" } else { "" };
            format!("{}{core}", signal_name(u32::from(signal)))
        }
    }
}

fn attach_text(attach: &ProcessAttach<'_>) -> String {
    let tree = tree(attach.key.hierarchy.0);
    let process = target(&attach.target);
    format!("process_attach  {process} was put into {} on {tree}, by {}", attach.path, actor(&attach.mover))
}

fn exec_text(exec: &ProcessExec<'_>) -> String {
    format!("process_exec  {}, child of {}, executed a program", target(&exec.target), exec.parent_comm)
}

fn exit_text(exit: &TaskExit<'_>) -> String {
    let oom = if exit.oom_victim { ", chosen by the OOM killer" } else { "" };
    let reboot = if exit.rebooted == Some(true) { ", as its pid namespace was told to reboot or halt" } else { "" };
    format!(
        "process_exit  {}: {}{oom}{reboot}, child of {}",
        target(&exit.target),
        status_text(exit.status),
        exit.parent_comm
    )
}

fn signal_text(signal: &FatalSignal<'_>) -> String {
    let name = signal_name(signal.signal);
    let origin = signal.origin.map_or_else(|| format!("code {}", signal.code), |origin| origin.to_string());
    let result = signal.result.map_or("result not known", |result| result.as_str());
    let loginuid = signal.sender_loginuid.map_or_else(String::new, |uid| format!(" loginuid {uid}"));
    // The first ancestor stands in the text of the sender.
    let started_by: Vec<_> = signal
        .sender_ancestors
        .iter()
        .skip(1)
        .map(|ancestor| format!("{}[{}] uid {}", ancestor.comm, ancestor.pid, ancestor.uid))
        .collect();
    let started_by =
        if started_by.is_empty() { String::new() } else { format!("; its parent by {}", started_by.join(", by ")) };
    format!(
        "fatal_signal  {name} ({origin}, {result}) to {}, by{loginuid} {}{started_by}",
        target(&signal.target),
        actor(&signal.sender)
    )
}

fn oom_kill(kill: &OomKill<'_>) -> String {
    let memory = kill.memory_bytes.map_or_else(String::new, |bytes| format!(" with {bytes} bytes"));
    let limit = match kill.limit {
        Some(OomLimit::Cgroup(key, level)) => {
            format!("the limit of cgroup {} at depth {level} on {}", key.cgroup.0, tree(key.hierarchy.0))
        }
        Some(OomLimit::Host) => "the host's memory".to_owned(),
        None => "a limit that is not known".to_owned(),
    };
    format!("oom_kill  {}{memory}, for {limit}, asked for memory: {}", target(&kill.target), actor(&kill.invoker))
}

/// Returns the name of a hierarchy: `v2`, or `v1 hierarchy 7`.
pub(super) fn tree(hierarchy_id: u32) -> String {
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

fn thinned(thinning: &Thinning) -> String {
    let user = thinning.uid.map_or_else(|| "several users".to_owned(), |uid| format!("user {uid}"));
    format!("thinned  {} events of {user} that concern no container", thinning.count)
}

fn directory_text(directory: &Directory<'_>) -> String {
    let populated = match directory.populated {
        Some(true) => "populated",
        Some(false) => "empty",
        None => "not known whether populated",
    };
    let tree = tree(directory.key.hierarchy.0);
    format!("cgroupfs ({})  {} on {tree}, {populated}, {} pids", directory.reason, directory.path, directory.pids.len())
}

fn answer_text(answer: &RuntimeAnswer<'_>) -> String {
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
    match answer.running {
        Some(true) => line.push_str("  running"),
        Some(false) => line.push_str("  not running"),
        None => {}
    }
    line
}
