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
    /// Returns what kind of source this is.
    const fn kind(self) -> SourceKind {
        match self {
            Self::Kernel => SourceKind::Kernel,
            Self::OciArgv | Self::Path => SourceKind::Cgroup,
            Self::OciState | Self::OciBundle => SourceKind::File,
            Self::Docker => SourceKind::Daemon { event: "docker_event" },
            Self::Podman => SourceKind::Daemon { event: "podman_event" },
            Self::Containerd => SourceKind::Daemon { event: "containerd_event" },
            Self::Cri => SourceKind::Daemon { event: "cri_event" },
        }
    }

    /// Returns true for the sources of records in raw/runtime: files of OCI runtimes, and daemons.
    #[must_use]
    pub const fn is_runtime(self) -> bool {
        matches!(self.kind(), SourceKind::File | SourceKind::Daemon { .. })
    }

    /// Returns true for the sources of claims about identity: all but the kernel.
    #[must_use]
    pub const fn is_claimant(self) -> bool {
        !matches!(self.kind(), SourceKind::Kernel)
    }

    /// Returns true if this is the API of a daemon, or the daemon's own file about a container.
    #[must_use]
    pub const fn is_daemon(self) -> bool {
        matches!(self.kind(), SourceKind::Daemon { .. })
    }

    /// Returns the name in a case of a daemon as the sender of an event; `None` of all others,
    /// which send none.
    #[must_use]
    pub const fn event_name(self) -> Option<&'static str> {
        match self.kind() {
            SourceKind::Daemon { event } => Some(event),
            _ => None,
        }
    }
}

/// A kind of sources.
enum SourceKind {
    /// The kernel's events.
    Kernel,
    /// What an event of a cgroup carries: the directory's path, the arguments of its task.
    Cgroup,
    /// A file of an OCI runtime.
    File,
    /// A daemon, with its name as the sender of an event.
    Daemon { event: &'static str },
}
