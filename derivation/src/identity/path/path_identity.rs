//! The answer of the path rules.

use alloc::borrow::Cow;

use super::pod_uid::PodUid;
use crate::identity::engine::Engine;

/// A kind of directory, as a path names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PathClass {
    /// A container's own directory.
    Root,
    /// A directory below a container's own one.
    Inside,
    /// A directory of something that serves a container and is none: conmon, LXC's monitor, kata's
    /// overhead, CRI-O's empty sandbox placeholder, podman's runtime leaf and its health checks.
    Helper,
    /// A pod's directory.
    Pod,
    /// Any other directory.
    #[default]
    Other,
}

/// The answer of the path rules about one path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathIdentity<'a> {
    /// Engine, where the path tells it. A known container of an unknown engine is a valid answer:
    /// pods of dockershim and of containerd have the same paths under the cgroupfs driver.
    pub runtime: Option<Engine>,
    /// Innermost container that the directory belongs to.
    pub container_id: Option<Cow<'a, str>>,
    /// True if the directory is that container's own.
    pub root: bool,
    /// UID of the pod around it, dashed as the API server writes it, or the hash of a static pod.
    /// Also set for pod directories, which are no containers.
    pub pod_uid: Option<PodUid<'a>>,
    /// Container around the innermost one.
    pub parent_container_id: Option<Cow<'a, str>>,
    /// Kind of the directory.
    pub class: PathClass,
}
