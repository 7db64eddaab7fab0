//! The answer of containerd about one container.

use std::collections::BTreeMap;

use obit_derivation::WallNs;
use obit_derivation::ending::signal_number;
use obit_derivation::identity::Engine;
use obit_derivation::record::{Outcome, RuntimeAnswer, Source};
use serde::{Deserialize, Serialize};

use super::api::{Container, Process, STATUS, STOPPED};
use crate::sources::answer::{NAME_BYTES, PATH_BYTES, digest, within};
use crate::sources::daemons::labels::{LabelPolicy, pairs};
use crate::sources::daemons::report::DaemonAnswer;

/// Labels in which clients of containerd keep a container's name.
const NAME_LABELS: &[&str] = &["nerdctl/name", "io.kubernetes.container.name"];

/// The part of the answer that a case keeps.
#[derive(Debug, Serialize)]
pub struct ContainerFacts {
    namespace: String,
    id: String,
    image: String,
    runtime: Option<String>,
    snapshotter: String,
    sandbox: String,
    created_at: Option<i64>,
    labels: BTreeMap<String, String>,
    cgroups_path: Option<String>,
    image_digest: Option<String>,
    task: Option<TaskFacts>,
    /// Values of labels that are read even if the labels themselves may not be kept.
    #[serde(skip)]
    known: LabelFacts,
}

#[derive(Debug, Serialize)]
struct TaskFacts {
    pid: u32,
    status: &'static str,
    exit_status: u32,
    exited_at: Option<i64>,
}

#[derive(Debug)]
struct LabelFacts {
    name: Option<String>,
    pod_name: Option<String>,
    pod_namespace: Option<String>,
    pod_uid: Option<String>,
    kind: Option<String>,
    stop_signal: Option<String>,
}

/// The part of an OCI configuration that is read. Environment and arguments are skipped by the
/// parser.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OciSpec {
    linux: Option<OciSpecLinux>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OciSpecLinux {
    #[serde(rename = "cgroupsPath")]
    cgroups_path: Option<String>,
}

impl ContainerFacts {
    /// Puts together what three services said.
    pub fn new(
        namespace: &str,
        container: Container,
        task: Option<Process>,
        image_digest: Option<String>,
        labels: &LabelPolicy,
    ) -> Self {
        let label = |names: &[&str]| names.iter().find_map(|&name| container.labels.get(name)).cloned();
        let known = LabelFacts {
            name: label(NAME_LABELS),
            pod_name: label(&["io.kubernetes.pod.name"]),
            pod_namespace: label(&["io.kubernetes.pod.namespace"]),
            pod_uid: label(&["io.kubernetes.pod.uid"]),
            kind: label(&["io.cri-containerd.kind"]),
            stop_signal: label(&["io.containerd.image.config.stop-signal"]),
        };
        let spec: Option<OciSpec> = container.spec.and_then(|spec| serde_json::from_slice(&spec.value).ok());
        let status = |task: &Process| usize::try_from(task.status).ok().and_then(|number| STATUS.get(number).copied());
        Self {
            namespace: namespace.to_owned(),
            id: container.id,
            image: container.image,
            runtime: container.runtime.map(|runtime| runtime.name),
            snapshotter: container.snapshotter,
            sandbox: container.sandbox,
            created_at: container.created_at.as_ref().and_then(nanoseconds),
            labels: labels.keep(container.labels),
            cgroups_path: spec.and_then(|spec| spec.linux).and_then(|linux| linux.cgroups_path),
            image_digest,
            task: task.map(|task| TaskFacts {
                pid: task.pid,
                status: status(&task).unwrap_or("unknown"),
                exit_status: task.exit_status,
                exited_at: task.exited_at.as_ref().and_then(nanoseconds),
            }),
            known,
        }
    }

    /// Returns true if the container has a task.
    pub fn has_task(&self) -> bool {
        self.task.is_some()
    }

    /// Returns the answer about the life that began at `begun_at` (or at any time).
    pub fn to_answer(&self, begun_at: Option<WallNs>) -> DaemonAnswer {
        let mut answer = RuntimeAnswer::unanswered(Source::Containerd, Outcome::Ok);
        describe_namespace(&mut answer, &self.namespace);
        answer.container_id = within(Some(&self.id), NAME_BYTES);
        answer.container_name = within(self.known.name.as_deref(), NAME_BYTES);
        // CRI may know an image by its id only.
        answer.image_name = within(Some(&*self.image).filter(|image| digest(image).is_none()), NAME_BYTES);
        answer.stop_signal = self.known.stop_signal.as_deref().and_then(signal_number);
        answer.image_digest = self.image_digest.as_deref().and_then(digest).map(Into::into);
        answer.pod_name = within(self.known.pod_name.as_deref(), NAME_BYTES);
        answer.pod_namespace = within(self.known.pod_namespace.as_deref(), NAME_BYTES);
        answer.pod_uid = within(self.known.pod_uid.as_deref(), NAME_BYTES);
        answer.sandbox = match self.known.kind.as_deref() {
            Some("sandbox") => Some(true),
            Some("container") => Some(false),
            _ => None,
        };
        answer.created_at = self.created_at.map(WallNs);
        answer.labels = pairs(&self.labels);
        answer.cgroup_path = within(self.cgroups_path.as_deref(), PATH_BYTES);
        match &self.task {
            Some(task) if task.status == STATUS[STOPPED as usize] => {
                let finished_at = task.exited_at.map(WallNs);
                // A task of an earlier life says nothing about this one.
                if finished_at.is_some() && (begun_at.is_none() || finished_at >= begun_at) {
                    answer.running = Some(false);
                    answer.finished_at = finished_at;
                    answer.exit_code = i32::try_from(task.exit_status).ok();
                }
            }
            Some(task) => {
                answer.init_pid = (task.pid > 0).then_some(task.pid);
                answer.running = matches!(task.status, "running" | "paused" | "pausing").then_some(true);
            }
            None => {}
        }
        DaemonAnswer::new(answer, self)
    }
}

/// Fills in the engine, and the namespace if containerd is the engine itself; otherwise the
/// document has it.
pub fn describe_namespace(answer: &mut RuntimeAnswer<'static>, namespace: &str) {
    let engine = engine(namespace);
    answer.runtime = Some(engine.as_str().into());
    if engine == Engine::Containerd {
        answer.namespace = within(Some(namespace), NAME_BYTES);
    }
}

/// Returns the engine that uses a namespace of containerd.
fn engine(namespace: &str) -> Engine {
    match namespace {
        "moby" | "plugins.moby" => Engine::Docker,
        "buildkit" => Engine::Buildkit,
        "garden" => Engine::Garden,
        _ => Engine::Containerd,
    }
}

/// Nanoseconds since 1970; `None` of Go's zero time, which is in year 1.
pub fn nanoseconds(time: &prost_types::Timestamp) -> Option<i64> {
    let whole = time.seconds.checked_mul(1_000_000_000)?.checked_add(i64::from(time.nanos))?;
    (whole > 0).then_some(whole)
}

#[cfg(test)]
mod tests {
    use prost_types::{Any, Timestamp};

    use super::*;

    fn container() -> Container {
        let spec = r#"{"process":{"args":["hunter2"],"env":["TOKEN=hunter2"]},"linux":{"cgroupsPath":"/shop/web.1"}}"#;
        let labels = [
            ("nerdctl/name", "web"),
            ("token", "hunter2"),
            ("io.cri-containerd.kind", "sandbox"),
            ("io.containerd.image.config.stop-signal", "SIGWINCH"),
        ];
        Container {
            id: "web.1".into(),
            labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            image: "docker.io/library/busybox:1".into(),
            spec: Some(Any { type_url: String::new(), value: spec.into() }),
            created_at: Some(Timestamp { seconds: 5, nanos: 7 }),
            ..Container::default()
        }
    }

    fn process(status: i32, exited_s: i64) -> Process {
        let exited_at = Some(Timestamp { seconds: exited_s, nanos: 0 });
        Process { pid: 77, status, exit_status: 137, exited_at, ..Process::default() }
    }

    fn to_answer(task: Option<Process>, begun_s: i64) -> DaemonAnswer {
        let digest = Some(format!("sha256:{}", "ab".repeat(32)));
        ContainerFacts::new("shop", container(), task, digest, &LabelPolicy::None)
            .to_answer(Some(WallNs(begun_s * 1_000_000_000)))
    }

    #[test]
    fn a_running_container_has_its_namespace_and_pid_and_no_secret() {
        let DaemonAnswer { facts: answer, document } = to_answer(Some(process(2, -62_135_596_800)), 1);
        assert_eq!(answer.container_id.as_deref(), Some("web.1"));
        assert_eq!(answer.namespace.as_deref(), Some("shop"));
        assert_eq!(answer.runtime.as_deref(), Some("containerd"));
        assert_eq!(answer.container_name.as_deref(), Some("web"), "the name is no label that may be left out");
        assert_eq!(answer.image_name.as_deref(), Some("docker.io/library/busybox:1"));
        assert_eq!(answer.image_digest, Some(format!("sha256:{}", "ab".repeat(32)).into()));
        assert_eq!((answer.cgroup_path.as_deref(), answer.stop_signal), (Some("/shop/web.1"), Some(28)));
        assert_eq!(answer.created_at, Some(WallNs(5_000_000_007)));
        assert_eq!((answer.init_pid, answer.exit_code, answer.finished_at), (Some(77), None, None));
        assert_eq!(answer.running, Some(true));
        assert_eq!((answer.sandbox, answer.labels), (Some(true), Vec::new()));
        assert!(!document.unwrap().contains("hunter2"));
    }

    #[test]
    fn a_task_that_ended_before_this_life_says_nothing_of_it() {
        let ended = to_answer(Some(process(STOPPED, 9)), 8).facts;
        assert_eq!((ended.init_pid, ended.exit_code, ended.running), (None, Some(137), Some(false)));
        assert_eq!(ended.finished_at, Some(WallNs(9_000_000_000)));
        let before = to_answer(Some(process(STOPPED, 7)), 8).facts;
        assert_eq!((before.exit_code, before.finished_at, before.running), (None, None, None));
        assert_eq!(to_answer(None, 8).facts.init_pid, None);
    }
}
