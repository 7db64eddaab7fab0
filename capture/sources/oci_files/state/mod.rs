//! The state that an OCI runtime keeps of a container: `state.json` of runc
//! (libcontainer/container.go, `BaseState` and `State`) and of youki, `status` of crun
//! (libcrun/status.c).
//!
//! The best source of a container's directories: the runtime wrote down what it made.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use obit_derivation::record::{Outcome, RuntimeAnswer, Source};
use obit_schema::text::{escape, unescape};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::host::hierarchies::Hierarchies;
use crate::sources::answer::{NAME_BYTES, PATH_BYTES, RuntimeRecord, document, object, time_of, within};
use crate::sources::oci_files::annotations::Annotations;
use crate::sources::oci_files::cgroup_paths::{self, CgroupPath};
use crate::sources::oci_files::engine::engine_of;
use crate::sources::oci_files::file::{self, FileContent, FileOrigin};

/// Largest state read. runc's has 10 to 40 KiB.
const STATE_BYTES: usize = 1 << 20;

/// The state of one container, whichever runtime wrote it.
#[derive(Debug, Default)]
struct ContainerState {
    /// Program that wrote it, where that shows.
    program: Option<&'static str>,
    init_pid: Option<u32>,
    created: Option<String>,
    bundle: Option<String>,
    /// `linux.cgroupsPath` as the runtime took it.
    cgroup_path: Option<String>,
    /// Absolute path of the container's directory by controller, `""` for v2 (runc).
    absolute_paths: BTreeMap<String, String>,
    /// Path from the root of each hierarchy it has a directory on (crun).
    relative_path: Option<String>,
    annotations: Annotations,
}

/// The part of the state that is kept. The state itself holds mounts with their options, hooks with
/// their environment and free annotations.
#[derive(Serialize)]
struct StateDocument<'a> {
    init_pid: Option<u32>,
    created: Option<&'a str>,
    bundle: Option<&'a str>,
    cgroup_path: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    cgroup_paths: &'a BTreeMap<String, String>,
    #[serde(rename = "obit.file")]
    origin: FileOrigin,
}

#[derive(Deserialize)]
struct StateJson {
    id: Option<String>,
    created: Option<String>,
    // Of runc alone.
    init_process_pid: Option<i64>,
    #[serde(default)]
    cgroup_paths: Option<BTreeMap<String, String>>,
    config: Option<RuncConfig>,
    // Of youki alone (crates/libcontainer/src/container/state.rs).
    #[serde(rename = "ociVersion")]
    oci_version: Option<String>,
    pid: Option<i64>,
    bundle: Option<String>,
    annotations: Option<BTreeMap<String, String>>,
}

impl StateJson {
    /// Returns the program that writes such a file.
    fn program(&self) -> Option<&'static str> {
        if self.init_process_pid.is_some() || self.config.is_some() {
            Some("runc")
        } else {
            self.oci_version.is_some().then_some("youki")
        }
    }
}

#[derive(Deserialize)]
struct RuncConfig {
    cgroups: Option<RuncCgroups>,
    /// Annotations as `name=value`, and last of all `bundle=`.
    labels: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct RuncCgroups {
    path: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct CrunStatus {
    pid: Option<i64>,
    cgroup_path: Option<String>,
    scope: Option<String>,
    bundle: Option<String>,
    created: Option<String>,
}

/// Reads the state of one container.
pub fn read(host_root: &Path, hierarchies: &Hierarchies, state_root: &str, container_id: &str) -> RuntimeRecord {
    let begun = Instant::now();
    let directory = format!("{}/{container_id}", state_root.trim_end_matches('/'));
    let mut answer = RuntimeAnswer::unanswered(Source::OciState, Outcome::Invalid);
    answer.container_id = within(Some(container_id), NAME_BYTES);
    // An id is one component; with a slash in it, it could lead anywhere.
    let raw_id = unescape(container_id);
    if raw_id.is_empty() || raw_id.contains(&b'/') || raw_id == b"." || raw_id == b".." {
        return RuntimeRecord::new(answer, directory, begun.elapsed(), None);
    }
    let mut file_name = "state.json";
    let mut opened = file::open_file(host_root, &directory, file_name);
    // Usually the whole directory is gone.
    if matches!(opened, Err(Errno::NOENT)) && file::open_directory(host_root, &directory).is_ok() {
        file_name = "status";
        opened = file::open_file(host_root, &directory, file_name);
    }
    let request = format!("{directory}/{file_name}");
    let read = opened.and_then(|opened| Ok((file::read_open(&opened, STATE_BYTES)?, opened)));
    let (content, opened) = match read {
        Ok(read) => read,
        Err(errno) => {
            answer.outcome = file::outcome_of(errno);
            return RuntimeRecord::new(answer, request, begun.elapsed(), None);
        }
    };
    let parsed = match file_name {
        "status" => parse_crun(&content.bytes),
        _ => parse_state_json(&content.bytes, container_id),
    };
    let Some(state) = parsed else {
        return RuntimeRecord::new(answer, request, begun.elapsed(), None);
    };

    answer.outcome = Outcome::Ok;
    state.annotations.describe(&mut answer);
    let real_path = file::real_path(host_root, &opened).unwrap_or_default();
    // The path without the file and the container's directory.
    let real_root = real_path.rsplitn(3, '/').nth(2);
    let bundle = state.bundle.as_deref();
    answer.runtime = engine_of(state.program, real_root, bundle, Some(container_id), &state.annotations)
        .map(|engine| engine.as_str().into());
    answer.bundle = within(bundle, PATH_BYTES);
    answer.init_pid = state.init_pid;
    answer.created_at = state.created.as_deref().and_then(time_of);
    answer.cgroup_path = within(state.cgroup_path.as_deref(), PATH_BYTES);
    answer.cgroup_paths = state
        .places(host_root, hierarchies)
        .into_iter()
        .filter(|place| cgroup_paths::may_claim(hierarchies, place, content.origin.uid))
        .map(|CgroupPath { hierarchy, path }| (hierarchy, path.into()))
        .collect();
    answer.labels = state.annotations.labels();
    RuntimeRecord::new(answer, request, begun.elapsed(), state.document(&content))
}

impl ContainerState {
    fn places(&self, host_root: &Path, hierarchies: &Hierarchies) -> Vec<CgroupPath> {
        match &self.relative_path {
            Some(path) => cgroup_paths::everywhere(hierarchies, path),
            None => cgroup_paths::of_controllers(hierarchies, host_root, &self.absolute_paths),
        }
    }

    fn document(&self, content: &FileContent) -> Option<String> {
        document(&StateDocument {
            init_pid: self.init_pid,
            created: self.created.as_deref(),
            bundle: self.bundle.as_deref(),
            cgroup_path: self.cgroup_path.as_deref(),
            cgroup_paths: &self.absolute_paths,
            origin: content.origin,
        })
    }
}

/// Reads the state of runc or of youki. `None` if the file is none, or that of another container.
fn parse_state_json(bytes: &[u8], container_id: &str) -> Option<ContainerState> {
    let read: StateJson = object(bytes)?;
    if read.id.as_deref().map(|id| escape(id.as_bytes())).as_deref() != Some(container_id) {
        return None;
    }
    let program = read.program();
    let (labels, path) = match read.config {
        Some(config) => (config.labels.unwrap_or_default(), config.cgroups.and_then(|cgroups| cgroups.path)),
        None => (Vec::new(), None),
    };
    let pairs = || labels.iter().filter_map(|label| label.split_once('='));
    // runc appends its own; an annotation of that name comes before it.
    let bundle = pairs().rfind(|(name, _)| *name == "bundle").map(|(_, value)| value.to_owned());
    let pairs_of_youki = read.annotations.into_iter().flatten();
    Some(ContainerState {
        program,
        init_pid: pid_of(read.init_process_pid.or(read.pid)),
        created: read.created,
        bundle: bundle.or(read.bundle),
        cgroup_path: path.filter(|path| !path.is_empty()),
        absolute_paths: read.cgroup_paths.unwrap_or_default(),
        relative_path: None,
        annotations: pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).chain(pairs_of_youki).collect(),
    })
}

fn parse_crun(bytes: &[u8]) -> Option<ContainerState> {
    let read: CrunStatus = object(bytes)?;
    let path = read.cgroup_path.filter(|path| !path.is_empty());
    let scope = read.scope.filter(|scope| !scope.is_empty());
    Some(ContainerState {
        program: Some("crun"),
        init_pid: pid_of(read.pid),
        created: read.created,
        bundle: read.bundle,
        cgroup_path: path.clone(),
        absolute_paths: BTreeMap::new(),
        relative_path: path.map(|path| match &scope {
            Some(scope) => up_to_scope(&path, scope),
            None => path,
        }),
        annotations: Annotations::default(),
    })
}

/// With systemd, crun puts the container's tasks into `container` below the scope. The scope is the
/// container's root.
fn up_to_scope(path: &str, scope: &str) -> String {
    let mut kept = String::with_capacity(path.len());
    for part in path.split('/').filter(|part| !part.is_empty()) {
        kept.push('/');
        kept.push_str(part);
        if part == scope {
            return kept;
        }
    }
    path.to_owned()
}

/// Returns a pid. Runtimes write 0 or -1 for a container whose init has not started or is gone.
fn pid_of(number: Option<i64>) -> Option<u32> {
    number.and_then(|pid| u32::try_from(pid).ok()).filter(|&pid| pid != 0)
}

#[cfg(test)]
mod tests;
