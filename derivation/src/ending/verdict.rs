//! The cause, read from the evidence.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem;

use super::signal::{SIGINT, SIGKILL, SIGQUIT, SIGTERM};
use super::{Evidence, Exit, OomKilled, SentSignal, init, order, signal};
use crate::ending::reports::EndReports;
use crate::identity::argv::{self, Verb};
use crate::record::{CgroupKey, ExitStatus, OomLimit, SignalOrigin, SignalResult};
use crate::row::{Cause, Death, Killer, LimitScope};

/// The container's root directory on one hierarchy.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub key: CgroupKey,
    pub path: &'a str,
}

/// What is known of a container beside the evidence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VerdictInput<'a> {
    pub container_id: &'a str,
    /// Its init, by its runtime's word.
    pub init_pid: Option<u32>,
    /// The signal that it is to be stopped with, by its runtime's word.
    pub stop_signal: Option<u32>,
    /// Its root directories; they count only where the OOM killer came.
    pub places: &'a [Place<'a>],
    /// What daemons said of it.
    pub said: &'a EndReports,
}

/// Writes over what the evidence says about the end of a container.
pub(crate) fn write_verdict(evidence: &Evidence, about: &VerdictInput<'_>, death: &mut Death) {
    let VerdictInput { init_pid, places, .. } = *about;
    let mut cause_evidence_seqs = mem::take(&mut death.cause_evidence_seqs);
    cause_evidence_seqs.clear();
    *death = Death { cause_evidence_seqs, ..Death::default() };
    // The last kill says most, unless the init was the victim.
    let mut oom = evidence.oom_kills.last();
    if let Some(exit) = init::choose(&evidence.exits, init_pid) {
        let received: Vec<&SentSignal> =
            evidence.signals.iter().filter(|sent| sent.process.is(&exit.process) && sent.seq < exit.seq).collect();
        let oom_kill = evidence.oom_kills.iter().find(|kill| kill.process.is(&exit.process));
        oom = oom_kill.or(oom);
        judge(death, exit, &received, oom_kill, about);
        death.init_comm = Some(exit.process.comm.clone());
        death.exited_at = Some(exit.ts);
        death.signals = received.iter().map(|sent| described(sent)).collect();
        death.cause_evidence_seqs.push(exit.seq);
        death.cause_evidence_seqs.extend(received.iter().map(|sent| sent.seq));
    }
    if let Some(kill) = oom {
        death.cause_evidence_seqs.push(kill.seq);
        (death.oom_limit_scope, death.oom_limit_cgroup_path) = limit(kill, places);
    }
    if evidence.frozen.is_some() {
        death.cause_evidence_seqs.extend(evidence.frozen);
        death.cause_evidence_seqs.extend(evidence.thawed);
    }
    death.cause_evidence_seqs.sort_unstable();
    death.cause_evidence_seqs.dedup();
}

fn judge(
    death: &mut Death,
    exit: &Exit,
    received: &[&SentSignal],
    oom_kill: Option<&OomKilled>,
    about: &VerdictInput<'_>,
) {
    let asks_to_end = |sent: &SentSignal| asks_to_end(sent.signal) || Some(sent.signal) == about.stop_signal;
    let decisive = match exit.status {
        ExitStatus::Exited(code) => {
            death.exit_code = Some(code);
            death.cause = Cause::Exited;
            death.oom_killed = Some(false);
            // Nobody ended it, but somebody may have asked.
            received.iter().rev().find(|sent| asks_to_end(sent) && arrived(sent))
        }
        ExitStatus::Signalled { signal, core_dumped } => {
            death.exit_signal = Some(signal);
            death.core_dumped = Some(core_dumped);
            let same = |sent: &&&SentSignal| sent.signal == u32::from(signal) && arrived(sent);
            // Nothing survives the first SIGKILL; of another signal earlier ones may have been handled.
            let decisive = if u32::from(signal) == SIGKILL {
                received.iter().find(same)
            } else {
                received.iter().rev().find(same)
            };
            // The OOM killer also marks what is dying already. It kills in the kernel's own name.
            let by_kernel = decisive.is_none_or(|sent| sent.origin == Some(SignalOrigin::Kernel));
            let oom_killed = u32::from(signal) == SIGKILL && by_kernel && (exit.oom_victim || oom_kill.is_some());
            death.oom_killed = Some(oom_killed);
            death.cause = if oom_killed {
                Cause::OomKilled
            } else {
                decisive.map_or(Cause::Signalled, |sent| cause_of(sent, about.container_id))
            };
            decisive
        }
    };
    // What a process does to itself has no killer, and the OOM killer runs in whoever asked for memory.
    let killer = decisive.filter(|sent| {
        sent.sender.pid != exit.process.pid
            && sent.origin != Some(SignalOrigin::Fault)
            && death.cause != Cause::OomKilled
    });
    if let Some(sent) = killer {
        let is_order = |one: &&&SentSignal| {
            one.seq <= sent.seq
                && one.sender.pid != exit.process.pid
                && (one.seq == sent.seq || one.signal == SIGKILL || asks_to_end(one))
        };
        let orders: Vec<&SentSignal> = received.iter().filter(is_order).copied().collect();
        death.requested_by = order::steps(&orders, about.said, exit.ts);
        death.killed_by = Some(Killer {
            task: sent.sender.clone(),
            loginuid: sent.sender_loginuid,
            container_id: sent.sender_container_id.clone(),
        });
    }
}

fn asks_to_end(signal: u32) -> bool {
    matches!(signal, SIGTERM | SIGINT | SIGQUIT)
}

/// Whether the process was given it. What this version does not know counts as given.
fn arrived(sent: &SentSignal) -> bool {
    !matches!(sent.result, Some(SignalResult::Ignored | SignalResult::Dropped))
}

fn cause_of(sent: &SentSignal, container_id: &str) -> Cause {
    // `cgroup.kill` signals each thread group by its leader (kernel/cgroup/cgroup.c, __cgroup_kill()); a parent's end, the
    // other sender on behalf of a task, signals the group (kernel/exit.c, forget_original_parent()).
    if sent.origin == Some(SignalOrigin::OnBehalf) && sent.signal == SIGKILL && !sent.to_group {
        return Cause::CgroupKilled;
    }
    let arguments: Vec<&str> = sent.sender.argv.iter().map(String::as_str).collect();
    let by_runtime = argv::parse(&arguments)
        .is_some_and(|call| call.container_id == container_id && matches!(call.verb, Verb::Kill | Verb::Delete));
    if by_runtime {
        Cause::KilledByRuntime
    } else if sent.sender.pid == 1 && sent.sender.comm == "systemd-shutdow" {
        // systemd-shutdown(8) takes the place of pid 1 and kills what is left; its name is cut to 15 bytes.
        Cause::HostShutdown
    } else {
        Cause::Signalled
    }
}

/// One signal in a few words.
fn described(sent: &SentSignal) -> String {
    let name = signal::name(sent.signal);
    let sender = format!("{}[{}]", sent.sender.comm, sent.sender.pid);
    let from = match sent.origin {
        Some(SignalOrigin::Kernel) => format!("the kernel in {sender}"),
        Some(SignalOrigin::Fault) => "a fault of its own".to_string(),
        Some(SignalOrigin::OnBehalf) if sent.sender.pid != sent.process.pid => format!("the kernel for {sender}"),
        _ if sent.sender.pid == sent.process.pid => "itself".to_string(),
        _ => sender,
    };
    let result = match sent.result {
        None | Some(SignalResult::Delivered | SignalResult::InfoLost) => "",
        Some(SignalResult::Ignored) => ", ignored",
        Some(SignalResult::AlreadyPending) => ", already pending",
        Some(SignalResult::Dropped) => ", dropped",
    };
    let frozen = if sent.while_frozen { ", while frozen" } else { "" };
    format!("{name} from {from}{frozen}{result}")
}

/// Whose memory limit it was, seen from the container.
fn limit(kill: &OomKilled, places: &[Place<'_>]) -> (Option<LimitScope>, Option<String>) {
    let (key, level) = match kill.limit {
        None => return (None, None),
        Some(OomLimit::Host) => return (Some(LimitScope::Host), None),
        Some(OomLimit::Cgroup(key, level)) => (key, level),
    };
    if let Some(place) = places.iter().find(|place| place.key == key) {
        return (Some(LimitScope::Own), Some(place.path.to_string()));
    }
    let Some(root) = places.iter().find(|place| place.key.hierarchy == key.hierarchy) else {
        return (None, None);
    };
    // Above the root there is one directory at each depth.
    let names = root.path.split('/').filter(|name| !name.is_empty());
    let depth = usize::try_from(level).unwrap_or(usize::MAX);
    if depth >= names.clone().count() {
        return (Some(LimitScope::Inside), None);
    }
    let path: String = names.take(depth).flat_map(|name| ["/", name]).collect();
    (Some(LimitScope::Ancestor), Some(path))
}
