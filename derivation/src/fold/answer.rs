//! What a daemon or a file says: which life of a container it is about.

use alloc::vec::Vec;

use super::Fold;
use crate::claims::Claim;
use crate::containers::ids::IdKey;
use crate::containers::life::{Stage, Stamp};
use crate::containers::life_table::LifeId;
use crate::record::{Outcome, RuntimeAnswer};

impl Fold {
    pub(super) fn answered(&mut self, moment: Stamp, answer: &RuntimeAnswer<'_>) {
        if answer.outcome != Outcome::Ok {
            self.answered_about_another(moment, answer);
            return;
        }
        let Some(claim) = Claim::of_answer(moment.seq, answer) else {
            return;
        };
        let candidates = self.by_id.get(&IdKey::from(claim.container_id));
        let mut found: Vec<LifeId> = candidates.into_iter().flat_map(|numbers| numbers.iter()).collect();
        found.retain(|number| {
            self.lives.get(*number).is_some_and(|life| {
                (life.stage != Stage::Ended || life.held) && life.can_be_subject_of(&claim, self.clock_set)
            })
        });
        // Of a container and a directory that a user called like it, it is about the container.
        let is_unbacked = |number: &LifeId| self.lives.get(*number).is_some_and(|life| life.unbacked_user().is_some());
        if !found.iter().all(is_unbacked) {
            found.retain(|number| !is_unbacked(number));
        }
        let lives = |number: &LifeId| self.lives.get(*number).is_some_and(|life| !life.held);
        if (self.walk.is_some() || self.carrying) && !found.iter().any(lives) {
            // Only a walk can show a place whose making was not seen.
            self.stated.keep(&claim, &answer.cgroup_paths);
        }
        if found.is_empty() {
            self.foretold.keep(claim);
            return;
        }
        self.stated_of(moment, answer, &found);
        // One that has just ended and was restarted is described by the same answer, but for what is of one life only.
        let is_event = answer.event.is_some();
        for (age, number) in found.into_iter().rev().enumerate() {
            let Some(life) = self.lives.get_mut(number) else { continue };
            let mut claim = claim.clone();
            if age > 0 || is_event {
                claim.forget_this_life();
            }
            if life.held {
                // Which directories were its own was decided when it ended.
                claim.forget_home();
            }
            life.claims.add(&claim);
        }
    }

    /// Asked about one container, the source spoke of another: none of it counts, and it is kept as a conflict.
    pub(super) fn answered_about_another(&mut self, moment: Stamp, answer: &RuntimeAnswer<'_>) {
        let (Some(asked), Some(said)) = (answer.container_id.as_deref(), answer.answered_id.as_deref()) else { return };
        for number in self.by_id.get(&IdKey::from(asked)).into_iter().flat_map(|numbers| numbers.iter()) {
            if let Some(life) = self.lives.get_mut(number)
                && (life.stage != Stage::Ended || life.held)
            {
                life.claims.overrule(answer.source, said);
                life.note(moment.seq);
            }
        }
    }
}
