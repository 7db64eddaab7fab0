//! A claim that is kept.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Claim, Facts, Field, RuntimeFacts};
use crate::identity::{Engine, OciRuntime};
use crate::record::{Seq, Source};

/// A claim that is kept: a [`Claim`] that takes memory only for what it says.
#[derive(Clone, Debug)]
pub(crate) struct OwnedClaim {
    pub source: Source,
    pub seq: Seq,
    pub container_id: Arc<str>,
    pub runtime: Option<Engine>,
    pub runtime_by_default: bool,
    pub oci_runtime: Option<OciRuntime>,
    /// Each field once.
    texts: Box<[(Field, Box<str>)]>,
    told: Option<Arc<RuntimeFacts>>,
}

impl OwnedClaim {
    /// Keeps a claim about the container with this id.
    pub fn new(container_id: Arc<str>, claim: &Claim<'_>) -> Self {
        // No more room than they need from the start: a claim is kept in nearly every life.
        let mut texts = Vec::with_capacity(claim.texts().count());
        texts.extend(claim.texts().map(|(field, text)| (field, text.into())));
        Self {
            source: claim.source,
            seq: claim.seq,
            container_id,
            runtime: claim.runtime,
            runtime_by_default: claim.runtime_by_default,
            oci_runtime: claim.oci_runtime,
            texts: texts.into_boxed_slice(),
            told: claim.told.clone(),
        }
    }

    /// The claim as it was heard.
    pub fn heard(&self) -> Claim<'_> {
        let mut claim = Claim::new(self.source, self.seq, &self.container_id);
        claim.runtime = self.runtime;
        claim.runtime_by_default = self.runtime_by_default;
        claim.oci_runtime = self.oci_runtime;
        claim.told = self.told.clone();
        for (field, text) in &self.texts {
            claim.set(*field, Some(text));
        }
        claim
    }

    /// The texts that it has.
    pub fn texts(&self) -> impl Iterator<Item = (Field, &str)> {
        self.texts.iter().map(|(field, text)| (*field, &**text))
    }

    pub fn text(&self, field: Field) -> Option<&str> {
        self.texts.iter().find(|(have, _)| *have == field).map(|(_, text)| &**text)
    }

    pub fn facts(&self) -> Facts {
        self.told.as_ref().map_or(Facts::default(), |told| told.facts)
    }

    /// Whether it has facts or labels.
    pub fn is_told(&self) -> bool {
        self.told.is_some()
    }

    /// In the order of their names.
    pub fn labels(&self) -> &[(Box<str>, Box<str>)] {
        self.told.as_ref().map_or(&[], |told| &told.labels)
    }

    /// Whether two claims can be about one container: same id, and nothing that both state differs in where it lives.
    pub fn agrees_on_home(&self, other: &Claim<'_>) -> bool {
        *self.container_id == *other.container_id && self.may_share_home(other)
    }

    /// Whether nothing that both state differs in where the container lives.
    pub fn may_share_home(&self, other: &Claim<'_>) -> bool {
        /// Relative paths say nothing without the caller's directory; `/var/run` is a link to `/run` everywhere.
        fn agree(a: &str, b: &str) -> bool {
            fn plain(path: &str) -> &str {
                let run = path.strip_prefix("/var").filter(|rest| rest.starts_with("/run/"));
                run.unwrap_or(path).trim_end_matches('/')
            }
            a == b || !a.starts_with('/') || !b.starts_with('/') || plain(a) == plain(b)
        }
        self.texts.iter().all(|(field, ours)| match (field, other.text(*field)) {
            (Field::ContainerdNamespace, Some(theirs)) => **ours == *theirs,
            (Field::Bundle | Field::StateRoot, Some(theirs)) => agree(ours, theirs),
            _ => true,
        })
    }

    /// Whether both name the same bundle or the same state directory.
    pub fn shares_home(&self, other: &Claim<'_>) -> bool {
        let is_shared = |field| self.text(field).is_some_and(|ours| Some(ours) == other.text(field));
        is_shared(Field::Bundle) || is_shared(Field::StateRoot)
    }

    /// Whether a later claim, by argument vector or path, says nothing that is not said here.
    pub fn repeats(&self, later: &Claim<'_>) -> bool {
        matches!(later.source, Source::OciArgv | Source::Path)
            && (self.runtime.is_some() || later.runtime.is_none())
            && !self.runtime_by_default
            && (self.oci_runtime.is_some() || later.oci_runtime.is_none())
            && later.texts().all(|(field, _)| self.text(field).is_some())
    }

    /// Takes over what this one does not say yet from a later claim of the same source about the same container.
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
        match (&mut self.told, &later.told) {
            (_, None) => {}
            (none @ None, told) => *none = told.clone(),
            (Some(ours), Some(theirs)) => RuntimeFacts::complete_from(ours, theirs),
        }
    }
}
