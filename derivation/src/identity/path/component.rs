//! The rules for one component of a path, given where it stands.

use super::grammar::{self, IdSpelling};
use super::place::{AllowedUnits, ParentRole};
use crate::identity::engine::Engine;

/// The meaning that the directories above a component give it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ParentContext<'a> {
    /// Units that systemd could make here.
    pub(super) systemd: AllowedUnits<'a>,
    /// Role of the directory directly above.
    pub(super) role: ParentRole,
    /// Engine of the innermost container above, if it is known.
    pub(super) runtime: Option<Engine>,
    /// True if there is an `ecs` directory between here and the innermost container above.
    pub(super) in_ecs: bool,
    /// True if there is a `kubelet` directory between here and the innermost container above. So it
    /// is for kind, which always runs containerd.
    pub(super) in_kind: bool,
    /// True below a user's own systemd. That user makes any directory there, so nothing there is a
    /// machine of the host.
    pub(super) in_user_manager: bool,
}

impl ParentContext<'_> {
    /// Returns true if a service here is one that the host's systemd placed in `system.slice` or
    /// `machine.slice`.
    pub(super) fn is_host_unit_parent(&self) -> bool {
        let is_host_slice = matches!(self.role, ParentRole::SystemSlice | ParentRole::MachineSlice);
        is_host_slice && self.systemd.holds_units() && !self.in_user_manager
    }

    /// Returns true if a scope `machine-<name>.scope` here is a machine's: in `machine.slice`, or
    /// in the slice that `systemd-nspawn --slice=` names.
    fn holds_machines(&self) -> bool {
        self.role == ParentRole::MachineSlice || self.role.is_slice() && !self.in_user_manager
    }
}

/// A kind of component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ComponentKind<'a> {
    /// A container's directory.
    Container(ContainerMatch<'a>),
    /// A pod's directory: with its UID if it is one of Kubernetes, and its name without `.slice` if
    /// it is a slice.
    Pod { uid: Option<&'a str>, slice: Option<&'a str> },
    /// A directory of something that serves a container; nothing below it is a container.
    Helper,
    /// A helper's directory that may have a container below it.
    HelperLeaf,
    /// A slice, by its name without `.slice`.
    Slice(&'a str),
    /// A user's own systemd.
    UserManager,
    /// A service or a scope of another kind.
    Unit { service: bool },
    /// A directory that no manager of units made.
    Plain,
}

/// A container, as one component names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ContainerMatch<'a> {
    pub(super) runtime: Option<Engine>,
    pub(super) id: IdSpelling<'a>,
    /// True if this is its own directory, not a second one that an engine keeps for it.
    pub(super) own: bool,
    /// UID of its pod, if the component itself names that.
    pub(super) pod_uid: Option<&'a str>,
    /// Role of its directory for those below it.
    pub(super) role: ParentRole,
}

fn container<'a>(runtime: impl Into<Option<Engine>>, id: &'a str) -> ComponentKind<'a> {
    container_with_role(runtime, id, ParentRole::None)
}

fn container_with_role<'a>(runtime: impl Into<Option<Engine>>, id: &'a str, role: ParentRole) -> ComponentKind<'a> {
    let (runtime, id) = (runtime.into(), IdSpelling::Plain(id));
    ComponentKind::Container(ContainerMatch { runtime, id, own: true, pod_uid: None, role })
}

fn escaped_container(runtime: Engine, id: &str) -> ComponentKind<'_> {
    let id = if id.contains('\\') { IdSpelling::Escaped(id) } else { IdSpelling::Plain(id) };
    let (runtime, role) = (Some(runtime), ParentRole::Service);
    ComponentKind::Container(ContainerMatch { runtime, id, own: true, pod_uid: None, role })
}

/// Tells the kind of the component `name`.
pub(super) fn read_component<'a>(name: &'a str, above: &ParentContext<'a>) -> ComponentKind<'a> {
    if let Some(meaning) = read_by_role(name, above) {
        return meaning;
    }
    if let Some(rest) = name.strip_prefix("lxc.")
        && let Some(meaning) = read_lxc(rest)
    {
        return meaning;
    }
    if name.ends_with('e') {
        if let Some(stem) = name.strip_suffix(".slice") {
            return read_slice(stem, above);
        }
        if let Some(stem) = name.strip_suffix(".scope") {
            return read_scope(stem, above).unwrap_or(ComponentKind::Unit { service: false });
        }
        if let Some(stem) = name.strip_suffix(".service") {
            return read_service(stem, above);
        }
    }
    read_plain(name, above).unwrap_or(ComponentKind::Plain)
}

/// Reads a component below a directory whose children carry names that a user chose.
fn read_by_role<'a>(name: &'a str, above: &ParentContext<'a>) -> Option<ComponentKind<'a>> {
    match above.role {
        ParentRole::Lxc => Some(container_with_role(Engine::Lxc, name, ParentRole::LxcContainer)),
        // cgroups/cgfsng.c with a pattern: <pattern>/payload and <pattern>/monitor, each perhaps
        // with -1, -2, …
        ParentRole::LxcContainer if name == "monitor" || name.starts_with("monitor-") => Some(ComponentKind::Helper),
        ParentRole::LibvirtLxc => Some(container(Engine::LibvirtLxc, name)),
        ParentRole::NomadTop | ParentRole::Nomad => {
            let is_nomad = grammar::is_nomad_task(name) || grammar::is_uuid(name, b'-');
            let is_containerd = above.role == ParentRole::NomadTop && grammar::is_nomad_containerd_id(name);
            let engine = if is_nomad { Some(Engine::Nomad) } else { is_containerd.then_some(Engine::Containerd) };
            engine.map(|engine| container(engine, name))
        }
        ParentRole::NomadSlice => {
            let task = name.strip_suffix(".scope").filter(|stem| grammar::is_nomad_task(stem))?;
            Some(container(Engine::Nomad, task))
        }
        ParentRole::Mesos => {
            // Only the agent names a top-level container; whoever launches a nested one may choose
            // its name.
            let nested = above.runtime == Some(Engine::Mesos) && grammar::is_oci_id(name);
            (nested || grammar::is_uuid(name, b'-')).then(|| container(Engine::Mesos, name))
        }
        ParentRole::Singularity => {
            let number = name.strip_prefix("parent-").unwrap_or(name);
            grammar::is_digits(number).then(|| container(Engine::Singularity, name))
        }
        ParentRole::Garden | ParentRole::GardenBad => {
            let handle =
                grammar::is_garden_handle(name) || grammar::is_uuid(name, b'-') || grammar::is_garden_sequence(name);
            let (runtime, id, pod_uid, role) = (Some(Engine::Garden), IdSpelling::Plain(name), None, ParentRole::None);
            // runc is given the directory in `good`; guardian makes the one in `bad`, for a
            // container that used too much CPU.
            let own = above.role == ParentRole::Garden;
            handle.then_some(ComponentKind::Container(ContainerMatch { runtime, id, own, pod_uid, role }))
        }
        ParentRole::Buildkit => grammar::is_buildkit_id(name).then(|| container(Engine::Buildkit, name)),
        ParentRole::LibpodParent | ParentRole::PodmanPod | ParentRole::BareContainer if name == "conmon" => {
            Some(ComponentKind::Helper)
        }
        ParentRole::Service | ParentRole::HostService if matches!(name, "runtime" | "supervisor") => {
            Some(ComponentKind::HelperLeaf)
        }
        _ => None,
    }
}

/// Reads LXC's names since 4.0, without their `lxc.` (cgroups/cgroup.h). Incus and LXD use them as
/// well.
fn read_lxc(rest: &str) -> Option<ComponentKind<'_>> {
    if let Some(name) = rest.strip_prefix("payload.") {
        return (!name.is_empty()).then(|| container_with_role(Engine::Lxc, name, ParentRole::LxcContainer));
    }
    let helper = rest == "monitor" || rest == "pivot" || rest.starts_with("monitor.");
    helper.then_some(ComponentKind::Helper)
}

fn read_slice<'a>(stem: &'a str, above: &ParentContext<'a>) -> ComponentKind<'a> {
    if stem == "kata-overhead" {
        return ComponentKind::Helper;
    }
    // Most slices are too short to name a pod: the test of the length saves the search.
    if above.systemd.holds_pod_slices() && stem.len() >= "kubepods-pod".len() + 32 {
        if let Some(uid) = pod_uid_of_slice(stem) {
            return ComponentKind::Pod { uid: Some(uid), slice: Some(stem) };
        }
        // podman: <parent>-libpod_pod_<id>.slice (libpod/pod_internal_linux.go)
        if split_hex64(stem).is_some_and(|(before, _)| before.ends_with("-libpod_pod_")) {
            return ComponentKind::Pod { uid: None, slice: Some(stem) };
        }
    }
    ComponentKind::Slice(stem)
}

/// Returns the pod's UID in `kubepods[-<QoS>]-pod<uid>`, perhaps behind the kubelet's own root.
fn pod_uid_of_slice(stem: &str) -> Option<&str> {
    let (before, uid) = grammar::split_pod_uid(stem)?;
    let parent = before.strip_suffix("-pod")?;
    let qos = parent.strip_suffix("-burstable").or_else(|| parent.strip_suffix("-besteffort")).unwrap_or(parent);
    (qos == "kubepods" || qos.ends_with("-kubepods")).then_some(uid)
}

fn read_service<'a>(stem: &'a str, above: &ParentContext<'a>) -> ComponentKind<'a> {
    if above.systemd.holds_units() {
        if let Some(machine) = stem.strip_prefix("systemd-nspawn@")
            && grammar::is_machine_name(machine)
        {
            return escaped_container(Engine::SystemdNspawn, machine);
        }
        // NixOS: nixos/modules/virtualisation/nixos-containers.nix, in machine.slice
        if let Some(machine) = stem.strip_prefix("container@")
            && above.role == ParentRole::MachineSlice
            && !above.in_user_manager
            && grammar::is_machine_name(machine)
        {
            return escaped_container(Engine::SystemdNspawn, machine);
        }
        if let Some(uid) = stem.strip_prefix("user@")
            && grammar::is_digits(uid)
        {
            return ComponentKind::UserManager;
        }
    }
    // podman's health checks: <id>[-startup]-<hex>.service, before 4.8 <id>.service
    // (libpod/healthcheck_linux.go)
    if let Some((id, rest)) = stem.split_at_checked(64)
        && (rest.is_empty() || rest.starts_with('-'))
        && grammar::is_hex64(id)
    {
        return ComponentKind::Helper;
    }
    ComponentKind::Unit { service: true }
}

fn read_scope<'a>(stem: &'a str, above: &ParentContext<'a>) -> Option<ComponentKind<'a>> {
    let allowed = above.systemd.holds_units();
    if let Some((prefix, id)) = split_hex64(stem) {
        let runtime = match prefix {
            "libpod-conmon-" | "crio-conmon-" => return Some(ComponentKind::Helper),
            "docker-" => Some(Engine::Docker),
            "cri-containerd-" | "nerdctl-" => Some(Engine::Containerd),
            "crio-" => Some(Engine::Crio),
            "libpod-" => Some(Engine::Podman),
            "runc-" => Some(Engine::Runc),
            "crun-" => Some(Engine::Crun),
            "youki-" => Some(Engine::Youki),
            // iSulad: src/daemon/modules/spec/specs.c, merge_container_cgroups_path. No value of
            // Engine stands for it.
            "" | "isulad-" => None,
            _ => return read_short_scope(stem, above).filter(|_| allowed),
        };
        return allowed.then(|| container(runtime, id));
    }
    read_short_scope(stem, above).filter(|_| allowed)
}

/// Reads a scope whose id is not 64 hex digits.
fn read_short_scope<'a>(stem: &'a str, above: &ParentContext<'a>) -> Option<ComponentKind<'a>> {
    let (prefix, id) = stem.split_once('-')?;
    match prefix {
        "runc" if grammar::is_bpm_id(id) => Some(container(Engine::Bpm, id)),
        "runc" | "crun" | "youki" if grammar::is_buildah_id(id) => Some(container(Engine::Buildah, id)),
        "runc" => grammar::is_oci_id(id).then(|| container(Engine::Runc, id)),
        "crun" => grammar::is_crun_scope_id(id).then(|| container(Engine::Crun, id)),
        "youki" => grammar::is_oci_id(id).then(|| container(Engine::Youki, id)),
        "docker" | "buildkit" => grammar::is_buildkit_id(id).then(|| container(Engine::Buildkit, id)),
        "singularity" | "apptainer" => read_singularity_scope(id),
        "machine" if above.holds_machines() => read_machine(id),
        _ => read_bpm_scope(stem),
    }
}

/// Reads what follows `singularity-`: the pid of an instance, or `oci-` and the id of a container
/// of the OCI mode (internal/pkg/runtime/launcher/oci/oci_linux.go).
fn read_singularity_scope(rest: &str) -> Option<ComponentKind<'_>> {
    if let Some(id) = rest.strip_prefix("oci-") {
        return grammar::is_oci_id(id).then(|| container(Engine::Singularity, id));
    }
    let number = rest.strip_prefix("parent-").unwrap_or(rest);
    grammar::is_digits(number).then(|| container(Engine::Singularity, rest))
}

/// Reads bpm's `[<where it runs>-]bpm-<id>.scope`; the id begins with `bpm-` itself
/// (src/bpm/cgroups/cgroup.go).
fn read_bpm_scope(stem: &str) -> Option<ComponentKind<'_>> {
    let mut rest = stem;
    while let Some((word, tail)) = rest.split_once('-') {
        if word == "bpm" && grammar::is_bpm_id(tail) {
            return Some(container(Engine::Bpm, tail));
        }
        rest = tail;
    }
    None
}

/// Reads a machine that registered with systemd-machined; `escaped` is its name as systemd writes
/// it in a unit's name.
fn read_machine(escaped: &str) -> Option<ComponentKind<'_>> {
    if is_virtual_machine(escaped) {
        return None;
    }
    if let Some(uuid) = escaped.strip_prefix("rkt\\x2d")
        && grammar::is_escaped_uuid(uuid)
    {
        return Some(escaped_container(Engine::Rkt, uuid));
    }
    // libvirt: lxc-<number>-<name> (virDomainDriverGenerateMachineName)
    if let Some((number, name)) = escaped.strip_prefix("lxc\\x2d").and_then(|rest| rest.split_once("\\x2d"))
        && grammar::is_digits(number)
    {
        return grammar::is_machine_name(name).then(|| escaped_container(Engine::LibvirtLxc, name));
    }
    grammar::is_machine_name(escaped).then(|| escaped_container(Engine::SystemdNspawn, escaped))
}

/// Returns true for the names that libvirt gives virtual machines
/// (virDomainDriverGenerateMachineName): `qemu-…`, and `ch-<number>-…` of Cloud Hypervisor.
///
/// A virtual machine of systemd-vmspawn has any name, like a container of nspawn: only machined's
/// class tells the two apart.
fn is_virtual_machine(escaped: &str) -> bool {
    let number = escaped.strip_prefix("ch\\x2d").and_then(|rest| rest.split_once("\\x2d")).map(|(number, _)| number);
    escaped.starts_with("qemu\\x2d") || number.is_some_and(grammar::is_digits)
}

fn read_plain<'a>(name: &'a str, above: &ParentContext<'a>) -> Option<ComponentKind<'a>> {
    if let Some((prefix, id)) = split_hex64(name) {
        match prefix {
            "" => return Some(read_bare_id(id, above)),
            "libpod-" | "libpod-payload-" | "kata_libpod-" => return Some(container(Engine::Podman, id)),
            "libpod-conmon-" | "crio-conmon-" => return Some(ComponentKind::Helper),
            // In a slice but without `.scope` it is not systemd's. CRI-O makes that empty directory
            // for a sandbox whose pause container it dropped
            // (internal/config/cgmgr/systemd_linux.go, CreateSandboxCgroup).
            "crio-" if above.role.is_slice() => return Some(ComponentKind::Helper),
            "crio-" | "kata_crio-" => return Some(container(Engine::Crio, id)),
            "kata_" if above.role == ParentRole::Docker => return Some(container(Engine::Docker, id)),
            "kata_" => return Some(container(Engine::Containerd, id)),
            _ => {}
        }
    }
    let first = name.as_bytes().first()?;
    match first {
        b'p' => {
            let uid = name.strip_prefix("pod").filter(|uid| grammar::is_pod_uid(uid));
            if uid.is_some() {
                return Some(ComponentKind::Pod { uid, slice: None });
            }
        }
        b'k' if name == "kata_overhead" => return Some(ComponentKind::Helper),
        b'b' if grammar::is_bpm_id(name) => return Some(container(Engine::Bpm, name)),
        b'0'..=b'9' | b'a'..=b'f' => {
            if grammar::is_garden_handle(name) {
                return Some(container(Engine::Garden, name));
            }
            if above.in_ecs && grammar::is_fargate_id(name) {
                return Some(container(Engine::Containerd, name));
            }
        }
        _ => {}
    }
    if let Some(machine) = name.strip_suffix(".libvirt-lxc") {
        // libvirt without machined: the machine's name, `lxc-<number>-<name>`; in older versions
        // the name alone (src/lxc/lxc_cgroup.c, virLXCCgroupCreate).
        let numbered = machine.strip_prefix("lxc-").and_then(|rest| rest.split_once('-'));
        let name = match numbered {
            Some((number, name)) if grammar::is_digits(number) => name,
            _ => machine,
        };
        return (!name.is_empty()).then(|| container(Engine::LibvirtLxc, name));
    }
    read_cgroups_path(name)
}

/// Reads 64 hex digits and nothing else: only the directory above can tell who made it.
fn read_bare_id<'a>(id: &'a str, above: &ParentContext<'a>) -> ComponentKind<'a> {
    let runtime = match above.role {
        ParentRole::LibpodParent => return ComponentKind::Pod { uid: None, slice: None },
        ParentRole::Docker | ParentRole::Moby => Engine::Docker,
        ParentRole::ContainerdNamespace | ParentRole::KataSandbox => Engine::Containerd,
        ParentRole::KubePod if above.in_kind => Engine::Containerd,
        // The agent on EC2 runs docker; Fargate's own ids are read elsewhere.
        _ if above.in_ecs => Engine::Docker,
        _ => return container_with_role(None, id, ParentRole::BareContainer),
    };
    container(runtime, id)
}

/// Reads `slice:prefix:id` as a directory's name: a runtime makes it of systemd's cgroupsPath if it
/// was not told to use systemd.
fn read_cgroups_path(name: &str) -> Option<ComponentKind<'_>> {
    const SHORTEST: usize = "a.slice:runc:b".len();
    if name.len() < SHORTEST && !name.starts_with(':') {
        return None; // spares most names the search for a colon
    }
    let (slice, rest) = name.split_once(':')?;
    let (prefix, id) = rest.split_once(':')?;
    let stem = if slice.is_empty() { slice } else { slice.strip_suffix(".slice")? };
    if stem == "kata-overhead" {
        return Some(ComponentKind::Helper);
    }
    let runtime = match prefix {
        "docker" | "buildkit" if grammar::is_buildkit_id(id) => Some(Engine::Buildkit),
        "singularity-oci" if grammar::is_oci_id(id) => Some(Engine::Singularity),
        "runc" if grammar::is_oci_id(id) => Some(Engine::Runc),
        "crun" if grammar::is_oci_id(id) => Some(Engine::Crun),
        "youki" if grammar::is_oci_id(id) => Some(Engine::Youki),
        _ if !grammar::is_hex64(id) => return None,
        "docker" => Some(Engine::Docker),
        "cri-containerd" | "nerdctl" => Some(Engine::Containerd),
        "crio" => Some(Engine::Crio),
        "libpod" => Some(Engine::Podman),
        _ => None,
    };
    let (id, pod_uid) = (IdSpelling::Plain(id), pod_uid_of_slice(stem));
    Some(ComponentKind::Container(ContainerMatch { runtime, id, own: true, pod_uid, role: ParentRole::None }))
}

/// Splits the last 64 bytes off, if they are an id.
fn split_hex64(text: &str) -> Option<(&str, &str)> {
    let (prefix, id) = text.split_at_checked(text.len().checked_sub(64)?)?;
    grammar::is_hex64(id).then_some((prefix, id))
}
