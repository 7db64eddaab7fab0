//! What is known of a life's init: the process whose end is the container's.

use crate::record::{BootNs, ProcessId, Seq, Target};

/// What is known of a life's init.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Init {
    /// The process, and the record that showed that it is the init.
    process: Option<(ProcessId, Seq)>,
    /// The pid that a source stated, and when.
    stated: Option<(u32, BootNs)>,
    /// The container's program was executed.
    is_executed: bool,
    /// The recorder tells of programs that are executed.
    sees_programs: bool,
}

impl Init {
    /// Returns the process.
    pub fn process(&self) -> Option<ProcessId> {
        self.process.map(|(process, _)| process)
    }

    /// Returns the record that showed which process it is.
    pub fn seq(&self) -> Option<Seq> {
        self.process.map(|(_, seq)| seq)
    }

    /// Takes over which process it is. The first word stays: a process cannot become another.
    pub fn set_process(&mut self, process: ProcessId, seq: Seq) {
        self.process.get_or_insert((process, seq));
    }

    /// Takes over which pid a source states. The first statement of a pid is the time from when it
    /// holds.
    pub fn state(&mut self, pid: u32, at: BootNs) {
        if self.stated.is_none_or(|(have, _)| have != pid) {
            self.stated = Some((pid, at));
        }
    }

    /// Returns true if a process is the init and false if it is not; `None` if that is not known.
    /// A pid names the process that had it when it was stated, not one that began later.
    pub fn is(&self, target: &Target<'_>) -> Option<bool> {
        match (self.process, self.stated) {
            (Some((process, _)), _) => Some(process == target.process()),
            (None, Some((pid, at))) => Some(pid == target.pid && target.started <= at),
            (None, None) => None,
        }
    }

    /// Returns the pid that a source stated.
    pub fn stated_pid(&self) -> Option<u32> {
        self.stated.map(|(pid, _)| pid)
    }

    /// Returns true if a source had stated a pid before this moment.
    pub fn is_stated_before(&self, moment: BootNs) -> bool {
        self.stated.is_some_and(|(_, at)| at < moment)
    }

    /// Marks that the container's program was executed.
    pub fn mark_executed(&mut self) {
        self.is_executed = true;
    }

    /// Returns true if the container's program was executed.
    pub fn is_executed(&self) -> bool {
        self.is_executed
    }

    /// Marks that the recorder tells of programs that are executed.
    pub fn mark_programs_seen(&mut self) {
        self.sees_programs = true;
    }

    /// Returns true if the recorder tells of programs that are executed.
    pub fn sees_programs(&self) -> bool {
        self.sees_programs
    }
}
