//! The records about the end of one life, within bounds.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::identity::{argv, runtime_process};
use crate::record::{
    Ancestor, ExitStatus, FatalSignal, OomKill, OomLimit, ProcessId, Seq, SignalOrigin, SignalResult, Stamp, TaskExit,
};
use crate::row::ActorCopy;

/// Exits kept of processes that are not known to be the init. Those of the processes that were
/// started first are kept.
const MAX_EXITS: usize = 16;
/// Signals kept of one life: the first ones and the last ones.
const MAX_SIGNALS: usize = 32;
/// Number of signals that are kept as the first ones.
const FIRST_SIGNALS: usize = 8;
/// Processes whose signals are counted while the init is unknown.
const MAX_COUNTED: usize = 16;
/// Ancestors kept of one sender: as many as the probe records.
const MAX_ANCESTORS: usize = 6;
/// OOM kills kept of one life: the last ones.
const MAX_OOM_VICTIMS: usize = 8;

/// The end of a process.
#[derive(Clone, Debug)]
pub(crate) struct ProcessExit {
    pub(super) at: Stamp,
    pub(super) process: ProcessId,
    pub(super) ppid: u32,
    pub(super) comm: String,
    pub(super) is_reaper: bool,
    pub(super) status: ExitStatus,
    pub(super) oom_victim: bool,
    /// The signal in its status is the kernel's word for a reboot or a halt of the pid namespace;
    /// nobody sent it.
    pub(super) is_reboot: bool,
    /// The recorder did not tell where the parent of the process was.
    is_of_unknown_parent: bool,
}

/// A signal that was sent to a process.
#[derive(Clone, Debug)]
pub(crate) struct SentSignal {
    pub(super) at: Stamp,
    pub(super) process: ProcessId,
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

impl SentSignal {
    /// Returns true if another task is the author of the signal: it sent it, by a system call.
    pub(super) fn has_other_author(&self) -> bool {
        self.origin.is_none_or(|origin| origin.has_author() || origin == SignalOrigin::OnBehalf)
            && self.sender.pid != self.process.pid
    }

    /// Returns true if the engine of this container sent it: by its runtime's call to signal or to
    /// delete the container, or by its monitor.
    pub(super) fn is_by_engine_of(&self, container_id: &str) -> bool {
        let arguments: Vec<&str> = self.sender.argv.iter().map(String::as_str).collect();
        argv::parse(&arguments).is_some_and(|call| call.ends_container(container_id))
    }
}

/// An ancestor of a sender.
#[derive(Clone, Debug)]
pub(crate) struct OwnedAncestor {
    pub(super) process: ProcessId,
    pub(super) comm: String,
}

impl From<&Ancestor<'_>> for OwnedAncestor {
    fn from(ancestor: &Ancestor<'_>) -> Self {
        let process = ProcessId { pid: ancestor.pid, started: ancestor.started };
        Self { process, comm: ancestor.comm.into() }
    }
}

/// A process that the OOM killer chose, and the limit it came for.
#[derive(Clone, Debug)]
pub(crate) struct OomVictim {
    pub(super) seq: Seq,
    pub(super) process: ProcessId,
    pub(super) limit: Option<OomLimit>,
}

/// The end of another container whose pid namespace this one shared, and which ended this one.
#[derive(Clone, Debug)]
pub(crate) struct NamespaceEnd {
    /// The container whose init was the first process of the namespace.
    pub(super) container_id: String,
    /// The signals that its init was sent.
    pub(super) signals: Vec<SentSignal>,
    /// The process whose signals they are.
    pub(super) init: Option<ProcessId>,
}

/// The records about the end of one life of a container, within bounds.
#[derive(Clone, Debug, Default)]
pub(crate) struct DeathEvidence {
    /// The end of the init.
    pub(super) init_exit: Option<ProcessExit>,
    pub(super) other_exits: Vec<ProcessExit>,
    pub(super) signals: Vec<SentSignal>,
    /// Signals that each process was sent, kept or not.
    signal_counts: Vec<(ProcessId, u32)>,
    pub(super) oom_victims: Vec<OomVictim>,
    pub(super) namespace_end: Option<Box<NamespaceEnd>>,
    /// Last record of all its tasks being frozen, and last one of their going on.
    pub(super) frozen: Option<Seq>,
    pub(super) thawed: Option<Seq>,
}

impl DeathEvidence {
    /// Evidence without a record.
    pub const NONE: Self = Self {
        init_exit: None,
        other_exits: Vec::new(),
        signals: Vec::new(),
        signal_counts: Vec::new(),
        oom_victims: Vec::new(),
        namespace_end: None,
        frozen: None,
        thawed: None,
    };

    /// Adds the end of the init. Its signals alone count from now on.
    pub fn set_init_exit(&mut self, at: Stamp, exit: &TaskExit<'_>) {
        self.init_exit.get_or_insert_with(|| ProcessExit::new(at, exit));
    }

    /// Adds the end of a process that is not known to be the init.
    pub fn add_exit(&mut self, at: Stamp, exit: &TaskExit<'_>) {
        if self.other_exits.len() >= MAX_EXITS {
            let newest = self.other_exits.iter().enumerate().max_by_key(|(_, have)| have.process.started);
            match newest {
                Some((index, have)) if have.process.started > exit.target.started => {
                    self.other_exits.remove(index);
                }
                _ => return,
            }
        }
        self.other_exits.push(ProcessExit::new(at, exit));
    }

    /// Returns the end of the init: of the one that was known when it ended or, by its pid, that
    /// of the one that a source stated. Records of older builds do not show which process a runtime
    /// began: of those, where nothing was lost (`is_whole`), the first process of a pid namespace
    /// that was started first is the init.
    pub fn init_exit(&self, stated: Option<u32>, is_whole: bool) -> Option<&ProcessExit> {
        let exits = &self.other_exits;
        let is_nested = |exit: &ProcessExit| exits.iter().any(|other| other.process.pid == exit.ppid);
        let is_first_of_namespace =
            |exit: &ProcessExit| exit.is_reaper && !is_nested(exit) && runtime_process(&exit.comm).is_none();
        let is_init = |exit: &&ProcessExit| match stated {
            Some(pid) => exit.process.pid == pid,
            None => is_whole && exit.is_of_unknown_parent && is_first_of_namespace(exit),
        };
        let first = || exits.iter().filter(is_init).min_by_key(|exit| (exit.process.started, exit.at.seq));
        self.init_exit.as_ref().or_else(first)
    }

    /// Adds a signal to a process in it; `sender_container_id` is the container that the sender is
    /// in. If `init` is known, only its signals are kept.
    pub fn add_signal(
        &mut self,
        at: Stamp,
        signal: &FatalSignal<'_>,
        sender_container_id: Option<String>,
        init: Option<ProcessId>,
    ) {
        let process = signal.target.process();
        let is_over = self.init_exit.as_ref().is_some_and(|exit| exit.process == process);
        if is_over || init.is_some_and(|init| init != process) {
            return;
        }
        let counted = self.signal_counts.iter_mut().find(|(have, _)| *have == process);
        if let Some((_, count)) = counted {
            *count = count.saturating_add(1);
        } else if self.signal_counts.len() < MAX_COUNTED {
            self.signal_counts.push((process, 1));
        }
        if self.signals.len() >= MAX_SIGNALS {
            self.signals.remove(FIRST_SIGNALS);
        }
        self.signals.push(SentSignal {
            at,
            process,
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

    /// Returns the number of signals that a process was sent, kept or not.
    pub(super) fn signals_total(&self, process: ProcessId) -> u32 {
        let count = self.signal_counts.iter().find(|(have, _)| *have == process).map(|(_, count)| *count);
        count.unwrap_or_default()
    }

    /// Returns the end of this container, as what ended another one in its pid namespace.
    pub fn as_namespace_end(&self, container_id: &str, init: Option<ProcessId>) -> NamespaceEnd {
        NamespaceEnd { container_id: container_id.into(), signals: self.signals.clone(), init }
    }

    /// Keeps that the end of another container's pid namespace ends this one; the first one counts.
    pub fn set_namespace_end(&mut self, end: NamespaceEnd) {
        self.namespace_end.get_or_insert_with(|| Box::new(end));
    }

    /// Adds the OOM killer's choice of a process in it.
    pub fn add_oom_kill(&mut self, seq: Seq, kill: &OomKill<'_>) {
        if self.oom_victims.len() >= MAX_OOM_VICTIMS {
            self.oom_victims.remove(0);
        }
        self.oom_victims.push(OomVictim { seq, process: kill.target.process(), limit: kill.limit });
    }

    /// Returns true if a process ended whose parent the recorder looked at: it records the
    /// execution of programs, too.
    pub fn is_by_new_recorder(&self) -> bool {
        self.init_exit.iter().chain(&self.other_exits).any(|exit| !exit.is_of_unknown_parent)
    }

    /// Returns true if the engine of this container sent a signal to one of its processes.
    pub fn is_killed_by_engine_of(&self, container_id: &str) -> bool {
        self.signals.iter().any(|sent| sent.has_other_author() && sent.is_by_engine_of(container_id))
    }

    /// Returns true if the OOM killer chose a process in it.
    pub fn has_oom_kills(&self) -> bool {
        !self.oom_victims.is_empty()
    }

    /// Returns the records that it is made of.
    pub fn seqs(&self) -> impl Iterator<Item = Seq> + '_ {
        let exits = self.init_exit.iter().chain(&self.other_exits).map(|exit| exit.at.seq);
        let signals = self.signals.iter().map(|sent| sent.at.seq);
        let kills = self.oom_victims.iter().map(|kill| kill.seq);
        exits.chain(signals).chain(kills).chain(self.frozen).chain(self.thawed)
    }

    /// Notes that all of its tasks are frozen, or not all any more.
    pub fn add_freeze(&mut self, seq: Seq, frozen: bool) {
        *if frozen { &mut self.frozen } else { &mut self.thawed } = Some(seq);
    }
}

impl ProcessExit {
    /// Returns the process.
    pub fn process(&self) -> ProcessId {
        self.process
    }

    /// Returns the name of its first thread at the end.
    pub fn comm(&self) -> &str {
        &self.comm
    }

    /// Returns the moment of the end.
    pub fn at(&self) -> Stamp {
        self.at
    }

    fn new(at: Stamp, exit: &TaskExit<'_>) -> Self {
        Self {
            at,
            process: exit.target.process(),
            ppid: exit.target.ppid,
            comm: exit.target.comm.into(),
            is_reaper: exit.target.is_reaper,
            status: exit.status,
            oom_victim: exit.oom_victim,
            is_reboot: exit.rebooted == Some(true),
            is_of_unknown_parent: exit.target.parent_cgroup.is_none(),
        }
    }
}
