//! The annotations that are kept, and what they say about a container.
//!
//! Anybody can put anything into an annotation, secrets among it
//! (`kubectl.kubernetes.io/last-applied-configuration` has the whole pod), so that only names on a
//! list are kept.

use std::borrow::Cow;
use std::collections::BTreeMap;

use obit_derivation::ending::signal_number;
use obit_derivation::record::RuntimeAnswer;
use serde::{Deserialize, Serialize};

use crate::sources::answer::{NAME_BYTES, digest, time_of, within};

/// Name of the container in its pod or engine.
const CONTAINER_NAME: &[&str] = &["io.kubernetes.cri.container-name", "io.kubernetes.container.name", "nerdctl/name"];
/// The image as the user wrote it.
const IMAGE_NAME: &[&str] = &[
    "io.kubernetes.cri.image-name",
    "io.kubernetes.cri.podsandbox.image-name",
    "io.kubernetes.cri-o.ImageName",
    "org.opencontainers.image.ref.name",
];
/// The image as it was found: an id, or a reference with a digest.
const IMAGE_REFERENCE: &[&str] = &["io.kubernetes.cri-o.ImageRef", "io.kubernetes.cri-o.Image"];
const POD_NAME: &[&str] = &["io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"];
const POD_NAMESPACE: &[&str] =
    &["io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace", "io.kubernetes.cri-o.Namespace"];
const POD_UID: &[&str] = &["io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid"];
/// `sandbox` or `container`.
const CONTAINER_TYPE: &[&str] = &["io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType"];
/// Podman writes a number.
const STOP_SIGNAL: &[&str] = &["org.opencontainers.image.stopSignal"];
const CREATED: &[&str] = &["io.kubernetes.cri-o.Created"];
/// Kept without being interpreted here.
const OTHERS: &[&str] = &[
    "io.container.manager",
    "io.containerd.cri.runtime-handler",
    "io.kubernetes.cri-o.CgroupParent",
    "io.kubernetes.cri-o.ContainerID",
    "io.kubernetes.cri-o.ContainerName",
    "io.kubernetes.cri-o.HostNetwork",
    "io.kubernetes.cri-o.Name",
    "io.kubernetes.cri-o.PrivilegedRuntime",
    "io.kubernetes.cri-o.RuntimeHandler",
    "io.kubernetes.cri-o.SandboxID",
    "io.kubernetes.cri-o.SandboxName",
    "io.kubernetes.cri.sandbox-cpu-quota",
    "io.kubernetes.cri.sandbox-id",
    "io.kubernetes.cri.sandbox-memory",
    "io.podman.annotations.autoremove",
    "io.podman.annotations.privileged",
    "nerdctl/namespace",
    "org.opencontainers.image.version",
    "run.oci.systemd.subgroup",
];

/// Annotations of one container: the kept ones.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Annotations(BTreeMap<String, String>);

impl FromIterator<(String, String)> for Annotations {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        let mut all = Self(pairs.into_iter().collect());
        all.keep_known();
        all
    }
}

impl Annotations {
    /// Drops annotations that are not on the list or longer than any name.
    pub fn keep_known(&mut self) {
        let lists = [
            CONTAINER_NAME,
            IMAGE_NAME,
            IMAGE_REFERENCE,
            POD_NAME,
            POD_NAMESPACE,
            POD_UID,
            CONTAINER_TYPE,
            CREATED,
            STOP_SIGNAL,
            OTHERS,
        ];
        self.0
            .retain(|name, value| value.len() <= NAME_BYTES && lists.iter().any(|list| list.contains(&name.as_str())));
    }

    /// Returns an annotation by its name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns all annotations, by name.
    pub fn labels(&self) -> Vec<(Cow<'static, str>, Cow<'static, str>)> {
        self.0.iter().map(|(name, value)| (name.clone().into(), value.clone().into())).collect()
    }

    /// Fills in what the annotations say of the container.
    pub fn describe(&self, answer: &mut RuntimeAnswer<'static>) {
        let first = |names: &[&str]| within(names.iter().find_map(|name| self.get(name)), NAME_BYTES);
        answer.container_name = first(CONTAINER_NAME);
        answer.image_name = first(IMAGE_NAME);
        answer.pod_name = first(POD_NAME);
        answer.pod_namespace = first(POD_NAMESPACE);
        answer.pod_uid = first(POD_UID);
        answer.sandbox = match first(CONTAINER_TYPE).as_deref() {
            Some("sandbox") => Some(true),
            Some("container") => Some(false),
            _ => None,
        };
        answer.created_at = first(CREATED).as_deref().and_then(time_of);
        answer.stop_signal = first(STOP_SIGNAL).as_deref().and_then(signal_number);
        for name in IMAGE_NAME.iter().chain(IMAGE_REFERENCE) {
            let Some(reference) = self.get(name) else { continue };
            // A bare id is the digest of the image's configuration, with or without its algorithm;
            // behind an `@` there is one.
            if let Some((_, manifest)) = reference.rsplit_once('@') {
                if answer.image_digest.is_none() && manifest.starts_with("sha256:") {
                    answer.image_digest = digest(manifest).map(Into::into);
                }
            } else if answer.image_id.is_none() {
                answer.image_id = digest(reference).map(Into::into);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_derivation::WallNs;
    use obit_derivation::record::{Outcome, Source};

    fn describe(pairs: &[(&str, &str)]) -> RuntimeAnswer<'static> {
        let mut answer = RuntimeAnswer::unanswered(Source::OciBundle, Outcome::Ok);
        let all: Annotations = pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        all.describe(&mut answer);
        answer
    }

    #[test]
    fn a_container_of_containerds_cri() {
        // The names are those of containerd's pkg/cri/annotations.
        let answer = describe(&[
            ("io.kubernetes.cri.container-type", "container"),
            ("io.kubernetes.cri.container-name", "nginx"),
            ("io.kubernetes.cri.image-name", "docker.io/library/nginx:1.27"),
            ("io.kubernetes.cri.sandbox-name", "web-7d9c"),
            ("io.kubernetes.cri.sandbox-namespace", "shop"),
            ("io.kubernetes.cri.sandbox-uid", "0f2a8c6e-8f0c-4d3e-9d4e-111111111111"),
        ]);
        assert_eq!(answer.container_name.as_deref(), Some("nginx"));
        assert_eq!(answer.image_name.as_deref(), Some("docker.io/library/nginx:1.27"));
        assert_eq!(answer.pod_name.as_deref(), Some("web-7d9c"));
        assert_eq!(answer.pod_namespace.as_deref(), Some("shop"));
        assert_eq!(answer.pod_uid.as_deref(), Some("0f2a8c6e-8f0c-4d3e-9d4e-111111111111"));
        assert_eq!((answer.sandbox, answer.image_id, answer.image_digest), (Some(false), None, None));
    }

    #[test]
    fn a_container_of_cri_o() {
        let hex = "ab".repeat(32);
        let digest = format!("quay.io/shop/web@sha256:{}", "cd".repeat(32));
        let answer = describe(&[
            ("io.kubernetes.cri-o.ContainerType", "sandbox"),
            ("io.kubernetes.cri-o.ImageName", "quay.io/shop/web:2"),
            ("io.kubernetes.cri-o.ImageRef", &hex),
            ("io.kubernetes.cri-o.Image", &digest),
            ("io.kubernetes.cri-o.Created", "1970-01-01T00:00:01.000000002Z"),
            ("io.kubernetes.pod.name", "web-1"),
        ]);
        assert_eq!(answer.sandbox, Some(true));
        assert_eq!(answer.image_name.as_deref(), Some("quay.io/shop/web:2"));
        assert_eq!(answer.image_id, Some(format!("sha256:{hex}").into()));
        assert_eq!(answer.image_digest, Some(format!("sha256:{}", "cd".repeat(32)).into()));
        assert_eq!(answer.created_at, Some(WallNs(1_000_000_002)));
    }

    #[test]
    fn the_signal_to_stop_with_is_read_as_podman_writes_it() {
        // libpod puts the number there, of every container.
        for (text, number) in [("37", Some(37)), ("SIGWINCH", Some(28)), ("hunter2", None)] {
            assert_eq!(describe(&[("org.opencontainers.image.stopSignal", text)]).stop_signal, number);
        }
    }

    #[test]
    fn what_is_not_on_the_list_or_too_long_is_dropped() {
        let long = "x".repeat(NAME_BYTES + 1);
        let all: Annotations = [
            ("kubectl.kubernetes.io/last-applied-configuration", "{\"env\":\"hunter2\"}"),
            ("io.kubernetes.cri.container-name.evil", "x"),
            ("io.kubernetes.pod.name", long.as_str()),
            ("nerdctl/name", "kept"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into_iter()
        .collect();
        assert_eq!(all.labels(), [("nerdctl/name".into(), "kept".into())]);
    }

    #[test]
    fn upper_case_or_short_hex_is_no_image_id() {
        assert_eq!(digest(&"AB".repeat(32)), None);
        assert_eq!(digest(&"ab".repeat(31)), None);
        assert_eq!(digest("sha256:"), None);
        assert_eq!(digest("nginx"), None);
    }
}
