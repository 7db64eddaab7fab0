//! The place of a directory: what the ones above allow it to be.

/// The units that systemd could make directly below a directory.
///
/// A delegated user can make any directory below their own service or session, `docker-<hex>.scope`
/// too. systemd only makes scopes in slices, and slices in the slice that their name extends
/// (systemd.slice(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AllowedUnits<'a> {
    /// A manager's root: the hierarchy's, a user manager's, or a container's with systemd in it.
    Root,
    /// A slice, by its name without `.slice`.
    Slice(&'a str),
    /// A plain directory on the host. Somebody's cgroup namespace may begin here, so slices are
    /// possible.
    SlicesOnly,
    /// Below a service of the host. A runtime that does not ask systemd makes the kubelet's slices
    /// there by their names, as plain directories; so a pod's slice is one, and nothing else is a
    /// unit.
    PodSlicesOnly,
    /// Below any other service or a scope: none.
    Nothing,
}

impl<'a> AllowedUnits<'a> {
    /// Returns true if systemd can place scopes and services here.
    pub(super) fn holds_units(self) -> bool {
        matches!(self, Self::Root | Self::Slice(_))
    }

    /// Returns true if the slice of a pod can stand here.
    pub(super) fn holds_pod_slices(self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// Returns what is allowed below the slice of this name, if it stands here.
    pub(super) fn below_slice(self, stem: &'a str) -> Self {
        match self {
            Self::Root | Self::SlicesOnly => Self::Slice(stem),
            // Nomad makes its two partitions itself, not by systemd
            // (client/lib/cgroupslib/partition.go).
            Self::Slice("nomad") if matches!(stem, "share" | "reserve") => Self::Slice(stem),
            Self::Slice(parent) if extends(parent, stem) => Self::Slice(stem),
            Self::PodSlicesOnly => Self::PodSlicesOnly,
            Self::Slice(_) | Self::Nothing => Self::Nothing,
        }
    }

    /// Returns what is allowed below a directory that is no unit, if it stands here.
    pub(super) fn below_plain(self, in_container: bool) -> Self {
        match self {
            Self::Root if in_container => Self::Root,
            Self::Root | Self::Slice(_) | Self::SlicesOnly => Self::SlicesOnly,
            Self::PodSlicesOnly => Self::PodSlicesOnly,
            Self::Nothing => Self::Nothing,
        }
    }
}

/// Returns true if a slice's name extends another by one part. `a-b` extends `a`; `a-b-c` does not,
/// as its parent is `a-b`.
fn extends(parent: &str, stem: &str) -> bool {
    let Some(rest) = stem.strip_prefix(parent).and_then(|rest| rest.strip_prefix('-')) else {
        return false;
    };
    !rest.is_empty() && !rest.contains('-')
}

/// The role of a directory for the ones directly below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ParentRole {
    /// The hierarchy's root.
    Top,
    /// Any slice without a value of its own.
    Slice,
    /// `system.slice` and the slices in it.
    SystemSlice,
    /// `machine.slice` and the slices in it.
    MachineSlice,
    /// `nomad.slice` and its partitions.
    NomadSlice,
    /// Kata's `kata-overhead.slice` and everything else that only helpers live in.
    Helpers,
    /// A service.
    Service,
    /// A service that the host's systemd placed in `system.slice` or `machine.slice`. Only root
    /// makes directories there, unless the unit delegates to a user.
    HostService,
    /// `docker`, and the cgroup parents that GitHub's and Azure's agents give to docker.
    Docker,
    /// `buildkit`: a containerd namespace, or BuildKit's level below a parent that was configured.
    Buildkit,
    /// `default` or `k8s.io` at the top: containerd's namespaces.
    ContainerdNamespace,
    /// `moby` at the top: dockerd's namespace in containerd.
    Moby,
    /// `lxc` or `lxc.payload`.
    Lxc,
    /// A container of `lxc`, where older layouts have `payload` and `monitor`.
    LxcContainer,
    /// `libvirt`.
    Libvirt,
    /// `libvirt/lxc`.
    LibvirtLxc,
    /// `garden` or `garden-<tag>`, or `good` below it.
    Garden,
    /// `garden/bad`: where guardian moves containers that used too much CPU.
    GardenBad,
    /// `mesos`: the agent's root, or the separator before a nested container.
    Mesos,
    /// `nomad` at the top, which is also a containerd namespace: that of Nomad's containerd driver.
    NomadTop,
    /// `nomad` elsewhere, and the partitions of any `nomad`.
    Nomad,
    /// `singularity` or `apptainer`.
    Singularity,
    /// `libpod_parent`: podman's parent under the cgroupfs driver.
    LibpodParent,
    /// A pod of podman.
    PodmanPod,
    /// A pod of Kubernetes.
    KubePod,
    /// `kata_sandboxed_pod`.
    KataSandbox,
    /// A container of an unknown engine, known by nothing but 64 hex digits.
    BareContainer,
    /// No special role.
    None,
}

impl ParentRole {
    /// Returns the role of a slice.
    pub(super) fn of_slice(stem: &str, parent: ParentRole) -> ParentRole {
        match stem {
            "nomad" => ParentRole::NomadSlice,
            "share" | "reserve" if parent == ParentRole::NomadSlice => ParentRole::NomadSlice,
            "machine" => ParentRole::MachineSlice,
            "system" => ParentRole::SystemSlice,
            _ if stem.starts_with("machine-") => ParentRole::MachineSlice,
            _ if stem.starts_with("system-") => ParentRole::SystemSlice,
            _ => ParentRole::Slice,
        }
    }

    /// Returns true for a slice of any kind.
    pub(super) fn is_slice(self) -> bool {
        matches!(self, Self::Slice | Self::SystemSlice | Self::MachineSlice | Self::NomadSlice)
    }

    /// Returns the role of a directory that is neither unit, nor container, nor pod.
    pub(super) fn of_plain(name: &str, parent: ParentRole, systemd: AllowedUnits<'_>) -> ParentRole {
        if name.len() > 24 {
            return ParentRole::None;
        }
        // containerd's default path is /<namespace>/<id>, from the root of what it sees.
        let namespace = |role| if systemd == AllowedUnits::Root { role } else { ParentRole::None };
        match name {
            "docker" | "actions_job" | "azpl_job" => ParentRole::Docker,
            "buildkit" => ParentRole::Buildkit,
            "default" | "k8s.io" => namespace(ParentRole::ContainerdNamespace),
            "moby" => namespace(ParentRole::Moby),
            "lxc" if parent == ParentRole::Libvirt => ParentRole::LibvirtLxc,
            "lxc" | "lxc.payload" => ParentRole::Lxc,
            "libvirt" => ParentRole::Libvirt,
            "garden" => ParentRole::Garden,
            "good" if parent == ParentRole::Garden => ParentRole::Garden,
            "bad" if parent == ParentRole::Garden => ParentRole::GardenBad,
            "mesos" => ParentRole::Mesos,
            "nomad" if systemd == AllowedUnits::Root => ParentRole::NomadTop,
            "nomad" => ParentRole::Nomad,
            "share" | "reserve" if matches!(parent, ParentRole::NomadTop | ParentRole::Nomad) => ParentRole::Nomad,
            "singularity" | "apptainer" => ParentRole::Singularity,
            "libpod_parent" => ParentRole::LibpodParent,
            "kata_sandboxed_pod" => ParentRole::KataSandbox,
            _ if name.starts_with("garden-") => ParentRole::Garden,
            _ => ParentRole::None,
        }
    }
}
