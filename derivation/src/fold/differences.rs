//! Which life of a container a statement about an end belongs to, and the rows of what contradicts what.

use alloc::vec::Vec;

use super::Fold;
use crate::containers::life::{Life, Origin, Stage, Stamp};
use crate::containers::life_table::LifeId;
use crate::ending::reports::{self, Decided, EndReport};
use crate::record::{RuntimeAnswer, Seq};
use crate::row::{ContainerRemove, Disagreement, Row, RowSink};

impl Life {
    /// What contradicts the row of its end; `clock_set` is the last record that says that the wall clock was set.
    pub(super) fn differences(&self, row: &ContainerRemove, clock_set: Option<Seq>) -> Vec<Disagreement> {
        let is_steady = clock_set.is_none_or(|set| set < self.first.seq);
        reports::disagreements_at_end(row, self.said(), is_steady)
    }
}

impl Fold {
    /// Keeps what an answer says of an end with the life that it is about. `lives` are those that it may be about, the
    /// oldest first.
    pub(super) fn stated_of(&mut self, moment: Stamp, answer: &RuntimeAnswer<'_>, lives: &[LifeId]) {
        let Some(statement) = EndReport::of(moment.seq, moment.ts, moment.boot_ns, answer) else { return };
        // A wall clock that was set since tells nothing, and of one that was not seen beginning nobody knows.
        let can_tell =
            |life: &Life| life.origin == Origin::Made && self.clock_set.is_none_or(|set| set < life.first.seq);
        let had_begun = |life: &Life| !can_tell(life) || life.first.ts <= statement.about();
        let number = match lives {
            [.., newest] if statement.is_of_the_newest() => Some(*newest),
            _ => lives.iter().rev().find(|number| self.lives.get(**number).is_some_and(&had_begun)).copied(),
        };
        if let Some(life) = number.and_then(|number| self.lives.get_mut(number)) {
            life.said_mut().add(statement);
        }
    }

    /// The rows of containers that are said to have ended, and that have processes at the end of the log.
    pub(super) fn tell_of_the_living(&mut self, out: &mut dyn RowSink) {
        let Some(Stamp { seq, ts, boot_ns }) = self.last else { return };
        let last = Decided { seq, ts, boot_ns };
        let living = self.lives.in_order(|life| {
            let end = life.end();
            let has_processes =
                life.entered && end.emptied.is_none() && !end.death.has_init_exit(life.claims.init_pid());
            life.stage == Stage::Announced && has_processes && !life.said().is_told_alive
        });
        for number in living {
            let Some(life) = self.lives.get_mut(number) else { continue };
            let row = reports::disagreement_of_live(last, life.first.ts, &life.evidence, life.said(), || {
                life.who_and_where()
            });
            if let Some(row) = row {
                out.take(&Row::Disagreement(row));
                life.said_mut().is_told_alive = true;
            }
        }
    }
}
