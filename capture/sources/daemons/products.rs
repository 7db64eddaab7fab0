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

/// A product, and how it is recognised on a host.
#[derive(Debug)]
pub struct ProductFacts {
    /// The product.
    pub product: DaemonProduct,
    /// The name that is shown.
    pub name: &'static str,
    /// The interfaces that are asked on its sockets.
    pub kinds: &'static [DaemonKind],
    /// Programs that are installed with it.
    pub programs: &'static [&'static str],
    /// Names of its processes as the kernel has them: cut after 15 bytes.
    pub comms: &'static [&'static str],
    /// Options on its command line whose values are sockets.
    pub socket_options: &'static [&'static str],
}

/// All products, in the order in which they are shown.
pub const PRODUCTS: &[ProductFacts] = &[
    ProductFacts {
        product: DaemonProduct::Docker,
        name: "docker",
        kinds: &[DaemonKind::Docker],
        programs: &["dockerd", "balenad"],
        comms: &["dockerd", "balenad", "balena-engine-d"],
        socket_options: &["-H", "--host"],
    },
    ProductFacts {
        product: DaemonProduct::Containerd,
        name: "containerd",
        // The CRI plugin of containerd answers on containerd's own socket.
        kinds: &[DaemonKind::Containerd, DaemonKind::Cri],
        programs: &["containerd"],
        comms: &["containerd"],
        socket_options: &["-a", "--address"],
    },
    ProductFacts {
        product: DaemonProduct::Crio,
        name: "cri-o",
        kinds: &[DaemonKind::Cri],
        programs: &["crio"],
        comms: &["crio"],
        socket_options: &["--listen"],
    },
    ProductFacts {
        product: DaemonProduct::Podman,
        name: "podman",
        kinds: &[DaemonKind::Podman],
        programs: &["podman"],
        comms: &["podman"],
        // Its service has the socket as an argument.
        socket_options: &[],
    },
    ProductFacts {
        product: DaemonProduct::Isulad,
        name: "isulad",
        kinds: &[DaemonKind::Cri],
        programs: &["isulad"],
        comms: &["isulad"],
        socket_options: &["-H", "--host"],
    },
    ProductFacts {
        product: DaemonProduct::Buildkit,
        name: "buildkit",
        kinds: &[],
        programs: &["buildkitd"],
        comms: &["buildkitd"],
        socket_options: &["--addr"],
    },
];

impl DaemonProduct {
    /// Returns what is known of the product; `None` if it is not among [`PRODUCTS`].
    pub fn facts(self) -> Option<&'static ProductFacts> {
        PRODUCTS.iter().find(|facts| facts.product == self)
    }

    /// Returns the interfaces that are asked on its sockets.
    pub fn kinds(self) -> &'static [DaemonKind] {
        self.facts().map_or(&[], |facts| facts.kinds)
    }

    /// Returns the product that a process is of, by its name as the kernel has it.
    pub fn of_comm(comm: &str) -> Option<Self> {
        PRODUCTS.iter().find(|facts| facts.comms.contains(&comm)).map(|facts| facts.product)
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
