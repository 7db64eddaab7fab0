//! Answers of daemons and files, and the life of a container that each is about.

use super::apply::Fold;
use crate::claims::Claim;
use crate::containers::{Life, LifeId, Origin};
use crate::ending::reports::EndReport;
use crate::record::{Outcome, RuntimeAnswer, Stamp};

impl Fold {
    /// Takes what a daemon or a file says of a container.
    pub(super) fn on_answer(&mut self, at: Stamp, answer: &RuntimeAnswer<'_>) {
        if answer.outcome != Outcome::Ok {
            self.on_wrong_answer(at, answer);
            return;
        }
        let Some(claim) = Claim::of_answer(at.seq, answer) else { return };
        let is = |life_id: &LifeId, test: &dyn Fn(&Life) -> bool| self.containers.life(*life_id).is_some_and(test);
        let clock_set = self.gaps.clock_set();
        let mut found = self.containers.lives_with_id(claim.container_id);
        found.retain(|life_id| is(life_id, &|life| life.is_open() && life.can_be_subject_of(&claim, clock_set)));
        // If a container and a directory that a user named like it have the id, the container is
        // meant.
        let is_unbacked = |life_id: &LifeId| is(life_id, &|life| life.unbacked_user().is_some());
        if !found.iter().all(is_unbacked) {
            found.retain(|life_id| !is_unbacked(life_id));
        }
        let is_alive = found.iter().any(|life_id| is(life_id, &|life| !life.is_held()));
        if (self.walk.is_some() || self.is_carrying) && !is_alive {
            // Only a walk can show a place whose making was not seen.
            self.pending.add_by_path(&claim, &answer.cgroup_paths);
        }
        if found.is_empty() {
            self.pending.add_by_id(claim);
            return;
        }
        self.report_end(at, answer, &found);
        // The answer also describes a life that has just ended and was restarted, but for what
        // holds for one life only.
        let is_event = answer.event.is_some();
        for (age, life_id) in found.into_iter().rev().enumerate() {
            let Some(life) = self.containers.life_mut(life_id) else { continue };
            let mut claim = claim.clone();
            if age > 0 || is_event {
                claim.forget_this_life();
            }
            if life.is_held() {
                // Which directories were its own was decided when it ended.
                claim.forget_home();
            }
            life.claims_mut().add(&claim);
        }
    }

    /// Keeps a conflict where a source, asked about one container, spoke of another. Nothing else
    /// of the answer counts.
    fn on_wrong_answer(&mut self, at: Stamp, answer: &RuntimeAnswer<'_>) {
        let (Some(asked), Some(answered)) = (answer.container_id.as_deref(), answer.answered_id.as_deref()) else {
            return;
        };
        for life_id in self.containers.lives_with_id(asked) {
            if let Some(life) = self.containers.life_mut(life_id).filter(|life| life.is_open()) {
                life.claims_mut().overrule(answer.source, answered);
                life.add_evidence(at.seq);
            }
        }
    }

    /// Keeps what an answer reports of an end with the life that it is about, one of `lives`, the
    /// oldest first.
    fn report_end(&mut self, at: Stamp, answer: &RuntimeAnswer<'_>, lives: &[LifeId]) {
        let Some(report) = EndReport::of(at.seq, at.ts, at.boot_ns, answer) else { return };
        // If the wall clock was set since, or the beginning was not seen, the times tell nothing.
        let can_tell = |life: &Life| life.origin() == Origin::Made && self.gaps.is_clock_steady(life);
        let had_begun = |life: &Life| !can_tell(life) || life.first().ts <= report.about();
        let life_id = match lives {
            [.., newest] if report.is_of_the_newest() => Some(*newest),
            _ => lives.iter().rev().find(|life_id| self.containers.life(**life_id).is_some_and(had_begun)).copied(),
        };
        if let Some(life) = life_id.and_then(|life_id| self.containers.life_mut(life_id)) {
            life.add_report(report);
        }
    }
}
