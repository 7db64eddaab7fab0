//! The verdict on a container's end: what ended its init.

use alloc::vec::Vec;
use core::mem;

use super::author::Author;
use super::description::describe_signal;
use super::evidence::{DeathEvidence, OomVictim, ProcessExit, SentSignal};
use super::input::{ProgramStart, VerdictInput};
use super::oom_limit::limit_of;
use super::order::order_steps;
use super::signal::SIGKILL;
use crate::record::{ExitStatus, SignalOrigin};
use crate::row::{Cause, Death, Killer, KnownBy};

/// Writes into `death`, over all that it held, what the evidence says about a container's end.
pub(crate) fn write_verdict(evidence: &DeathEvidence, input: &VerdictInput<'_>, death: &mut Death) {
    let mut seqs = mem::take(&mut death.cause_evidence_seqs);
    seqs.clear();
    *death = Death::default();
    // The last kill says most, unless the init was the victim.
    let mut oom_victim = evidence.oom_victims.last();
    seqs.extend(input.init_exit.map(|exit| exit.at.seq));
    match (input.start, input.init_exit.map(|exit| InitEnd::new(evidence, exit))) {
        (ProgramStart::Never, _) => death.cause = Cause::NeverStarted,
        (ProgramStart::Failed, _) => {
            death.cause = Cause::StartFailed;
            seqs.extend(evidence.other_exits.iter().map(|exit| exit.at.seq));
        }
        (ProgramStart::Possible, Some(init)) => {
            init.write(evidence, input, death);
            oom_victim = init.oom_victim.or(oom_victim);
            seqs.extend(init.received.iter().map(|sent| sent.at.seq));
        }
        (ProgramStart::Possible, None) | (ProgramStart::Unclear, _) => {}
    }
    if let Some((by, code)) = input.reports.exit_code()
        && (!input.is_run_doubtful || input.reports.tell_one_end())
    {
        death.reported_exit_code = Some(code);
        death.reported_by = Some(by);
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
    /// Joins the init's exit with the signals and OOM kills of that very process.
    fn new(evidence: &'a DeathEvidence, exit: &'a ProcessExit) -> Self {
        let is_before = |sent: &&SentSignal| sent.process == exit.process && sent.at.seq < exit.at.seq;
        Self {
            exit,
            received: evidence.signals.iter().filter(is_before).collect(),
            oom_victim: evidence.oom_victims.iter().find(|victim| victim.process == exit.process),
        }
    }

    /// Writes the answers to all questions about the init.
    fn write(&self, evidence: &DeathEvidence, input: &VerdictInput<'_>, death: &mut Death) {
        let author = Author::new(input, self.exit, &self.received);
        match self.exit.status {
            // The code is the sandbox's own. What the program within did, only its runtime can say.
            ExitStatus::Exited(_) if input.is_sandboxed => {}
            ExitStatus::Exited(code) => death.exit_code = Some(code),
            ExitStatus::Signalled { signal, core_dumped } => {
                death.exit_signal = Some(signal);
                death.core_dumped = Some(core_dumped);
            }
        }
        death.cause_known_by = Some(if input.is_sandboxed { KnownBy::Sandbox } else { KnownBy::Kernel });
        death.init_comm = Some(self.exit.comm.clone());
        death.exited_at = Some(self.exit.at.ts);
        death.signals = self.received.iter().map(|sent| describe_signal(sent)).collect();
        death.signals_total = Some(evidence.signals_total(self.exit.process));
        let decisive = author.decisive_signal();
        death.cause = self.cause(decisive, &author);
        if input.is_sandboxed && death.cause == Cause::Exited {
            death.cause = Cause::Unknown;
        }
        death.oom_killed = Some(death.cause == Cause::OomKilled);
        if death.exit_signal.is_some() {
            death.signal_origin = decisive.and_then(|sent| sent.origin);
        }
        let killing = decisive.filter(|sent| sent.has_other_author() && death.cause != Cause::OomKilled);
        if let Some(sent) = killing {
            death.killed_by = Some(Killer {
                task: sent.sender.clone(),
                loginuid: sent.sender_loginuid,
                container_id: sent.sender_container_id.clone(),
            });
            death.requested_by = order_steps(&author.ordering_signals(sent), input.reports, self.exit.at.ts);
        } else if let Some(end) = &evidence.namespace_end
            && decisive.is_some_and(|sent| sent.origin == Some(SignalOrigin::PidNamespaceEnd))
        {
            death.requested_by = author.steps_of_namespace_end(end);
        }
    }

    /// Tells what ended it.
    ///
    /// The exit status tells an exit from a signal (kernel/exit.c, `do_exit()`), the decisive
    /// signal the rest.
    fn cause(&self, decisive: Option<&SentSignal>, author: &Author<'_>) -> Cause {
        match self.exit.status {
            ExitStatus::Exited(_) => Cause::Exited,
            ExitStatus::Signalled { .. } if self.is_oom_killed(decisive) => Cause::OomKilled,
            ExitStatus::Signalled { .. } => decisive.map_or(Cause::Signalled, |sent| author.cause_of(sent)),
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
        // A task that exits asks for memory too: then its context is that of a namespace's end.
        let is_by_kernel = decisive.is_none_or(|sent| {
            matches!(sent.origin, Some(SignalOrigin::Kernel | SignalOrigin::Tty | SignalOrigin::PidNamespaceEnd))
        });
        is_by_sigkill && is_by_kernel && (self.exit.oom_victim || self.oom_victim.is_some())
    }
}
