//! The records about the end of one life, within bounds.

use alloc::string::String;
use alloc::vec::Vec;

use crate::record::{
    Ancestor, BootNs, ExitStatus, FatalSignal, OomKill, OomLimit, Seq, SignalOrigin, SignalResult, Target, TaskExit,
    WallNs,
};
use crate::row::ActorCopy;

/// Exits kept of one life. ClaimHistory than one process counts where commands are run in a container from outside; the
/// container's own first one is among those that were started first, which are kept.
const MAX_EXITS: usize = 16;
/// Signals kept of one life: the first ones and the last ones.
const MAX_SIGNALS: usize = 32;
/// Of these, the first ones.
const FIRST_SIGNALS: usize = 8;
/// Ancestors kept of one sender: as many as the probe tells.
const MAX_ANCESTORS: usize = 6;
/// OOM kills kept of one life: the last ones.
const MAX_OOM_VICTIMS: usize = 8;

/// A process that something happened to.
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

    /// Numbers of processes come again; with the time of the start they are one's own.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.pid == other.pid && self.started == other.started
    }
}

/// A process ended.
#[derive(Clone, Debug)]
pub(crate) struct ProcessExit {
    pub(super) seq: Seq,
    pub(super) ts: WallNs,
    pub(super) process: ProcessCopy,
    pub(super) status: ExitStatus,
    pub(super) oom_victim: bool,
}

/// A signal was sent.
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
    /// Of the sender, its parent first.
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

/// The OOM killer chose a process.
#[derive(Clone, Debug)]
pub(crate) struct OomVictim {
    pub(super) seq: Seq,
    pub(super) process: ProcessCopy,
    pub(super) limit: Option<OomLimit>,
}

/// All that was recorded about the end of one life of a container, within bounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeathEvidence {
    pub(super) exits: Vec<ProcessExit>,
    pub(super) signals: Vec<SentSignal>,
    pub(super) oom_victims: Vec<OomVictim>,
    /// The last records of all its tasks being frozen, and of their going on.
    pub(super) frozen: Option<Seq>,
    pub(super) thawed: Option<Seq>,
}

impl DeathEvidence {
    /// Nothing was recorded.
    pub const NONE: Self =
        Self { exits: Vec::new(), signals: Vec::new(), oom_victims: Vec::new(), frozen: None, thawed: None };

    /// A process in it ended.
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

    /// A process in it was sent a signal, by a task in this other container, if in one.
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

    /// The OOM killer chose a process in it.
    pub fn add_oom_kill(&mut self, seq: Seq, kill: &OomKill<'_>) {
        if self.oom_victims.len() >= MAX_OOM_VICTIMS {
            self.oom_victims.remove(0);
        }
        self.oom_victims.push(OomVictim { seq, process: ProcessCopy::of(&kill.target), limit: kill.limit });
    }

    /// Whether a process of it was seen ending that may be its init: the one with that number, where a runtime has said it.
    pub fn has_init_exit(&self, init_pid: Option<u32>) -> bool {
        self.exits.iter().any(|exit| init_pid.is_none_or(|pid| exit.process.pid == pid))
    }

    /// Whether the OOM killer chose a process in it.
    pub fn has_oom_kills(&self) -> bool {
        !self.oom_victims.is_empty()
    }

    /// The records that it was gathered from.
    pub fn seqs(&self) -> impl Iterator<Item = Seq> + '_ {
        let exits = self.exits.iter().map(|exit| exit.seq);
        let signals = self.signals.iter().map(|sent| sent.seq);
        let kills = self.oom_victims.iter().map(|kill| kill.seq);
        exits.chain(signals).chain(kills).chain(self.frozen).chain(self.thawed)
    }

    /// All of its tasks are frozen, or not all any more.
    pub fn add_freeze(&mut self, seq: Seq, frozen: bool) {
        *if frozen { &mut self.frozen } else { &mut self.thawed } = Some(seq);
    }
}
