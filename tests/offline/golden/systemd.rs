//! A host of systemd (fixtures/cases/v2-systemd-guest): its containers lie where systemd puts them,
//! and nothing else is a container.

use std::collections::BTreeSet;

use super::case::{EVENTS, Golden};

/// Paths of containers there, by the engine that started them; `ID` stands for the container's id.
const FORMS: [(&str, &str); 12] = [
    ("docker", "/system.slice/docker-ID.scope"),
    ("docker", "/shop.slice/docker-ID.scope"),
    ("podman", "/machine.slice/libpod-ID.scope"),
    ("podman", "/machine.slice/machine-libpod_pod_POD.slice/libpod-ID.scope"),
    ("podman", "/system.slice/quad.service/libpod-payload-ID"),
    ("podman", "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope"),
    ("containerd", "/system.slice/nerdctl-ID.scope"),
    ("containerd", "/shop.slice/nerdctl-ID.scope"),
    ("containerd", "/shop.slice/ctr-ID.scope"),
    ("containerd", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podPOD.slice/cri-containerd-ID.scope"),
    ("runc", "/system.slice/runc-ID.scope"),
    ("systemd-nspawn", "/machine.slice/machine-ID.scope"),
];

/// Returns true if a path has this form; digits name a pod.
fn is_of_form(form: &str, path: &str, id: &str) -> bool {
    let form = form.replace("ID", id);
    let Some((before, after)) = form.split_once("POD") else { return form == path };
    let pod = path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    pod.is_some_and(|pod| !pod.is_empty() && pod.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'_'))
}

#[test]
fn every_container_lies_where_systemd_puts_it() {
    let case = Golden::all().into_iter().find(|case| case.name == "v2-systemd-guest").expect("the case");
    let mut seen = BTreeSet::new();
    for row in EVENTS.iter().flat_map(|event| case.derived(event)) {
        let text = |field: &str| row[field].as_str().unwrap_or_else(|| panic!("{field} of {row}")).to_owned();
        let (runtime, id, path) = (text("runtime"), text("container_id"), text("cgroup_path"));
        let form = FORMS.iter().find(|(engine, form)| *engine == runtime && is_of_form(form, &path, &id));
        let (_, form) = form.unwrap_or_else(|| panic!("{runtime} {id} lies in {path}"));
        seen.insert(*form);
    }
    assert_eq!(seen, FORMS.iter().map(|(_, form)| *form).collect(), "forms that were seen, and all");
}
