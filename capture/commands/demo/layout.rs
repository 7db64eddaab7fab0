//! Cgroup directories as engines lay them out, for the demo.
//!
//! Each layout is that of a real host, below the demo's directory; `derivation/tests/paths.tsv`
//! says where each comes from.

use uuid::Uuid;

/// The directories of a container, relative to a base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerLayout {
    /// The engine imitated, as the demo prints it.
    pub engine: &'static str,
    /// The root directory of the container.
    pub root: String,
    /// Directories below the root, parents first, as the runtime or the payload makes them. Their
    /// removal ends nothing.
    pub inside: Vec<&'static str>,
    /// Directories beside the root that look like those of a container and are not.
    pub helpers: Vec<String>,
}

/// Directories of services, as systemd makes them.
pub const PLAIN: [&str; 2] = ["system.slice/ssh.service", "user.slice/user-1000.slice/session-3.scope"];

/// Returns one container of each kind, with new random ids.
pub fn containers() -> Vec<ContainerLayout> {
    let pod = Uuid::new_v4();
    // systemd reads a dash in a slice's name as nesting, so kubelet writes the pod's UID with
    // underscores.
    let pod_slice = pod.to_string().replace('-', "_");
    let podman = id();
    vec![
        ContainerLayout {
            engine: "docker, cgroupfs driver",
            root: format!("docker/{}", id()),
            inside: vec!["init.scope", "system.slice", "system.slice/nested.service"],
            helpers: Vec::new(),
        },
        ContainerLayout {
            engine: "docker, systemd driver",
            root: format!("system.slice/docker-{}.scope", id()),
            inside: Vec::new(),
            helpers: Vec::new(),
        },
        ContainerLayout {
            engine: "containerd under Kubernetes, cgroupfs driver",
            root: format!("kubepods/burstable/pod{pod}/{}", id()),
            inside: Vec::new(),
            helpers: Vec::new(),
        },
        ContainerLayout {
            engine: "containerd under Kubernetes, systemd driver",
            root: format!(
                "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{pod_slice}.slice/cri-containerd-{}.scope",
                id()
            ),
            inside: Vec::new(),
            helpers: Vec::new(),
        },
        ContainerLayout {
            engine: "CRI-O under Kubernetes, systemd driver",
            root: format!(
                "kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{pod_slice}.slice/crio-{}.scope",
                id()
            ),
            inside: Vec::new(),
            helpers: Vec::new(),
        },
        ContainerLayout {
            engine: "podman, systemd driver",
            root: format!("machine.slice/libpod-{podman}.scope"),
            inside: vec!["container"],
            helpers: vec![format!("machine.slice/libpod-conmon-{podman}.scope")],
        },
    ]
}

/// Returns a random id of 64 lower-case hexadecimal digits, as these engines have.
fn id() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_derivation::identity::path::identify;

    #[test]
    fn each_layout_is_a_container_and_nothing_else_is() {
        for layout in containers() {
            let root = format!("/obit-demo-1/{}", layout.root);
            assert!(identify(&root).root, "{root}");
            for below in &layout.inside {
                assert!(!identify(&format!("{root}/{below}")).root, "{root}/{below}");
            }
            for helper in &layout.helpers {
                assert!(!identify(&format!("/obit-demo-1/{helper}")).root, "{helper}");
            }
        }
        for plain in PLAIN {
            assert_eq!(identify(&format!("/obit-demo-1/{plain}")).container_id, None, "{plain}");
        }
    }
}
