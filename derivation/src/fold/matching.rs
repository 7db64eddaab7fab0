//! The matching of lives: which life of a container id a directory belongs to.

use alloc::collections::btree_map::Entry;
use alloc::sync::Arc;
use core::cmp::Reverse;

use super::Fold;
use crate::claims::{Claim, ClaimSet, RootClaims};
use crate::containers::directory::{DirectoryRole, ObservedDirectory, beside};
use crate::containers::ids::IdKey;
use crate::containers::life::{Life, Origin, Stage, Stamp};
use crate::containers::life_table::{LifeId, LifeTable};
use crate::containers::same_id_lives::SameIdLives;
use crate::record::{BootNs, CgroupKey, Source};

impl Fold {
    /// Gives a directory to the life that it belongs to, and begins one if there is none.
    pub(super) fn adopt(
        &mut self,
        sighting: &ObservedDirectory<'_>,
        claims: &RootClaims<'_>,
        enclosing: Option<LifeId>,
        origin: Origin,
        stage: Stage,
        moment: Stamp,
    ) -> LifeId {
        let parent = enclosing
            .and_then(|number| self.lives.get(number)?.container_id().cloned())
            .or_else(|| sighting.identity.parent_container_id.as_deref().map(Arc::from));
        let id = claims.container_id().map(|id| self.recent_id.of(id));
        let mut namesakes = id.clone().map(|id| self.by_id.entry(IdKey::from(id)));
        let found = match &namesakes {
            Some(Entry::Occupied(namesakes)) => {
                living_match(&self.lives, namesakes.get(), sighting, claims, parent.as_deref())
            }
            _ => None,
        };
        let number = found.unwrap_or_else(|| {
            let mut life = Life::new(origin, stage, moment);
            life.parent_container_id = parent;
            life.user = sighting.user;
            // Of what was not seen being made, nobody knows on which side of the loss it began.
            let seen = origin == Origin::Made;
            let reaches = |until: Option<BootNs>| until.is_some_and(|until| !seen || moment.boot_ns <= until);
            life.after_gap = reaches(self.lost_until);
            life.exits_lost = reaches(self.exits_lost_until);
            let number = self.lives.insert(life);
            if let Some(namesakes) = namesakes.take() {
                namesakes.or_default().add(number, &mut self.lives);
            }
            number
        });
        let Some(life) = self.lives.get_mut(number) else { return number };
        if life.stage == Stage::Provisional && stage != Stage::Provisional {
            life.stage = Stage::Unannounced;
        }
        if life.roots.is_empty() {
            life.first = moment;
            life.evidence.clear();
        }
        life.add_root(sighting.key, sighting.path);
        life.note(moment.seq);
        for claim in claims.iter() {
            life.claims.add_sharing(claim, id.as_ref());
        }
        self.foretold.tell(&mut life.claims);
        // One that was found was found by this id.
        let best = life.container_id().filter(|best| claims.container_id() != Some(&***best)).cloned();
        if let Some(best) = best {
            self.by_id.entry(IdKey::from(best)).or_default().add(number, &mut self.lives);
        }
        self.was_moved(number);
        number
    }

    /// A life has another directory, or one less, or is over: those with its id want to know if they are many.
    #[inline]
    pub(super) fn was_moved(&mut self, number: LifeId) {
        if self.lives.is_in_crowd(number) {
            self.tell_namesakes(number);
        }
    }

    fn tell_namesakes(&mut self, number: LifeId) {
        let Some(life) = self.lives.get(number) else { return };
        for claim in life.claims.iter() {
            if let Some(namesakes) = self.by_id.get_mut(&IdKey::from(Arc::clone(&claim.container_id))) {
                namesakes.moved(number, life);
            }
        }
    }

    /// Whether an life that has ended had this unknown directory too: it is the one it had (the kernel gives an
    /// id once), or on a hierarchy where none of its directories was ever seen.
    pub(super) fn has_ghost(&self, sighting: &ObservedDirectory<'_>, claims: &RootClaims<'_>) -> bool {
        let numbers = claims.container_id().and_then(|id| self.by_id.get(&IdKey::from(id)));
        let ended = numbers.into_iter().flat_map(|numbers| numbers.iter()).filter_map(|number| self.lives.get(number));
        ended.filter(|life| life.stage == Stage::Ended).any(|life| {
            life.roots.iter().any(|root| root.key == sighting.key)
                || life.roots.iter().all(|root| root.key.hierarchy != sighting.key.hierarchy)
                    && StateDirMatch::of(&life.claims, claims) != StateDirMatch::Apart
        })
    }

    /// The container around a directory, by the directory above it.
    pub(super) fn enclosing(&self, sighting: &ObservedDirectory<'_>) -> Option<LifeId> {
        self.known_above(sighting)?.1.encloses()
    }

    /// The directory above, if it has to do with a container.
    pub(super) fn known_above(&self, sighting: &ObservedDirectory<'_>) -> Option<(CgroupKey, DirectoryRole)> {
        let parent = beside(sighting.key, sighting.parent?);
        Some((parent, self.directories.get(&parent)?.role))
    }

    pub(super) fn is_about(&self, number: LifeId, claim: &Claim<'_>) -> bool {
        self.lives.get(number).is_some_and(|life| life.claims.iter().any(|have| have.agrees_on_home(claim)))
    }
}

/// Of those that have the id, the living life that has no directory on this hierarchy yet and that this directory
/// fits best: one that lives in the same place by its runtime's word, else one with the same path elsewhere, else the same
/// id within the same enclosing container. Whoever was given a subtree of one hierarchy can make a directory there that is called
/// like a container on another, but not one with its path: one of another user's is no part of it otherwise.
fn living_match(
    lives: &LifeTable,
    namesakes: &SameIdLives,
    sighting: &ObservedDirectory<'_>,
    claims: &RootClaims<'_>,
    parent: Option<&str>,
) -> Option<LifeId> {
    if let Some(only) = namesakes.only() {
        return fit(lives.get(only)?, sighting, claims, parent).map(|_| only);
    }
    let mut best: Option<((u8, Reverse<u64>), LifeId)> = None;
    namesakes.each_not_on(sighting.key.hierarchy, |order, number| {
        let fit = lives.get(number).and_then(|life| fit(life, sighting, claims, parent));
        // Of two that fit alike, the one that had the id first.
        let fit = fit.map(|fit| (fit, Reverse(order)));
        if fit > best.map(|(have, _)| have) {
            best = fit.map(|fit| (fit, number));
        }
    });
    best.map(|(_, number)| number)
}

/// How well a directory fits an life that has its id; `None`: not at all.
fn fit(life: &Life, sighting: &ObservedDirectory<'_>, claims: &RootClaims<'_>, parent: Option<&str>) -> Option<u8> {
    if life.stage == Stage::Ended || life.is_present_on(sighting.key.hierarchy) {
        return None;
    }
    let homes = StateDirMatch::of(&life.claims, claims);
    if homes == StateDirMatch::Apart {
        return None;
    }
    let same_path = life.roots.iter().any(|root| *root.path == *sighting.path);
    if !same_path && life.user != sighting.user {
        return None;
    }
    if homes == StateDirMatch::Shared {
        Some(3)
    } else if same_path {
        Some(2)
    } else {
        (life.parent_container_id.as_deref() == parent).then_some(1)
    }
}

/// What claims about a directory say of where its container lives, beside those about a life. ClaimSet about other ids do not
/// count here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StateDirMatch {
    /// Two contradict each other.
    Apart,
    /// Nothing speaks against one home, and nothing for it.
    Open,
    /// Two name the same bundle or the same state directory.
    Shared,
}

impl StateDirMatch {
    fn of(have: &ClaimSet, claims: &RootClaims<'_>) -> Self {
        let mut homes = Self::Open;
        // A path says nothing of it.
        for ours in have.iter().filter(|ours| ours.source != Source::Path) {
            for theirs in claims.iter().filter(|theirs| theirs.source != Source::Path) {
                let is_about_one = || *ours.container_id == *theirs.container_id;
                if !ours.may_share_home(theirs) {
                    if is_about_one() {
                        return Self::Apart;
                    }
                } else if homes != Self::Shared && ours.shares_home(theirs) && is_about_one() {
                    homes = Self::Shared;
                }
            }
        }
        homes
    }
}
