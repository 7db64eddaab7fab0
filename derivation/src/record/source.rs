//! Sources of what is known about a container.

use super::names::names;

/// A source of what is known about a container. Declared in the order of trust, the most trusted
/// first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Source {
    /// The kernel: its events. Speaks of ends, never of identity.
    Kernel,
    /// The argument vector of the OCI runtime that made or removed the directory.
    OciArgv,
    /// An OCI runtime's state file (`state.json` of runc, `status` of crun).
    OciState,
    /// A bundle's `config.json`.
    OciBundle,
    /// Docker: its HTTP API, or its file about a container (the request tells which).
    Docker,
    /// Podman: its HTTP API, or its file about its containers (the request tells which).
    Podman,
    /// containerd's own gRPC API.
    Containerd,
    /// The Kubernetes CRI v1 API, of containerd or CRI-O.
    Cri,
    /// The directory's path.
    #[default]
    Path,
}

names!(Source {
    Kernel => "kernel",
    OciArgv => "oci_argv",
    OciState => "oci_state",
    OciBundle => "oci_bundle",
    Docker => "docker",
    Podman => "podman",
    Containerd => "containerd",
    Cri => "cri",
    Path => "path",
});

impl Source {
    /// The sources of records in raw/runtime: files of OCI runtimes, and daemons.
    pub const RUNTIME: &'static [Self] =
        &[Self::OciState, Self::OciBundle, Self::Docker, Self::Podman, Self::Containerd, Self::Cri];

    /// The sources of claims about identity: all but the kernel.
    pub const CLAIM: &'static [Self] = &[
        Self::OciArgv,
        Self::OciState,
        Self::OciBundle,
        Self::Docker,
        Self::Podman,
        Self::Containerd,
        Self::Cri,
        Self::Path,
    ];

    /// Returns true if this is the API of a daemon, or the daemon's own file about a container.
    #[must_use]
    pub fn is_daemon(self) -> bool {
        matches!(self, Self::Docker | Self::Podman | Self::Containerd | Self::Cri)
    }
}
