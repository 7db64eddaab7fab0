//! Who a container was, as JSON: the identity columns of its row.

use obit_derivation::row::Identity;
use schemars::JsonSchema;
use serde::Serialize;

/// Who a container was. A fact that no source tells is null.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ContainerIdentity {
    /// The engine.
    pub runtime: Option<&'static str>,
    /// Id of the container.
    pub container_id: String,
    /// Name of the container.
    pub container_name: Option<String>,
    /// Reference of the image.
    pub image_name: Option<String>,
    /// Config digest of the image.
    pub image_id: Option<String>,
    /// Manifest digest of the image.
    pub image_digest: Option<String>,
    /// Kubernetes pod name.
    pub pod_name: Option<String>,
    /// Kubernetes namespace.
    pub pod_namespace: Option<String>,
    /// Kubernetes pod UID.
    pub pod_uid: Option<String>,
    /// containerd's namespace.
    pub containerd_namespace: Option<String>,
    /// True for a pod's sandbox.
    pub sandbox: Option<bool>,
    /// Id of the container around it.
    pub parent_container_id: Option<String>,
    /// Process id of its init in the initial pid namespace.
    pub init_pid: Option<u32>,
    /// Source of the claim that won.
    pub identified_by: &'static str,
    /// Values that contradict the identity.
    pub conflicts: Vec<String>,
}

impl From<&Identity> for ContainerIdentity {
    fn from(identity: &Identity) -> Self {
        let identity = identity.clone();
        Self {
            runtime: identity.runtime.map(|runtime| runtime.as_str()),
            container_id: identity.container_id,
            container_name: identity.container_name,
            image_name: identity.image_name,
            image_id: identity.image_id,
            image_digest: identity.image_digest,
            pod_name: identity.pod_name,
            pod_namespace: identity.pod_namespace,
            pod_uid: identity.pod_uid,
            containerd_namespace: identity.containerd_namespace,
            sandbox: identity.sandbox,
            parent_container_id: identity.parent_container_id,
            init_pid: identity.init_pid,
            identified_by: identity.identified_by.as_str(),
            conflicts: identity.conflicts,
        }
    }
}
