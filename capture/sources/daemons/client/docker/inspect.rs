//! The inspection of a container.

use std::collections::BTreeMap;

use obit_derivation::WallNs;
use obit_derivation::ending::signal_number;
use obit_derivation::record::{Outcome, RuntimeAnswer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store::ImageStore;
use crate::sources::answer::{NAME_BYTES, PATH_BYTES, digest, object, time_of, within};
use crate::sources::daemons::kind::DaemonKind;
use crate::sources::daemons::labels::{LabelPolicy, describe_pod, pairs};
use crate::sources::daemons::report::DaemonAnswer;

/// The part of an inspection that is read, which is also the part that is kept. What is not named
/// here is skipped by the parser: environment, command and arguments, mounts, the error text of a
/// start that failed.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DockerInspection {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The image's config digest; of podman without its algorithm; of Docker on containerd's image
    /// store the manifest's.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    /// Podman's.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_name: Option<String>,
    /// Podman's.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_digest: Option<String>,
    /// Docker's, on containerd's image store only.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_manifest_descriptor: Option<ManifestDescriptor>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_count: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    driver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    /// Podman's: the pod's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pod: Option<String>,
    /// Podman's: whether it holds its pod together.
    #[serde(skip_serializing_if = "Option::is_none")]
    is_infra: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<InspectedState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<InspectedConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host_config: Option<HostConfig>,
    /// The pod, by labels that may not be kept.
    #[serde(skip)]
    all_labels: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ManifestDescriptor {
    digest: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InspectedState {
    status: Option<String>,
    running: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restarting: Option<bool>,
    #[serde(rename = "OOMKilled")]
    oom_killed: Option<bool>,
    pid: Option<i64>,
    exit_code: Option<i64>,
    started_at: Option<String>,
    finished_at: Option<String>,
    /// Podman's.
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_path: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct InspectedConfig {
    image: Option<String>,
    /// Docker writes a name, podman a number.
    #[serde(skip_serializing)]
    stop_signal: Value,
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfig {
    cgroup_parent: Option<String>,
    cgroupns_mode: Option<String>,
    runtime: Option<String>,
    privileged: Option<bool>,
    restart_policy: Option<RestartPolicy>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RestartPolicy {
    name: Option<String>,
}

impl DockerInspection {
    /// Reads an inspection; `None` if the body is none.
    pub fn read(body: &[u8], labels: &LabelPolicy) -> Option<Self> {
        let mut inspection: Self = object(body)?;
        inspection.id.as_ref()?;
        if let Some(config) = &mut inspection.config {
            inspection.all_labels = config.labels.take().unwrap_or_default();
            config.labels = Some(labels.keep(inspection.all_labels.clone()));
        }
        Some(inspection)
    }

    /// Returns the answer about the life that began at `begun_at` (or at any time). What the
    /// inspection says of an earlier life of the same container stays in the document only. `store`
    /// is the daemon's store of images, as far as known.
    pub fn to_answer(&self, kind: DaemonKind, store: ImageStore, begun_at: Option<WallNs>) -> DaemonAnswer {
        let mut answer = RuntimeAnswer::unanswered(kind.source(), Outcome::Ok);
        answer.runtime = kind.engine().map(|engine| engine.as_str().into());
        answer.container_id = within(self.id.as_deref(), NAME_BYTES);
        answer.container_name =
            within(self.name.as_deref().map(|name| name.strip_prefix('/').unwrap_or(name)), NAME_BYTES);
        answer.created_at = self.created.as_deref().and_then(time_of);
        answer.restart_count = self.restart_count.and_then(|count| u32::try_from(count).ok());
        answer.sandbox = self.is_infra;
        let config = self.config.as_ref();
        let named = config.and_then(|config| config.image.as_deref());
        answer.image_name = within(self.image_name.as_deref().or(named), NAME_BYTES);
        let store = match &self.image_manifest_descriptor {
            Some(_) => ImageStore::Containerd,
            None => self
                .driver
                .as_deref()
                .filter(|_| kind == DaemonKind::Docker)
                .and_then(ImageStore::of_driver)
                .unwrap_or(store),
        };
        let (id, manifest) = store.ids(self.image.as_deref().and_then(digest).map(Into::into));
        answer.image_id = id;
        answer.image_digest = manifest.or_else(|| self.image_digest.as_deref().and_then(digest).map(Into::into));
        answer.stop_signal = config.and_then(|config| match &config.stop_signal {
            Value::String(name) => signal_number(name),
            Value::Number(number) => signal_number(&number.to_string()),
            _ => None,
        });
        answer.labels = config.and_then(|config| config.labels.as_ref()).map(pairs).unwrap_or_default();
        describe_pod(&mut answer, &self.all_labels);
        if let Some(state) = &self.state {
            state.describe(&mut answer, begun_at);
        }
        DaemonAnswer::new(answer, self)
    }
}

impl InspectedState {
    fn describe(&self, answer: &mut RuntimeAnswer<'static>, begun_at: Option<WallNs>) {
        // Docker calls a container running that it has yet to start again, and gives no pid.
        let has_ended = self.restarting == Some(true)
            || matches!(self.status.as_deref(), Some("exited" | "dead" | "stopped" | "restarting"));
        let init_pid = self.pid.and_then(|pid| u32::try_from(pid).ok()).filter(|&pid| pid > 0);
        if has_ended {
            let finished_at = self.finished_at.as_deref().and_then(time_of);
            if finished_at.is_none() || begun_at.is_some_and(|begun_at| finished_at < Some(begun_at)) {
                return; // the life before
            }
            answer.running = Some(false);
            answer.finished_at = finished_at;
            answer.exit_code = self.exit_code.and_then(|code| i32::try_from(code).ok());
            answer.oom_killed = self.oom_killed;
        } else if self.running == Some(true) && init_pid.is_some() {
            answer.running = Some(true);
            answer.init_pid = init_pid;
        } else {
            return; // not begun
        }
        answer.started_at = self.started_at.as_deref().and_then(time_of);
        let path = self.cgroup_path.as_deref().filter(|path| path.starts_with('/'));
        answer.cgroup_path = within(path, PATH_BYTES);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "8dfafdbc3a40bd1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708192";

    /// The shape is moby's `ContainerInspect` example, with secrets where a real one has them.
    fn docker(state: &str) -> String {
        format!(
            r#"{{"Id":"{ID}","Created":"2024-05-06T07:08:09.123456789Z","Path":"/bin/sh","Args":["-c","hunter2"],
            "State":{state},"Image":"sha256:{ID}","Name":"/web-1","RestartCount":3,"Driver":"overlay2",
            "Mounts":[{{"Source":"/hunter2"}}],"HostConfig":{{"Binds":["/hunter2:/x"],"Runtime":"runc"}},
            "Config":{{"Image":"busybox:1","Env":["TOKEN=hunter2"],"Cmd":["hunter2"],"Entrypoint":null,
            "Labels":{{"com.docker.compose.service":"web","token":"hunter2"}}}},"Unknown":[1,2,3]}}"#
        )
    }

    fn to_answer(body: &str, begun_at: Option<WallNs>) -> DaemonAnswer {
        let inspection = DockerInspection::read(body.as_bytes(), &LabelPolicy::Listed).unwrap();
        inspection.to_answer(DaemonKind::Docker, ImageStore::Docker, begun_at)
    }

    #[test]
    fn the_signal_to_stop_with_is_a_name_of_dockers_and_a_number_of_podmans() {
        for (text, number) in
            [(r#""SIGRTMIN+3""#, Some(37)), ("28", Some(28)), (r#""hunter2""#, None), ("-1.5", None), ("null", None)]
        {
            let body = format!(r#"{{"Id":"{ID}","Config":{{"StopSignal":{text}}}}}"#);
            assert_eq!(to_answer(&body, None).facts.stop_signal, number, "{text}");
        }
    }

    const RUNNING: &str = r#"{"Status":"running","Running":true,"OOMKilled":false,"Pid":77,"ExitCode":0,
        "Error":"hunter2","StartedAt":"1970-01-01T00:00:02Z","FinishedAt":"0001-01-01T00:00:00Z"}"#;
    const EXITED: &str = r#"{"Status":"exited","Running":false,"OOMKilled":true,"Pid":0,"ExitCode":137,
        "StartedAt":"1970-01-01T00:00:02Z","FinishedAt":"1970-01-01T00:00:05Z"}"#;

    #[test]
    fn a_running_container_has_a_pid_and_no_end() {
        let DaemonAnswer { facts: answer, document } = to_answer(&docker(RUNNING), None);
        assert_eq!(answer.container_id.as_deref(), Some(ID));
        assert_eq!(answer.container_name.as_deref(), Some("web-1"), "without Docker's slash");
        assert_eq!(answer.image_name.as_deref(), Some("busybox:1"));
        assert_eq!(answer.image_id, Some(format!("sha256:{ID}").into()));
        assert_eq!((answer.init_pid, answer.restart_count), (Some(77), Some(3)));
        assert_eq!(answer.started_at, Some(WallNs(2_000_000_000)));
        assert_eq!((answer.exit_code, answer.oom_killed, answer.finished_at), (None, None, None));
        assert_eq!(answer.running, Some(true));
        assert_eq!(answer.labels, [("com.docker.compose.service".into(), "web".into())]);
        let document = document.unwrap();
        assert!(document.contains("web-1") && !document.contains("hunter2"), "no secret is kept: {document}");
    }

    #[test]
    fn an_end_counts_for_the_life_that_it_ended_only() {
        let ended = |begun_s: i64| to_answer(&docker(EXITED), Some(WallNs(begun_s * 1_000_000_000))).facts;
        let answer = ended(1);
        assert_eq!((answer.exit_code, answer.oom_killed, answer.running), (Some(137), Some(true), Some(false)));
        assert_eq!(answer.finished_at, Some(WallNs(5_000_000_000)));
        let restarted = ended(6);
        assert_eq!((restarted.exit_code, restarted.finished_at, restarted.started_at), (None, None, None));
        assert_eq!(restarted.container_name.as_deref(), Some("web-1"));
    }

    #[test]
    fn a_container_that_waits_for_its_next_start_does_not_run() {
        let restarting = r#"{"Status":"restarting","Running":true,"Restarting":true,"OOMKilled":false,"Pid":0,
            "ExitCode":3,"StartedAt":"1970-01-01T00:00:02Z","FinishedAt":"1970-01-01T00:00:05Z"}"#;
        let life = |begun_s: i64| to_answer(&docker(restarting), Some(WallNs(begun_s * 1_000_000_000))).facts;
        let ended = life(1);
        assert_eq!((ended.running, ended.exit_code, ended.init_pid), (Some(false), Some(3), None));
        assert_eq!((ended.started_at, ended.finished_at), (Some(WallNs(2_000_000_000)), Some(WallNs(5_000_000_000))));
        let next = life(6);
        assert_eq!((next.running, next.exit_code, next.started_at, next.init_pid), (None, None, None, None));
        // Between the two states docker has neither a pid nor an end.
        let starting = r#"{"Running":true,"Pid":0,"StartedAt":"1970-01-01T00:00:02Z"}"#;
        assert_eq!(to_answer(&docker(starting), None).facts.running, None);
    }

    #[test]
    fn an_id_of_an_image_in_containerds_store_is_its_manifests_digest() {
        let read = |rest: &str, store| {
            let body = format!(r#"{{"Id":"{ID}","Image":"sha256:{ID}"{rest}}}"#);
            let answer = DockerInspection::read(body.as_bytes(), &LabelPolicy::Listed).unwrap();
            let answer = answer.to_answer(DaemonKind::Docker, store, None).facts;
            (answer.image_id.is_some(), answer.image_digest.is_some())
        };
        assert_eq!(read("", ImageStore::Docker), (true, false));
        assert_eq!(read("", ImageStore::Containerd), (false, true));
        assert_eq!(read("", ImageStore::Unknown), (false, false));
        for (rest, expected) in [
            (r#","Driver":"overlay2""#, (true, false)),
            (r#","Driver":"overlayfs""#, (false, true)),
            (r#","Driver":"btrfs""#, (false, false)),
            (r#","Driver":"btrfs","ImageManifestDescriptor":{"digest":"x"}"#, (false, true)),
        ] {
            assert_eq!(read(rest, ImageStore::Unknown), expected, "{rest}");
        }
    }

    #[test]
    fn podmans_image_id_gets_its_algorithm() {
        let body = format!(
            r#"{{"Id":"{ID}","Name":"web","Image":"{ID}","ImageName":"localhost/busybox:latest","IsInfra":false,
            "ImageDigest":"sha256:{ID}","State":{{"Status":"running","Running":true,"Pid":5,
            "CgroupPath":"/libpod_parent/libpod-{ID}"}},"Config":{{"Image":"busybox","Labels":null}}}}"#
        );
        let inspection = DockerInspection::read(body.as_bytes(), &LabelPolicy::Listed).unwrap();
        let answer = inspection.to_answer(DaemonKind::Podman, ImageStore::Docker, None).facts;
        assert_eq!(answer.image_id, answer.image_digest);
        assert_eq!(answer.image_id, Some(format!("sha256:{ID}").into()));
        assert_eq!(answer.image_name.as_deref(), Some("localhost/busybox:latest"));
        assert_eq!(answer.sandbox, Some(false));
        assert_eq!(answer.cgroup_path, Some(format!("/libpod_parent/libpod-{ID}").into()));
    }

    #[test]
    fn what_is_no_inspection_is_refused() {
        for body in ["", "[]", "{}", "null", r#"{"Id":5}"#, r#"{"Id":"x""#, r#"{"Id":"x","State":"running"}"#] {
            assert!(DockerInspection::read(body.as_bytes(), &LabelPolicy::Listed).is_none(), "{body}");
        }
        let deep = format!(r#"{{"Id":"x","Extra":{}"#, "[".repeat(100_000));
        assert!(DockerInspection::read(deep.as_bytes(), &LabelPolicy::Listed).is_none(), "depth is bounded");
    }
}
