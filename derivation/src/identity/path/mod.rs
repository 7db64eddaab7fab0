//! What a cgroup path says about a container: the last of the sources, and the only one that a stranger can write.
//!
//! [`identify`] walks the components of a path from the outermost to the innermost. `component` says what one
//! directory is, `place` what the directories above it allow, `grammar` what an id looks like, and `walk` joins
//! them. No regular expressions, no look-ups: the same path always gives the same answer.

mod component;
mod grammar;
mod place;
mod walk;

pub(in crate::identity) use grammar::{components, is_oci_id, split_last};

use super::Engine;
use alloc::borrow::Cow;

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

/// Reads a path, relative to its hierarchy's root, with or without a leading `/`. Total: any text gives an answer.
///
/// Allocates only where an id must be unescaped (`\x2d` of systemd).
#[must_use]
pub fn identify(path: &str) -> PathIdentity<'_> {
    walk::Walk::over(path).finish()
}

/// Whether the last component of a cgroup path is one that a runtime makes for the container with this id as its own
/// directory: the id itself, `<prefix>-<id>.scope`, `<id>.scope`, `<prefix>-<id>`, `slice:prefix:<id>`, `kata_<id>`.
///
/// A runtime makes parents and children of that directory too; this settles which of them is the root, once a better
/// source than the path has named the id. Directories of a container's conmon do not count.
#[must_use]
pub fn names_container(path: &str, id: &str) -> bool {
    let (above, name) = grammar::split_last(path);
    if id.is_empty() || name.is_empty() {
        return false;
    }
    if name == id {
        return true;
    }
    let (stem, scope) = match name.strip_suffix(".scope") {
        Some(stem) => (stem, true),
        None => (name, false),
    };
    let Some(prefix) = stem.strip_suffix(id) else {
        return false;
    };
    if prefix.is_empty() {
        return scope; // crun without a prefix (get_systemd_scope_and_slice)
    }
    if prefix == "kata_" || prefix == "lxc.payload." {
        return true;
    }
    if let Some(slice_and_prefix) = prefix.strip_suffix(':') {
        return !scope && slice_and_prefix.contains(':');
    }
    let Some(prefix) = prefix.strip_suffix('-') else {
        return false;
    };
    if prefix.is_empty() || prefix.ends_with("conmon") {
        return false;
    }
    // CRI-O's empty placeholder of a sandbox: `crio-<id>` in a slice, where a container's would end in `.scope`.
    let placeholder = prefix == "crio" && !scope && above.trim_end_matches('/').ends_with(".slice");
    !placeholder
}
