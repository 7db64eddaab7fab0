//! The store in which docker keeps images.
//!
//! In its own store an image's id is the digest of its configuration. In containerd's, the default
//! of new installations since docker 29, docker calls the digest of the manifest the image's id.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use crate::sources::answer::object;
use crate::sources::daemons::http;
use crate::sources::daemons::limits::DOCUMENT_BYTES;
use crate::sources::daemons::sockets::Endpoint;

/// A digest that a record holds.
type OptionalDigest = Option<Cow<'static, str>>;

/// A store of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageStore {
    /// Docker's own, and podman's.
    Docker,
    /// containerd's.
    Containerd,
    /// The daemon does not say.
    Unknown,
}

/// The part of `/info` that is read.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DaemonInfo {
    driver_status: Option<Vec<Vec<String>>>,
}

impl ImageStore {
    /// Asks a daemon for its store.
    pub async fn ask(endpoint: &Endpoint, limit: Duration) -> Self {
        match http::get(endpoint, "/info", limit, DOCUMENT_BYTES).await {
            Ok(body) => Self::read(&body),
            Err(_) => Self::Unknown,
        }
    }

    /// Reads the answer to `/info`. containerd's store names itself the type of the driver (moby
    /// `daemon/containerd/service.go`, `LayerStoreStatus`).
    fn read(body: &[u8]) -> Self {
        let Some(DaemonInfo { driver_status: Some(status) }) = object(body) else { return Self::Unknown };
        let is_containerds = |pair: &Vec<String>| {
            pair.first().is_some_and(|name| name == "driver-type")
                && pair.get(1).is_some_and(|value| value.starts_with("io.containerd."))
        };
        if status.iter().any(is_containerds) { Self::Containerd } else { Self::Docker }
    }

    /// Returns the store of a container by its storage driver, if only one store has a driver of
    /// that name.
    pub fn of_driver(driver: &str) -> Option<Self> {
        match driver {
            "overlayfs" | "native" | "stargz" | "nydus" | "erofs" => Some(Self::Containerd),
            "overlay2" | "overlay" | "vfs" | "aufs" | "devicemapper" => Some(Self::Docker),
            _ => None,
        }
    }

    /// Returns what an image's id in this store is: the digest of its configuration, and that of
    /// its manifest.
    pub fn ids(self, id: OptionalDigest) -> (OptionalDigest, OptionalDigest) {
        match self {
            Self::Docker => (id, None),
            Self::Containerd => (None, id),
            Self::Unknown => (None, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containerds_store_names_itself() {
        for (body, store) in [
            (
                r#"{"Driver":"overlayfs","DriverStatus":[["driver-type","io.containerd.snapshotter.v1"]]}"#,
                ImageStore::Containerd,
            ),
            (r#"{"Driver":"overlay2","DriverStatus":[["Backing Filesystem","extfs"],["odd"],[]]}"#, ImageStore::Docker),
            (r#"{"Driver":"vfs","DriverStatus":[]}"#, ImageStore::Docker),
            (r#"{"DriverStatus":null}"#, ImageStore::Unknown),
            ("[]", ImageStore::Unknown),
        ] {
            assert_eq!(ImageStore::read(body.as_bytes()), store, "{body}");
        }
    }
}
