//! Sources of identity other than daemons: the runtime's state, a parent cgroup of the user's,
//! nesting; and which arguments are recorded.

use std::path::Path;

use obit_case::Case;
use obit_derivation::record::Body;
use obit_test_engines::{CgroupView, Containerd, Docker, FOREVER, Oci, OciRuntime, Podman, Stage, require_root};
use serde_json::Value;

use crate::support::capture::Capture;
use crate::support::ledger::text;
use crate::support::replay;
use crate::support::rows::only_row;

const INNER_ID: &str = "1234567890abcdef1234567890abcdef1234567890abcdef1234567890abcdef";
const SECRET: &str = "hunter2";

#[test]
fn the_state_of_a_bare_runc_container_names_its_init() {
    let Some(_live) = require_root(&["runc"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &["--runtime", "none"]);
    runc.start_container("obit-live-state", None);
    let state: Value = serde_json::from_str(&stage.run("runc", &["state", "obit-live-state"])).expect("JSON");
    runc.remove("obit-live-state");
    capture.stop();
    let rows = replay::derived_rows(&case, "container_remove");
    let row = only_row(&rows, "obit-live-state");
    assert_eq!(row["init_pid"], state["pid"], "runc's own word: {state:#}");
    assert_eq!(row["identified_by"], "oci_argv");
    assert_eq!(row["conflicts"], serde_json::json!([]));
    replay::assert_verifies(&case);
}

#[test]
fn files_of_the_engines_name_containers_that_no_daemon_is_asked_about() {
    let programs = ["runc", "containerd", "ctr", "dockerd", "docker", "podman", "conmon"];
    let Some(_live) = require_root(&programs) else { return };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let docker = Docker::start(&stage, &containerd);
    let podman = Podman::start(&stage);
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &["--runtime", "none"]);
    let by_docker = docker.start_container("kept-by-docker");
    let by_podman = podman.start_container("kept-by-podman");
    docker.remove(&by_docker);
    podman.remove(&by_podman);
    for id in [&by_docker, &by_podman] {
        stage.cgroups.wait_until_gone(id);
    }
    capture.stop();
    let rows = replay::derived_rows(&case, "container_remove");
    for (id, name) in [(&by_docker, "kept-by-docker"), (&by_podman, "kept-by-podman")] {
        let row = only_row(&rows, id);
        assert_eq!(text(row, "container_name"), name);
        assert!(text(row, "image_name").contains("busybox"), "{row:#}");
        assert_eq!(row["conflicts"], serde_json::json!([]));
    }
    replay::assert_verifies(&case);
}

#[test]
fn a_parent_of_the_users_and_a_nested_engine_change_no_identity() {
    let Some(_live) = require_root(&["runc", "containerd", "ctr", "dockerd", "docker"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let docker = Docker::start(&stage, &containerd);
    stage.cgroups.own("obit-live-parent");
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    let parented = docker.run(&["--name", "parented", "--cgroup-parent=/obit-live-parent"], &FOREVER);
    // An engine in a container with the host's cgroup namespace makes its directories below the
    // container's own.
    let outer = docker.run(&["--name", "outer", "--cgroupns=host"], &FOREVER);
    stage.cgroups.make_inside(&outer, "docker");
    let inner = stage.cgroups.make_inside(&outer, &format!("docker/{INNER_ID}"));
    for directory in inner {
        std::fs::remove_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    }
    for id in [&parented, &outer] {
        docker.remove(id);
        stage.cgroups.wait_until_gone(id);
    }
    capture.stop();
    let rows = replay::derived_rows(&case, "container_remove");
    let row = only_row(&rows, &parented);
    assert_eq!(text(row, "runtime"), "docker");
    assert_eq!(text(row, "container_name"), "parented");
    assert_eq!(text(row, "cgroup_path"), format!("/obit-live-parent/{parented}"));
    let row = only_row(&rows, INNER_ID);
    assert_eq!(text(row, "parent_container_id"), outer);
    assert_eq!(text(row, "identified_by"), "path", "no runtime stands behind it");
    assert_eq!(only_row(&rows, &outer)["parent_container_id"], Value::Null);
    replay::assert_verifies(&case);
}

#[test]
fn arguments_of_other_programs_are_recorded_only_if_asked_for() {
    let Some(_live) = require_root(&["perl"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let v2 = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].into_iter().find(|mount| Path::new(mount).is_dir());
    let directory = format!("{}/obit-live-argv-{}", v2.expect("cgroups"), std::process::id());
    for (options, expected) in [(&[][..], false), (&["--actor-argv", "full"][..], true)] {
        let case = stage.directory().join(format!("case-{expected}"));
        let capture = Capture::start(&stage, &case, options);
        let script = "mkdir $ARGV[0] or die; rmdir $ARGV[0] or die";
        stage.run("perl", &["-e", script, &directory, SECRET]);
        capture.stop();
        let (mut events, mut secrets) = (0, 0);
        let opened = Case::open(&case).expect("a case");
        let each = |record: &obit_derivation::Record<'_>| -> Result<(), obit_case::Error> {
            if let Body::Cgroup(event) = &record.body
                && directory.ends_with(event.path)
            {
                events += 1;
                assert!(event.actor.argv[0].ends_with("perl"), "{:?}", event.actor);
                secrets += usize::from(event.actor.argv.contains(&SECRET));
            }
            Ok(())
        };
        opened.records().for_each(each).expect("records");
        assert_eq!(events, 2, "made and removed once");
        assert_eq!(secrets, if expected { 2 } else { 0 });
    }
}
