//! Answers of daemons and files, and the life of a container that each is about.

use alloc::vec::Vec;

use super::apply::Fold;
use crate::claims::Claim;
use crate::containers::{Life, LifeId, LifeStart, Origin, Stage};
use crate::ending::reports::EndReport;
use crate::record::{Outcome, RuntimeAnswer, Source, Stamp, WallNs};

/// Time after a removal by which a start of that life may seem to be: engines note it when the
/// start is done, and by then a short-lived container may be gone. Docker on a slow host noted it
/// 130 ms after. The next life, if there is one, is asked first.
const START_SLACK_NS: i64 = 500_000_000;

/// Most records of a life up to which those of daemons that could not be asked are kept among them.
const MAX_UNASKED: usize = 32;

/// The bearing of an answer on what is known of containers in general, whichever of their lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    /// The answer reports that the container was created.
    Creation,
    /// The answer reports that the container was given another name.
    Renaming,
    /// The answer reports that the container was deleted.
    Deletion,
    /// Anything else.
    Other,
}

impl Occasion {
    /// Reads the engine's own word for an event.
    fn of(answer: &RuntimeAnswer<'_>) -> Self {
        match answer.event.as_deref() {
            Some("create" | "/containers/create") => Self::Creation,
            Some("rename") => Self::Renaming,
            Some("destroy" | "remove" | "/containers/delete") => Self::Deletion,
            _ => Self::Other,
        }
    }
}

impl Fold {
    /// Takes what a daemon or a file says of a container.
    pub(super) fn on_answer(&mut self, at: Stamp, answer: &RuntimeAnswer<'_>) {
        if answer.outcome != Outcome::Ok {
            self.on_wrong_answer(at, answer);
            return;
        }
        let Some(mut claim) = Claim::of_answer(at.seq, answer) else { return };
        if self.gaps.clock_set().is_some() {
            claim.as_of = None; // which of two words is the newer one, the clock does not tell
        }
        let occasion = Occasion::of(answer);
        let moment = answer.as_of.map_or(at.ts, |as_of| as_of.min(at.ts));
        let found = self.lives_of(moment, &claim, occasion);
        // Another run of it may have other directories.
        let is_alive = |life: &Life| !life.is_held() && life.exit().is_none() && !life.is_run_doubtful();
        let is_alive = found.iter().any(|life_id| self.is(*life_id, is_alive));
        if (self.walk.is_some() || self.is_carrying) && !is_alive {
            // Only a walk can show a place whose making was not seen.
            self.pending.add_by_path(&claim, &answer.cgroup_paths);
        }
        if occasion == Occasion::Deletion {
            self.containers.forget_stated(claim.container_id);
        } else if found.is_empty() {
            self.begin_stated(at, &claim);
        }
        self.keep_pending(&claim, occasion, moment, found.is_empty());
        // It may speak of the run whose directory waits for the end of the walk.
        let is_run_open = self.walk.as_ref().is_some_and(|walk| walk.has_deferred_id(claim.container_id));
        let subject = if is_run_open { None } else { self.subject_of(moment, answer, &found) };
        if !is_run_open {
            self.report_end(at, answer, &found, subject);
        }
        // The answer also describes a life that has just ended and was restarted, but for what
        // holds for one life only.
        for life_id in found.into_iter().rev() {
            let is_late = self.containers.life(life_id).is_some_and(|life| self.is_after_end(life, answer.as_of));
            let may_be_of_next = self.may_be_of_next(life_id);
            let Some(life) = self.containers.life_mut(life_id) else { continue };
            let mut claim = claim.clone();
            if subject != Some(life_id) || may_be_of_next {
                claim.forget_this_life();
            }
            if life.is_held() {
                // Which directories were its own was decided when it ended.
                claim.forget_home();
            }
            if is_late {
                life.claims_mut().complete(&claim);
            } else {
                life.claims_mut().add(&claim);
            }
            self.containers.note_stated_init(life_id, at);
        }
    }

    /// Returns true if a life is known and passes a test.
    fn is(&self, life_id: LifeId, test: impl FnOnce(&Life) -> bool) -> bool {
        self.containers.life(life_id).is_some_and(test)
    }

    /// Begins the life of a container that has no directory, if a daemon states its init, and no
    /// directory can have been missed: one is made before its init is known, and the container was
    /// created after the first walk. A walk may show directories that nobody calls a container's
    /// yet.
    fn begin_stated(&mut self, at: Stamp, claim: &Claim<'_>) {
        let is_new = claim.facts().created_at.zip(self.first_walk_end).is_some_and(|(created, seen)| created > seen);
        let is_clock_set = self.gaps.clock_set().is_some();
        let is_missing = !is_new || is_clock_set || self.gaps.may_miss_directories() || self.walk.is_some();
        let is_known = !self.containers.lives_with_id(claim.container_id).is_empty();
        if claim.source.is_daemon() && claim.facts().init_pid.is_some() && !is_missing && !is_known {
            let start = LifeStart::without_loss(Origin::Stated, Stage::Provisional, at);
            self.containers.begin_stated(claim, at, start);
        }
    }

    /// Returns true if what is so since this time may have become so after the end of a life.
    /// Without a time, it is so since the record.
    fn is_after_end(&self, life: &Life, as_of: Option<WallNs>) -> bool {
        let is_before = |ended: WallNs| as_of.is_some_and(|as_of| as_of <= ended) && self.gaps.is_clock_steady(life);
        life.ended_at().is_some_and(|ended| !is_before(ended))
    }

    /// Returns the lives that a claim of this moment can be about, the oldest first.
    fn lives_of(&self, moment: WallNs, claim: &Claim<'_>, occasion: Occasion) -> Vec<LifeId> {
        let clock_set = self.gaps.clock_set();
        let created = claim.facts().created_at.or_else(|| (occasion == Occasion::Creation).then_some(moment));
        let can_be_subject = |life: &Life| {
            life.is_open()
                && life.can_be_subject_of(claim, clock_set)
                && !(claim.source == Source::Containerd
                    && created.is_some_and(|created| self.began_before(life, created) || self.was_over(life, created)))
        };
        let mut found = self.containers.lives_with_id(claim.container_id);
        found.retain(|life_id| self.is(*life_id, can_be_subject));
        // If a container and a directory that a user named like it have the id, the container is
        // meant.
        let is_unbacked = |life_id: &LifeId| self.is(*life_id, |life| life.unbacked_user().is_some());
        if !found.iter().all(is_unbacked) {
            found.retain(|life_id| !is_unbacked(life_id));
        }
        found
    }

    /// Returns true if a life surely began before this moment of the wall clock. An engine knows a
    /// container before its first directory is made, so a container created later is another one:
    /// at containerd the user chooses the id, and may choose it again.
    fn began_before(&self, life: &Life, moment: WallNs) -> bool {
        self.can_tell_time(life) && life.first().ts < moment
    }

    /// Returns true if a life was surely over before this moment of the wall clock.
    fn was_over(&self, life: &Life, moment: WallNs) -> bool {
        self.gaps.is_clock_steady(life) && life.ended_at().is_some_and(|ended| ended < moment)
    }

    /// Returns true if times of the wall clock tell what was within a life: its beginning was seen,
    /// and the clock was not set since.
    fn can_tell_time(&self, life: &Life) -> bool {
        life.origin() == Origin::Made && self.gaps.is_clock_steady(life)
    }

    /// Keeps what an answer of this moment says of a container for lives that are still to begin.
    fn keep_pending(&mut self, claim: &Claim<'_>, occasion: Occasion, moment: WallNs, is_without_life: bool) {
        match occasion {
            Occasion::Creation => {
                self.pending.forget_by_id(claim);
                self.pending.add_by_id(claim.clone(), Some(moment));
            }
            Occasion::Deletion => {
                self.pending.keep_deleted(claim, moment);
                self.pending.forget_by_id(claim);
            }
            Occasion::Renaming => self.pending.add_by_id(claim.clone(), None),
            Occasion::Other if is_without_life => self.pending.add_by_id(claim.clone(), None),
            Occasion::Other => self.pending.update_by_id(claim.clone()),
        }
    }

    /// Returns the life, one of `lives`, that the start and the init of an answer are of. `None` if
    /// they are of a life that is not among them.
    fn subject_of(&self, said: WallNs, answer: &RuntimeAnswer<'_>, lives: &[LifeId]) -> Option<LifeId> {
        // An OCI runtime writes its state anew in each life.
        let started = answer.started_at.or_else(|| answer.created_at.filter(|_| answer.source == Source::OciState));
        let moment = started.or(answer.finished_at).or_else(|| answer.event.is_some().then_some(said));
        let Some(moment) = moment else { return lives.last().copied() };
        // A life whose beginning was not seen may seem to begin at any time, but none begins within
        // another one.
        let has_within = |life: &Life| {
            self.gaps.is_clock_steady(life)
                && started.is_some_and(|started| life.first().ts <= started)
                && started.zip(life.ended_at()).is_some_and(|(started, ended)| started <= ended)
        };
        if let Some(life_id) = lives.iter().rev().find(|life_id| self.is(**life_id, has_within)) {
            return Some(*life_id);
        }
        let is_within = |life: &Life| {
            let had_begun = !self.can_tell_time(life) || life.first().ts <= moment;
            let latest = life.removed_at().map(|removed| removed.0.saturating_add(START_SLACK_NS));
            let was_over =
                started.is_some() && self.gaps.is_clock_steady(life) && latest.is_some_and(|latest| latest < moment.0);
            had_begun && !was_over
        };
        lives.iter().rev().find(|life_id| self.is(**life_id, is_within)).copied()
    }

    /// Keeps a conflict where a source, asked about one container, spoke of another; nothing else
    /// of the answer counts. A daemon that could not be asked is evidence of what a row lacks.
    fn on_wrong_answer(&mut self, at: Stamp, answer: &RuntimeAnswer<'_>) {
        let Some(asked) = answer.container_id.as_deref() else { return };
        let is_unasked = answer.source.is_daemon()
            && matches!(answer.outcome, Outcome::Refused | Outcome::Denied | Outcome::Timeout | Outcome::Dropped);
        if answer.answered_id.is_none() && !is_unasked {
            return;
        }
        for life_id in self.containers.lives_with_id(asked) {
            let Some(life) = self.containers.life_mut(life_id).filter(|life| life.is_open()) else { continue };
            if let Some(answered) = answer.answered_id.as_deref() {
                life.claims_mut().overrule(answer.source, answered);
                life.add_evidence(at.seq);
            } else if life.evidence().len() < MAX_UNASKED && life.claims_mut().is_silent(answer.source) {
                life.add_evidence(at.seq);
            }
        }
    }

    /// Returns true if what is said now of an end may be about a next run that nobody saw: the
    /// container has exited, and events were lost since.
    fn may_be_of_next(&self, life_id: LifeId) -> bool {
        let exit = self.containers.life(life_id).and_then(Life::exit);
        exit.is_some_and(|exit| self.gaps.may_hide_run_since(exit.at.boot_ns))
    }

    /// Keeps what an answer reports of an end with the life that it is about, one of `lives`, the
    /// oldest first. `subject` is the one that its start and init are of.
    fn report_end(&mut self, at: Stamp, answer: &RuntimeAnswer<'_>, lives: &[LifeId], subject: Option<LifeId>) {
        let Some(report) = EndReport::of(at.seq, at.ts, at.boot_ns, answer) else { return };
        // If the wall clock was set since, or a container was there before the capture, the times
        // tell nothing.
        let had_begun = |life: &Life| {
            let has_time = self.can_tell_time(life) || life.is_beginning_lost() && self.gaps.is_clock_steady(life);
            !has_time || life.first().ts <= report.about()
        };
        let life_id = match lives {
            _ if answer.started_at.is_some() => subject,
            [.., newest] if report.is_of_the_newest() => Some(*newest),
            _ => lives.iter().rev().find(|life_id| self.is(**life_id, had_begun)).copied(),
        };
        let life_id = life_id.filter(|life_id| !self.may_be_of_next(*life_id));
        if let Some(life) = life_id.and_then(|life_id| self.containers.life_mut(life_id)) {
            life.add_report(report);
        }
    }
}
