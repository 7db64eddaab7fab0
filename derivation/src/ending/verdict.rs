//! The verdict on a container's end, one function for each question.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use super::description::describe_signal;
use super::evidence::{DeathEvidence, OomVictim, ProcessExit, SentSignal};
use super::find_init::find_init;
use super::oom_limit::{RootPath, limit_of};
use super::order::order_steps;
use super::reports::EndReports;
use super::signal::{SIGINT, SIGKILL, SIGQUIT, SIGTERM};
use crate::identity::argv::{self, Verb};
use crate::record::{ExitStatus, SignalOrigin, SignalResult};
use crate::row::{Cause, Death, Killer};

/// Facts about a container beside the evidence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VerdictInput<'a> {
    pub container_id: &'a str,
    /// Pid of its init, as its runtime says.
    pub init_pid: Option<u32>,
    /// Signal that it is to be stopped with, as its runtime says.
    pub stop_signal: Option<u32>,
    /// Root directories; they count only where the OOM killer came.
    pub roots: &'a [RootPath<'a>],
    /// Reports of daemons and files.
    pub reports: &'a EndReports,
}

/// Writes into `death`, over all that it held, what the evidence says about a container's end.
pub(crate) fn write_verdict(evidence: &DeathEvidence, input: &VerdictInput<'_>, death: &mut Death) {
    let mut seqs = mem::take(&mut death.cause_evidence_seqs);
    seqs.clear();
    *death = Death::default();
    // The last kill says most, unless the init was the victim.
    let mut oom_victim = evidence.oom_victims.last();
    if let Some(init) = InitEnd::find(evidence, input.init_pid) {
        init.write(input, death);
        oom_victim = init.oom_victim.or(oom_victim);
        seqs.push(init.exit.seq);
        seqs.extend(init.received.iter().map(|sent| sent.seq));
    }
    if let Some(victim) = oom_victim {
        (death.oom_limit_scope, death.oom_limit_cgroup_path) = limit_of(victim, input.roots);
        seqs.push(victim.seq);
    }
    if evidence.frozen.is_some() {
        seqs.extend(evidence.frozen);
        seqs.extend(evidence.thawed);
    }
    seqs.sort_unstable();
    seqs.dedup();
    death.cause_evidence_seqs = seqs;
}

/// The end of a container's init, with what led to it.
struct InitEnd<'a> {
    exit: &'a ProcessExit,
    /// Signals that it was sent before, in order.
    received: Vec<&'a SentSignal>,
    /// The OOM killer's choice of it.
    oom_victim: Option<&'a OomVictim>,
}

impl<'a> InitEnd<'a> {
    /// Finds the init's exit, and the signals and OOM kills of that very process.
    fn find(evidence: &'a DeathEvidence, init_pid: Option<u32>) -> Option<Self> {
        let exit = find_init(&evidence.exits, init_pid)?;
        let is_before = |sent: &&SentSignal| sent.process.is_same(&exit.process) && sent.seq < exit.seq;
        Some(Self {
            exit,
            received: evidence.signals.iter().filter(is_before).collect(),
            oom_victim: evidence.oom_victims.iter().find(|victim| victim.process.is_same(&exit.process)),
        })
    }

    /// Writes the answers to all questions about the init.
    fn write(&self, input: &VerdictInput<'_>, death: &mut Death) {
        match self.exit.status {
            ExitStatus::Exited(code) => death.exit_code = Some(code),
            ExitStatus::Signalled { signal, core_dumped } => {
                death.exit_signal = Some(signal);
                death.core_dumped = Some(core_dumped);
            }
        }
        death.init_comm = Some(self.exit.process.comm.clone());
        death.exited_at = Some(self.exit.ts);
        death.signals = self.received.iter().map(|sent| describe_signal(sent)).collect();
        let decisive = self.decisive_signal(input.stop_signal);
        death.cause = self.cause(decisive, input.container_id);
        death.oom_killed = Some(death.cause == Cause::OomKilled);
        if let Some(sent) = self.killing_signal(decisive, death.cause) {
            death.killed_by = Some(Killer {
                task: sent.sender.clone(),
                loginuid: sent.sender_loginuid,
                container_id: sent.sender_container_id.clone(),
            });
            let orders = self.ordering_signals(sent, input.stop_signal);
            death.requested_by = order_steps(&orders, input.reports, self.exit.ts);
        }
    }

    /// Finds the signal that ended it or, if it exited by itself, the last one that asked it to.
    ///
    /// Nothing survives the first SIGKILL (kernel/signal.c, `complete_signal()` begins the exit of
    /// the whole group). Of another signal earlier ones may have been handled, so the last one
    /// counts.
    fn decisive_signal(&self, stop_signal: Option<u32>) -> Option<&'a SentSignal> {
        let mut arrived = self.received.iter().copied().filter(|sent| has_arrived(sent));
        match self.exit.status {
            ExitStatus::Exited(_) => arrived.rfind(|sent| is_request(sent.signal, stop_signal)),
            ExitStatus::Signalled { signal, .. } if u32::from(signal) == SIGKILL => {
                arrived.find(|sent| sent.signal == SIGKILL)
            }
            ExitStatus::Signalled { signal, .. } => arrived.rfind(|sent| sent.signal == u32::from(signal)),
        }
    }

    /// Tells what ended it.
    ///
    /// The exit status tells an exit from a signal (kernel/exit.c, `do_exit()`), the decisive
    /// signal the rest.
    fn cause(&self, decisive: Option<&SentSignal>, container_id: &str) -> Cause {
        match self.exit.status {
            ExitStatus::Exited(_) => Cause::Exited,
            ExitStatus::Signalled { .. } if self.is_oom_killed(decisive) => Cause::OomKilled,
            ExitStatus::Signalled { .. } => decisive.map_or(Cause::Signalled, |sent| cause_of(sent, container_id)),
        }
    }

    /// Tells whether the OOM killer ended it.
    ///
    /// The OOM killer sends SIGKILL in the kernel's own name (mm/oom_kill.c,
    /// `__oom_kill_process()`). A mark as its victim alone proves nothing: it also marks what is
    /// dying already (`out_of_memory()`).
    fn is_oom_killed(&self, decisive: Option<&SentSignal>) -> bool {
        let is_by_sigkill =
            matches!(self.exit.status, ExitStatus::Signalled { signal, .. } if u32::from(signal) == SIGKILL);
        let is_by_kernel = decisive.is_none_or(|sent| sent.origin == Some(SignalOrigin::Kernel));
        is_by_sigkill && is_by_kernel && (self.exit.oom_victim || self.oom_victim.is_some())
    }

    /// Finds who killed it: the decisive signal, unless nobody else sent it.
    ///
    /// Nobody else did if the process did it to itself: by a signal of its own or by a fault, which
    /// the kernel sends in its name (kernel/signal.c, `force_sig_fault()`). Nor after an OOM kill:
    /// the OOM killer runs in whichever task asked for memory.
    fn killing_signal(&self, decisive: Option<&'a SentSignal>, cause: Cause) -> Option<&'a SentSignal> {
        decisive.filter(|sent| {
            sent.sender.pid != self.exit.process.pid
                && sent.origin != Some(SignalOrigin::Fault)
                && cause != Cause::OomKilled
        })
    }

    /// Finds who ordered it: the killing signal, and requests and kills that others sent before it.
    fn ordering_signals(&self, killing: &SentSignal, stop_signal: Option<u32>) -> Vec<&'a SentSignal> {
        let is_order = |sent: &&SentSignal| {
            sent.seq <= killing.seq
                && sent.sender.pid != self.exit.process.pid
                && (sent.seq == killing.seq || sent.signal == SIGKILL || is_request(sent.signal, stop_signal))
        };
        self.received.iter().copied().filter(is_order).collect()
    }
}

/// Returns true if this signal asks a process to end: the usual ones (signal(7)), and the one that
/// the container is to be stopped with.
fn is_request(signal: u32, stop_signal: Option<u32>) -> bool {
    matches!(signal, SIGTERM | SIGINT | SIGQUIT) || Some(signal) == stop_signal
}

/// Returns true if the process was given the signal. A result that this version does not know
/// counts as given.
///
/// `TRACE_SIGNAL_*` of include/trace/events/signal.h; the kernel ignores what an init has no
/// handler for (kernel/signal.c, `sig_task_ignored()`).
fn has_arrived(sent: &SentSignal) -> bool {
    !matches!(sent.result, Some(SignalResult::Ignored | SignalResult::Dropped))
}

/// Tells the cause from the signal that ended the init.
///
/// `cgroup.kill` signals each thread group by its leader (kernel/cgroup/cgroup.c,
/// `__cgroup_kill()`); a parent's end, the other sender on behalf of a task, signals the group
/// (kernel/exit.c, `forget_original_parent()`). systemd-shutdown(8) takes the place of pid 1 and
/// kills what is left; its name is cut to 15 bytes (`TASK_COMM_LEN`).
fn cause_of(sent: &SentSignal, container_id: &str) -> Cause {
    if sent.origin == Some(SignalOrigin::OnBehalf) && sent.signal == SIGKILL && !sent.to_group {
        return Cause::CgroupKilled;
    }
    let arguments: Vec<&str> = sent.sender.argv.iter().map(String::as_str).collect();
    let is_by_runtime = argv::parse(&arguments)
        .is_some_and(|call| call.container_id == container_id && matches!(call.verb, Verb::Kill | Verb::Delete));
    if is_by_runtime {
        Cause::KilledByRuntime
    } else if sent.sender.pid == 1 && sent.sender.comm == "systemd-shutdow" {
        Cause::HostShutdown
    } else {
        Cause::Signalled
    }
}
