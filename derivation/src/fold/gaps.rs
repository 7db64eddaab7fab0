//! Gaps in the log: events that were lost, and wall clocks that were set.

use crate::containers::{Containers, Life, LifeStart, Origin, Stage};
use crate::record::{BootNs, ClockReading, ClockReason, KernelEventKind, Loss, Seq, Stamp};

/// Gaps in what the log tells.
#[derive(Debug, Default)]
pub(super) struct LogGaps {
    /// Events up to this moment may be missing.
    lost_until: Option<BootNs>,
    /// Exits up to this moment may be missing.
    exits_lost_until: Option<BootNs>,
    /// Executions of programs, or entries of processes, up to this moment may be missing.
    execs_lost_until: Option<BootNs>,
    /// The last record that says that the wall clock was set.
    clock_set: Option<Seq>,
}

impl LogGaps {
    /// Takes a loss, and marks the lives that it may concern.
    ///
    /// Nearly all exits are of no container's init. A row shows that an init's exit is among the
    /// lost ones by lacking it.
    pub fn on_lost(&mut self, at: Stamp, loss: &Loss, containers: &mut Containers) {
        let (until, mark): (_, fn(&mut Life)) = match loss.kind {
            Some(KernelEventKind::Exit) => (&mut self.exits_lost_until, Life::mark_lost_exits),
            Some(KernelEventKind::Exec | KernelEventKind::Attach) => {
                (&mut self.execs_lost_until, Life::mark_lost_execs)
            }
            _ => (&mut self.lost_until, Life::mark_gap),
        };
        *until = (*until).max(Some(at.boot_ns));
        if self.may_miss_directories() {
            containers.forget_all_stated();
        }
        containers.lives_mut().for_each(mark);
    }

    /// Returns true if another run of a container may have begun unseen since this moment.
    pub fn may_hide_run_since(&self, moment: BootNs) -> bool {
        self.lost_until.is_some_and(|until| moment <= until)
    }

    /// Returns true if the making of directories may be among the events that were lost.
    pub fn may_miss_directories(&self) -> bool {
        self.lost_until.is_some()
    }

    /// Takes a reading of the clocks.
    pub fn on_clock(&mut self, at: Stamp, reading: &ClockReading) {
        if reading.reason == Some(ClockReason::Set) {
            self.clock_set = Some(at.seq);
        }
    }

    /// Returns the last record that says that the wall clock was set.
    pub fn clock_set(&self) -> Option<Seq> {
        self.clock_set
    }

    /// Returns true if the wall clock was not set since the life began, so that times by it can be
    /// compared.
    pub fn is_clock_steady(&self, life: &Life) -> bool {
        self.clock_set.is_none_or(|set| set < life.first().seq)
    }

    /// Describes a life that may begin now. If its making was not seen, nobody knows on which side
    /// of a loss it began.
    pub fn beginning(&self, origin: Origin, stage: Stage, stamp: Stamp) -> LifeStart {
        let is_seen = origin == Origin::Made;
        let reaches = |until: Option<BootNs>| until.is_some_and(|until| !is_seen || stamp.boot_ns <= until);
        LifeStart {
            after_gap: reaches(self.lost_until),
            exits_lost: reaches(self.exits_lost_until),
            execs_lost: reaches(self.execs_lost_until),
            ..LifeStart::without_loss(origin, stage, stamp)
        }
    }
}
