//! All claims about one life, and how the best of them becomes an [`Identity`].

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Claim, Facts, Field, OwnedClaim};
use crate::containers::small_list::SmallList;
use crate::identity::Engine;
use crate::record::{Seq, Source, WallNs};
use crate::row::{Identity, write_over, write_over_option};

/// All claims about one life, at most one a source.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClaimSet {
    /// Best source first; the newest of a source replaces the one before it.
    ranked: SmallList<OwnedClaim>,
    /// Made with the first of it: most containers have none.
    more: Option<Box<ClaimHistory>>,
}

/// What no kept claim shows.
#[derive(Clone, Debug, Default)]
struct ClaimHistory {
    /// Disagreements that no kept claim shows any more.
    overruled: Vec<String>,
    /// Records that completed what a source had said.
    completed_by: Vec<Seq>,
}

/// Disagreements kept for one life; a hostile actor could otherwise make any number.
const MAX_OVERRULED: usize = 16;

/// Records kept that completed what a source had said before; the last ones.
const MAX_COMPLETED: usize = 64;

impl ClaimHistory {
    fn completed_by(&mut self, seq: Seq) {
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
    /// The records that they come from.
    pub fn seqs(&self) -> impl Iterator<Item = Seq> + '_ {
        let completed_by = self.more.iter().flat_map(|more| more.completed_by.iter().copied());
        self.ranked.iter().map(|claim| claim.seq).chain(completed_by)
    }

    pub fn add(&mut self, claim: &Claim<'_>) {
        self.add_sharing(claim, None);
    }

    /// Adds a claim, which shares this id if it is the one that it names.
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
                // An id or engine once claimed by a source stays: who speaks second does not overrule, but is kept.
                if *have.container_id != *claim.container_id {
                    self.overrule(claim.source, claim.container_id);
                } else if have.repeats(claim) {
                    // Nearly always: each of a container's directories is claimed alike.
                } else {
                    have.complete_from(claim);
                    // What was foretold is told again of each directory.
                    if have.seq != claim.seq {
                        self.more.get_or_insert_default().completed_by(claim.seq);
                    }
                }
            }
        }
    }

    /// Keeps that a source says it is another container.
    pub fn overrule(&mut self, source: Source, container_id: &str) {
        let note = format!("{source}: container_id {container_id}");
        let overruled = &mut self.more.get_or_insert_default().overruled;
        if overruled.len() < MAX_OVERRULED && !overruled.contains(&note) {
            overruled.push(note);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &OwnedClaim> {
        self.ranked.iter()
    }

    /// The best claim's value of a field: of several sources that speak of it, the most trusted.
    fn first<T>(&self, field: impl Fn(&OwnedClaim) -> Option<T>) -> Option<T> {
        self.ranked.iter().find_map(field)
    }

    /// The same of a fact.
    fn fact<T>(&self, fact: impl Fn(Facts) -> Option<T>) -> Option<T> {
        self.ranked.iter().find_map(|claim| fact(claim.facts()))
    }

    /// The same of every text, by the place of a field in [`Field::ALL`].
    fn texts(&self) -> [Option<&str>; Field::ALL.len()] {
        let mut texts = [None; _];
        for (field, text) in self.ranked.iter().rev().flat_map(OwnedClaim::texts) {
            texts[field as usize] = Some(text);
        }
        texts
    }

    /// The id by the best claim.
    pub fn container_id(&self) -> Option<&Arc<str>> {
        self.ranked.first().map(|claim| &claim.container_id)
    }

    pub fn init_pid(&self) -> Option<u32> {
        self.fact(|facts| facts.init_pid)
    }

    pub fn stop_signal(&self) -> Option<u32> {
        self.fact(|facts| facts.stop_signal)
    }

    pub fn created_at(&self) -> Option<WallNs> {
        self.fact(|facts| facts.created_at)
    }

    /// Writes over who a container is; whether there is any claim.
    pub fn write_identity(&self, parent: Option<&str>, identity: &mut Identity) -> bool {
        let Some(best) = self.ranked.first() else { return false };
        let shown = |claim: &OwnedClaim| claim.runtime.filter(|_| !claim.runtime_by_default);
        let by_best = self.first(shown).or_else(|| self.first(|claim| claim.runtime));
        let texts = self.texts();
        // Of most containers only paths and argument vectors speak.
        let is_told = self.ranked.iter().any(OwnedClaim::is_told);
        let facts = if is_told { self.facts() } else { Facts::default() };
        // Every field by name: one that is added later does not compile until it is written.
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
        *runtime = by_best;
        write_over(container_id, &best.container_id);
        *oci_runtime = self.first(|claim| claim.oci_runtime);
        let write = |text, field: Field| write_over_option(text, texts[field as usize]);
        write(containerd_namespace, Field::ContainerdNamespace);
        write(container_name, Field::ContainerName);
        write(image_name, Field::ImageName);
        write(image_id, Field::ImageId);
        write(image_digest, Field::ImageDigest);
        write(pod_name, Field::PodName);
        write(pod_namespace, Field::PodNamespace);
        write(pod_uid, Field::PodUid);
        *sandbox = facts.sandbox;
        labels.clear();
        if is_told {
            self.write_labels(labels);
        }
        *init_pid = facts.init_pid;
        *started_at = facts.started_at;
        *restart_count = facts.restart_count;
        write_over_option(parent_container_id, parent);
        *identified_by = best.source;
        self.write_conflicts(best, by_best, conflicts);
        true
    }

    /// Each fact by the most trusted source that speaks of it.
    fn facts(&self) -> Facts {
        self.ranked.iter().rev().fold(Facts::default(), |less_trusted, claim| claim.facts().or(less_trusted))
    }

    /// The labels of all sources; of two that set one differently, the better one's.
    fn write_labels(&self, all: &mut Vec<(String, String)>) {
        let mut labels = BTreeMap::new();
        for (name, value) in self.ranked.iter().rev().flat_map(OwnedClaim::labels) {
            labels.insert(&**name, &**value);
        }
        all.extend(labels.into_iter().map(|(name, value)| (name.into(), value.into())));
    }

    fn write_conflicts(&self, best: &OwnedClaim, runtime: Option<Engine>, found: &mut Vec<String>) {
        found.clear();
        if let Some(more) = &self.more {
            found.extend_from_slice(&more.overruled);
        }
        for claim in self.ranked.iter().skip(1) {
            if !Arc::ptr_eq(&claim.container_id, &best.container_id) && claim.container_id != best.container_id {
                found.push(format!("{}: container_id {}", claim.source, claim.container_id));
            }
            if let (Some(theirs), Some(ours)) = (claim.runtime, runtime)
                && theirs != ours
                && !claim.runtime_by_default
            {
                found.push(format!("{}: runtime {theirs}", claim.source));
            }
        }
    }
}
