//! The engines that containers belong to, and the OCI runtimes that set them up.

use crate::record::names;

/// The engine that a container belongs to: the program its user talks to.
///
/// Containers of kata, gVisor, nerdctl, k3s and Fargate belong to containerd; those of ECS on EC2
/// and the job cgroups of GitHub and Azure to docker; Quadlet's to podman; the steps of `podman
/// build` to buildah, whose code runs them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[allow(missing_docs)] // each value is the product of that name
pub enum Engine {
    Docker,
    Containerd,
    Crio,
    Podman,
    Buildah,
    Buildkit,
    Runc,
    Crun,
    Youki,
    Lxc,
    Incus,
    SystemdNspawn,
    Garden,
    Bpm,
    Mesos,
    Nomad,
    LibvirtLxc,
    Rkt,
    Singularity,
    /// Tracee's word for an engine that it does not know, in the rows of its profile only. obit's
    /// own rows have no value there.
    Unknown,
}

names!(Engine {
    Docker => "docker",
    Containerd => "containerd",
    Crio => "crio",
    Podman => "podman",
    Buildah => "buildah",
    Buildkit => "buildkit",
    Runc => "runc",
    Crun => "crun",
    Youki => "youki",
    Lxc => "lxc",
    Incus => "incus",
    SystemdNspawn => "systemd-nspawn",
    Garden => "garden",
    Bpm => "bpm",
    Mesos => "mesos",
    Nomad => "nomad",
    LibvirtLxc => "libvirt-lxc",
    Rkt => "rkt",
    Singularity => "singularity",
    Unknown => "unknown",
});

impl Engine {
    /// Returns true if a container cannot belong to both. Incus runs LXC's library, so that its
    /// containers have LXC's paths.
    pub(crate) fn contradicts(self, other: Self) -> bool {
        self != other && !matches!((self, other), (Self::Lxc, Self::Incus) | (Self::Incus, Self::Lxc))
    }
}

/// The program that sets a container up for its engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[allow(missing_docs)] // each value is the program of that name
pub enum OciRuntime {
    Runc,
    Crun,
    Youki,
    Runsc,
    Kata,
}

names!(OciRuntime {
    Runc => "runc",
    Crun => "crun",
    Youki => "youki",
    Runsc => "runsc",
    Kata => "kata",
});
