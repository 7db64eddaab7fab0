//! All claims about one life, and how the best of them becomes an [`Identity`].

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Claim, Facts, Field, Kept};
use crate::fold::few::Few;
use crate::identity::{ClaimSource, Runtime};
use crate::record::{Seq, WallNs};
use crate::row::Identity;

/// All claims about one incarnation, at most one a source.
#[derive(Clone, Debug, Default)]
pub(in crate::fold) struct Claims {
    /// Best source first; the newest of a source replaces the one before it.
    ranked: Few<Kept>,
    /// Made with the first of it: most containers have none.
    more: Option<Box<More>>,
}

/// What no kept claim shows.
#[derive(Clone, Debug, Default)]
struct More {
    /// Disagreements that no kept claim shows any more.
    overruled: Vec<String>,
    /// Records that completed what a source had said.
    completed_by: Vec<Seq>,
}

/// Disagreements kept for one incarnation; a hostile actor could otherwise make any number.
const MAX_OVERRULED: usize = 16;

/// Records kept that completed what a source had said before; the last ones.
const MAX_COMPLETED: usize = 64;

impl More {
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

impl Claims {
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
                self.ranked.insert(place, Kept::new(id, claim));
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
    pub fn overrule(&mut self, source: ClaimSource, container_id: &str) {
        let note = format!("{source}: container_id {container_id}");
        let overruled = &mut self.more.get_or_insert_default().overruled;
        if overruled.len() < MAX_OVERRULED && !overruled.contains(&note) {
            overruled.push(note);
        }
    }

    pub fn len(&self) -> usize {
        self.ranked.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Kept> {
        self.ranked.iter()
    }

    /// The best claim's value of a field: of several sources that speak of it, the most trusted.
    fn first<T>(&self, field: impl Fn(&Kept) -> Option<T>) -> Option<T> {
        self.ranked.iter().find_map(field)
    }

    /// The same of a fact.
    fn fact<T>(&self, fact: impl Fn(Facts) -> Option<T>) -> Option<T> {
        self.ranked.iter().find_map(|claim| fact(claim.facts()))
    }

    /// The same of every text, by the place of a field in [`Field::ALL`].
    fn texts(&self) -> [Option<&str>; Field::ALL.len()] {
        let mut texts = [None; _];
        for (field, text) in self.ranked.iter().rev().flat_map(Kept::texts) {
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

    /// Who the container is; `None` without any claim.
    pub fn identity(&self, parent_container_id: Option<&str>) -> Option<Identity> {
        let best = self.ranked.first()?;
        let shown = |claim: &Kept| claim.runtime.filter(|_| !claim.runtime_by_default);
        let runtime = self.first(shown).or_else(|| self.first(|claim| claim.runtime));
        let texts = self.texts();
        let text = |field: Field| texts[field as usize].map(String::from);
        Some(Identity {
            runtime,
            container_id: String::from(&*best.container_id),
            oci_runtime: self.first(|claim| claim.oci_runtime),
            containerd_namespace: text(Field::ContainerdNamespace),
            container_name: text(Field::ContainerName),
            image_name: text(Field::ImageName),
            image_id: text(Field::ImageId),
            image_digest: text(Field::ImageDigest),
            pod_name: text(Field::PodName),
            pod_namespace: text(Field::PodNamespace),
            pod_uid: text(Field::PodUid),
            sandbox: self.fact(|facts| facts.sandbox),
            labels: self.labels(),
            init_pid: self.init_pid(),
            started_at: self.fact(|facts| facts.started_at),
            restart_count: self.fact(|facts| facts.restart_count),
            parent_container_id: parent_container_id.map(String::from),
            identified_by: best.source,
            conflicts: self.conflicts(best, runtime),
        })
    }

    /// The labels of all sources; of two that set one differently, the better one's.
    fn labels(&self) -> Vec<(String, String)> {
        let mut labels = BTreeMap::new();
        for (name, value) in self.ranked.iter().rev().flat_map(Kept::labels) {
            labels.insert(&**name, &**value);
        }
        if labels.is_empty() {
            return Vec::new(); // most have none
        }
        labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    fn conflicts(&self, best: &Kept, runtime: Option<Runtime>) -> Vec<String> {
        let mut found = self.more.as_ref().map_or(Vec::new(), |more| more.overruled.clone());
        for claim in self.ranked.iter().skip(1) {
            if claim.container_id != best.container_id {
                found.push(format!("{}: container_id {}", claim.source, claim.container_id));
            }
            if let (Some(theirs), Some(ours)) = (claim.runtime, runtime)
                && theirs != ours
                && !claim.runtime_by_default
            {
                found.push(format!("{}: runtime {theirs}", claim.source));
            }
        }
        found
    }
}
