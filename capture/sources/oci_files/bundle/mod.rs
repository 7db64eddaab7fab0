//! A bundle's `config.json` (OCI runtime specification, config.md and config-linux.md).

use std::path::Path;
use std::time::Instant;

use obit_derivation::record::{Outcome, RuntimeAnswer, Source};
use serde::{Deserialize, Serialize};
use serde_json::Number;

use crate::sources::answer::{NAME_BYTES, PATH_BYTES, RuntimeRecord, document, object, within};
use crate::sources::oci_files::annotations::Annotations;
use crate::sources::oci_files::engine::engine_of;
use crate::sources::oci_files::file::{self, FileOrigin};

/// Largest configuration read. Real ones have 5 to 50 KiB, most of it seccomp rules.
const CONFIG_BYTES: usize = 1 << 20;

/// The part of a configuration that is read, which is also the part that is kept. What is not named
/// here is skipped by the parser: process arguments, environment, hooks, mount options, seccomp
/// rules.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BundleConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    oci_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<RootFs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<ProcessConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mounts: Option<Vec<Mount>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    linux: Option<LinuxConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<Annotations>,
    /// The owner and mode of the file, which are no part of the specification.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none", rename = "obit.file")]
    origin: Option<FileOrigin>,
}

#[derive(Debug, Serialize, Deserialize)]
struct RootFs {
    path: Option<String>,
    readonly: Option<bool>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProcessConfig {
    terminal: Option<bool>,
    user: Option<ProcessUser>,
    rlimits: Option<Vec<Rlimit>>,
    no_new_privileges: Option<bool>,
    apparmor_profile: Option<String>,
    selinux_label: Option<String>,
    oom_score_adj: Option<Number>,
    capabilities: Option<ProcessCapabilities>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ProcessUser {
    uid: Option<Number>,
    gid: Option<Number>,
    additional_gids: Option<Vec<Number>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct ProcessCapabilities {
    bounding: Option<Vec<String>>,
    effective: Option<Vec<String>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Rlimit {
    #[serde(rename = "type")]
    kind: Option<String>,
    hard: Option<Number>,
    soft: Option<Number>,
}

/// Without its options: a network file system's carry credentials.
#[derive(Debug, Serialize, Deserialize)]
struct Mount {
    destination: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    source: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LinuxConfig {
    cgroups_path: Option<String>,
    namespaces: Option<Vec<NamespaceConfig>>,
    resources: Option<Resources>,
}

#[derive(Debug, Serialize, Deserialize)]
struct NamespaceConfig {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Resources {
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<MemoryLimits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<CpuLimits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pids: Option<PidsLimit>,
}

#[derive(Debug, Serialize, Deserialize)]
struct MemoryLimits {
    limit: Option<Number>,
    reservation: Option<Number>,
    swap: Option<Number>,
}

#[derive(Debug, Serialize, Deserialize)]
struct CpuLimits {
    shares: Option<Number>,
    quota: Option<Number>,
    period: Option<Number>,
    cpus: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct PidsLimit {
    limit: Option<Number>,
}

/// Reads the configuration of one bundle.
pub fn read(host_root: &Path, bundle: &str, container_id: Option<&str>) -> RuntimeRecord {
    let begun = Instant::now();
    let request = format!("{}/config.json", bundle.trim_end_matches('/'));
    let read = file::read(host_root, bundle, "config.json", CONFIG_BYTES);
    let mut answer = RuntimeAnswer::unanswered(Source::OciBundle, Outcome::Invalid);
    answer.bundle = within(Some(bundle), PATH_BYTES);
    answer.container_id = within(container_id, NAME_BYTES);
    let content = match read {
        Ok(content) => content,
        Err(errno) => {
            answer.outcome = file::outcome_of(errno);
            return RuntimeRecord::new(answer, request, begun.elapsed(), None);
        }
    };
    let Some(mut config) = object::<BundleConfig>(&content.bytes) else {
        return RuntimeRecord::new(answer, request, begun.elapsed(), None);
    };
    let mut annotations = config.annotations.take().unwrap_or_default();
    annotations.keep_known();

    answer.outcome = Outcome::Ok;
    annotations.describe(&mut answer);
    answer.runtime =
        engine_of(None, None, Some(bundle), container_id, &annotations).map(|engine| engine.as_str().into());
    let cgroup_path = config.linux.as_ref().and_then(|linux| linux.cgroups_path.as_deref());
    answer.cgroup_path = within(cgroup_path, PATH_BYTES);

    answer.labels = annotations.labels();
    config.annotations = Some(annotations);
    config.origin = Some(content.origin);
    RuntimeRecord::new(answer, request, begun.elapsed(), document(&config))
}

#[cfg(test)]
mod tests;
