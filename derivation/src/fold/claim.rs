//! Claims: what each source said of who a container is, and how the best of them becomes an [`Identity`].

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::identity::argv::{Invocation, Verb};
use crate::identity::path::PathIdentity;
use crate::identity::{ClaimSource, OciRuntime, Runtime};
use crate::record::{RuntimeAnswer, RuntimeSource, Seq, WallNs};
use crate::row::Identity;

/// One source's statement. Fields that the source does not speak of are `None`. Text is borrowed until the claim is kept: most
/// claims repeat what is known already.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claim<'a> {
    pub source: ClaimSource,
    pub seq: Seq,
    pub container_id: Cow<'a, str>,
    pub runtime: Option<Runtime>,
    /// `runtime` is only what remains when nothing shows an engine, and the source is one that often cannot show it.
    pub runtime_by_default: bool,
    pub oci_runtime: Option<OciRuntime>,
    /// What tells two containers of one id apart: where their runtime keeps its state.
    pub state_root: Option<Cow<'a, str>>,
    pub bundle: Option<Cow<'a, str>>,
    pub containerd_namespace: Option<Cow<'a, str>>,
    pub container_name: Option<Cow<'a, str>>,
    pub image_name: Option<Cow<'a, str>>,
    pub image_id: Option<Cow<'a, str>>,
    pub image_digest: Option<Cow<'a, str>>,
    pub pod_name: Option<Cow<'a, str>>,
    pub pod_namespace: Option<Cow<'a, str>>,
    pub pod_uid: Option<Cow<'a, str>>,
    pub sandbox: Option<bool>,
    pub init_pid: Option<u32>,
    pub created_at: Option<WallNs>,
    pub started_at: Option<WallNs>,
    pub restart_count: Option<u32>,
    /// The signal that it is to be stopped with.
    pub stop_signal: Option<u32>,
    pub labels: BTreeMap<String, String>,
}

impl<'a> Claim<'a> {
    fn new(source: ClaimSource, seq: Seq, container_id: &'a str) -> Self {
        Self {
            source,
            seq,
            container_id: Cow::Borrowed(container_id),
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
            stop_signal: None,
            labels: BTreeMap::new(),
        }
    }

    /// The claim of a path, if the path names a container as its own directory.
    pub fn of_path(seq: Seq, path: &'a PathIdentity<'_>) -> Option<Self> {
        let id = path.container_id.as_deref().filter(|_| path.root)?;
        let mut claim = Self::new(ClaimSource::Path, seq, id);
        claim.runtime = path.runtime;
        claim.pod_uid = path.pod_uid.as_deref().map(Cow::Borrowed);
        Some(claim)
    }

    /// The claim of an OCI runtime's argument vector.
    pub fn of_argv(seq: Seq, argv: &Invocation<'a>) -> Self {
        let mut claim = Self::new(ClaimSource::OciArgv, seq, argv.container_id);
        claim.runtime = Some(argv.engine);
        // `runc delete ID` carries no bundle, which is what tells podman's containers from bare ones.
        let is_bare = matches!(argv.engine, Runtime::Runc | Runtime::Crun | Runtime::Youki);
        claim.runtime_by_default = is_bare && matches!(argv.verb, Verb::Start | Verb::Kill | Verb::Delete);
        claim.oci_runtime = Some(argv.oci_runtime);
        if argv.engine == Runtime::Containerd {
            claim.containerd_namespace = argv.namespace.map(Cow::Borrowed);
        }
        claim.state_root = argv.root.map(Cow::Borrowed);
        claim.bundle = argv.bundle.map(Cow::Borrowed);
        claim
    }

    /// The claim of a runtime's answer, if it is one about a container.
    pub fn of_answer(seq: Seq, answer: &'a RuntimeAnswer<'_>) -> Option<Self> {
        let text = |text: &'a Option<Cow<'_, str>>| text.as_deref().map(Cow::Borrowed);
        let mut claim =
            Self::new(answer.source.into(), seq, answer.container_id.as_deref().filter(|id| !id.is_empty())?);
        claim.runtime = answer.runtime.as_deref().and_then(Runtime::from_name);
        claim.bundle = text(&answer.bundle);
        claim.containerd_namespace = text(&answer.namespace);
        claim.container_name = text(&answer.container_name);
        claim.image_name = text(&answer.image_name);
        claim.image_id = text(&answer.image_id);
        claim.image_digest = text(&answer.image_digest);
        claim.pod_name = text(&answer.pod_name);
        claim.pod_namespace = text(&answer.pod_namespace);
        claim.pod_uid = text(&answer.pod_uid);
        claim.sandbox = answer.sandbox;
        claim.init_pid = answer.init_pid;
        claim.created_at = answer.created_at;
        claim.started_at = answer.started_at;
        claim.restart_count = answer.restart_count;
        claim.stop_signal = answer.stop_signal;
        claim.labels =
            answer.labels.iter().map(|(name, value)| (name.as_ref().into(), value.as_ref().into())).collect();
        Some(claim)
    }

    /// The claim, to be kept.
    pub fn into_owned(self) -> Claim<'static> {
        let owned = |text: Option<Cow<'a, str>>| text.map(into_owned);
        Claim {
            source: self.source,
            seq: self.seq,
            container_id: into_owned(self.container_id),
            runtime: self.runtime,
            runtime_by_default: self.runtime_by_default,
            oci_runtime: self.oci_runtime,
            state_root: owned(self.state_root),
            bundle: owned(self.bundle),
            containerd_namespace: owned(self.containerd_namespace),
            container_name: owned(self.container_name),
            image_name: owned(self.image_name),
            image_id: owned(self.image_id),
            image_digest: owned(self.image_digest),
            pod_name: owned(self.pod_name),
            pod_namespace: owned(self.pod_namespace),
            pod_uid: owned(self.pod_uid),
            sandbox: self.sandbox,
            init_pid: self.init_pid,
            created_at: self.created_at,
            started_at: self.started_at,
            restart_count: self.restart_count,
            stop_signal: self.stop_signal,
            labels: self.labels,
        }
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
    pub fn agrees_on_home(&self, other: &Claim<'_>) -> bool {
        /// Relative paths say nothing without the caller's directory; `/var/run` is a link to `/run` everywhere.
        fn differ(a: Option<&str>, b: Option<&str>) -> bool {
            fn plain(path: &str) -> &str {
                let run = path.strip_prefix("/var").filter(|rest| rest.starts_with("/run/"));
                run.unwrap_or(path).trim_end_matches('/')
            }
            match (a, b) {
                (Some(a), Some(b)) => a != b && a.starts_with('/') && b.starts_with('/') && plain(a) != plain(b),
                _ => false,
            }
        }
        let namespaces = (&self.containerd_namespace, &other.containerd_namespace);
        self.container_id == other.container_id
            && !matches!(namespaces, (Some(ours), Some(theirs)) if ours != theirs)
            && !differ(self.bundle.as_deref(), other.bundle.as_deref())
            && !differ(self.state_root.as_deref(), other.state_root.as_deref())
    }
}

/// All claims about one incarnation, at most one a source.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    /// Best source first; the newest of a source replaces the one before it.
    ranked: Vec<Claim<'static>>,
    /// Disagreements that no kept claim shows any more.
    overruled: Vec<String>,
    /// Records that completed what a source had said.
    completed_by: Vec<Seq>,
}

/// Disagreements kept for one incarnation; a hostile actor could otherwise make any number.
const MAX_OVERRULED: usize = 16;

/// Records kept that completed what a source had said before; the last ones.
const MAX_COMPLETED: usize = 64;

impl Claims {
    /// The records that they come from.
    pub fn seqs(&self) -> impl Iterator<Item = Seq> + '_ {
        self.ranked.iter().map(|claim| claim.seq).chain(self.completed_by.iter().copied())
    }

    pub fn add(&mut self, claim: Claim<'_>) {
        match self.ranked.binary_search_by(|have| have.source.cmp(&claim.source)) {
            Err(place) => {
                // Most have one or two, claims are large, and a host may have a hundred thousand containers.
                self.ranked.reserve_exact(1);
                self.ranked.insert(place, claim.into_owned());
            }
            Ok(place) => {
                let Some(have) = self.ranked.get_mut(place) else { return };
                // An id or engine once claimed by a source stays: who speaks second does not overrule, but is kept.
                if have.container_id != claim.container_id {
                    self.overrule(claim.source, &claim.container_id);
                } else if have.repeats(&claim) {
                    // Nearly always: each of a container's directories is claimed alike.
                } else {
                    if self.completed_by.len() >= MAX_COMPLETED {
                        self.completed_by.remove(0);
                    }
                    self.completed_by.push(claim.seq);
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

    pub fn iter(&self) -> impl Iterator<Item = &Claim<'static>> {
        self.ranked.iter()
    }

    /// The best claim's value of a field: of several sources that speak of it, the most trusted.
    fn first<T>(&self, field: impl Fn(&Claim<'_>) -> Option<T>) -> Option<T> {
        self.ranked.iter().find_map(field)
    }

    /// The same of a text.
    fn first_text(
        &self,
        field: impl for<'c> Fn(&'c Claim<'static>) -> &'c Option<Cow<'static, str>>,
    ) -> Option<String> {
        self.ranked.iter().find_map(|claim| field(claim).as_deref()).map(String::from)
    }

    /// The id by the best claim.
    pub fn container_id(&self) -> Option<&str> {
        self.ranked.first().map(|claim| &*claim.container_id)
    }

    pub fn init_pid(&self) -> Option<u32> {
        self.first(|claim| claim.init_pid)
    }

    pub fn stop_signal(&self) -> Option<u32> {
        self.first(|claim| claim.stop_signal)
    }

    pub fn created_at(&self) -> Option<WallNs> {
        self.first(|claim| claim.created_at)
    }

    /// Who the container is; `None` without any claim.
    pub fn identity(&self, parent_container_id: Option<String>) -> Option<Identity> {
        let best = self.ranked.first()?;
        let shown = |claim: &Claim<'_>| claim.runtime.filter(|_| !claim.runtime_by_default);
        let runtime = self.first(shown).or_else(|| self.first(|claim| claim.runtime));
        Some(Identity {
            runtime,
            container_id: String::from(&*best.container_id),
            oci_runtime: self.first(|claim| claim.oci_runtime),
            containerd_namespace: self.first_text(|claim| &claim.containerd_namespace),
            container_name: self.first_text(|claim| &claim.container_name),
            image_name: self.first_text(|claim| &claim.image_name),
            image_id: self.first_text(|claim| &claim.image_id),
            image_digest: self.first_text(|claim| &claim.image_digest),
            pod_name: self.first_text(|claim| &claim.pod_name),
            pod_namespace: self.first_text(|claim| &claim.pod_namespace),
            pod_uid: self.first_text(|claim| &claim.pod_uid),
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

    fn conflicts(&self, best: &Claim<'_>, runtime: Option<Runtime>) -> Vec<String> {
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

impl Claim<'static> {
    /// Whether a later claim, by argument vector or path, says nothing that is not said here.
    fn repeats(&self, later: &Claim<'_>) -> bool {
        let says = |have: &Option<Cow<'_, str>>, new: &Option<Cow<'_, str>>| have.is_some() || new.is_none();
        matches!(later.source, ClaimSource::OciArgv | ClaimSource::Path)
            && (self.runtime.is_some() || later.runtime.is_none())
            && !self.runtime_by_default
            && (self.oci_runtime.is_some() || later.oci_runtime.is_none())
            && says(&self.state_root, &later.state_root)
            && says(&self.bundle, &later.bundle)
            && says(&self.containerd_namespace, &later.containerd_namespace)
            && says(&self.pod_uid, &later.pod_uid)
    }

    /// Takes over what this one does not say yet from a later claim of the same source about the same container.
    fn complete_from(&mut self, later: Claim<'_>) {
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
        self.stop_signal = later.stop_signal.or(self.stop_signal);
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
                *have = new.map(into_owned);
            }
        }
    }
}

fn into_owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
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
