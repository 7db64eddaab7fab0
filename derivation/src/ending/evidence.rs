//! The records about the end of one life, within bounds.

use alloc::string::String;
use alloc::vec::Vec;

use crate::record::{
    Ancestor, BootNs, ExitStatus, FatalSignal, OomKill, OomLimit, Seq, SignalOrigin, SignalResult, Target, TaskExit,
    WallNs,
};
use crate::row::ActorCopy;

/// Exits kept of one life. There is more than one where commands are run in a container from
/// outside. Those of the processes that were started first are kept; the container's init is among
/// them.
const MAX_EXITS: usize = 16;
/// Signals kept of one life: the first ones and the last ones.
const MAX_SIGNALS: usize = 32;
/// Number of signals that are kept as the first ones.
const FIRST_SIGNALS: usize = 8;
/// Ancestors kept of one sender: as many as the probe records.
const MAX_ANCESTORS: usize = 6;
/// OOM kills kept of one life: the last ones.
const MAX_OOM_VICTIMS: usize = 8;

/// A process that ended, or was sent a signal, or was chosen by the OOM killer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessCopy {
    pub pid: u32,
    pub ppid: u32,
    pub started: BootNs,
    pub comm: String,
    pub is_reaper: bool,
}

impl ProcessCopy {
    fn of(target: &Target<'_>) -> Self {
        Self {
            pid: target.pid,
            ppid: target.ppid,
            started: target.started,
            comm: target.comm.into(),
            is_reaper: target.is_reaper,
        }
    }

    /// Returns true if both are one process. Pids are used again; together with the time of the
    /// start they are unique.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.pid == other.pid && self.started == other.started
    }
}

/// The end of a process.
#[derive(Clone, Debug)]
pub(crate) struct ProcessExit {
    pub(super) seq: Seq,
    pub(super) ts: WallNs,
    pub(super) process: ProcessCopy,
    pub(super) status: ExitStatus,
    pub(super) oom_victim: bool,
}

/// A signal that was sent to a process.
#[derive(Clone, Debug)]
pub(crate) struct SentSignal {
    pub(super) seq: Seq,
    pub(super) ts: WallNs,
    pub(super) boot_ns: BootNs,
    pub(super) process: ProcessCopy,
    pub(super) while_frozen: bool,
    pub(super) signal: u32,
    pub(super) origin: Option<SignalOrigin>,
    pub(super) to_group: bool,
    pub(super) result: Option<SignalResult>,
    pub(super) sender: ActorCopy,
    pub(super) sender_loginuid: Option<u32>,
    pub(super) sender_container_id: Option<String>,
    /// Ancestors of the sender, its parent first.
    pub(super) ancestors: Vec<OwnedAncestor>,
}

/// An ancestor of a sender.
#[derive(Clone, Debug)]
pub(crate) struct OwnedAncestor {
    pub(super) pid: u32,
    pub(super) started: BootNs,
    pub(super) comm: String,
}

impl From<&Ancestor<'_>> for OwnedAncestor {
    fn from(ancestor: &Ancestor<'_>) -> Self {
        Self { pid: ancestor.pid, started: ancestor.started, comm: ancestor.comm.into() }
    }
}

/// A process that the OOM killer chose, and the limit it came for.
#[derive(Clone, Debug)]
pub(crate) struct OomVictim {
    pub(super) seq: Seq,
    pub(super) process: ProcessCopy,
    pub(super) limit: Option<OomLimit>,
}

/// The records about the end of one life of a container, within bounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeathEvidence {
    pub(super) exits: Vec<ProcessExit>,
    pub(super) signals: Vec<SentSignal>,
    pub(super) oom_victims: Vec<OomVictim>,
    /// Last record of all its tasks being frozen, and last one of their going on.
    pub(super) frozen: Option<Seq>,
    pub(super) thawed: Option<Seq>,
}

impl DeathEvidence {
    /// Evidence without a record.
    pub const NONE: Self =
        Self { exits: Vec::new(), signals: Vec::new(), oom_victims: Vec::new(), frozen: None, thawed: None };

    /// Adds the end of a process in it.
    pub fn add_exit(&mut self, seq: Seq, ts: WallNs, exit: &TaskExit<'_>) {
        let process = ProcessCopy::of(&exit.target);
        if self.exits.len() >= MAX_EXITS {
            let newest = (0..self.exits.len()).max_by_key(|&index| self.exits[index].process.started);
            match newest {
                Some(index) if self.exits[index].process.started > process.started => {
                    self.exits.remove(index);
                }
                _ => return,
            }
        }
        self.exits.push(ProcessExit { seq, ts, process, status: exit.status, oom_victim: exit.oom_victim });
    }

    /// Adds a signal to a process in it; `sender_container_id` is the container that the sender is
    /// in.
    pub fn add_signal(
        &mut self,
        seq: Seq,
        (ts, boot_ns): (WallNs, BootNs),
        signal: &FatalSignal<'_>,
        sender_container_id: Option<String>,
    ) {
        if self.signals.len() >= MAX_SIGNALS {
            self.signals.remove(FIRST_SIGNALS);
        }
        self.signals.push(SentSignal {
            seq,
            ts,
            boot_ns,
            process: ProcessCopy::of(&signal.target),
            while_frozen: signal.target.is_frozen == Some(true),
            signal: signal.signal,
            origin: signal.origin,
            to_group: signal.to_group,
            result: signal.result,
            sender: ActorCopy::from(&signal.sender),
            sender_loginuid: signal.sender_loginuid,
            sender_container_id,
            ancestors: signal.sender_ancestors.iter().take(MAX_ANCESTORS).map(OwnedAncestor::from).collect(),
        });
    }

    /// Adds the OOM killer's choice of a process in it.
    pub fn add_oom_kill(&mut self, seq: Seq, kill: &OomKill<'_>) {
        if self.oom_victims.len() >= MAX_OOM_VICTIMS {
            self.oom_victims.remove(0);
        }
        self.oom_victims.push(OomVictim { seq, process: ProcessCopy::of(&kill.target), limit: kill.limit });
    }

    /// Returns true if a process ended that may be its init: the one with that pid, where a runtime
    /// states it.
    pub fn has_init_exit(&self, init_pid: Option<u32>) -> bool {
        self.exits.iter().any(|exit| init_pid.is_none_or(|pid| exit.process.pid == pid))
    }

    /// Returns true if the OOM killer chose a process in it.
    pub fn has_oom_kills(&self) -> bool {
        !self.oom_victims.is_empty()
    }

    /// Returns the records that it is made of.
    pub fn seqs(&self) -> impl Iterator<Item = Seq> + '_ {
        let exits = self.exits.iter().map(|exit| exit.seq);
        let signals = self.signals.iter().map(|sent| sent.seq);
        let kills = self.oom_victims.iter().map(|kill| kill.seq);
        exits.chain(signals).chain(kills).chain(self.frozen).chain(self.thawed)
    }

    /// Notes that all of its tasks are frozen, or not all any more.
    pub fn add_freeze(&mut self, seq: Seq, frozen: bool) {
        *if frozen { &mut self.frozen } else { &mut self.thawed } = Some(seq);
    }
}
