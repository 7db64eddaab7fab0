//! What the argument vector of an OCI runtime says.

use super::{OciRuntime, Runtime};

/// What the runtime was asked to do with the container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each value is the subcommand of that name
pub enum Verb {
    Create,
    Run,
    Restore,
    Start,
    Kill,
    Delete,
}

/// An OCI runtime's command line, as far as it says which container it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invocation<'a> {
    /// The program.
    pub oci_runtime: OciRuntime,
    /// What it was asked to do.
    pub verb: Verb,
    /// The container.
    pub container_id: &'a str,
    /// `--root`: where the runtime keeps its state.
    pub root: Option<&'a str>,
    /// `--bundle`.
    pub bundle: Option<&'a str>,
    /// The engine that called it, read from root and bundle; the runtime itself if nothing shows another.
    pub engine: Runtime,
    /// containerd's namespace, where root or bundle shows one (`moby`, `k8s.io`, `default`, …).
    pub namespace: Option<&'a str>,
}

/// Reads an argument vector; `None` if the program is no OCI runtime, the verb none of [`Verb`]'s, or the id missing.
pub fn parse<'a>(argv: &[&'a str]) -> Option<Invocation<'a>> {
    let _ = argv;
    None
}
