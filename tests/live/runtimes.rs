//! Real engines on this host: the rows are exactly those of the containers that they start and
//! remove.

use obit_test_engines::{CgroupView, Containerd, Docker, Oci, OciRuntime, Podman, Stage, require_root};

use crate::support::capture::Capture;
use crate::support::ledger::{Ledger, text};
use crate::support::{analysis, replay};

/// Hex digits, enough for a Docker id.
const HEX_ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[test]
fn rows_equal_what_the_engines_started() {
    let programs = ["runc", "containerd", "ctr", "dockerd", "docker", "podman", "conmon"];
    let Some(_live) = require_root(&programs) else {
        return;
    };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let docker = Docker::start(&stage, &containerd);
    containerd.import(&docker.save_image());
    let podman = Podman::start(&stage);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let mut ledger = Ledger::default();

    // These live before the capture starts.
    let docker_before = docker.start_container("before");
    ledger.starts("docker", "before", &docker_before);
    let docker_restarted = docker.start_container("restarted-later");
    ledger.starts("docker", "restarted-later", &docker_restarted);
    containerd.start_container("api-1");
    ledger.starts("containerd", "api-1", "api-1");
    let podman_before = podman.start_container("before");
    ledger.starts("podman", "before", &podman_before);
    for (id, cgroup) in [("obit-live-before", None), ("obit-live-stays", Some("/obit-live/stays"))] {
        runc.start_container(id, cgroup);
        ledger.starts("runc", id, id);
    }

    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    ledger.recording_started();

    // One id with two lives; the first began before the capture.
    docker.restart(&docker_restarted);
    ledger.restarts(&docker_restarted);

    containerd.start_container("web-1");
    ledger.starts("containerd", "web-1", "web-1");
    let docker_nested = docker.start_container("nested");
    ledger.starts("docker", "nested", &docker_nested);
    make_and_remove_inner_directories(&stage, &docker_nested);

    for number in 0..6 {
        let name = format!("short-{number}");
        ledger.comes_and_goes("docker", &name, &docker.run_short(&name));
        ledger.comes_and_goes("podman", &name, &podman.run_short(&name));
        containerd.run_short(&name);
        ledger.comes_and_goes("containerd", &name, &name);
        plain_service_comes_and_goes(&stage, number);
    }
    for number in 0..12 {
        let id = format!("obit-live-short-{number}");
        // The path is the user's, or the runtime chooses one.
        let cgroup = (number % 2 == 0).then(|| format!("/obit-live/{id}"));
        runc.run_short(&id, cgroup.as_deref());
        ledger.comes_and_goes("runc", &id, &id);
    }
    let nests_itself = docker.run_with_inner_cgroups("nests-itself");
    ledger.comes_and_goes("docker", "nests-itself", &nests_itself);
    // A container that was started while recording is started again.
    docker.restart(&docker_nested);
    ledger.restarts(&docker_nested);

    for id in [&docker_before, &docker_restarted, &docker_nested] {
        docker.remove(id);
        ledger.ends(id);
    }
    for id in ["api-1", "web-1"] {
        containerd.remove(id);
        ledger.ends(id);
    }
    podman.remove(&podman_before);
    ledger.ends(&podman_before);
    runc.remove("obit-live-before");
    ledger.ends("obit-live-before");
    for id in [&*docker_before, &docker_restarted, &docker_nested, "api-1", "web-1", &podman_before, &nests_itself] {
        stage.cgroups.wait_until_gone(id);
    }

    capture.stop();
    assert!(ledger.ended() >= 30, "the workload is smaller than it says: {}", ledger.ended());
    let removed = replay::derived_rows(&case, "container_remove");
    let created = replay::derived_rows(&case, "container_create");
    let existing = replay::derived_rows(&case, "existing_container");
    ledger.assert_matches(&removed, &created, &existing, &stage.cgroups);

    let shortest = removed.iter().filter_map(|row| row["lifetime_ns"].as_u64()).min();
    assert!(shortest.is_some_and(|life| life < 50_000_000), "no container lived under 50 ms: {shortest:?} ns");
    replay::assert_verifies(&case);
    analysis::assert_readable_elsewhere(&case);
}

/// Makes and removes directories inside a running container, as an init system in it does. The
/// engine removes the last one.
fn make_and_remove_inner_directories(stage: &Stage, container_id: &str) {
    stage.cgroups.make_inside(container_id, "left-behind");
    for child in ["init.scope", "system.slice"] {
        let made = stage.cgroups.make_inside(container_id, child);
        assert_eq!(made.len(), stage.cgroups.hierarchies(), "the container has a directory in every tree");
        for path in made {
            std::fs::remove_dir(&path).unwrap_or_else(|error| panic!("rmdir {}: {error}", path.display()));
        }
    }
}

/// Makes and removes directories that are no containers, whatever their names.
fn plain_service_comes_and_goes(stage: &Stage, number: usize) {
    let names = [
        format!("/obit-live/job-{number}.service"),
        format!("/obit-live/docker-prune-{number}.service"),
        // systemd never nests a scope below a service; a delegated user may, with any name.
        format!("/obit-live/login-{number}.service/docker-{HEX_ID}.scope"),
    ];
    for path in &names {
        stage.cgroups.make(path);
    }
    for path in &names {
        stage.cgroups.remove(path);
    }
    stage.cgroups.remove(&format!("/obit-live/login-{number}.service"));
}

#[test]
fn a_step_of_a_build_belongs_to_buildah() {
    let Some(_live) = require_root(&["runc", "podman", "conmon"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let podman = Podman::start(&stage);
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    podman.build();
    capture.stop();
    for event in ["container_create", "container_remove"] {
        let rows = replay::derived_rows(&case, event);
        let [step] = &rows[..] else { panic!("{event}: {rows:?}") };
        assert_eq!((text(step, "runtime"), text(step, "oci_runtime")), ("buildah", "runc"), "{event}");
        assert!(text(step, "container_id").starts_with("buildah-buildah"), "{event}: {step}");
        assert_eq!(step["conflicts"], serde_json::json!([]), "{event}");
    }
    replay::assert_verifies(&case);
}
