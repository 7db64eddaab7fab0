//! The part of an OCI runtime's command line that says which container it is about.

use super::verb::Verb;
use crate::identity::engine::{Engine, OciRuntime};

/// A command line of an OCI runtime or of LXC's monitor, as far as it says which container it is
/// about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invocation<'a> {
    /// Program that was called; `None` for LXC's monitor.
    pub oci_runtime: Option<OciRuntime>,
    /// Command that it was given. Kata's shim has none while it serves a sandbox, and LXC's monitor
    /// never has one: then [`Verb::Run`].
    pub verb: Verb,
    /// Container id; of kata's shim, the sandbox's.
    pub container_id: &'a str,
    /// `--root`: the directory in which the runtime keeps its state.
    pub root: Option<&'a str>,
    /// `--bundle`.
    pub bundle: Option<&'a str>,
    /// Engine that called the runtime, read from root, bundle, log and id; the runtime itself if
    /// these show no other. `None` if they show one that [`Engine`] has no value for, or show none
    /// and a part of the arguments is missing.
    pub engine: Option<Engine>,
    /// Namespace in containerd (`moby`, `k8s.io`, `default`, …), where root or bundle shows one.
    pub namespace: Option<&'a str>,
    /// A stretch of the arguments is missing ([`SEAM`](super::SEAM)): an option that is `None` may
    /// have been given.
    pub is_partial: bool,
}

impl Invocation<'_> {
    /// Returns true if a signal that the caller sends to a container's init is the engine's: from a
    /// runtime that was told to kill or delete it, or from LXC's monitor, which does it for
    /// `lxc-stop --kill` and `incus stop --force` (lxc/lxc src/lxc/commands.c,
    /// lxc_cmd_stop_callback).
    #[must_use]
    pub fn ends_container(&self, container_id: &str) -> bool {
        let is_ending = matches!(self.verb, Verb::Kill | Verb::Delete) || self.oci_runtime.is_none();
        is_ending && self.container_id == container_id
    }

    /// Returns true if a path's word for a container's id can be this container's. LXC appends
    /// `-1`, `-2`, … where the directory of that name is taken (lxc/lxc src/lxc/cgroups/cgfsng.c,
    /// cgfsng_payload_create).
    pub(crate) fn explains_path_id(&self, id: &str) -> bool {
        let is_retry = |rest: &str| {
            rest.strip_prefix('-').is_some_and(|number| {
                (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
            })
        };
        match id.strip_prefix(self.container_id) {
            Some("") => true,
            Some(rest) => self.oci_runtime.is_none() && is_retry(rest),
            None => false,
        }
    }
}
