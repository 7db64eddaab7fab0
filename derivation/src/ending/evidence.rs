//! Why a container ended: what its first process's exit, the signals sent to it and the OOM killer say together.
//!
//! [`Evidence`] gathers the records about one life of a container; [`write_verdict`] reads it once, when the row of the end is
//! made. Nothing here asks which container a record belongs to: that is the fold's, by cgroup.

mod init;
mod order;
pub mod reports;
mod signal;
mod verdict;

use alloc::string::String;
use alloc::vec::Vec;

use crate::record::{
    Ancestor, BootNs, ExitStatus, FatalSignal, OomKill, OomLimit, Seq, SignalOrigin, SignalResult, Target, TaskExit,
    WallNs,
};
use crate::row::ActorCopy;

pub(crate) use order::named;
pub use signal::{name as signal_name, number as signal_number};
pub(crate) use verdict::{Place, VerdictInput, write_verdict};

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
const MAX_OOM_KILLS: usize = 8;

/// A process that something happened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub pid: u32,
    pub ppid: u32,
    pub started: BootNs,
    pub comm: String,
    pub is_reaper: bool,
}

impl Process {
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
    fn is(&self, other: &Self) -> bool {
        self.pid == other.pid && self.started == other.started
    }
}

/// A process ended.
#[derive(Clone, Debug)]
pub(crate) struct Exit {
    seq: Seq,
    ts: WallNs,
    process: Process,
    status: ExitStatus,
    oom_victim: bool,
}

/// A signal was sent.
#[derive(Clone, Debug)]
pub(crate) struct SentSignal {
    seq: Seq,
    ts: WallNs,
    boot_ns: BootNs,
    process: Process,
    while_frozen: bool,
    signal: u32,
    origin: Option<SignalOrigin>,
    to_group: bool,
    result: Option<SignalResult>,
    sender: ActorCopy,
    sender_loginuid: Option<u32>,
    sender_container_id: Option<String>,
    /// Of the sender, its parent first.
    ancestors: Vec<OwnedAncestor>,
}

/// An ancestor of a sender.
#[derive(Clone, Debug)]
pub(crate) struct OwnedAncestor {
    pid: u32,
    started: BootNs,
    comm: String,
}

impl From<&Ancestor<'_>> for OwnedAncestor {
    fn from(ancestor: &Ancestor<'_>) -> Self {
        Self { pid: ancestor.pid, started: ancestor.started, comm: ancestor.comm.into() }
    }
}

/// The OOM killer chose a process.
#[derive(Clone, Debug)]
pub(crate) struct OomKilled {
    seq: Seq,
    process: Process,
    limit: Option<OomLimit>,
}

/// All that was recorded about the end of one life of a container, within bounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    exits: Vec<Exit>,
    signals: Vec<SentSignal>,
    oom_kills: Vec<OomKilled>,
    /// The last records of all its tasks being frozen, and of their going on.
    frozen: Option<Seq>,
    thawed: Option<Seq>,
}

impl Evidence {
    /// Nothing was recorded.
    pub const NONE: Self =
        Self { exits: Vec::new(), signals: Vec::new(), oom_kills: Vec::new(), frozen: None, thawed: None };

    /// A process in it ended.
    pub fn exited(&mut self, seq: Seq, ts: WallNs, exit: &TaskExit<'_>) {
        let process = Process::of(&exit.target);
        if self.exits.len() >= MAX_EXITS {
            let newest = (0..self.exits.len()).max_by_key(|&index| self.exits[index].process.started);
            match newest {
                Some(index) if self.exits[index].process.started > process.started => {
                    self.exits.remove(index);
                }
                _ => return,
            }
        }
        self.exits.push(Exit { seq, ts, process, status: exit.status, oom_victim: exit.oom_victim });
    }

    /// A process in it was sent a signal, by a task in this other container, if in one.
    pub fn signalled(
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
            process: Process::of(&signal.target),
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
    pub fn oom_killed(&mut self, seq: Seq, kill: &OomKill<'_>) {
        if self.oom_kills.len() >= MAX_OOM_KILLS {
            self.oom_kills.remove(0);
        }
        self.oom_kills.push(OomKilled { seq, process: Process::of(&kill.target), limit: kill.limit });
    }

    /// Whether a process of it was seen ending that may be its init: the one with that number, where a runtime has said it.
    pub fn has_seen_the_end_of(&self, init_pid: Option<u32>) -> bool {
        self.exits.iter().any(|exit| init_pid.is_none_or(|pid| exit.process.pid == pid))
    }

    /// Whether the OOM killer chose a process in it.
    pub fn has_oom_kills(&self) -> bool {
        !self.oom_kills.is_empty()
    }

    /// The records that it was gathered from.
    pub fn seqs(&self) -> impl Iterator<Item = Seq> + '_ {
        let exits = self.exits.iter().map(|exit| exit.seq);
        let signals = self.signals.iter().map(|sent| sent.seq);
        let kills = self.oom_kills.iter().map(|kill| kill.seq);
        exits.chain(signals).chain(kills).chain(self.frozen).chain(self.thawed)
    }

    /// All of its tasks are frozen, or not all any more.
    pub fn froze(&mut self, seq: Seq, frozen: bool) {
        *if frozen { &mut self.frozen } else { &mut self.thawed } = Some(seq);
    }
}
