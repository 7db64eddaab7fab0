//! The choice of labels that enter a case.
//!
//! Anybody can put anything into a label, secrets among it. So by default only those of a list are
//! kept: names that engines and orchestrators set and that say which workload a container is.

use std::borrow::Cow;
use std::collections::BTreeMap;

use obit_derivation::record::RuntimeAnswer;

use crate::sources::answer::{NAME_BYTES, within};

/// Longest name or value kept, in bytes. A longer one is left out, for a cut one would be another.
const LABEL_BYTES: usize = 256;
/// Labels kept of one container.
pub const MAX_LABELS: usize = 64;

/// Kept by default. A `*` at the end stands for any ending.
const LISTED: &[&str] = &[
    "com.docker.compose.container-number",
    "com.docker.compose.oneoff",
    "com.docker.compose.project",
    "com.docker.compose.service",
    "com.docker.compose.version",
    "com.docker.stack.namespace",
    "com.docker.swarm.node.id",
    "com.docker.swarm.service.id",
    "com.docker.swarm.service.name",
    "com.docker.swarm.task.id",
    "com.docker.swarm.task.name",
    "io.cri-containerd.image",
    "io.cri-containerd.kind",
    "io.kubernetes.*",
    "io.podman.compose.project",
    "io.podman.compose.service",
    "nerdctl/auto-remove",
    "nerdctl/hostname",
    "nerdctl/name",
    "nerdctl/namespace",
    "org.opencontainers.image.*",
    "PODMAN_SYSTEMD_UNIT",
];

/// The user's choice of labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LabelPolicy {
    /// The labels of the built-in list.
    #[default]
    Listed,
    /// Every label that is short enough.
    All,
    /// No label.
    None,
    /// Labels with these names; a `*` at the end stands for any ending.
    Only(Vec<String>),
}

impl LabelPolicy {
    /// Reads `all`, `none`, or names joined by commas.
    ///
    /// # Errors
    /// A sentence for the command line.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "all" => return Ok(Self::All),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        if names.iter().any(String::is_empty) {
            return Err(format!("'{text}' has an empty name: write all, none, or names like team,com.example.*"));
        }
        Ok(Self::Only(names))
    }

    fn keeps(&self, name: &str) -> bool {
        let fits = |pattern: &str| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == pattern,
        };
        match self {
            Self::Listed => LISTED.iter().any(|pattern| fits(pattern)),
            Self::All => true,
            Self::None => false,
            Self::Only(names) => names.iter().any(|pattern| fits(pattern)),
        }
    }

    /// Returns those labels of a container that are kept.
    pub fn keep(&self, labels: impl IntoIterator<Item = (String, String)>) -> BTreeMap<String, String> {
        let short =
            |name: &str, value: &str| !name.is_empty() && name.len() <= LABEL_BYTES && value.len() <= LABEL_BYTES;
        let kept = labels.into_iter().filter(|(name, value)| short(name, value) && self.keeps(name));
        // Sorted first, so that which are over the bound does not depend on the daemon's order.
        kept.collect::<BTreeMap<_, _>>().into_iter().take(MAX_LABELS).collect()
    }
}

impl std::fmt::Display for LabelPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listed => f.write_str("listed"),
            Self::All => f.write_str("all"),
            Self::None => f.write_str("none"),
            Self::Only(names) => f.write_str(&names.join(",")),
        }
    }
}

/// Fills in the pod that the kubelet's labels name, whichever engine it speaks to. They are read
/// even if the labels themselves may not be kept.
pub fn describe_pod(answer: &mut RuntimeAnswer<'static>, labels: &BTreeMap<String, String>) {
    let value = |name: &str| within(labels.get(name).map(String::as_str), NAME_BYTES);
    answer.pod_name = value("io.kubernetes.pod.name");
    answer.pod_namespace = value("io.kubernetes.pod.namespace");
    answer.pod_uid = value("io.kubernetes.pod.uid");
    if answer.container_name.is_none() {
        answer.container_name = value("io.kubernetes.container.name");
    }
    let kind = value("io.kubernetes.docker.type").or_else(|| value("io.cri-containerd.kind"));
    answer.sandbox = match kind.as_deref() {
        Some("podsandbox" | "sandbox") => Some(true),
        Some("container") => Some(false),
        _ => answer.sandbox,
    };
}

/// Returns labels as a record holds them.
pub fn pairs(labels: &BTreeMap<String, String>) -> Vec<(Cow<'static, str>, Cow<'static, str>)> {
    labels.iter().map(|(name, value)| (name.clone().into(), value.clone().into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(policy: &LabelPolicy, labels: &[(&str, &str)]) -> Vec<String> {
        policy.keep(labels.iter().map(|&(name, value)| (name.into(), value.into()))).into_keys().collect()
    }

    #[test]
    fn only_what_the_policy_names_is_kept() {
        let long = "x".repeat(LABEL_BYTES + 1);
        let labels = [
            ("io.kubernetes.pod.name", "web"),
            ("com.docker.compose.project", "shop"),
            ("com.docker.compose.project.config_files", "/home/me/secret.yml"),
            ("team", "blue"),
            ("team.token", "hunter2"),
            ("org.opencontainers.image.title", long.as_str()),
        ];
        let listed = ["com.docker.compose.project", "io.kubernetes.pod.name"];
        assert_eq!(kept(&LabelPolicy::default(), &labels), listed);
        assert_eq!(kept(&LabelPolicy::None, &labels), [""; 0]);
        assert_eq!(kept(&LabelPolicy::All, &labels).len(), 5, "all but the one that is too long");
        assert_eq!(kept(&LabelPolicy::parse("team").unwrap(), &labels), ["team"]);
        assert_eq!(kept(&LabelPolicy::parse("team*,x").unwrap(), &labels), ["team", "team.token"]);
        assert!(LabelPolicy::parse("a,,b").is_err());
        assert!(LabelPolicy::parse("").is_err());
    }

    #[test]
    fn the_kubelets_labels_name_the_pod_behind_any_engine() {
        use obit_derivation::record::{Outcome, Source};
        for (kind, sandbox) in [("container", Some(false)), ("podsandbox", Some(true)), ("x", None)] {
            let labels = [
                ("io.kubernetes.pod.name", "web-1"),
                ("io.kubernetes.pod.namespace", "shop"),
                ("io.kubernetes.pod.uid", "0f2a8c6e"),
                ("io.kubernetes.container.name", "nginx"),
                ("io.kubernetes.docker.type", kind),
            ];
            let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
            let mut answer = RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok);
            answer.container_name = Some("k8s_nginx_web-1".into());
            describe_pod(&mut answer, &labels);
            assert_eq!(answer.pod_name.as_deref(), Some("web-1"));
            assert_eq!((answer.pod_namespace.as_deref(), answer.pod_uid.as_deref()), (Some("shop"), Some("0f2a8c6e")));
            assert_eq!((answer.container_name.as_deref(), answer.sandbox), (Some("k8s_nginx_web-1"), sandbox));
            answer.container_name = None;
            describe_pod(&mut answer, &labels);
            assert_eq!(answer.container_name.as_deref(), Some("nginx"));
        }
    }

    #[test]
    fn a_container_with_a_thousand_labels_keeps_a_bounded_number() {
        let labels = (0..1000).map(|number| (format!("label-{number:04}"), String::new()));
        let kept = LabelPolicy::All.keep(labels);
        assert_eq!(kept.len(), MAX_LABELS);
        assert!(kept.contains_key("label-0000"));
    }
}
