//! The walk over a path's components: the innermost container wins.

use super::component::{ComponentKind, ContainerMatch, ParentContext, read_component};
use super::grammar::{IdSpelling, components, is_hex64, unescaped};
use super::path_identity::{PathClass, PathIdentity};
use super::place::{AllowedUnits, ParentRole};
use super::pod_uid::PodUid;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// Reads a path, relative to its hierarchy's root, with or without a leading `/`. Total: any text
/// gives an answer.
///
/// Allocates only where systemd's escapes (`\x2d`) must go from an id, or underscores from a pod's
/// UID.
#[must_use]
pub fn identify(path: &str) -> PathIdentity<'_> {
    PathWalk::over(path).finish()
}

/// The state of a walk between two components.
struct PathWalk<'a> {
    above: ParentContext<'a>,
    current: Option<ContainerMatch<'a>>,
    outer: Option<IdSpelling<'a>>,
    pod_uid: Option<&'a str>,
    class: PathClass,
}

impl<'a> PathWalk<'a> {
    /// Walks the components of `path`.
    #[inline]
    fn over(path: &'a str) -> Self {
        let above = ParentContext {
            systemd: AllowedUnits::Root,
            role: ParentRole::Top,
            runtime: None,
            in_ecs: false,
            in_kind: false,
            in_user_manager: false,
        };
        let mut walk = Self { above, current: None, outer: None, pod_uid: None, class: PathClass::Other };
        for name in components(path) {
            walk.step(name);
            if walk.is_over() {
                break;
            }
        }
        walk
    }

    /// Returns true if nothing that follows can be a container.
    fn is_over(&self) -> bool {
        self.class == PathClass::Helper && self.above.role == ParentRole::Helpers
    }

    /// Reads the next component.
    #[inline]
    fn step(&mut self, name: &'a str) {
        let in_container = self.current.is_some();
        // A directory of no kind still belongs to the container around it.
        let nothing = if in_container { PathClass::Inside } else { PathClass::Other };
        let systemd = self.above.systemd;
        let meaning = read_component(name, &self.above);
        (self.above.systemd, self.above.role, self.class) = match meaning {
            ComponentKind::Container(container) => return self.enter(container),
            ComponentKind::Pod { uid, slice } => {
                self.pod_uid = uid.or(self.pod_uid);
                let systemd = match slice {
                    Some(stem) => systemd.below_slice(stem),
                    None => systemd.below_plain(in_container),
                };
                let role = match (uid, slice) {
                    (Some(_), None) => ParentRole::KubePod,
                    (None, None) => ParentRole::PodmanPod,
                    (_, Some(_)) => ParentRole::Slice,
                };
                (systemd, role, PathClass::Pod)
            }
            ComponentKind::Helper => (AllowedUnits::Nothing, ParentRole::Helpers, PathClass::Helper),
            ComponentKind::HelperLeaf => (systemd.below_plain(in_container), ParentRole::None, PathClass::Helper),
            ComponentKind::Slice(stem) => {
                (systemd.below_slice(stem), ParentRole::of_slice(stem, self.above.role), nothing)
            }
            ComponentKind::UserManager => {
                self.above.in_user_manager = true;
                (AllowedUnits::Root, ParentRole::None, nothing)
            }
            ComponentKind::Unit { service: true } if self.above.is_host_unit_parent() => {
                (AllowedUnits::PodSlicesOnly, ParentRole::HostService, nothing)
            }
            ComponentKind::Unit { service } => {
                let role = if service { ParentRole::Service } else { ParentRole::None };
                (AllowedUnits::Nothing, role, nothing)
            }
            // nspawn puts its guest into `payload`, where the guest's systemd is the manager
            // (src/nspawn/nspawn-cgroup.c, create_subcgroup). The service may have any name:
            // `systemd-nspawn --keep-unit`.
            ComponentKind::Plain if self.above.role == ParentRole::HostService && name == "payload" => {
                (AllowedUnits::Root, ParentRole::None, nothing)
            }
            ComponentKind::Plain => {
                self.above.in_ecs |= name == "ecs";
                self.above.in_kind |= in_container && name == "kubelet";
                (systemd.below_plain(in_container), ParentRole::of_plain(name, self.above.role, systemd), nothing)
            }
        };
    }

    fn enter(&mut self, container: ContainerMatch<'a>) {
        self.pod_uid = container.pod_uid.or(self.pod_uid);
        match self.current {
            // kind on v1 has /docker/<id>/docker/<id>: the same container twice.
            Some(current) if current.id == container.id && is_random(container.id) => {
                self.class = PathClass::Inside;
                self.above.systemd = AllowedUnits::Root;
                self.above.role = container.role;
                return;
            }
            // /<parent>/<64 hex>/libpod-<id>: the container of an unknown engine turns out to be
            // podman's pod.
            Some(current)
                if self.above.role == ParentRole::BareContainer && is_cgroupfs_podman(&container, &current) => {}
            Some(current) => self.outer = Some(current.id),
            None => {}
        }
        self.class = if container.own { PathClass::Root } else { PathClass::Inside };
        self.above = ParentContext {
            systemd: AllowedUnits::Root,
            role: container.role,
            runtime: container.runtime,
            in_ecs: false,
            in_kind: false,
            in_user_manager: self.above.in_user_manager,
        };
        self.current = Some(container);
    }

    /// Returns the answer.
    #[inline(always)]
    fn finish(self) -> PathIdentity<'a> {
        PathIdentity {
            runtime: self.current.and_then(|container| container.runtime),
            container_id: self.current.map(|container| unescape_id(container.id)),
            root: self.class == PathClass::Root,
            pod_uid: self.pod_uid.map(PodUid::from),
            parent_container_id: self.outer.map(unescape_id),
            class: self.class,
        }
    }
}

/// Returns true if no two containers share the id. Names of LXC and others may repeat at each
/// level.
fn is_random(id: IdSpelling<'_>) -> bool {
    matches!(id, IdSpelling::Plain(id) if is_hex64(id))
}

fn is_cgroupfs_podman(container: &ContainerMatch<'_>, around: &ContainerMatch<'_>) -> bool {
    container.runtime == Some(crate::identity::engine::Engine::Podman) && around.runtime.is_none()
}

/// Returns the id without systemd's escapes.
fn unescape_id(name: IdSpelling<'_>) -> Cow<'_, str> {
    match name {
        IdSpelling::Plain(text) => Cow::Borrowed(text),
        IdSpelling::Escaped(text) => {
            let bytes: Vec<u8> = unescaped(text).collect();
            String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
        }
    }
}
