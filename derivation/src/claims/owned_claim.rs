//! A claim that is stored.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::claim::{Claim, ClaimField, is_of_bare_runtime};
use super::conflict::{Conflict, ConflictSubject, START_TOLERANCE_NS, is_same, time_text};
use super::runtime_facts::{AnswerFacts, RuntimeFacts};
use crate::identity::{Engine, OciRuntime};
use crate::record::{Seq, Source, WallNs};

/// A [`Claim`] that owns its texts, and takes memory only for those that it has.
#[derive(Clone, Debug)]
pub(crate) struct OwnedClaim {
    pub source: Source,
    pub seq: Seq,
    /// Time since when the newest word is so, where the source tells it.
    as_of: Option<WallNs>,
    pub container_id: Arc<str>,
    pub runtime: Option<Engine>,
    pub runtime_by_default: bool,
    pub oci_runtime: Option<OciRuntime>,
    /// The texts, each field once.
    texts: Box<[(ClaimField, Box<str>)]>,
    facts: Option<Arc<RuntimeFacts>>,
}

impl OwnedClaim {
    /// Copies a claim about the container with this id.
    pub fn new(container_id: Arc<str>, claim: &Claim<'_>) -> Self {
        // Exactly the room needed: nearly every life stores a claim.
        let mut texts = Vec::with_capacity(claim.texts().count());
        texts.extend(claim.texts().map(|(field, text)| (field, text.into())));
        Self {
            source: claim.source,
            seq: claim.seq,
            as_of: claim.as_of,
            container_id,
            runtime: claim.runtime,
            runtime_by_default: claim.runtime_by_default,
            oci_runtime: claim.oci_runtime,
            texts: texts.into_boxed_slice(),
            facts: claim.facts.clone(),
        }
    }

    /// Returns the claim with its texts borrowed.
    pub fn borrow(&self) -> Claim<'_> {
        let mut claim = Claim::new(self.source, self.seq, &self.container_id);
        claim.as_of = self.as_of;
        claim.runtime = self.runtime;
        claim.runtime_by_default = self.runtime_by_default;
        claim.oci_runtime = self.oci_runtime;
        claim.facts = self.facts.clone();
        for (field, text) in &self.texts {
            claim.set(*field, Some(text));
        }
        claim
    }

    /// Iterates over the texts that the claim has.
    pub fn texts(&self) -> impl Iterator<Item = (ClaimField, &str)> {
        self.texts.iter().map(|(field, text)| (*field, &**text))
    }

    /// Returns the text of a field.
    pub fn text(&self, field: ClaimField) -> Option<&str> {
        self.texts.iter().find(|(have, _)| *have == field).map(|(_, text)| &**text)
    }

    /// Returns the facts that the claim has.
    pub fn facts(&self) -> AnswerFacts {
        self.facts.as_ref().map_or(AnswerFacts::default(), |facts| facts.facts)
    }

    /// Returns the labels that the claim has, in the order of their names.
    pub fn labels(&self) -> &[(Box<str>, Box<str>)] {
        self.facts.as_ref().map_or(&[], |facts| &facts.labels)
    }

    /// Returns true if two claims can be about one container: same id, and no contradiction about
    /// where its runtime keeps it.
    pub fn agrees_on_home(&self, other: &Claim<'_>) -> bool {
        *self.container_id == *other.container_id && self.may_share_home(other)
    }

    /// Returns true if two claims do not contradict each other about where the runtime keeps the
    /// container.
    pub fn may_share_home(&self, other: &Claim<'_>) -> bool {
        /// Compares two paths. A relative one says nothing without the caller's directory;
        /// `/var/run` is a link to `/run` everywhere.
        fn agree(a: &str, b: &str) -> bool {
            fn plain(path: &str) -> &str {
                let run = path.strip_prefix("/var").filter(|rest| rest.starts_with("/run/"));
                run.unwrap_or(path).trim_end_matches('/')
            }
            a == b || !a.starts_with('/') || !b.starts_with('/') || plain(a) == plain(b)
        }
        // Whom containerd speaks of, containerd has called a runtime for.
        let is_elsewhere = self.is_of_bare_runtime() && other.text(ClaimField::ContainerdNamespace).is_some()
            || other.is_of_bare_runtime() && self.text(ClaimField::ContainerdNamespace).is_some();
        !is_elsewhere
            && self.texts.iter().all(|(field, ours)| match (field, other.text(*field)) {
                (ClaimField::ContainerdNamespace, Some(theirs)) => **ours == *theirs,
                (ClaimField::Bundle | ClaimField::StateRoot, Some(theirs)) => agree(ours, theirs),
                _ => true,
            })
    }

    fn is_of_bare_runtime(&self) -> bool {
        is_of_bare_runtime(self.source, self.runtime, self.runtime_by_default, self.text(ClaimField::StateRoot))
    }

    /// Returns true if a later claim of the same source is about another container that was given
    /// this one's id: only at containerd does the user choose the id.
    pub fn is_of_other_object(&self, later: &Claim<'_>) -> bool {
        let created = (self.facts().created_at, later.facts().created_at);
        self.source == Source::Containerd && matches!(created, (Some(ours), Some(theirs)) if ours != theirs)
    }

    /// Returns true if a later claim of the same source changes a text or adds one.
    pub fn is_changed_by(&self, later: &Claim<'_>) -> bool {
        later.texts().any(|(field, theirs)| self.text(field).is_none_or(|ours| !is_same(field, ours, theirs)))
    }

    /// Returns true if a claim that came later is an older word: an answer to a question that was
    /// asked before an event may come after the event.
    pub fn is_newer_than(&self, later: &Claim<'_>) -> bool {
        self.as_of.zip(later.as_of).is_some_and(|(ours, theirs)| theirs < ours)
    }

    /// Takes over what a later claim of the same source about the same container says: its newest
    /// word counts. Gives each value that it withdraws.
    pub(super) fn update_from(&mut self, later: &Claim<'_>, mut withdraw: impl FnMut(Conflict<'_>)) {
        self.as_of = later.as_of;
        for (field, ours) in &mut self.texts {
            let Some(theirs) = later.text(*field).filter(|theirs| field.is_column() && !is_same(*field, ours, theirs))
            else {
                continue;
            };
            withdraw(Conflict::new(self.source, ConflictSubject::Text(*field), &**ours));
            *ours = theirs.into();
        }
        let (ours, theirs) = (self.facts(), later.facts());
        if let (Some(ours), Some(theirs)) = (ours.init_pid, theirs.init_pid)
            && ours != theirs
        {
            withdraw(Conflict::new(self.source, ConflictSubject::InitPid, ours.to_string()));
        }
        if let (Some(ours), Some(theirs)) = (ours.started_at, theirs.started_at)
            && ours.0.abs_diff(theirs.0) > START_TOLERANCE_NS
        {
            withdraw(Conflict::new(self.source, ConflictSubject::StartedAt, time_text(ours)));
        }
        if let (Some(ours), Some(theirs)) = (&mut self.facts, &later.facts) {
            RuntimeFacts::update_from(ours, theirs);
        }
        self.complete_from(later);
    }

    /// Returns true if both claims name the same bundle or the same state directory.
    pub fn shares_home(&self, other: &Claim<'_>) -> bool {
        let is_shared = |field| self.text(field).is_some_and(|ours| Some(ours) == other.text(field));
        is_shared(ClaimField::Bundle) || is_shared(ClaimField::StateRoot)
    }

    /// Returns true if a later claim, by argument vector or path, adds nothing to this one.
    pub fn repeats(&self, later: &Claim<'_>) -> bool {
        matches!(later.source, Source::OciArgv | Source::Path)
            && (self.runtime.is_some() || later.runtime.is_none())
            && !self.runtime_by_default
            && (self.oci_runtime.is_some() || later.oci_runtime.is_none())
            && later.texts().all(|(field, _)| self.text(field).is_some())
    }

    /// Takes over what this claim lacks from a later one of the same source about the same
    /// container.
    pub fn complete_from(&mut self, later: &Claim<'_>) {
        if self.runtime.is_none() || self.runtime_by_default && !later.runtime_by_default {
            self.runtime = later.runtime.or(self.runtime);
            self.runtime_by_default = later.runtime_by_default;
        }
        self.oci_runtime = self.oci_runtime.or(later.oci_runtime);
        let new: Vec<_> = later.texts().filter(|(field, _)| self.text(*field).is_none()).collect();
        if !new.is_empty() {
            let mut texts = core::mem::take(&mut self.texts).into_vec();
            texts.extend(new.into_iter().map(|(field, text)| (field, text.into())));
            self.texts = texts.into_boxed_slice();
        }
        match (&mut self.facts, &later.facts) {
            (_, None) => {}
            (none @ None, theirs) => none.clone_from(theirs),
            (Some(ours), Some(theirs)) => RuntimeFacts::complete_from(ours, theirs),
        }
    }
}
