//! Sentences about a row: the rule that decided it, and its facts.

use obit_derivation::ending::signal_name;
use obit_derivation::identity::task_name;
use obit_derivation::record::{Seq, Source};
use obit_derivation::row::{
    Cause, ContainerCreate, ContainerExit, ContainerRemove, Death, Disagreement, DisagreementKind, ExistingContainer,
    Identity, Killer, KnownBy, LimitScope, Place, ReportedValue,
};
use obit_derivation::{Row, WallNs};

use super::record::tree;
use super::usage;
use obit_schema::text::time;

/// Returns the lines about a row, each a fact or a sentence: the table and the record that decided
/// the row, the rule, the place, the identity, the end, and the usage. All but the first are
/// indented.
pub fn lines(row: &Row) -> Vec<String> {
    match row {
        Row::Create(row) => created(row),
        Row::Existing(row) => existing(row),
        Row::Exit(row) => exited(row),
        Row::Remove(row) => removed(row),
        Row::Disagreement(row) => disagreement(row),
    }
}

fn created(row: &ContainerCreate) -> Vec<String> {
    let how = if row.inferred {
        "it was not seen being made: a walk of cgroupfs, after events were lost, found the directory"
    } else {
        "the directory was seen being made, and it is the container's root"
    };
    let mut lines = vec![
        format!("container_create  decided by record {} at {}", row.seq.0, when(row.ts)),
        format!("  rule: {how}"),
    ];
    push_place(&mut lines, &row.place);
    push_identity(&mut lines, &row.identity);
    if let Some(actor) = &row.created_by {
        lines.push(format!(
            "  made by: {}[{}] uid {}, child of {}",
            task_name(&actor.comm, &actor.argv),
            actor.pid,
            actor.uid,
            actor.parent_comm
        ));
    }
    push_gap(&mut lines, row.after_gap);
    lines
}

fn existing(row: &ExistingContainer) -> Vec<String> {
    let mut lines = vec![
        format!("existing_container  decided by record {} at {}", row.seq.0, when(row.ts)),
        "  rule: the first walk of cgroupfs saw the directory, so the container was alive before the capture, or this segment of it"
            .to_owned(),
    ];
    push_place(&mut lines, &row.place);
    push_identity(&mut lines, &row.identity);
    lines
}

fn exited(row: &ContainerExit) -> Vec<String> {
    let how = match (row.never_started, row.inferred, row.emptied_at) {
        (Some(true), _, _) => "a runtime's process was in it, and none ever executed the container's program",
        (_, false, _) => "its init ended",
        (_, true, Some(_)) => "its last task left, and the end of its init was not seen (inferred)",
        (_, true, None) => "it was found without its init, whose end was not seen (inferred)",
    };
    let mut lines =
        vec![format!("container_exit  decided by record {} at {}", row.seq.0, when(row.ts)), format!("  rule: {how}")];
    match &row.place {
        Some(place) => push_place(&mut lines, place),
        None => lines.push("  directory: none of its own; its engine names the process that is its init".to_owned()),
    }
    push_identity(&mut lines, &row.identity);
    push_beginning(&mut lines, row.created_seq, row.created_at, row.lifetime_ns);
    push_death(&mut lines, &row.death);
    push_gap(&mut lines, row.after_gap);
    lines
}

fn removed(row: &ContainerRemove) -> Vec<String> {
    let how = match (row.inferred, row.rmdir_seq) {
        (true, _) | (false, None) => {
            "it was not seen being removed: a walk of cgroupfs no longer found the directory (inferred)".to_owned()
        }
        (false, Some(seq)) => format!(
            "record {} removed the directory, and it is the container's root on the hierarchy that stands for it",
            seq.0
        ),
    };
    let mut lines = vec![
        format!("container_remove  decided by record {} at {}", row.seq.0, when(row.ts)),
        format!("  rule: {how}"),
    ];
    push_place(&mut lines, &row.place);
    push_identity(&mut lines, &row.identity);
    push_beginning(&mut lines, row.created_seq, row.created_at, row.lifetime_ns);
    if let Some(at) = row.emptied_at {
        lines.push(format!("  its last task left: {}", when(at)));
    }
    push_death(&mut lines, &row.death);
    lines.extend(usage::lines(&row.usage));
    if let Some(actor) = &row.removed_by {
        lines.push(format!(
            "  removed by: {}[{}] uid {}, child of {}",
            task_name(&actor.comm, &actor.argv),
            actor.pid,
            actor.uid,
            actor.parent_comm
        ));
    }
    if row.never_started == Some(true) {
        lines.push("  never started: its program was never executed, as when a start fails".to_owned());
    }
    push_gap(&mut lines, row.after_gap);
    lines
}

/// Adds when the container was created, and how long it lived.
fn push_beginning(lines: &mut Vec<String>, created: Option<Seq>, at: Option<WallNs>, lifetime_ns: Option<u64>) {
    match (created, at) {
        (Some(seq), Some(at)) => lines.push(format!("  created: {} (record {})", when(at), seq.0)),
        (None, Some(at)) => lines.push(format!("  created: {}, as its runtime says; that was not seen", when(at))),
        (Some(seq), None) => lines.push(format!("  created: record {}", seq.0)),
        (None, None) => lines.push("  created: not seen".to_owned()),
    }
    if let Some(lifetime) = lifetime_ns {
        lines.push(format!("  lifetime: {}", time::duration(lifetime)));
    }
}

/// Names the two sources that contradict each other.
fn disagreement(row: &Disagreement) -> Vec<String> {
    let what = match row.aspect {
        DisagreementKind::ExitCode => "the code that its init ended with",
        DisagreementKind::OomKilled => "whether the OOM killer ended its init",
        DisagreementKind::Time => "when its init ended",
        DisagreementKind::Existence => "whether it is there",
    };
    let apart = row.difference_ns.map_or_else(String::new, |ns| {
        let how = if ns < 0 { "earlier" } else { "later" };
        format!(", {} {how}", time::duration(ns.unsigned_abs()))
    });
    vec![
        format!("disagreement  decided by record {} at {}", row.seq.0, when(row.ts)),
        format!("  about {what}: {}, but {}{apart}", reported(&row.said), reported(&row.other)),
    ]
}

fn reported(report: &ReportedValue) -> String {
    let value = report.value.as_deref().unwrap_or_default();
    let space = if value.is_empty() { "" } else { " " };
    let at = report.at.map_or_else(String::new, |at| format!("{space}({})", when(at)));
    format!("{} says {value}{at}", report.by.as_str())
}

/// Adds the cause of the end, and the tasks that ended it.
fn push_death(lines: &mut Vec<String>, death: &Death) {
    let ending = match (death.exit_code, death.exit_signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => {
            let core = if death.core_dumped == Some(true) { ", core dumped" } else { "" };
            format!("{}{core}", signal_name(u32::from(signal)))
        }
        (None, None) if matches!(death.cause, Cause::StartFailed | Cause::NeverStarted) => {
            "it has no exit code".to_owned()
        }
        (None, None) if death.cause_known_by == Some(KnownBy::Sandbox) => {
            "its sandbox exited, which does not tell what its program did".to_owned()
        }
        (None, None) => "the exit of its init was not seen".to_owned(),
    };
    let init = death.init_comm.as_deref().map_or_else(String::new, |comm| format!(" of its init {comm}"));
    let at = death.exited_at.map_or_else(String::new, |at| format!(" at {}", when(at)));
    lines.push(format!("  cause: {}, {}: {ending}{init}{at}", death.cause, meaning(death.cause)));
    if let (Some(code), Some(by)) = (death.reported_exit_code, death.reported_by) {
        lines.push(format!("  reported: exit code {code}, by {}", by.as_str()));
    }
    if let Some(origin) = death.signal_origin.filter(|origin| !origin.has_author()) {
        lines.push(format!("  the signal has no author, its origin: {origin}"));
    }
    if !death.signals.is_empty() {
        let total = usize::try_from(death.signals_total.unwrap_or_default()).unwrap_or(usize::MAX);
        let more = match total.saturating_sub(death.signals.len()) {
            0 => String::new(),
            more => format!("; and {more} more in between"),
        };
        lines.push(format!("  signals to its init: {}{more}", death.signals.join("; ")));
    }
    if let Some(Killer { task, loginuid, container_id }) = &death.killed_by {
        let verb = if death.exit_signal.is_some() { "killed by" } else { "asked to end by" };
        let loginuid = loginuid.map_or_else(String::new, |uid| format!(" (logged in as {uid})"));
        let inside = container_id.as_deref().map_or_else(String::new, |id| format!(", in container {id}"));
        let name = task_name(&task.comm, &task.argv);
        lines.push(format!("  {verb}: {name}[{}] uid {}{loginuid}{inside}", task.pid, task.uid));
    }
    for (step, lead) in
        death.requested_by.iter().zip(["the order came by:"].into_iter().chain(std::iter::repeat("then:")))
    {
        lines.push(format!("  {lead} {}, {}", step.what, when(step.at)));
    }
    if let Some(scope) = death.oom_limit_scope {
        let whose = match scope {
            LimitScope::Own => "the container's own",
            LimitScope::Ancestor => "a cgroup's above the container",
            LimitScope::Inside => "a cgroup's inside the container",
            LimitScope::Host => "none of a cgroup, the host's memory ran out",
        };
        let path = death.oom_limit_cgroup_path.as_deref().map_or_else(String::new, |path| format!(", {path}"));
        lines.push(format!("  memory limit that was reached: {whose}{path}"));
    }
}

fn meaning(cause: Cause) -> &'static str {
    match cause {
        Cause::Exited => "its init ended by itself",
        Cause::Signalled => "a signal ended its init",
        Cause::OomKilled => "the OOM killer chose its init",
        Cause::CgroupKilled => "somebody wrote to cgroup.kill",
        Cause::KilledByRuntime => "its OCI runtime was told to kill it",
        Cause::HostShutdown => "the host was shut down",
        Cause::StartFailed => "its program was never executed",
        Cause::NeverStarted => "it was made and removed without a start",
        Cause::Unknown => "no record tells",
    }
}

fn push_place(lines: &mut Vec<String>, place: &Place) {
    let tree = tree(place.key.hierarchy.0);
    lines.push(format!("  directory: {} on {tree}, id {}", place.path, place.key.cgroup.0));
}

fn push_identity(lines: &mut Vec<String>, identity: &Identity) {
    let runtime = identity.runtime.map_or("an unknown runtime", |runtime| runtime.as_str());
    let oci = identity.oci_runtime.map_or_else(String::new, |oci| format!(" (by {oci})"));
    lines.push(format!("  identity: {} of {runtime}{oci}", identity.container_id));
    lines.push(format!("  identified by: {}, {}", identity.identified_by, basis(identity.identified_by)));
    let names = [
        ("containerd namespace", &identity.containerd_namespace),
        ("name", &identity.container_name),
        ("image", &identity.image_name),
        ("image digest", &identity.image_digest),
        ("image id", &identity.image_id),
        ("pod", &identity.pod_name),
        ("pod namespace", &identity.pod_namespace),
        ("pod uid", &identity.pod_uid),
        ("inside container", &identity.parent_container_id),
    ];
    for (what, value) in names {
        if let Some(value) = value {
            lines.push(format!("  {what}: {value}"));
        }
    }
    for (name, value) in &identity.labels {
        lines.push(format!("  label: {name}={value}"));
    }
    if let Some(pid) = identity.init_pid {
        lines.push(format!("  init: pid {pid}"));
    }
    if let Some(at) = identity.started_at {
        lines.push(format!("  started: {}, as its runtime says", when(at)));
    }
    if let Some(count) = identity.restart_count {
        lines.push(format!("  restarts before: {count}"));
    }
    if identity.sandbox == Some(true) {
        lines.push("  sandbox: it is a pod's sandbox".to_owned());
    }
    for conflict in &identity.conflicts {
        lines.push(format!("  conflict: {conflict}"));
    }
}

fn push_gap(lines: &mut Vec<String>, after_gap: bool) {
    if after_gap {
        lines.push(
            "  after gap: events were lost within its life, so something about it may have gone unseen".to_owned(),
        );
    }
}

/// Returns the basis of a claim of this source.
fn basis(source: Source) -> &'static str {
    match source {
        Source::OciArgv => "the arguments of the OCI runtime that made or removed the directory",
        Source::OciState => "the OCI runtime's own state file",
        Source::OciBundle => "the config.json of the container's bundle",
        Source::Docker => "what docker answered",
        Source::Podman => "what podman answered",
        Source::Containerd => "what containerd answered",
        Source::Cri => "what the CRI answered",
        Source::Path => "the directory's path alone: no better source spoke",
        _ => "a source that this program does not know",
    }
}

fn when(ts: WallNs) -> String {
    format!("{} UTC", time::to_millisecond(ts.0))
}
