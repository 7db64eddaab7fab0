//! The matching of directories with lives of the same container id.

use alloc::sync::Arc;

use super::end::Exit;
use super::life::Life;
use super::origin::Stage;
use crate::claims::{ClaimSet, ObservedDirectory, RootClaims};
use crate::record::Source;

/// Returns how well a directory fits a life that has its id; `None` if not at all.
///
/// A life that keeps its state in the same place by its runtime's word fits best, then one with the
/// same path elsewhere, then one within the same enclosing container `parent`. A user who was given
/// a subtree of one hierarchy can make a directory there that is named like a container on another,
/// but not one with its path. So another user's directory is no part of a life unless it has a path
/// of it.
pub(super) fn fit(
    life: &Life,
    observed: &ObservedDirectory<'_>,
    claims: &RootClaims<'_>,
    parent: Option<&Arc<str>>,
) -> Option<u8> {
    // What is found after a container has exited is of its next life, unless nobody is in it, its
    // state is that of the run that has exited, or the container was yet to exit when it was looked
    // at.
    let is_before = |exit: Exit| observed.walk_began.is_none_or(|began| exit.at.seq < began);
    let ended_init = life.init_exit().map(|exit| exit.process().pid);
    let is_of_ended = ended_init.is_some() && claims.iter().any(|claim| claim.facts().init_pid == ended_init);
    let has_exited = life.exit().is_some_and(is_before) && observed.is_populated != Some(false) && !is_of_ended;
    // What is known of one without a directory may be of a run before this directory.
    // The next run has taken all its directories over.
    let is_taken_over = life.exit().is_some() && life.roots.is_empty();
    let is_over = life.stage == Stage::Ended || has_exited || is_taken_over || life.is_stated();
    if is_over || life.is_present_on(observed.key.hierarchy) {
        return None;
    }
    let state_dirs = StateDirMatch::of(&life.claims, claims);
    if state_dirs == StateDirMatch::Conflict {
        return None;
    }
    let same_path = life.roots.iter().any(|root| *root.path == *observed.path);
    if !same_path && life.user != observed.user {
        return None;
    }
    if state_dirs == StateDirMatch::Match {
        Some(3)
    } else if same_path {
        Some(2)
    } else {
        (life.parent_container_id.as_ref() == parent).then_some(1)
    }
}

/// Returns true if a life that has ended had this unknown directory too: it has the key of one of
/// the life's roots (the kernel gives an id once), or is on a hierarchy where none of them was ever
/// seen.
pub(super) fn had_directory(life: &Life, observed: &ObservedDirectory<'_>, claims: &RootClaims<'_>) -> bool {
    life.roots.iter().any(|root| root.key == observed.key)
        || life.roots.iter().all(|root| root.key.hierarchy != observed.key.hierarchy)
            && StateDirMatch::of(&life.claims, claims) != StateDirMatch::Conflict
}

/// The agreement of claims about a directory with those about a life on where the container's
/// runtime keeps its state. Claims about other ids do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StateDirMatch {
    /// Two claims contradict each other.
    Conflict,
    /// Nothing speaks against one place, and nothing for it.
    Unknown,
    /// Two claims name the same bundle or the same state directory.
    Match,
}

impl StateDirMatch {
    fn of(have: &ClaimSet, claims: &RootClaims<'_>) -> Self {
        let mut result = Self::Unknown;
        // A path says nothing of the state directory.
        for ours in have.iter().filter(|ours| ours.source != Source::Path) {
            for theirs in claims.iter().filter(|theirs| theirs.source != Source::Path) {
                let is_about_one = || *ours.container_id == *theirs.container_id;
                if !ours.may_share_home(theirs) {
                    if is_about_one() {
                        return Self::Conflict;
                    }
                } else if result != Self::Match && ours.shares_home(theirs) && is_about_one() {
                    result = Self::Match;
                }
            }
        }
        result
    }
}
