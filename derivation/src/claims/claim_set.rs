//! All claims about one life, and the [`Identity`] that the best of them make.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::claim::{Claim, ClaimField};
use super::conflict::{Conflict, ConflictSubject, START_TOLERANCE_NS, is_same, time_text};
use super::owned_claim::OwnedClaim;
use super::run_init::RunInit;
use super::runtime_facts::AnswerFacts;
use crate::identity::{Engine, OciRuntime};
use crate::record::{Seq, Source, WallNs};
use crate::row::{Identity, overwrite, overwrite_option};
use crate::small_list::SmallList;

/// All claims about one life, at most one from each source.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClaimSet {
    /// Best source first; the newest of a source replaces the one before it.
    ranked: SmallList<OwnedClaim>,
    /// Allocated when needed: most containers have none.
    history: Option<Box<ClaimHistory>>,
}

/// The history of a set of claims: what the claims themselves no longer show.
#[derive(Clone, Debug, Default)]
struct ClaimHistory {
    /// Values that a source gave and that a later word of the same source withdrew, or that are of
    /// another container than it was asked about.
    withdrawn: Vec<Conflict<'static>>,
    /// Records whose word took the place of an earlier one of their source.
    replaced_by: Vec<Seq>,
    /// Records that completed an earlier claim of their source.
    completed_by: Vec<Seq>,
}

/// Most withdrawn values kept for one life; a hostile actor could otherwise make any number.
const MAX_WITHDRAWN: usize = 16;

/// Most records kept that completed an earlier claim; the last ones stay.
const MAX_COMPLETED: usize = 64;

impl ClaimHistory {
    /// Keeps a value that no longer counts, once.
    fn add_withdrawn(&mut self, conflict: Conflict<'_>) {
        if self.withdrawn.len() < MAX_WITHDRAWN && !self.withdrawn.contains(&conflict) {
            self.withdrawn.push(conflict.into_owned());
        }
    }

    /// Keeps a record whose word took the place of an earlier one.
    fn add_replacement(&mut self, seq: Seq) {
        if self.replaced_by.len() < MAX_WITHDRAWN && !self.replaced_by.contains(&seq) {
            self.replaced_by.push(seq);
        }
    }

    /// Keeps a record that completed an earlier claim.
    fn add_completion(&mut self, seq: Seq) {
        if self.completed_by.contains(&seq) {
            return;
        }
        if self.completed_by.len() >= MAX_COMPLETED {
            self.completed_by.remove(0);
        }
        self.completed_by.push(seq);
    }
}

/// The text of each field, at the place of the field in [`ClaimField::ALL`].
type FieldTexts<'a> = [Option<&'a str>; ClaimField::ALL.len()];

/// Which of two words of one source counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Precedence {
    Newest,
    First,
}

impl ClaimSet {
    /// Iterates over the records that the claims come from, in no order.
    pub fn seqs(&self) -> impl Iterator<Item = Seq> + '_ {
        let completed_by = self.history.iter().flat_map(|history| history.completed_by.iter().copied());
        self.ranked.iter().map(|claim| claim.seq).chain(completed_by)
    }

    /// Iterates over the records that the values of the claims come from, in no order; without
    /// those that only completed an earlier claim.
    pub fn evidence(&self) -> impl Iterator<Item = Seq> + '_ {
        let replaced_by = self.history.iter().flat_map(|history| history.replaced_by.iter().copied());
        self.ranked.iter().map(|claim| claim.seq).chain(replaced_by)
    }

    /// Adds a claim. The newest word of a source counts; values that it withdraws are kept.
    pub fn add(&mut self, claim: &Claim<'_>) {
        self.insert(claim, None, Precedence::Newest);
    }

    /// Adds a claim, and shares `id` with it if that is the id that it names.
    pub fn add_sharing(&mut self, claim: &Claim<'_>, id: Option<&Arc<str>>) {
        self.insert(claim, id, Precedence::Newest);
    }

    /// Adds what a claim says that its source has not said before: of a life that has ended, a word
    /// from after the end changes nothing.
    pub fn complete(&mut self, claim: &Claim<'_>) {
        self.insert(claim, None, Precedence::First);
    }

    /// Adds the claims of another set about the same container, with what their sources withdrew.
    pub fn add_all(&mut self, others: &Self) {
        for claim in others.iter() {
            self.add(&claim.borrow());
        }
        if let Some(theirs) = &others.history {
            let ours = self.history.get_or_insert_default();
            for conflict in &theirs.withdrawn {
                ours.add_withdrawn(conflict.clone());
            }
            theirs.replaced_by.iter().for_each(|seq| ours.add_replacement(*seq));
            theirs.completed_by.iter().for_each(|seq| ours.add_completion(*seq));
        }
    }

    fn insert(&mut self, claim: &Claim<'_>, id: Option<&Arc<str>>, precedence: Precedence) {
        match self.ranked.binary_search_by(|have| have.source.cmp(&claim.source)) {
            Err(place) => {
                let ids = id.into_iter().chain(self.ranked.iter().map(|claim| &claim.container_id));
                let like = ids.into_iter().find(|id| ***id == *claim.container_id).cloned();
                let id = like.unwrap_or_else(|| Arc::from(claim.container_id));
                self.ranked.insert(place, OwnedClaim::new(id, claim));
            }
            Ok(place) => {
                let Some(have) = self.ranked.get_mut(place) else { return };
                // A source's first id and engine stay: a later statement does not replace them, but
                // is kept.
                if *have.container_id != *claim.container_id {
                    self.overrule(claim.source, claim.container_id);
                    return;
                }
                if have.repeats(claim) {
                    // Nearly always: the claims about each of a container's directories are alike.
                } else if have.is_of_other_object(claim) {
                    if claim.facts().created_at > have.facts().created_at {
                        *have = OwnedClaim::new(Arc::clone(&have.container_id), claim);
                    }
                    return;
                } else {
                    let seq = have.seq;
                    match precedence {
                        // A claim that waited for its container is added again with each directory.
                        Precedence::Newest if seq != claim.seq && !have.is_newer_than(claim) => {
                            let history = &mut self.history;
                            have.update_from(claim, |conflict| {
                                let history = history.get_or_insert_default();
                                history.add_withdrawn(conflict);
                                history.add_replacement(claim.seq);
                            });
                        }
                        _ => have.complete_from(claim),
                    }
                    if seq != claim.seq {
                        self.history.get_or_insert_default().add_completion(claim.seq);
                    }
                }
            }
        }
        if matches!(claim.source, Source::OciArgv | Source::OciState) {
            self.drop_strangers(claim);
        }
    }

    /// Drops what daemons said of a container with this id that an OCI runtime shows to be another
    /// one: its runtime keeps it elsewhere.
    fn drop_strangers(&mut self, claim: &Claim<'_>) {
        let is_stranger = |have: &OwnedClaim| {
            have.source.is_daemon() && *have.container_id == *claim.container_id && !have.may_share_home(claim)
        };
        if self.ranked.iter().any(is_stranger) {
            self.ranked.retain(|have| !is_stranger(have));
        }
    }

    /// Removes what a source says. With what containerd says goes what files tell of the bundle
    /// that containerd made.
    pub fn forget_source(&mut self, source: Source) {
        let goes = |of: Source| {
            of == source || source == Source::Containerd && matches!(of, Source::OciState | Source::OciBundle)
        };
        self.ranked.retain(|claim| !goes(claim.source));
        if let Some(history) = &mut self.history {
            history.withdrawn.retain(|conflict| !goes(conflict.source));
        }
    }

    /// Returns true if there is no claim.
    pub fn is_empty(&self) -> bool {
        self.ranked.is_empty()
    }

    /// Returns true if a source says nothing of the container.
    pub fn is_silent(&self, source: Source) -> bool {
        self.ranked.iter().all(|claim| claim.source != source)
    }

    /// Returns true if no claim contradicts this one about where the container's runtime keeps it.
    pub fn agree_on_home(&self, claim: &Claim<'_>) -> bool {
        self.ranked.iter().all(|have| have.agrees_on_home(claim))
    }

    /// Returns true if a claim changes what its source is known to say of the container, or adds to
    /// it.
    pub fn is_changed_by(&self, claim: &Claim<'_>) -> bool {
        let have = self.ranked.iter().find(|have| have.source == claim.source);
        have.is_none_or(|have| have.is_changed_by(claim) || have.is_of_other_object(claim))
    }

    /// Keeps a source's statement that it is another container.
    pub fn overrule(&mut self, source: Source, container_id: &str) {
        let conflict = Conflict::new(source, ConflictSubject::ContainerId, container_id);
        self.history.get_or_insert_default().add_withdrawn(conflict);
    }

    /// Lets the claim of a source rest on another record that says the same.
    pub fn restamp(&mut self, source: Source, seq: Seq) {
        if let Some(claim) = self.ranked.iter_mut().find(|claim| claim.source == source) {
            claim.seq = seq;
        }
    }

    /// Returns the claims that hold for the next life of the container too.
    pub fn for_next_life(&self) -> Self {
        let mut next = Self::default();
        for have in self.ranked.iter() {
            let mut claim = have.borrow();
            claim.forget_this_life();
            next.add_sharing(&claim, Some(&have.container_id));
        }
        next
    }

    /// Iterates over the claims, the most trusted first.
    pub fn iter(&self) -> impl Iterator<Item = &OwnedClaim> {
        self.ranked.iter()
    }

    /// Returns the value of a field by the most trusted source that speaks of it.
    fn first<T>(&self, field: impl Fn(&OwnedClaim) -> Option<T>) -> Option<T> {
        self.ranked.iter().find_map(field)
    }

    /// Returns the value of a fact by the most trusted source that speaks of it.
    fn fact<T>(&self, fact: impl Fn(AnswerFacts) -> Option<T>) -> Option<T> {
        self.ranked.iter().find_map(|claim| fact(claim.facts()))
    }

    /// Returns every text by the most trusted source that speaks of it, at the place of its field
    /// in [`ClaimField::ALL`]. An OCI runtime's files keep the name that a container had when they
    /// were written; daemons follow it. Where another run may hide, what a source took back may
    /// have been said of another container that was given the id, unless it is the name.
    fn texts(&self, init: RunInit) -> FieldTexts<'_> {
        let mut texts: FieldTexts<'_> = [None; _];
        for claim in self.ranked.iter().rev() {
            let is_file = matches!(claim.source, Source::OciState | Source::OciBundle);
            for (field, text) in claim.texts() {
                let known = &mut texts[field as usize];
                if !(is_file && field == ClaimField::ContainerName && known.is_some()) {
                    *known = Some(text);
                }
            }
        }
        if init == RunInit::Doubtful {
            for conflict in self.history.iter().flat_map(|history| &history.withdrawn) {
                if let ConflictSubject::Text(field) = conflict.subject
                    && field != ClaimField::ContainerName
                {
                    texts[field as usize] = None;
                }
            }
        }
        texts
    }

    /// Iterates over the container ids that the claims name, one from each source.
    pub fn ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.ranked.iter().map(|claim| &claim.container_id)
    }

    /// Returns the OCI runtime, by the most trusted source that names one.
    pub fn oci_runtime(&self) -> Option<OciRuntime> {
        self.first(|claim| claim.oci_runtime)
    }

    /// Returns the container id by the most trusted source.
    pub fn container_id(&self) -> Option<&Arc<str>> {
        self.ranked.first().map(|claim| &claim.container_id)
    }

    /// Returns the process id of the container's init, by the newest word of the most trusted
    /// source that states it.
    pub fn init_pid(&self) -> Option<u32> {
        self.stated_init().map(|(pid, _)| pid)
    }

    /// Returns the process id of the container's init with the first record in which its source
    /// states it.
    pub fn stated_init(&self) -> Option<(u32, Seq)> {
        self.fact(|facts| facts.init_pid.zip(facts.init_seq))
    }

    /// Returns the number of the signal that the container is to be stopped with.
    pub fn stop_signal(&self) -> Option<u32> {
        self.fact(|facts| facts.stop_signal)
    }

    /// Returns the time of the container's creation, as its runtime says. An OCI runtime creates it
    /// anew for each run.
    pub fn created_at(&self, init: RunInit) -> Option<WallNs> {
        let may_be = |claim: &&OwnedClaim| init != RunInit::Doubtful || claim.source != Source::OciState;
        self.ranked.iter().filter(may_be).find_map(|claim| claim.facts().created_at)
    }

    /// Writes who a container is by these claims into `identity`, in the run with this init.
    /// Returns false without any claim.
    pub fn write_identity(&self, parent: Option<&str>, init: RunInit, identity: &mut Identity) -> bool {
        let Some(best) = self.ranked.first() else { return false };
        let shown = |claim: &OwnedClaim| claim.runtime.filter(|_| !claim.runtime_by_default);
        let by_claims = self.first(shown).or_else(|| self.first(|claim| claim.runtime));
        let texts = self.texts(init);
        let facts = self.facts(init);
        // Each field by name: one that is added later does not compile until it is written.
        let Identity {
            runtime,
            container_id,
            oci_runtime,
            containerd_namespace,
            container_name,
            image_name,
            image_id,
            image_digest,
            pod_name,
            pod_namespace,
            pod_uid,
            sandbox,
            labels,
            init_pid,
            started_at,
            restart_count,
            parent_container_id,
            identified_by,
            conflicts,
        } = identity;
        let write = |text, field: ClaimField| overwrite_option(text, texts[field as usize]);
        *runtime = by_claims;
        overwrite(container_id, &best.container_id);
        *oci_runtime = self.oci_runtime();
        write(containerd_namespace, ClaimField::ContainerdNamespace);
        write(container_name, ClaimField::ContainerName);
        write(image_name, ClaimField::ImageName);
        write(image_id, ClaimField::ImageId);
        write(image_digest, ClaimField::ImageDigest);
        write(pod_name, ClaimField::PodName);
        write(pod_namespace, ClaimField::PodNamespace);
        write(pod_uid, ClaimField::PodUid);
        *sandbox = facts.sandbox;
        *labels = self.labels();
        *init_pid = if let RunInit::Shown(pid) = init { Some(pid) } else { facts.init_pid };
        *started_at = facts.started_at;
        *restart_count = facts.restart_count;
        overwrite_option(parent_container_id, parent);
        *identified_by = best.source;
        *conflicts = self.conflicts(best, by_claims, &texts, &facts, init);
        true
    }

    /// Returns each fact by the most trusted source that speaks of it.
    fn facts(&self, init: RunInit) -> AnswerFacts {
        let of_this_life = |claim: &OwnedClaim| claim.facts().of_run(init);
        self.ranked
            .iter()
            .rev()
            .fold(AnswerFacts::default(), |less_trusted, claim| of_this_life(claim).or(less_trusted))
    }

    /// Returns the labels of all sources in the order of their names; where two sources set one
    /// differently, the most trusted source's value.
    fn labels(&self) -> Vec<(String, String)> {
        let mut labels = BTreeMap::new();
        for (name, value) in self.ranked.iter().rev().flat_map(OwnedClaim::labels) {
            labels.insert(&**name, &**value);
        }
        labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    /// Returns the values that contradict the identity, each as `source: field value`: those that
    /// their own source withdrew, then those of other sources.
    fn conflicts(
        &self,
        best: &OwnedClaim,
        runtime: Option<Engine>,
        texts: &FieldTexts<'_>,
        facts: &AnswerFacts,
        init: RunInit,
    ) -> Vec<String> {
        if self.ranked.len() == 1 && self.history.is_none() {
            return Vec::new(); // as in a storm
        }
        let withdrawn = self.history.iter().flat_map(|history| &history.withdrawn);
        let is_withdrawn = |conflict: &&Conflict<'_>| match conflict.subject {
            // A name that was taken back is the container's again.
            ConflictSubject::Text(field) => {
                texts[field as usize].is_some_and(|ours| !is_same(field, ours, &conflict.value))
            }
            ConflictSubject::InitPid | ConflictSubject::StartedAt => init == RunInit::Stated,
            ConflictSubject::ContainerId | ConflictSubject::Runtime => true,
        };
        let mut found: Vec<String> = withdrawn.filter(is_withdrawn).map(Conflict::text).collect();
        for claim in self.ranked.iter() {
            let mut add = |subject, value: &str| found.push(Conflict::new(claim.source, subject, value).text());
            if !Arc::ptr_eq(&claim.container_id, &best.container_id) && claim.container_id != best.container_id {
                add(ConflictSubject::ContainerId, &claim.container_id);
            }
            if let (Some(theirs), Some(ours)) = (claim.runtime, runtime)
                && theirs.contradicts(ours)
                && !claim.runtime_by_default
            {
                add(ConflictSubject::Runtime, theirs.as_str());
            }
            for (field, theirs) in claim.texts().filter(|(field, _)| field.is_column()) {
                if texts[field as usize].is_some_and(|ours| !is_same(field, ours, theirs)) {
                    add(ConflictSubject::Text(field), theirs);
                }
            }
            let theirs = claim.facts().of_run(init);
            if let (Some(theirs), Some(ours)) = (theirs.init_pid, facts.init_pid)
                && theirs != ours
            {
                add(ConflictSubject::InitPid, &theirs.to_string());
            }
            if let (Some(theirs), Some(ours)) = (theirs.started_at, facts.started_at)
                && theirs.0.abs_diff(ours.0) > START_TOLERANCE_NS
            {
                add(ConflictSubject::StartedAt, &time_text(theirs));
            }
        }
        found
    }
}
