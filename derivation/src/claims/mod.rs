//! ClaimSet: what each source says of who a container is.
//!
//! [`Claim`] is one as it is heard, all of it borrowed: most claims repeat what is known already. [`OwnedClaim`] is one that is
//! kept, and [`ClaimSet`] are all about one life, of which the best makes the identity.

mod claim_set;
mod owned_claim;
mod root_claims;
mod runtime_facts;

use alloc::sync::Arc;

use crate::identity::argv::{Invocation, Verb};
use crate::identity::path::PathIdentity;
use crate::identity::{Engine, OciRuntime};
use crate::record::{RuntimeAnswer, Seq, Source};

pub(super) use claim_set::ClaimSet;
pub(super) use owned_claim::OwnedClaim;
pub(super) use root_claims::RootClaims;
pub(super) use runtime_facts::{Facts, RuntimeFacts};

/// Declares the fields and lists them, so that no list lacks one.
macro_rules! fields {
    ($($(#[$about:meta])* $field:ident,)+) => {
        /// A text that a source may have for a container.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field {
            $($(#[$about])* $field,)+
        }

        impl Field {
            /// Every field, each at the place of its own number.
            const ALL: &'static [Self] = &[$(Self::$field),+];
        }
    };
}

fields! {
    /// What tells two containers of one id apart: where their runtime keeps its state.
    StateRoot,
    Bundle,
    ContainerdNamespace,
    ContainerName,
    ImageName,
    ImageId,
    ImageDigest,
    PodName,
    PodNamespace,
    PodUid,
}

/// One source's statement. What the source does not speak of is `None`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claim<'a> {
    pub source: Source,
    pub seq: Seq,
    pub container_id: &'a str,
    pub runtime: Option<Engine>,
    /// `runtime` is only what remains when nothing shows an engine, and the source is one that often cannot show it.
    pub runtime_by_default: bool,
    pub oci_runtime: Option<OciRuntime>,
    /// By the place of a field in [`Field::ALL`].
    texts: [Option<&'a str>; Field::ALL.len()],
    told: Option<Arc<RuntimeFacts>>,
}

impl<'a> Claim<'a> {
    fn new(source: Source, seq: Seq, container_id: &'a str) -> Self {
        Self {
            source,
            seq,
            container_id,
            runtime: None,
            runtime_by_default: false,
            oci_runtime: None,
            texts: [None; _],
            told: None,
        }
    }

    /// The claim of a path, if the path names a container as its own directory.
    pub fn of_path(seq: Seq, path: &'a PathIdentity<'_>) -> Option<Self> {
        let id = path.container_id.as_deref().filter(|_| path.root)?;
        let mut claim = Self::new(Source::Path, seq, id);
        claim.runtime = path.runtime;
        claim.set(Field::PodUid, path.pod_uid.as_deref());
        Some(claim)
    }

    /// The claim of an OCI runtime's argument vector.
    pub fn of_argv(seq: Seq, argv: &Invocation<'a>) -> Self {
        let mut claim = Self::new(Source::OciArgv, seq, argv.container_id);
        claim.runtime = Some(argv.engine);
        // `runc delete ID` carries no bundle, which is what tells podman's containers from bare ones.
        let is_bare = matches!(argv.engine, Engine::Runc | Engine::Crun | Engine::Youki);
        claim.runtime_by_default = is_bare && matches!(argv.verb, Verb::Start | Verb::Kill | Verb::Delete);
        claim.oci_runtime = Some(argv.oci_runtime);
        if argv.engine == Engine::Containerd {
            claim.set(Field::ContainerdNamespace, argv.namespace);
        }
        claim.set(Field::StateRoot, argv.root);
        claim.set(Field::Bundle, argv.bundle);
        claim
    }

    /// The claim of a runtime's answer, if it is one about a container.
    pub fn of_answer(seq: Seq, answer: &'a RuntimeAnswer<'_>) -> Option<Self> {
        let id = answer.container_id.as_deref().filter(|id| !id.is_empty())?;
        let mut claim = Self::new(answer.source, seq, id);
        claim.runtime = answer.runtime.as_deref().and_then(Engine::from_name);
        for (field, text) in [
            (Field::Bundle, &answer.bundle),
            (Field::ContainerdNamespace, &answer.namespace),
            (Field::ContainerName, &answer.container_name),
            (Field::ImageName, &answer.image_name),
            (Field::ImageId, &answer.image_id),
            (Field::ImageDigest, &answer.image_digest),
            (Field::PodName, &answer.pod_name),
            (Field::PodNamespace, &answer.pod_namespace),
            (Field::PodUid, &answer.pod_uid),
        ] {
            claim.set(field, text.as_deref());
        }
        claim.told = RuntimeFacts::of(answer);
        Some(claim)
    }

    pub fn text(&self, field: Field) -> Option<&'a str> {
        self.texts[field as usize]
    }

    fn set(&mut self, field: Field, text: Option<&'a str>) {
        self.texts[field as usize] = text;
    }

    /// The texts that it has.
    fn texts(&self) -> impl Iterator<Item = (Field, &'a str)> {
        Field::ALL.iter().zip(&self.texts).filter_map(|(field, text)| Some((*field, (*text)?)))
    }

    pub fn facts(&self) -> Facts {
        self.told.as_ref().map_or(Facts::default(), |told| told.facts)
    }

    /// Leaves only what holds for every life of the container.
    pub fn forget_this_life(&mut self) {
        if let Some(told) = &mut self.told {
            RuntimeFacts::forget_this_life(told);
        }
    }

    /// Leaves out where its runtime keeps it.
    pub fn forget_home(&mut self) {
        self.set(Field::Bundle, None);
        self.set(Field::StateRoot, None);
    }
}
