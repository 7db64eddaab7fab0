//! The answer of CRI about one container or sandbox.

use std::collections::BTreeMap;

use obit_derivation::WallNs;
use obit_derivation::identity::Engine;
use obit_derivation::record::{Outcome, RuntimeAnswer, Source};
use serde::{Deserialize, Serialize};

use super::api::{
    CONTAINER_STATES, ContainerStatus, EXITED, PodSandboxMetadata, PodSandboxStatus, RUNNING, stop_signal,
};
use crate::sources::answer::{NAME_BYTES, digest, within};
use crate::sources::daemons::kind::CRI_NAMESPACE;
use crate::sources::daemons::labels::{LabelPolicy, pairs};
use crate::sources::daemons::report::DaemonAnswer;

/// The verbose information that containerd and CRI-O have in common. The parser skips its
/// configuration, which holds the environment.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct VerboseInfo {
    pid: Option<i64>,
    /// The container's sandbox.
    #[serde(rename = "sandboxID")]
    pub sandbox_id: Option<String>,
}

impl VerboseInfo {
    /// Reads the information; what cannot be read is absent.
    pub fn read(info: &BTreeMap<String, String>) -> Self {
        info.get("info").and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}

/// A pod, as its sandbox names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pod {
    name: String,
    namespace: String,
    uid: String,
}

impl Pod {
    /// Takes the names from a sandbox's metadata.
    pub fn of(metadata: PodSandboxMetadata) -> Self {
        Self { name: metadata.name, namespace: metadata.namespace, uid: metadata.uid }
    }
}

/// The part of an answer that a case keeps.
#[derive(Debug, Serialize)]
pub struct StatusFacts {
    id: String,
    sandbox: bool,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<Pod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox_id: Option<String>,
    image: String,
    image_ref: String,
    image_id: String,
    created_at: i64,
    started_at: i64,
    finished_at: i64,
    exit_code: i32,
    reason: String,
    pid: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_signal: Option<u32>,
    labels: BTreeMap<String, String>,
}

impl StatusFacts {
    /// Takes what is kept of a container. If its sandbox is unknown, its labels may name the pod:
    /// the kubelet sets them.
    pub fn of_container(container: ContainerStatus, info: VerboseInfo, pod: Option<Pod>, labels: &LabelPolicy) -> Self {
        let label = |name: &str| container.labels.get(name).cloned();
        let pod = pod.or_else(|| {
            Some(Pod {
                name: label("io.kubernetes.pod.name")?,
                namespace: label("io.kubernetes.pod.namespace")?,
                uid: label("io.kubernetes.pod.uid")?,
            })
        });
        let state = usize::try_from(container.state).ok().and_then(|number| CONTAINER_STATES.get(number).copied());
        let image = container.image.unwrap_or_default();
        let (name, attempt) = container.metadata.map(|metadata| (metadata.name, metadata.attempt)).unzip();
        Self {
            id: container.id,
            sandbox: false,
            state: state.unwrap_or("unknown"),
            name,
            attempt,
            pod,
            sandbox_id: info.sandbox_id,
            image: if image.user_specified_image.is_empty() { image.image } else { image.user_specified_image },
            image_ref: container.image_ref,
            image_id: container.image_id,
            created_at: container.created_at,
            started_at: container.started_at,
            finished_at: container.finished_at,
            exit_code: container.exit_code,
            // A word of CamelCase; a message in its place could hold anything.
            reason: Some(container.reason).filter(|reason| reason.len() <= 64).unwrap_or_default(),
            pid: info.pid,
            stop_signal: stop_signal(container.stop_signal),
            labels: labels.keep(container.labels),
        }
    }

    /// Takes what is kept of a sandbox.
    pub fn of_sandbox(sandbox: PodSandboxStatus, info: VerboseInfo, labels: &LabelPolicy) -> Self {
        Self {
            id: sandbox.id,
            sandbox: true,
            state: if sandbox.state == 0 { "ready" } else { "not ready" },
            name: None,
            attempt: None,
            pod: sandbox.metadata.map(Pod::of),
            sandbox_id: None,
            image: String::new(),
            image_ref: String::new(),
            image_id: String::new(),
            created_at: sandbox.created_at,
            started_at: 0,
            finished_at: 0,
            exit_code: 0,
            reason: String::new(),
            pid: info.pid,
            stop_signal: None,
            labels: labels.keep(sandbox.labels),
        }
    }

    /// Returns the id of the container or sandbox.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the pod of the container or sandbox.
    pub fn pod(&self) -> Option<Pod> {
        self.pod.clone()
    }

    /// Returns the answer about the life that began at `begun_at` (or at any time).
    pub fn to_answer(&self, engine: Option<Engine>, begun_at: Option<WallNs>) -> DaemonAnswer {
        let mut answer = RuntimeAnswer::unanswered(Source::Cri, Outcome::Ok);
        answer.runtime = engine.map(|engine| engine.as_str().into());
        if engine == Some(Engine::Containerd) {
            answer.namespace = Some(CRI_NAMESPACE.into());
        }
        answer.container_id = within(Some(&self.id), NAME_BYTES);
        answer.container_name = within(self.name.as_deref(), NAME_BYTES);
        answer.image_name =
            within(Some(&self.image).filter(|image| digest(image).is_none()).map(String::as_str), NAME_BYTES);
        (answer.image_id, answer.image_digest) = self.image_ids();
        if let Some(pod) = &self.pod {
            answer.pod_name = within(Some(&pod.name), NAME_BYTES);
            answer.pod_namespace = within(Some(&pod.namespace), NAME_BYTES);
            answer.pod_uid = within(Some(&pod.uid), NAME_BYTES);
        }
        answer.sandbox = Some(self.sandbox);
        answer.created_at = time(self.created_at);
        answer.labels = pairs(&self.labels);
        answer.restart_count = self.attempt;
        answer.stop_signal = self.stop_signal;
        let has_ended = self.state == CONTAINER_STATES[EXITED as usize];
        let is_running = self.state == CONTAINER_STATES[RUNNING as usize] || self.sandbox && self.state == "ready";
        if has_ended
            && time(self.finished_at).is_some_and(|finished_at| begun_at.is_none_or(|begun| finished_at >= begun))
        {
            answer.running = Some(false);
            answer.started_at = time(self.started_at);
            answer.finished_at = time(self.finished_at);
            answer.exit_code = Some(self.exit_code);
            // The word that the interface prescribes for it.
            answer.oom_killed = Some(self.reason == "OOMKilled");
        } else if is_running {
            answer.running = Some(true);
            answer.started_at = time(self.started_at);
            answer.init_pid = self.pid.and_then(|pid| u32::try_from(pid).ok()).filter(|&pid| pid > 0);
        }
        DaemonAnswer::new(answer, self)
    }

    /// `image_id` is the image's id on the node: its config digest. `image_ref` is a reference by
    /// digest or, of an image that has none, that id as well.
    #[allow(clippy::type_complexity)] // two fields of an answer
    fn image_ids(&self) -> (Option<std::borrow::Cow<'static, str>>, Option<std::borrow::Cow<'static, str>>) {
        let by_reference = |reference: &str| reference.rsplit_once('@').and_then(|(_, text)| digest(text));
        let id = digest(&self.image_id).or_else(|| digest(&self.image_ref)).or_else(|| digest(&self.image));
        let manifest = by_reference(&self.image_ref).or_else(|| by_reference(&self.image));
        (id.map(Into::into), manifest.map(Into::into))
    }
}

/// A time of the interface: nanoseconds since 1970, 0 for none.
fn time(ns: i64) -> Option<WallNs> {
    (ns > 0).then_some(WallNs(ns))
}

#[cfg(test)]
mod tests {
    use super::super::api::{ContainerMetadata, ImageSpec};
    use super::*;

    fn container() -> ContainerStatus {
        let labels = [
            ("io.kubernetes.pod.name", "web-1"),
            ("io.kubernetes.pod.namespace", "shop"),
            ("io.kubernetes.pod.uid", "0f2a8c6e"),
            ("token", "hunter2"),
        ];
        ContainerStatus {
            id: "ab".repeat(32),
            metadata: Some(ContainerMetadata { name: "nginx".into(), attempt: 2 }),
            state: RUNNING,
            created_at: 5,
            started_at: 6,
            image: Some(ImageSpec { image: "nginx:1".into(), user_specified_image: String::new() }),
            image_ref: format!("docker.io/library/nginx@sha256:{}", "cd".repeat(32)),
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            image_id: format!("sha256:{}", "ef".repeat(32)),
            ..ContainerStatus::default()
        }
    }

    fn info() -> VerboseInfo {
        let info = r#"{"sandboxID":"sandbox","pid":77,"config":{"envs":[{"key":"TOKEN","value":"hunter2"}]}}"#;
        VerboseInfo::read(&[("info".to_owned(), info.to_owned())].into())
    }

    #[test]
    fn a_container_has_its_pod_image_and_pid_and_no_secret() {
        let status = StatusFacts::of_container(container(), info(), None, &LabelPolicy::Listed);
        let DaemonAnswer { facts: answer, document } = status.to_answer(Some(Engine::Containerd), None);
        assert_eq!(answer.container_name.as_deref(), Some("nginx"));
        assert_eq!(answer.pod_name.as_deref(), Some("web-1"));
        assert_eq!((answer.pod_namespace.as_deref(), answer.pod_uid.as_deref()), (Some("shop"), Some("0f2a8c6e")));
        assert_eq!(answer.image_name.as_deref(), Some("nginx:1"));
        assert_eq!(answer.image_id, Some(format!("sha256:{}", "ef".repeat(32)).into()));
        assert_eq!(answer.image_digest, Some(format!("sha256:{}", "cd".repeat(32)).into()));
        assert_eq!((answer.init_pid, answer.restart_count, answer.sandbox), (Some(77), Some(2), Some(false)));
        assert_eq!((answer.exit_code, answer.oom_killed), (None, None));
        assert_eq!(answer.namespace.as_deref(), Some("k8s.io"));
        assert!(!document.unwrap().contains("hunter2"));
    }

    #[test]
    fn a_container_says_which_signal_stops_it() {
        for (number, signal) in [(0, None), (32, Some(28))] {
            let container = ContainerStatus { stop_signal: number, ..container() };
            let status = StatusFacts::of_container(container, info(), None, &LabelPolicy::Listed);
            assert_eq!(status.to_answer(None, None).facts.stop_signal, signal);
        }
    }

    /// As CRI-O answers about the cgroup that it makes for a pod without a pause container.
    #[test]
    fn a_sandbox_without_a_process_is_a_sandbox() {
        let metadata = PodSandboxMetadata { name: "web-1".into(), uid: "uid".into(), namespace: "shop".into() };
        let sandbox = PodSandboxStatus { id: "ab".repeat(32), metadata: Some(metadata), ..PodSandboxStatus::default() };
        let status = StatusFacts::of_sandbox(sandbox, VerboseInfo::default(), &LabelPolicy::Listed);
        let answer = status.to_answer(Some(Engine::Crio), None).facts;
        assert_eq!((answer.sandbox, answer.init_pid), (Some(true), None));
        assert_eq!((answer.pod_name.as_deref(), answer.container_name), (Some("web-1"), None));
    }

    #[test]
    fn the_sandbox_names_the_pod_before_the_labels_do() {
        let metadata = PodSandboxMetadata { name: "real".into(), uid: "uid".into(), namespace: "ns".into() };
        let status = StatusFacts::of_container(container(), info(), Some(Pod::of(metadata)), &LabelPolicy::None);
        assert_eq!(status.to_answer(None, None).facts.pod_name.as_deref(), Some("real"));
    }

    #[test]
    fn an_exit_has_a_code_and_the_word_for_the_oom_killer() {
        let ended = ContainerStatus {
            state: EXITED,
            finished_at: 9,
            exit_code: 137,
            reason: "OOMKilled".into(),
            ..container()
        };
        let status = StatusFacts::of_container(ended, info(), None, &LabelPolicy::Listed);
        let answer = status.to_answer(None, Some(WallNs(8))).facts;
        assert_eq!((answer.exit_code, answer.oom_killed, answer.finished_at), (Some(137), Some(true), Some(WallNs(9))));
        assert_eq!(answer.init_pid, None);
        assert_eq!(status.to_answer(None, Some(WallNs(10))).facts.exit_code, None, "of a life before");
    }

    #[test]
    fn an_image_without_digest_is_known_by_its_id_only() {
        let id = format!("sha256:{}", "ef".repeat(32));
        let local = ContainerStatus { image_ref: id.clone(), image_id: String::new(), ..container() };
        let answer = StatusFacts::of_container(local, info(), None, &LabelPolicy::Listed).to_answer(None, None).facts;
        assert_eq!((answer.image_id, answer.image_digest), (Some(id.into()), None));
    }
}
