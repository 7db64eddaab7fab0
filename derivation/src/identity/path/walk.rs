//! From components to an answer: the innermost container wins.

use super::component::{Above, Container, Meaning, read};
use super::grammar::{Name, components, is_hex64, unescaped};
use super::place::{Role, Systemd};
use super::{PathClass, PathIdentity};
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

/// What is known at one point of the walk.
pub(super) struct Walk<'a> {
    above: Above<'a>,
    current: Option<Container<'a>>,
    outer: Option<Name<'a>>,
    pod_uid: Option<&'a str>,
    class: PathClass,
}

impl<'a> Walk<'a> {
    /// Walks the components of `path`.
    #[inline]
    pub(super) fn over(path: &'a str) -> Self {
        let above = Above { systemd: Systemd::Root, role: Role::Top, runtime: None, in_ecs: false, in_kind: false };
        let mut walk = Self { above, current: None, outer: None, pod_uid: None, class: PathClass::Other };
        for name in components(path) {
            walk.step(name);
            if walk.is_over() {
                break;
            }
        }
        walk
    }

    /// Whether nothing that follows can be a container.
    fn is_over(&self) -> bool {
        self.class == PathClass::Helper && self.above.role == Role::Helpers
    }

    /// Goes on by one component.
    #[inline]
    fn step(&mut self, name: &'a str) {
        let in_container = self.current.is_some();
        // A directory that is nothing by itself still belongs to the container around it.
        let nothing = if in_container { PathClass::Inside } else { PathClass::Other };
        let systemd = self.above.systemd;
        let meaning = read(name, &self.above);
        (self.above.systemd, self.above.role, self.class) = match meaning {
            Meaning::Container(container) => return self.enter(container),
            Meaning::Pod { uid, slice } => {
                self.pod_uid = uid.or(self.pod_uid);
                let systemd = match slice {
                    Some(stem) => systemd.slice(stem),
                    None => systemd.plain(in_container),
                };
                let role = match (uid, slice) {
                    (Some(_), None) => Role::KubePod,
                    (None, None) => Role::PodmanPod,
                    (_, Some(_)) => Role::Slice,
                };
                (systemd, role, PathClass::Pod)
            }
            Meaning::Helper => (Systemd::Nothing, Role::Helpers, PathClass::Helper),
            Meaning::HelperLeaf => (systemd.plain(in_container), Role::None, PathClass::Helper),
            Meaning::Slice(stem) => (systemd.slice(stem), Role::of_slice(stem, self.above.role), nothing),
            Meaning::UserManager => (Systemd::Root, Role::None, nothing),
            Meaning::Unit { service } => {
                let role = if service { Role::Service } else { Role::None };
                (Systemd::Nothing, role, nothing)
            }
            Meaning::Plain => {
                self.above.in_ecs |= name == "ecs";
                self.above.in_kind |= in_container && name == "kubelet";
                (systemd.plain(in_container), Role::of_plain(name, self.above.role, systemd), nothing)
            }
        };
    }

    fn enter(&mut self, container: Container<'a>) {
        self.pod_uid = container.pod_uid.or(self.pod_uid);
        match self.current {
            // kind on v1 has /docker/<id>/docker/<id>: the second is no second container.
            Some(current) if current.id == container.id && is_random(container.id) => {
                self.class = PathClass::Inside;
                self.above.systemd = Systemd::Root;
                self.above.role = container.role;
                return;
            }
            // /<parent>/<64 hex>/libpod-<id>: what looked like a container of an unknown engine is podman's pod.
            Some(current) if self.above.role == Role::BareContainer && is_cgroupfs_podman(&container, &current) => {}
            Some(current) => self.outer = Some(current.id),
            None => {}
        }
        self.class = if container.own { PathClass::Root } else { PathClass::Inside };
        self.above = Above {
            systemd: Systemd::Root,
            role: container.role,
            runtime: container.runtime,
            in_ecs: false,
            in_kind: false,
        };
        self.current = Some(container);
    }

    /// What the components said.
    #[inline(always)]
    pub(super) fn finish(self) -> PathIdentity<'a> {
        PathIdentity {
            runtime: self.current.and_then(|container| container.runtime),
            container_id: self.current.map(|container| text(container.id)),
            root: self.class == PathClass::Root,
            pod_uid: self.pod_uid.map(with_dashes),
            parent_container_id: self.outer.map(text),
            class: self.class,
        }
    }
}

/// Whether an id is one that no two containers share; names of LXC and others may repeat at each level.
fn is_random(id: Name<'_>) -> bool {
    matches!(id, Name::Plain(id) if is_hex64(id))
}

fn is_cgroupfs_podman(container: &Container<'_>, around: &Container<'_>) -> bool {
    container.runtime == Some(crate::identity::Engine::Podman) && around.runtime.is_none()
}

/// Spells a pod's UID as the API server does. The kubelet writes `_` for `-` in a slice's name.
fn with_dashes(uid: &str) -> Cow<'_, str> {
    if uid.contains('_') { Cow::Owned(uid.replace('_', "-")) } else { Cow::Borrowed(uid) }
}

/// The name without systemd's escapes.
fn text(name: Name<'_>) -> Cow<'_, str> {
    match name {
        Name::Plain(text) => Cow::Borrowed(text),
        Name::Escaped(text) => {
            let bytes: Vec<u8> = unescaped(text).collect();
            String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
        }
    }
}
