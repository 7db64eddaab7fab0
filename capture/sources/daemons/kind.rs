//! The kinds of daemons that are asked, and how the command line names them.

use std::path::PathBuf;

use obit_derivation::identity::Engine;
use obit_derivation::record::Source;

/// containerd's namespace of everything that came in by CRI.
pub const CRI_NAMESPACE: &str = "k8s.io";

/// An interface that daemons offer on a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DaemonKind {
    /// Docker's HTTP API.
    Docker,
    /// Podman's HTTP API.
    Podman,
    /// containerd's own gRPC API.
    Containerd,
    /// The Kubernetes CRI v1 gRPC API, of CRI-O and of containerd's plugin.
    Cri,
}

impl DaemonKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Docker, Self::Podman, Self::Containerd, Self::Cri];

    /// Returns the source that a record of its answers names.
    pub const fn source(self) -> Source {
        match self {
            Self::Docker => Source::Docker,
            Self::Podman => Source::Podman,
            Self::Containerd => Source::Containerd,
            Self::Cri => Source::Cri,
        }
    }

    /// Returns the name on the command line and in a request.
    pub const fn as_str(self) -> &'static str {
        self.source().as_str()
    }

    /// Returns the engine whose containers it runs, if that is always the same.
    pub const fn engine(self) -> Option<Engine> {
        match self {
            Self::Docker => Some(Engine::Docker),
            Self::Podman => Some(Engine::Podman),
            Self::Containerd | Self::Cri => None,
        }
    }

    /// Returns the kinds of daemons that may know a container, the likeliest first.
    pub fn of_container(engine: Option<Engine>, namespace: Option<&str>, container_id: &str) -> &'static [Self] {
        match engine {
            Some(Engine::Docker) => &[Self::Docker],
            Some(Engine::Podman) => &[Self::Podman],
            Some(Engine::Crio) => &[Self::Cri],
            Some(Engine::Containerd) => match namespace {
                None | Some(CRI_NAMESPACE) => &[Self::Containerd, Self::Cri],
                Some(_) => &[Self::Containerd],
            },
            None if is_hex_id(container_id) => &Self::ALL,
            _ => &[],
        }
    }

    /// Returns true if an id means a container only together with a namespace.
    pub const fn has_namespaces(self) -> bool {
        matches!(self, Self::Containerd)
    }

    /// Returns true if the daemon tells of events by itself.
    pub const fn has_events(self) -> bool {
        !matches!(self, Self::Cri)
    }

    /// Returns true if the daemon may run containers without a cgroup, which nobody asks about
    /// because the kernel shows none: podman's `--cgroups=disabled`.
    pub const fn may_lack_cgroups(self) -> bool {
        matches!(self, Self::Docker | Self::Podman)
    }

    /// Returns what an event, by the daemon's own word, says of the existence of its container;
    /// `None` if nothing.
    pub fn existence_after(event: &str) -> Option<Existence> {
        match event {
            // Docker's, podman's and containerd's words.
            "destroy" | "remove" | "/containers/delete" => Some(Existence::Removed),
            "create" | "/containers/create" => Some(Existence::Created),
            _ => None,
        }
    }

    /// Returns true if the daemon knows a container only once it runs. The others do before the
    /// kernel makes its cgroup.
    pub const fn learns_late(self) -> bool {
        matches!(self, Self::Cri)
    }
}

/// A change to whether a container exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// The container is there from now on.
    Created,
    /// The container is gone.
    Removed,
}

fn is_hex_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A value of `--runtime`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuntimeChoice {
    /// Look for no daemon; only those given are asked.
    None,
    /// Ask the daemon at this socket, and look for no other of its kind.
    Socket(DaemonKind, PathBuf),
}

impl RuntimeChoice {
    /// Returns the kinds of daemons as the command line names them.
    pub fn kinds() -> String {
        DaemonKind::ALL.map(DaemonKind::as_str).join(", ")
    }

    /// Reads `docker=/run/docker.sock`, `unix://` before the path allowed, or `none`.
    ///
    /// # Errors
    /// A sentence for the command line.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::None);
        }
        let Some((name, path)) = text.split_once('=') else {
            return Err(format!("'{text}' names no socket: write KIND=PATH with one of {}, or none", Self::kinds()));
        };
        let kind = DaemonKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name)
            .ok_or_else(|| format!("'{name}' is no kind of daemon: write one of {}, or none", Self::kinds()))?;
        let path = path.strip_prefix("unix://").unwrap_or(path);
        if !path.starts_with('/') {
            return Err(format!("'{path}' is no absolute path: write {name}=/path/to/socket"));
        }
        Ok(Self::Socket(kind, path.into()))
    }
}

impl std::fmt::Display for RuntimeChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Socket(kind, path) => write!(f, "{}={}", kind.as_str(), path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_names_a_kind_and_an_absolute_path() {
        assert_eq!(RuntimeChoice::parse("none"), Ok(RuntimeChoice::None));
        let docker = RuntimeChoice::Socket(DaemonKind::Docker, "/run/docker.sock".into());
        for spelling in ["docker=/run/docker.sock", "docker=unix:///run/docker.sock"] {
            assert_eq!(RuntimeChoice::parse(spelling).as_ref(), Ok(&docker), "{spelling}");
        }
        for wrong in ["", "docker", "docker=", "docker=run/docker.sock", "rkt=/run/rkt.sock", "docker=tcp://h:1"] {
            assert!(RuntimeChoice::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(docker.to_string(), "docker=/run/docker.sock");
    }
}
