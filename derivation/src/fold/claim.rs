//! Claims: what each source said of who a container is, and how the best of them becomes an [`Identity`].

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::identity::argv::{Invocation, Verb};
use crate::identity::path::PathIdentity;
use crate::identity::{ClaimSource, OciRuntime, Runtime};
use crate::record::{RuntimeAnswer, RuntimeSource, Seq, WallNs};
use crate::row::Identity;

/// One source's statement. Fields that the source does not speak of are `None`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claim {
    pub source: ClaimSource,
    pub seq: Seq,
    pub container_id: String,
    pub runtime: Option<Runtime>,
    /// `runtime` is only what remains when nothing shows an engine, and the source is one that often cannot show it.
    pub runtime_by_default: bool,
    pub oci_runtime: Option<OciRuntime>,
    /// What tells two containers of one id apart: where their runtime keeps its state.
    pub state_root: Option<String>,
    pub bundle: Option<String>,
    pub containerd_namespace: Option<String>,
    pub container_name: Option<String>,
    pub image_name: Option<String>,
    pub image_id: Option<String>,
    pub image_digest: Option<String>,
    pub pod_name: Option<String>,
    pub pod_namespace: Option<String>,
    pub pod_uid: Option<String>,
    pub sandbox: Option<bool>,
    pub init_pid: Option<u32>,
    pub created_at: Option<WallNs>,
    pub started_at: Option<WallNs>,
    pub restart_count: Option<u32>,
    pub labels: BTreeMap<String, String>,
}

impl Claim {
    fn new(source: ClaimSource, seq: Seq, container_id: &str) -> Self {
        Self {
            source,
            seq,
            container_id: container_id.to_owned(),
            runtime: None,
            runtime_by_default: false,
            oci_runtime: None,
            state_root: None,
            bundle: None,
            containerd_namespace: None,
            container_name: None,
            image_name: None,
            image_id: None,
            image_digest: None,
            pod_name: None,
            pod_namespace: None,
            pod_uid: None,
            sandbox: None,
            init_pid: None,
            created_at: None,
            started_at: None,
            restart_count: None,
            labels: BTreeMap::new(),
        }
    }

    /// The claim of a path, if the path names a container as its own directory.
    pub fn of_path(seq: Seq, path: &PathIdentity<'_>) -> Option<Self> {
        let id = path.container_id.as_deref().filter(|_| path.root)?;
        let mut claim = Self::new(ClaimSource::Path, seq, id);
        claim.runtime = path.runtime;
        claim.pod_uid = path.pod_uid.as_deref().map(ToOwned::to_owned);
        Some(claim)
    }

    /// The claim of an OCI runtime's argument vector.
    pub fn of_argv(seq: Seq, argv: &Invocation<'_>) -> Self {
        let mut claim = Self::new(ClaimSource::OciArgv, seq, argv.container_id);
        claim.runtime = Some(argv.engine);
        // `runc delete ID` carries no bundle, which is what tells podman's containers from bare ones.
        let is_bare = matches!(argv.engine, Runtime::Runc | Runtime::Crun | Runtime::Youki);
        claim.runtime_by_default = is_bare && matches!(argv.verb, Verb::Start | Verb::Kill | Verb::Delete);
        claim.oci_runtime = Some(argv.oci_runtime);
        if argv.engine == Runtime::Containerd {
            claim.containerd_namespace = argv.namespace.map(ToOwned::to_owned);
        }
        claim.state_root = argv.root.map(ToOwned::to_owned);
        claim.bundle = argv.bundle.map(ToOwned::to_owned);
        claim
    }

    /// The claim of a runtime's answer, if it is one about a container.
    pub fn of_answer(seq: Seq, answer: &RuntimeAnswer<'_>) -> Option<Self> {
        let owned = |text: &Option<alloc::borrow::Cow<'_, str>>| text.as_deref().map(ToOwned::to_owned);
        let mut claim =
            Self::new(answer.source.into(), seq, answer.container_id.as_deref().filter(|id| !id.is_empty())?);
        claim.runtime = answer.runtime.as_deref().and_then(Runtime::from_name);
        claim.bundle = owned(&answer.bundle);
        claim.containerd_namespace = owned(&answer.namespace);
        claim.container_name = owned(&answer.container_name);
        claim.image_name = owned(&answer.image_name);
        claim.image_id = owned(&answer.image_id);
        claim.image_digest = owned(&answer.image_digest);
        claim.pod_name = owned(&answer.pod_name);
        claim.pod_namespace = owned(&answer.pod_namespace);
        claim.pod_uid = owned(&answer.pod_uid);
        claim.sandbox = answer.sandbox;
        claim.init_pid = answer.init_pid;
        claim.created_at = answer.created_at;
        claim.started_at = answer.started_at;
        claim.restart_count = answer.restart_count;
        claim.labels =
            answer.labels.iter().map(|(name, value)| (name.as_ref().into(), value.as_ref().into())).collect();
        Some(claim)
    }

    /// Leaves only what holds for every life of the container.
    pub fn forget_this_life(&mut self) {
        self.init_pid = None;
        self.started_at = None;
        self.restart_count = None;
    }

    /// Leaves out where its runtime keeps it.
    pub fn forget_home(&mut self) {
        self.bundle = None;
        self.state_root = None;
    }

    /// Whether two claims can be about one container: same id, and nothing that both state differs in where it lives.
    pub fn agrees_on_home(&self, other: &Self) -> bool {
        /// Relative paths say nothing without the caller's directory; `/var/run` is a link to `/run` everywhere.
        fn differ(a: &Option<String>, b: &Option<String>) -> bool {
            let plain = |path: &String| {
                (if path.starts_with("/var/run/") { path.trim_start_matches("/var") } else { path })
                    .trim_end_matches('/')
                    .to_owned()
            };
            match (a, b) {
                (Some(a), Some(b)) => a.starts_with('/') && b.starts_with('/') && plain(a) != plain(b),
                _ => false,
            }
        }
        let namespaces = (&self.containerd_namespace, &other.containerd_namespace);
        self.container_id == other.container_id
            && !matches!(namespaces, (Some(ours), Some(theirs)) if ours != theirs)
            && !differ(&self.bundle, &other.bundle)
            && !differ(&self.state_root, &other.state_root)
    }
}

/// All claims about one incarnation, at most one a source.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    /// Best source first; the newest of a source replaces the one before it.
    ranked: Vec<Claim>,
    /// Disagreements that no kept claim shows any more.
    overruled: Vec<String>,
}

/// Disagreements kept for one incarnation; a hostile actor could otherwise make any number.
const MAX_OVERRULED: usize = 16;

impl Claims {
    pub fn add(&mut self, claim: Claim) {
        match self.ranked.binary_search_by(|have| have.source.cmp(&claim.source)) {
            Err(place) => self.ranked.insert(place, claim),
            Ok(place) => {
                let Some(have) = self.ranked.get_mut(place) else { return };
                // An id or engine once claimed by a source stays: who speaks second does not overrule, but is kept.
                if have.container_id != claim.container_id {
                    self.overrule(claim.source, &claim.container_id);
                } else {
                    have.complete_from(claim);
                }
            }
        }
    }

    /// Keeps that a source says it is another container.
    pub fn overrule(&mut self, source: ClaimSource, container_id: &str) {
        let note = format!("{source}: container_id {container_id}");
        if self.overruled.len() < MAX_OVERRULED && !self.overruled.contains(&note) {
            self.overruled.push(note);
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &Claim> {
        self.ranked.iter()
    }

    /// The best claim's value of a field: of several sources that speak of it, the most trusted.
    fn first<T>(&self, field: impl Fn(&Claim) -> Option<T>) -> Option<T> {
        self.ranked.iter().find_map(field)
    }

    pub fn created_at(&self) -> Option<WallNs> {
        self.first(|claim| claim.created_at)
    }

    /// Who the container is; `None` without any claim.
    pub fn identity(&self, parent_container_id: Option<String>) -> Option<Identity> {
        let best = self.ranked.first()?;
        let shown = |claim: &Claim| claim.runtime.filter(|_| !claim.runtime_by_default);
        let runtime = self.first(shown).or_else(|| self.first(|claim| claim.runtime));
        Some(Identity {
            runtime,
            container_id: best.container_id.clone(),
            oci_runtime: self.first(|claim| claim.oci_runtime),
            containerd_namespace: self.first(|claim| claim.containerd_namespace.clone()),
            container_name: self.first(|claim| claim.container_name.clone()),
            image_name: self.first(|claim| claim.image_name.clone()),
            image_id: self.first(|claim| claim.image_id.clone()),
            image_digest: self.first(|claim| claim.image_digest.clone()),
            pod_name: self.first(|claim| claim.pod_name.clone()),
            pod_namespace: self.first(|claim| claim.pod_namespace.clone()),
            pod_uid: self.first(|claim| claim.pod_uid.clone()),
            sandbox: self.first(|claim| claim.sandbox),
            labels: self.labels(),
            init_pid: self.first(|claim| claim.init_pid),
            started_at: self.first(|claim| claim.started_at),
            restart_count: self.first(|claim| claim.restart_count),
            parent_container_id,
            identified_by: best.source,
            conflicts: self.conflicts(best, runtime),
        })
    }

    /// The labels of all sources; of two that set one differently, the better one's.
    fn labels(&self) -> Vec<(String, String)> {
        let mut labels = BTreeMap::new();
        for claim in self.ranked.iter().rev() {
            labels.extend(claim.labels.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        labels.into_iter().collect()
    }

    fn conflicts(&self, best: &Claim, runtime: Option<Runtime>) -> Vec<String> {
        let mut found = self.overruled.clone();
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

impl Claim {
    /// Takes over what this one does not say yet from a later claim of the same source about the same container.
    fn complete_from(&mut self, later: Claim) {
        if self.runtime.is_none() || self.runtime_by_default && !later.runtime_by_default {
            self.runtime = later.runtime.or(self.runtime);
            self.runtime_by_default = later.runtime_by_default;
        }
        self.oci_runtime = self.oci_runtime.or(later.oci_runtime);
        self.sandbox = self.sandbox.or(later.sandbox);
        self.init_pid = self.init_pid.or(later.init_pid);
        self.created_at = self.created_at.or(later.created_at);
        self.started_at = self.started_at.or(later.started_at);
        self.restart_count = later.restart_count.max(self.restart_count);
        if self.labels.is_empty() {
            self.labels = later.labels;
        }
        for (have, new) in [
            (&mut self.state_root, later.state_root),
            (&mut self.bundle, later.bundle),
            (&mut self.containerd_namespace, later.containerd_namespace),
            (&mut self.container_name, later.container_name),
            (&mut self.image_name, later.image_name),
            (&mut self.image_id, later.image_id),
            (&mut self.image_digest, later.image_digest),
            (&mut self.pod_name, later.pod_name),
            (&mut self.pod_namespace, later.pod_namespace),
            (&mut self.pod_uid, later.pod_uid),
        ] {
            if have.is_none() {
                *have = new;
            }
        }
    }
}

impl From<RuntimeSource> for ClaimSource {
    fn from(source: RuntimeSource) -> Self {
        match source {
            RuntimeSource::OciState => Self::OciState,
            RuntimeSource::OciBundle => Self::OciBundle,
            RuntimeSource::Docker => Self::Docker,
            RuntimeSource::Podman => Self::Podman,
            RuntimeSource::Containerd => Self::Containerd,
            RuntimeSource::Cri => Self::Cri,
        }
    }
}
