//! All claims about one life, and the [`Identity`] that the best of them make.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::claim::{Claim, ClaimField};
use super::owned_claim::OwnedClaim;
use super::runtime_facts::AnswerFacts;
use crate::identity::Engine;
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
    /// Disagreements between two statements of one source.
    overruled: Vec<String>,
    /// Records that completed an earlier claim of their source.
    completed_by: Vec<Seq>,
}

/// Most disagreements kept for one life; a hostile actor could otherwise make any number.
const MAX_OVERRULED: usize = 16;

/// Most records kept that completed an earlier claim; the last ones stay.
const MAX_COMPLETED: usize = 64;

impl ClaimHistory {
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

impl ClaimSet {
    /// Iterates over the records that the claims come from, in no order.
    pub fn seqs(&self) -> impl Iterator<Item = Seq> + '_ {
        let completed_by = self.history.iter().flat_map(|history| history.completed_by.iter().copied());
        self.ranked.iter().map(|claim| claim.seq).chain(completed_by)
    }

    /// Adds a claim.
    pub fn add(&mut self, claim: &Claim<'_>) {
        self.add_sharing(claim, None);
    }

    /// Adds a claim, and shares `id` with it if that is the id that it names.
    pub fn add_sharing(&mut self, claim: &Claim<'_>, id: Option<&Arc<str>>) {
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
                } else if have.repeats(claim) {
                    // Nearly always: the claims about each of a container's directories are alike.
                } else {
                    have.complete_from(claim);
                    // A claim that waited for its container is added again with each directory.
                    if have.seq != claim.seq {
                        self.history.get_or_insert_default().add_completion(claim.seq);
                    }
                }
            }
        }
    }

    /// Keeps a source's statement that it is another container.
    pub fn overrule(&mut self, source: Source, container_id: &str) {
        let note = format!("{source}: container_id {container_id}");
        let overruled = &mut self.history.get_or_insert_default().overruled;
        if overruled.len() < MAX_OVERRULED && !overruled.contains(&note) {
            overruled.push(note);
        }
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
    /// in [`ClaimField::ALL`].
    fn texts(&self) -> [Option<&str>; ClaimField::ALL.len()] {
        let mut texts = [None; _];
        for (field, text) in self.ranked.iter().rev().flat_map(OwnedClaim::texts) {
            texts[field as usize] = Some(text);
        }
        texts
    }

    /// Iterates over the container ids that the claims name, one from each source.
    pub fn ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.ranked.iter().map(|claim| &claim.container_id)
    }

    /// Returns the container id by the most trusted source.
    pub fn container_id(&self) -> Option<&Arc<str>> {
        self.ranked.first().map(|claim| &claim.container_id)
    }

    /// Returns the process id of the container's init.
    pub fn init_pid(&self) -> Option<u32> {
        self.fact(|facts| facts.init_pid)
    }

    /// Returns the number of the signal that the container is to be stopped with.
    pub fn stop_signal(&self) -> Option<u32> {
        self.fact(|facts| facts.stop_signal)
    }

    /// Returns the time of the container's creation, as its runtime says.
    pub fn created_at(&self) -> Option<WallNs> {
        self.fact(|facts| facts.created_at)
    }

    /// Writes who a container is by these claims into `identity`. Returns false without any claim.
    pub fn write_identity(&self, parent: Option<&str>, identity: &mut Identity) -> bool {
        let Some(best) = self.ranked.first() else { return false };
        let shown = |claim: &OwnedClaim| claim.runtime.filter(|_| !claim.runtime_by_default);
        let by_claims = self.first(shown).or_else(|| self.first(|claim| claim.runtime));
        let texts = self.texts();
        let facts = self.facts();
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
        *oci_runtime = self.first(|claim| claim.oci_runtime);
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
        *init_pid = facts.init_pid;
        *started_at = facts.started_at;
        *restart_count = facts.restart_count;
        overwrite_option(parent_container_id, parent);
        *identified_by = best.source;
        *conflicts = self.conflicts(best, by_claims);
        true
    }

    /// Returns each fact by the most trusted source that speaks of it.
    fn facts(&self) -> AnswerFacts {
        self.ranked.iter().rev().fold(AnswerFacts::default(), |less_trusted, claim| claim.facts().or(less_trusted))
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

    /// Returns the claims that contradict the identity, each as `source: field value`.
    fn conflicts(&self, best: &OwnedClaim, runtime: Option<Engine>) -> Vec<String> {
        let mut found = self.history.as_ref().map_or(Vec::new(), |history| history.overruled.clone());
        for claim in self.ranked.iter().skip(1) {
            if !Arc::ptr_eq(&claim.container_id, &best.container_id) && claim.container_id != best.container_id {
                found.push(format!("{}: container_id {}", claim.source, claim.container_id));
            }
            if let (Some(theirs), Some(ours)) = (claim.runtime, runtime)
                && theirs.contradicts(ours)
                && !claim.runtime_by_default
            {
                found.push(format!("{}: runtime {theirs}", claim.source));
            }
        }
        found
    }
}
