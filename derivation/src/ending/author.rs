//! Who ended a container, and who had ordered it.
//!
//! The task in whose context a signal was sent is its author only if it sent it by a system call.
//! An order is one that arrived and that the end followed on; a runtime's call to stop the
//! container stays one until the end, since its program may take its time.

use alloc::vec::Vec;

use super::evidence::{NamespaceEnd, ProcessExit, SentSignal};
use super::input::VerdictInput;
use super::order::{namespace_end_steps, order_steps};
use super::signal::{SIGINT, SIGKILL, SIGQUIT, SIGTERM};
use crate::record::{ExitStatus, SignalOrigin, SignalResult};
use crate::row::{Cause, Step};

/// Time, in nanoseconds, within which an end has to do with a request that a task sent which is
/// neither a runtime nor the host's init. Later, the request was handled and is over.
const REQUEST_NS: u64 = 1_000_000_000;
/// Pid of the host's first process: systemd stops a scope as a runtime stops a container.
const FIRST_PID: u32 = 1;

/// The signals to an init, and what is known of its container.
pub(super) struct Author<'a> {
    input: &'a VerdictInput<'a>,
    exit: &'a ProcessExit,
    received: &'a [&'a SentSignal],
}

impl<'a> Author<'a> {
    pub(super) fn new(input: &'a VerdictInput<'a>, exit: &'a ProcessExit, received: &'a [&'a SentSignal]) -> Self {
        Self { input, exit, received }
    }

    /// Finds the signal that ended the init or, if it exited by itself, the last order to.
    ///
    /// Nothing survives the first SIGKILL (kernel/signal.c, `complete_signal()` begins the exit of
    /// the whole group). Of another signal earlier ones may have been handled, so the last one
    /// counts. The signal that stands for a reboot was not sent.
    pub(super) fn decisive_signal(&self) -> Option<&'a SentSignal> {
        let mut arrived = self.received.iter().copied().filter(|sent| has_arrived(sent));
        match self.exit.status {
            _ if self.exit.is_reboot => None,
            ExitStatus::Exited(_) => arrived.rfind(|sent| self.is_order(sent)),
            ExitStatus::Signalled { signal, .. } if u32::from(signal) == SIGKILL => {
                arrived.find(|sent| sent.signal == SIGKILL)
            }
            ExitStatus::Signalled { signal, .. } => arrived.rfind(|sent| sent.signal == u32::from(signal)),
        }
    }

    /// Finds who ordered the end: the killing signal, and the orders before it. What a runtime
    /// sends first belongs to its stop, whether or not the init ignores it.
    pub(super) fn ordering_signals(&self, killing: &SentSignal) -> Vec<&'a SentSignal> {
        let is_stop = self.is_by_authority(killing);
        let is_part = |sent: &&SentSignal| {
            sent.at.seq == killing.at.seq
                || sent.at.seq < killing.at.seq
                    && (has_arrived(sent) || is_stop && self.is_by_authority(sent))
                    && self.is_order(sent)
        };
        self.received.iter().copied().filter(is_part).collect()
    }

    /// Tells the cause from the signal that ended the init: who sent it or, if nobody that has a
    /// name here did, how.
    ///
    /// systemd-shutdown(8) takes the place of pid 1 and kills what is left; its name is cut to 15
    /// bytes (`TASK_COMM_LEN`).
    pub(super) fn cause_of(&self, sent: &SentSignal) -> Cause {
        let is_cgroup_kill = match sent.origin {
            Some(SignalOrigin::CgroupKill) => true,
            // Of older builds: a parent's end, which is no author either, signals the whole group.
            Some(SignalOrigin::OnBehalf) => sent.signal == SIGKILL && !sent.to_group,
            _ => false,
        };
        if !sent.has_other_author() {
            Cause::Signalled
        } else if self.is_by_runtime(sent) {
            Cause::KilledByRuntime
        } else if is_cgroup_kill {
            Cause::CgroupKilled
        } else if sent.sender.pid == FIRST_PID && sent.sender.comm == "systemd-shutdow" {
            Cause::HostShutdown
        } else {
            Cause::Signalled
        }
    }

    /// Returns the steps by which another container was ended whose pid namespace this one shared.
    pub(super) fn steps_of_namespace_end(&self, end: &NamespaceEnd) -> Vec<Step> {
        let orders: Vec<&SentSignal> =
            end.signals.iter().filter(|sent| Some(sent.process) == end.init && sent.has_other_author()).collect();
        let mut steps = order_steps(&orders, self.input.reports, self.exit.at.ts);
        steps.extend(namespace_end_steps(end, self.exit.at.ts));
        steps
    }

    /// Returns true if a signal was an order to end: one that asks for it, by a runtime, by the
    /// host's init, or shortly before the end.
    fn is_order(&self, sent: &SentSignal) -> bool {
        let is_request = sent.signal == SIGKILL || is_request(sent.signal, self.input.stop_signal);
        let is_timely = self.exit.at.boot_ns.0.saturating_sub(sent.at.boot_ns.0) <= REQUEST_NS;
        sent.has_other_author()
            && match self.is_by_authority(sent) {
                true => is_request || self.input.reports.has_stop() && self.is_last_by_authority(sent),
                false => is_request && is_timely,
            }
    }

    /// Returns true if the runtime or the host's init sent no other signal later but SIGKILL. A
    /// stop begins with one signal of the engine's choice; those before it were not the stop's.
    fn is_last_by_authority(&self, sent: &SentSignal) -> bool {
        let is_later = |other: &&SentSignal| other.at.seq > sent.at.seq && other.signal != SIGKILL;
        !self.received.iter().copied().filter(is_later).any(|other| self.is_by_authority(other))
    }

    /// Returns true if the runtime or the host's init sent a signal.
    fn is_by_authority(&self, sent: &SentSignal) -> bool {
        sent.sender.pid == FIRST_PID || self.is_by_runtime(sent)
    }

    /// Returns true if the engine sent a signal.
    fn is_by_runtime(&self, sent: &SentSignal) -> bool {
        sent.is_by_engine_of(self.input.container_id)
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
