//! The claim of one source about who a container is.

use alloc::sync::Arc;

use super::runtime_facts::{AnswerFacts, RuntimeFacts};
use crate::identity::argv::{Invocation, Verb};
use crate::identity::path::PathIdentity;
use crate::identity::{Engine, OciRuntime};
use crate::record::{RuntimeAnswer, Seq, Source, WallNs};

/// Declares the fields and lists them, so that the list lacks none.
macro_rules! fields {
    ($($(#[$about:meta])* $field:ident => $name:literal,)+) => {
        /// A text that a source may have for a container.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ClaimField {
            $($(#[$about])* $field,)+
        }

        impl ClaimField {
            /// Every field, each at the place of its own number.
            pub(super) const ALL: &'static [Self] = &[$(Self::$field),+];

            /// Returns its name in a conflict: that of the row's column, if there is one.
            pub(super) const fn as_str(self) -> &'static str {
                match self { $(Self::$field => $name),+ }
            }
        }
    };
}

fields! {
    /// The directory in which the runtime keeps its state: it tells two containers of one id apart.
    StateRoot => "state_root",
    Bundle => "bundle",
    ContainerdNamespace => "containerd_namespace",
    ContainerName => "container_name",
    ImageName => "image_name",
    ImageId => "image_id",
    ImageDigest => "image_digest",
    PodName => "pod_name",
    PodNamespace => "pod_namespace",
    PodUid => "pod_uid",
}

impl ClaimField {
    /// Returns true for a column of a row, so that two values of it are a conflict.
    pub(super) const fn is_column(self) -> bool {
        !matches!(self, Self::StateRoot | Self::Bundle)
    }
}

/// Labels that the kubelet sets through whatever engine, and the fields that they fill.
const KUBERNETES_LABELS: [(&str, ClaimField); 4] = [
    ("io.kubernetes.pod.name", ClaimField::PodName),
    ("io.kubernetes.pod.namespace", ClaimField::PodNamespace),
    ("io.kubernetes.pod.uid", ClaimField::PodUid),
    ("io.kubernetes.container.name", ClaimField::ContainerName),
];

/// A statement of one source about who a container is. A field that the source does not speak of is
/// `None`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Claim<'a> {
    pub source: Source,
    pub seq: Seq,
    /// Time since when it is so, where the source tells it.
    pub as_of: Option<WallNs>,
    pub container_id: &'a str,
    pub runtime: Option<Engine>,
    /// True if `runtime` is only what remains where nothing shows an engine, and the source often
    /// cannot show one.
    pub runtime_by_default: bool,
    pub oci_runtime: Option<OciRuntime>,
    /// The texts, by the place of their field in [`ClaimField::ALL`].
    texts: [Option<&'a str>; ClaimField::ALL.len()],
    pub(super) facts: Option<Arc<RuntimeFacts>>,
}

impl<'a> Claim<'a> {
    pub(super) fn new(source: Source, seq: Seq, container_id: &'a str) -> Self {
        Self {
            source,
            seq,
            as_of: None,
            container_id,
            runtime: None,
            runtime_by_default: false,
            oci_runtime: None,
            texts: [None; _],
            facts: None,
        }
    }

    /// Returns the claim of a path, if the path names a container as its own directory.
    pub fn of_path(seq: Seq, path: &'a PathIdentity<'_>) -> Option<Self> {
        let id = path.container_id.as_deref().filter(|_| path.root)?;
        let mut claim = Self::new(Source::Path, seq, id);
        claim.runtime = path.runtime;
        claim.set(ClaimField::PodUid, path.pod_uid.as_deref());
        Some(claim)
    }

    /// Returns the claim of an OCI runtime's argument vector.
    pub fn of_argv(seq: Seq, argv: &Invocation<'a>) -> Self {
        let mut claim = Self::new(Source::OciArgv, seq, argv.container_id);
        claim.runtime = argv.engine;
        // `runc delete ID` carries no bundle, which is what tells podman's containers from bare
        // ones.
        let is_bare = matches!(argv.engine, Some(Engine::Runc | Engine::Crun | Engine::Youki));
        claim.runtime_by_default = is_bare && matches!(argv.verb, Verb::Start | Verb::Kill | Verb::Delete);
        claim.oci_runtime = argv.oci_runtime;
        if argv.engine == Some(Engine::Containerd) {
            claim.set(ClaimField::ContainerdNamespace, argv.namespace);
        }
        claim.set(ClaimField::StateRoot, argv.root);
        claim.set(ClaimField::Bundle, argv.bundle);
        claim
    }

    /// Returns the claim of a runtime's answer, if the answer is about a container.
    pub fn of_answer(seq: Seq, answer: &'a RuntimeAnswer<'_>) -> Option<Self> {
        let id = answer.container_id.as_deref().filter(|id| !id.is_empty())?;
        let mut claim = Self::new(answer.source, seq, id);
        claim.as_of = answer.as_of;
        let engine = answer.runtime.as_deref().and_then(Engine::from_name);
        claim.runtime = engine.filter(|engine| *engine != Engine::Unknown);
        for (field, text) in [
            (ClaimField::Bundle, &answer.bundle),
            (ClaimField::ContainerdNamespace, &answer.namespace),
            (ClaimField::ContainerName, &answer.container_name),
            (ClaimField::ImageName, &answer.image_name),
            (ClaimField::ImageId, &answer.image_id),
            (ClaimField::ImageDigest, &answer.image_digest),
            (ClaimField::PodName, &answer.pod_name),
            (ClaimField::PodNamespace, &answer.pod_namespace),
            (ClaimField::PodUid, &answer.pod_uid),
        ] {
            claim.set(field, text.as_deref());
        }
        for (name, field) in KUBERNETES_LABELS {
            if claim.text(field).is_none() {
                claim.set(field, answer.label(name).filter(|value| !value.is_empty()));
            }
        }
        claim.facts = RuntimeFacts::of(seq, answer);
        Some(claim)
    }

    /// Returns the text of a field.
    pub fn text(&self, field: ClaimField) -> Option<&'a str> {
        self.texts[field as usize]
    }

    pub(super) fn set(&mut self, field: ClaimField, text: Option<&'a str>) {
        self.texts[field as usize] = text;
    }

    /// Iterates over the texts that the claim has.
    pub(super) fn texts(&self) -> impl Iterator<Item = (ClaimField, &'a str)> {
        ClaimField::ALL.iter().zip(&self.texts).filter_map(|(field, text)| Some((*field, (*text)?)))
    }

    /// Returns the facts that the claim has.
    pub fn facts(&self) -> AnswerFacts {
        self.facts.as_ref().map_or(AnswerFacts::default(), |told| told.facts)
    }

    /// Returns true if the claim is of an OCI runtime that no engine has called: by hand, or by a
    /// script. An engine shows in the arguments and in the places of state and bundle.
    pub(super) fn is_of_bare_runtime(&self) -> bool {
        is_of_bare_runtime(self.source, self.runtime, self.runtime_by_default, self.text(ClaimField::StateRoot))
    }

    /// Removes what holds for one life of the container only.
    pub fn forget_this_life(&mut self) {
        if let Some(told) = &mut self.facts {
            RuntimeFacts::forget_this_life(told);
        }
    }

    /// Removes the directories in which the runtime keeps the container.
    pub fn forget_home(&mut self) {
        self.set(ClaimField::Bundle, None);
        self.set(ClaimField::StateRoot, None);
    }
}

/// Returns true if a claim with these properties is of an OCI runtime that no engine has called.
/// `runc delete ID` may be of any engine, but containerd always says where the state is.
pub(super) fn is_of_bare_runtime(
    source: Source,
    runtime: Option<Engine>,
    runtime_by_default: bool,
    state_root: Option<&str>,
) -> bool {
    matches!(runtime, Some(Engine::Runc | Engine::Crun | Engine::Youki))
        && match source {
            Source::OciArgv => !runtime_by_default || state_root.is_none(),
            Source::OciState => true,
            _ => false,
        }
}
