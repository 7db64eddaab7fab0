//! The answer of the path rules.

use alloc::borrow::Cow;

use crate::identity::engine::Engine;

/// What kind of directory a path names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PathClass {
    /// A container's own directory.
    Root,
    /// A directory below a container's own one.
    Inside,
    /// A directory of something that serves a container and is none: conmon, LXC's monitor, kata's overhead, CRI-O's
    /// empty sandbox placeholder, podman's runtime leaf and its health checks.
    Helper,
    /// A pod's directory.
    Pod,
    /// Anything else.
    #[default]
    Other,
}

/// What a path says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathIdentity<'a> {
    /// The engine, where the path tells it. A known container of an unknown engine is a valid answer: the pods of
    /// dockershim and of containerd have the same paths under the cgroupfs driver.
    pub runtime: Option<Engine>,
    /// The innermost container whose directory this is, or is below.
    pub container_id: Option<Cow<'a, str>>,
    /// The directory is that container's own.
    pub root: bool,
    /// The pod it belongs to, dashed, or the hash of a static pod; also for pod directories, which are no containers.
    pub pod_uid: Option<Cow<'a, str>>,
    /// The container around the innermost one.
    pub parent_container_id: Option<Cow<'a, str>>,
    /// What kind of directory it is.
    pub class: PathClass,
}
