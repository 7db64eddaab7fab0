//! The part of an OCI runtime's command line that says which container it is about.

use super::verb::Verb;
use crate::identity::engine::{Engine, OciRuntime};

/// A command line of an OCI runtime, as far as it says which container it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invocation<'a> {
    /// Program that was called.
    pub oci_runtime: OciRuntime,
    /// Command that it was given. Kata's shim has none while it serves a sandbox: then
    /// [`Verb::Run`].
    pub verb: Verb,
    /// Container id; of kata's shim, the sandbox's.
    pub container_id: &'a str,
    /// `--root`: the directory in which the runtime keeps its state.
    pub root: Option<&'a str>,
    /// `--bundle`.
    pub bundle: Option<&'a str>,
    /// Engine that called the runtime, read from root, bundle and log; the runtime itself if these
    /// show no other.
    pub engine: Engine,
    /// Namespace in containerd (`moby`, `k8s.io`, `default`, …), where root or bundle shows one.
    pub namespace: Option<&'a str>,
}
