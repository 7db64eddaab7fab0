//! The files that engines themselves keep of a container: docker's `config.v2.json`, and
//! containers/storage's `containers.json` of podman. Both exist without a daemon to ask.
//!
//! Sources: moby `container/container.go` (`Container`, saved by `toDisk`); containers/storage
//! `containers.go` (`Container`, `containers.json` and `volatile-containers.json`); libpod
//! `storage.go` (`RuntimeContainerMetadata`, which is the entry's `metadata`).

use std::path::Path;
use std::time::Instant;

use obit_derivation::ending::signal_number;
use obit_derivation::identity::Engine;
use obit_derivation::record::{Outcome, RuntimeAnswer, Source};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::file;
use crate::sources::answer::{NAME_BYTES, RuntimeRecord, digest, document, object, time_of, within};
use crate::sources::daemons::ImageStore;

/// Largest `config.v2.json` that is read. Real ones have 2 to 20 KiB.
const CONFIG_BYTES: usize = 1 << 20;
/// Largest `containers.json` that is read: one entry has about 1 KiB, and a host some thousands of
/// containers.
const STORE_BYTES: usize = 16 << 20;
/// The directory in which docker keeps its containers, unless `--data-root` says otherwise.
const DOCKER: &str = "/var/lib/docker/containers";
/// The storage drivers of podman; as root it keeps its containers in a directory for each.
const PODMAN: [&str; 4] = ["overlay", "vfs", "btrfs", "zfs"];

/// The part of docker's file that is kept, and written as the answer's document.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DockerContainer {
    #[serde(rename = "ID")]
    id: String,
    name: Option<String>,
    /// The image's id in the daemon's store.
    image: Option<String>,
    /// Set on containerd's image store only.
    #[serde(skip_serializing_if = "Option::is_none")]
    image_manifest: Option<ImageManifest>,
    driver: Option<String>,
    created: Option<String>,
    restart_count: Option<u32>,
    config: Option<DockerConfig>,
    state: Option<DockerState>,
}

#[derive(Debug, Deserialize, Serialize)]
struct ImageManifest {
    digest: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DockerConfig {
    /// The image as the user wrote it.
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_signal: Option<String>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct DockerState {
    running: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restarting: Option<bool>,
    pid: Option<u32>,
    exit_code: Option<i32>,
    #[serde(rename = "OOMKilled")]
    oom_killed: Option<bool>,
    started_at: Option<String>,
    finished_at: Option<String>,
}

/// The part of an entry of podman's store that is kept.
#[derive(Debug, Deserialize, Serialize)]
struct PodmanContainer {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    image: Option<String>,
    created: Option<String>,
    /// JSON in a string.
    metadata: Option<String>,
}

#[derive(Debug, Deserialize)]
struct PodmanMetadata {
    #[serde(rename = "image-name")]
    image_name: Option<String>,
}

/// The stage of a container's life in which its engine's file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeStage {
    /// The life has begun. Until docker has written the file again, it tells of the life before.
    Begun,
    /// The life has ended some moments ago.
    Over,
}

/// Reads the engine's file about a container; `None` for an engine whose files are not read.
pub fn read(host_root: &Path, engine: Engine, container_id: &str, life: LifeStage) -> Option<RuntimeRecord> {
    // An id is a component of the path below; these engines draw 64 hexadecimal digits and nothing
    // else.
    let is_id = container_id.len() == 64 && container_id.bytes().all(|digit| digit.is_ascii_hexdigit());
    match engine {
        Engine::Docker if is_id => Some(docker(host_root, container_id, life)),
        Engine::Podman if is_id => Some(podman(host_root, container_id)),
        _ => None,
    }
}

fn docker(host_root: &Path, container_id: &str, life: LifeStage) -> RuntimeRecord {
    let begun = Instant::now();
    let directory = format!("{DOCKER}/{container_id}");
    let request = format!("{directory}/config.v2.json");
    let mut answer = empty(Source::Docker, container_id);
    let content = match file::read(host_root, &directory, "config.v2.json", CONFIG_BYTES) {
        Ok(content) => content,
        Err(errno) => return RuntimeRecord::new(with(answer, errno), request, begun.elapsed(), None),
    };
    let Some(kept) = object::<DockerContainer>(&content.bytes).filter(|kept| kept.id == container_id) else {
        return RuntimeRecord::new(answer, request, begun.elapsed(), None);
    };
    answer.outcome = Outcome::Ok;
    answer.as_of = Some(content.changed_at);
    answer.runtime = Some(Engine::Docker.as_str().into());
    answer.container_name = within(kept.name.as_deref().map(|name| name.trim_start_matches('/')), NAME_BYTES);
    let store = match (&kept.image_manifest, kept.driver.as_deref().and_then(ImageStore::of_driver)) {
        (Some(_), _) => ImageStore::Containerd,
        (None, Some(store)) => store,
        // Drivers of one name are in both stores, and docker before 23 writes no manifest in
        // either; it has no other store but its own.
        (None, None) => ImageStore::Docker,
    };
    (answer.image_id, answer.image_digest) = store.ids(within(kept.image.as_deref(), NAME_BYTES));
    answer.image_name = within(kept.config.as_ref().and_then(|config| config.image.as_deref()), NAME_BYTES);
    answer.created_at = kept.created.as_deref().and_then(time_of);
    answer.restart_count = kept.restart_count;
    let stop_signal = kept.config.as_ref().and_then(|config| config.stop_signal.as_deref());
    answer.stop_signal = stop_signal.and_then(signal_number);
    // Pid and start may be those of the life before: only the document keeps them.
    if life == LifeStage::Over
        && let Some(state) = &kept.state
    {
        // Docker calls a container running that it has yet to start again.
        answer.running = state.running.map(|running| running && state.restarting != Some(true));
        answer.started_at = state.started_at.as_deref().and_then(time_of);
        if answer.running == Some(false) {
            answer.finished_at = state.finished_at.as_deref().and_then(time_of);
            answer.exit_code = state.exit_code;
            answer.oom_killed = state.oom_killed;
        }
    }
    RuntimeRecord::new(answer, request, begun.elapsed(), document(&kept))
}

fn podman(host_root: &Path, container_id: &str) -> RuntimeRecord {
    let begun = Instant::now();
    let mut answer = empty(Source::Podman, container_id);
    let mut request = String::new();
    for driver in PODMAN {
        let directory = format!("/var/lib/containers/storage/{driver}-containers");
        for name in ["containers.json", "volatile-containers.json"] {
            let content = match file::read(host_root, &directory, name, STORE_BYTES) {
                Ok(content) => content,
                Err(Errno::NOENT) => continue,
                Err(errno) => {
                    request = format!("{directory}/{name}");
                    return RuntimeRecord::new(with(answer, errno), request, begun.elapsed(), None);
                }
            };
            request = format!("{directory}/{name}");
            let Ok(all) = serde_json::from_slice::<Vec<PodmanContainer>>(&content.bytes) else {
                return RuntimeRecord::new(answer, request, begun.elapsed(), None);
            };
            if let Some(mut kept) = all.into_iter().find(|kept| kept.id == container_id) {
                let mut answer = describe(answer, &kept);
                answer.as_of = Some(content.changed_at);
                // The metadata may hold more than is known here; what is taken from it is in the
                // answer.
                kept.metadata = None;
                return RuntimeRecord::new(answer, request, begun.elapsed(), document(&kept));
            }
        }
    }
    answer.outcome = Outcome::NotFound;
    if request.is_empty() {
        request = "/var/lib/containers/storage/*-containers/containers.json".to_owned();
    }
    RuntimeRecord::new(answer, request, begun.elapsed(), None)
}

fn describe(mut answer: RuntimeAnswer<'static>, kept: &PodmanContainer) -> RuntimeAnswer<'static> {
    answer.outcome = Outcome::Ok;
    answer.runtime = Some(Engine::Podman.as_str().into());
    answer.container_name = within(kept.names.first().map(String::as_str), NAME_BYTES);
    answer.image_id = kept.image.as_deref().and_then(digest).map(Into::into);
    answer.created_at = kept.created.as_deref().and_then(time_of);
    let metadata = kept.metadata.as_deref().and_then(|text| object::<PodmanMetadata>(text.as_bytes()));
    answer.image_name = within(metadata.and_then(|metadata| metadata.image_name).as_deref(), NAME_BYTES);
    answer
}

fn empty(source: Source, container_id: &str) -> RuntimeAnswer<'static> {
    let mut answer = RuntimeAnswer::unanswered(source, Outcome::Invalid);
    answer.container_id = Some(container_id.to_owned().into());
    answer
}

fn with(mut answer: RuntimeAnswer<'static>, errno: Errno) -> RuntimeAnswer<'static> {
    answer.outcome = file::outcome_of(errno);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const ID: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

    #[test]
    fn dockers_file_names_the_container_and_keeps_no_environment() {
        let root = tempfile::tempdir().expect("a directory");
        let directory = root.path().join(format!("var/lib/docker/containers/{ID}"));
        fs::create_dir_all(&directory).expect("directories");
        // The shape of a file that docker 20.10 wrote, shortened.
        let text = format!(
            r#"{{"State":{{"Running":true,"Pid":7,"StartedAt":"2026-11-24T08:00:01.5Z"}},"ID":"{ID}",
            "Created":"2026-11-24T08:00:00.25Z","Config":{{"Image":"busybox:latest","Env":["TOKEN=hunter2"],"Cmd":["x"]}},
            "Image":"sha256:55","Name":"/web-1","RestartCount":2}}"#
        );
        fs::write(directory.join("config.v2.json"), text).expect("a file");
        let RuntimeRecord { answer, details } =
            read(root.path(), Engine::Docker, ID, LifeStage::Begun).expect("docker keeps files");
        assert_eq!(answer.outcome, Outcome::Ok);
        assert_eq!(answer.container_name.as_deref(), Some("web-1"));
        assert_eq!(answer.image_name.as_deref(), Some("busybox:latest"));
        assert_eq!((answer.restart_count, answer.init_pid), (Some(2), None));
        assert!(answer.as_of > Some(obit_derivation::WallNs(0)), "{:?}", answer.as_of);
        assert!(!details.document.expect("a document").contains("hunter2"));
    }

    #[test]
    fn how_it_ended_is_taken_from_dockers_file_only_once_it_has() {
        let root = tempfile::tempdir().expect("a directory");
        let directory = root.path().join(format!("var/lib/docker/containers/{ID}"));
        fs::create_dir_all(&directory).expect("directories");
        let write = |state: &str| {
            fs::write(directory.join("config.v2.json"), format!(r#"{{"State":{state},"ID":"{ID}"}}"#)).expect("a file");
        };
        let read = |life| read(root.path(), Engine::Docker, ID, life).expect("docker keeps files").answer;
        write(
            r#"{"Running":false,"Pid":0,"ExitCode":137,"OOMKilled":true,"StartedAt":"1970-01-01T00:00:01Z",
            "FinishedAt":"1970-01-01T00:00:02Z"}"#,
        );
        let begun = read(LifeStage::Begun);
        assert_eq!((begun.running, begun.exit_code, begun.finished_at, begun.oom_killed), (None, None, None, None));
        let over = read(LifeStage::Over);
        assert_eq!((over.running, over.exit_code, over.oom_killed), (Some(false), Some(137), Some(true)));
        assert_eq!(over.finished_at, Some(obit_derivation::WallNs(2_000_000_000)));
        // The file of a daemon that was killed. The code and the time are of the life before.
        write(r#"{"Running":true,"ExitCode":0,"OOMKilled":false,"FinishedAt":"1970-01-01T00:00:02Z"}"#);
        let over = read(LifeStage::Over);
        assert_eq!((over.running, over.exit_code, over.finished_at), (Some(true), None, None));
    }

    #[test]
    fn dockers_file_tells_the_store_of_the_image_and_a_restart_that_is_to_come() {
        let root = tempfile::tempdir().expect("a directory");
        let directory = root.path().join(format!("var/lib/docker/containers/{ID}"));
        fs::create_dir_all(&directory).expect("directories");
        let read = |rest: &str| {
            let text = format!(r#"{{"ID":"{ID}","Image":"sha256:55",{rest}}}"#);
            fs::write(directory.join("config.v2.json"), text).expect("a file");
            read(root.path(), Engine::Docker, ID, LifeStage::Over).expect("docker keeps files").answer
        };
        for (rest, is_config) in [
            (r#""Driver":"overlay2""#, true),
            (r#""Driver":"overlay2","ImageManifest":null"#, true),
            (r#""Driver":"overlayfs""#, false),
            (r#""Driver":"btrfs","ImageManifest":{"digest":"sha256:55"}"#, false),
        ] {
            let answer = read(rest);
            assert_eq!((answer.image_id.is_some(), answer.image_digest.is_some()), (is_config, !is_config), "{rest}");
        }
        let answer = read(
            r#""Config":{"StopSignal":"SIGUSR2"},"State":{"Running":true,"Restarting":true,"Pid":0,"ExitCode":3,
            "StartedAt":"1970-01-01T00:00:01Z","FinishedAt":"1970-01-01T00:00:02Z"}"#,
        );
        assert_eq!((answer.running, answer.exit_code, answer.stop_signal), (Some(false), Some(3), Some(12)));
    }

    #[test]
    fn podmans_store_names_the_container() {
        let root = tempfile::tempdir().expect("a directory");
        let directory = root.path().join("var/lib/containers/storage/overlay-containers");
        fs::create_dir_all(&directory).expect("directories");
        let text = format!(
            r#"[{{"id":"00"}},{{"id":"{ID}","names":["job"],"image":"{ID}","created":"2026-11-24T08:00:00Z",
            "metadata":"{{\"image-name\":\"localhost/busybox:latest\",\"name\":\"job\"}}"}}]"#
        );
        fs::write(directory.join("containers.json"), text).expect("a file");
        let RuntimeRecord { answer, .. } =
            read(root.path(), Engine::Podman, ID, LifeStage::Begun).expect("podman keeps files");
        assert_eq!(answer.outcome, Outcome::Ok);
        assert_eq!(answer.container_name.as_deref(), Some("job"));
        assert_eq!(answer.image_name.as_deref(), Some("localhost/busybox:latest"));
        assert_eq!(answer.image_id, Some(format!("sha256:{ID}").into()), "as the daemon writes it");
        let other = ID.replace('c', "d");
        let RuntimeRecord { answer, .. } =
            read(root.path(), Engine::Podman, &other, LifeStage::Begun).expect("podman keeps files");
        assert_eq!(answer.outcome, Outcome::NotFound);
    }

    #[test]
    fn what_is_no_id_is_no_path() {
        let root = tempfile::tempdir().expect("a directory");
        assert!(read(root.path(), Engine::Docker, "../../../etc", LifeStage::Begun).is_none());
        assert!(read(root.path(), Engine::Runc, ID, LifeStage::Begun).is_none());
    }
}
