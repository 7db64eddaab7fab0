//! The daemons that are known: their programs, their interfaces and the usual places of their
//! sockets. Both the capture and the check go by this list.

use super::kind::DaemonKind;

/// A program that runs containers and listens on a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DaemonProduct {
    /// dockerd, and the daemons made of it.
    Docker,
    /// containerd, with or without its CRI plugin.
    Containerd,
    /// Podman's service.
    Podman,
    /// CRI-O.
    Crio,
    /// iSulad.
    Isulad,
    /// BuildKit, which is not asked.
    Buildkit,
}

impl DaemonProduct {
    /// Returns the interfaces that are asked on its sockets.
    pub const fn kinds(self) -> &'static [DaemonKind] {
        match self {
            Self::Docker => &[DaemonKind::Docker],
            // The CRI plugin of containerd answers on containerd's own socket.
            Self::Containerd => &[DaemonKind::Containerd, DaemonKind::Cri],
            Self::Podman => &[DaemonKind::Podman],
            Self::Crio | Self::Isulad => &[DaemonKind::Cri],
            Self::Buildkit => &[],
        }
    }

    /// Returns the product that a process is of, by its name as the kernel has it: cut after 15
    /// bytes.
    pub fn of_comm(comm: &str) -> Option<Self> {
        match comm {
            "dockerd" | "balenad" | "balena-engine-d" => Some(Self::Docker),
            "containerd" => Some(Self::Containerd),
            "podman" => Some(Self::Podman),
            "crio" => Some(Self::Crio),
            "isulad" => Some(Self::Isulad),
            "buildkitd" => Some(Self::Buildkit),
            _ => None,
        }
    }
}

/// The usual place of a daemon's socket.
#[derive(Debug)]
pub struct UsualSocket {
    /// The daemon that listens there.
    pub product: DaemonProduct,
    /// The path below the host's root, or below a user's runtime directory.
    pub path: &'static str,
}

const fn at(product: DaemonProduct, path: &'static str) -> UsualSocket {
    UsualSocket { product, path }
}

/// The usual places of root's daemons. Those behind the engines' own are of balenaOS, Cloud Foundry
/// (TKGI), RancherOS and QNAP; of dockerd's own containerd, k3s and RKE2, k0s, MicroK8s, Canonical
/// Kubernetes, Bottlerocket, Talos and EVE-OS.
pub const OF_ROOT: &[UsualSocket] = &[
    at(DaemonProduct::Docker, "run/docker.sock"),
    at(DaemonProduct::Docker, "var/run/docker.sock"),
    at(DaemonProduct::Docker, "run/balena-engine.sock"),
    at(DaemonProduct::Docker, "var/run/balena-engine.sock"),
    at(DaemonProduct::Docker, "var/vcap/sys/run/docker/docker.sock"),
    at(DaemonProduct::Docker, "run/system-docker.sock"),
    at(DaemonProduct::Docker, "var/run/system-docker.sock"),
    at(DaemonProduct::Podman, "run/podman/podman.sock"),
    at(DaemonProduct::Podman, "var/run/podman/podman.sock"),
    at(DaemonProduct::Containerd, "run/containerd/containerd.sock"),
    at(DaemonProduct::Containerd, "run/docker/containerd/containerd.sock"),
    at(DaemonProduct::Containerd, "run/k3s/containerd/containerd.sock"),
    at(DaemonProduct::Containerd, "run/k0s/containerd.sock"),
    at(DaemonProduct::Containerd, "var/snap/microk8s/common/run/containerd.sock"),
    at(DaemonProduct::Containerd, "var/snap/k8s/common/run/containerd.sock"),
    at(DaemonProduct::Containerd, "run/host-containerd/containerd.sock"),
    at(DaemonProduct::Containerd, "system/run/containerd/containerd.sock"),
    at(DaemonProduct::Containerd, "run/containerd-user/containerd.sock"),
    at(DaemonProduct::Crio, "run/crio/crio.sock"),
    at(DaemonProduct::Crio, "var/run/crio/crio.sock"),
    at(DaemonProduct::Isulad, "run/isulad.sock"),
    at(DaemonProduct::Isulad, "var/run/isulad.sock"),
    at(DaemonProduct::Buildkit, "run/buildkit/buildkitd.sock"),
];

/// The usual places below a user's runtime directory, /run/user/UID.
pub const OF_USERS: &[UsualSocket] = &[
    at(DaemonProduct::Docker, "docker.sock"),
    at(DaemonProduct::Podman, "podman/podman.sock"),
    at(DaemonProduct::Containerd, "containerd/containerd.sock"),
    at(DaemonProduct::Containerd, "docker/containerd/containerd.sock"),
    at(DaemonProduct::Buildkit, "buildkit/buildkitd.sock"),
];
