use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::host::hierarchies::{CgroupMode, CgroupVersion, Hierarchy};
use crate::host::read_thread::ReadThread;
use crate::sources::oci_files::{OciFiles, READ_LIMIT, scan};
use obit_derivation::{HierarchyId, WallNs};

const DOCKER_ID: &str = "9f08f8689cd30642405f76ea48c23e4f9800bb51003e40752d812f0fc512bdc5";
const PODMAN_ID: &str = "73f5d78edd6b0d1080e62acf1c8b847100a8f8a61800b003f1d7a5ccb20d54bc";

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/oci/host")
}

/// A hybrid host with co-mounted cpu and cpuacct, mounted below `prefix`.
fn hybrid(prefix: &str) -> Hierarchies {
    let device = rustix::fs::stat(prefix).map_or(0, |found| found.st_dev);
    let one = |id, version, controllers: &[&str], name: Option<&str>, directory: &str| Hierarchy {
        id: HierarchyId(id),
        version,
        controllers: controllers.iter().map(|&name| name.to_owned()).collect(),
        name: name.map(str::to_owned),
        mount_point: PathBuf::from(format!("{prefix}/sys/fs/cgroup/{directory}")),
        device: (rustix::fs::major(device), rustix::fs::minor(device)),
        mount_root: "/".to_owned(),
    };
    Hierarchies {
        mode: CgroupMode::Hybrid,
        mounted: vec![
            one(0, CgroupVersion::V2, &[], None, "unified"),
            one(2, CgroupVersion::V1, &["cpu", "cpuacct"], None, "cpu"),
            one(4, CgroupVersion::V1, &["memory"], None, "memory"),
            one(9, CgroupVersion::V1, &[], Some("systemd"), "systemd"),
        ],
        unmounted: Vec::new(),
    }
}

fn read_fixture(state_root: &str, id: &str) -> RuntimeRecord {
    read(&fixtures(), &hybrid("/no-such-prefix"), state_root, id)
}

fn facts<'a>(answer: &'a RuntimeAnswer<'static>) -> (Outcome, Option<&'a str>, Option<&'a str>, Option<u32>) {
    (answer.outcome, answer.runtime.as_deref(), answer.bundle.as_deref(), answer.init_pid)
}

#[test]
fn runc_under_docker() {
    let RuntimeRecord { answer, details } = read_fixture("/run/docker/runtime-runc/moby", DOCKER_ID);
    let bundle = format!("/run/containerd/io.containerd.runtime.v2.task/moby/{DOCKER_ID}");
    assert_eq!(facts(&answer), (Outcome::Ok, Some("docker"), Some(bundle.as_str()), Some(2060)));
    assert_eq!(answer.cgroup_path, Some(format!("/docker/{DOCKER_ID}").into()));
    // 2026-11-24T06:24:14.578072032Z
    assert_eq!(answer.created_at, Some(WallNs(1_795_501_454_578_072_032)));
    assert_eq!(details.request, format!("/run/docker/runtime-runc/moby/{DOCKER_ID}/state.json"));
    let document = details.document.unwrap();
    assert!(!document.contains("libnetwork-setkey") && document.contains("obit.file"), "{document}");
}

#[test]
fn runc_under_containerd_podman_and_alone() {
    let RuntimeRecord { answer, .. } = read_fixture("/run/containerd/runc/shop", "web-1");
    let bundle = "/run/containerd/io.containerd.runtime.v2.task/shop/web-1";
    assert_eq!(facts(&answer), (Outcome::Ok, Some("containerd"), Some(bundle), answer.init_pid));
    let RuntimeRecord { answer, .. } = read_fixture("/run/runc", PODMAN_ID);
    assert_eq!(answer.runtime.as_deref(), Some("podman"));
    let RuntimeRecord { answer, details } = read_fixture("/run/runc/", "sample-runc-1");
    assert_eq!(facts(&answer), (Outcome::Ok, Some("runc"), Some("/srv/bundle"), Some(25655)));
    assert_eq!(answer.container_name.as_deref(), Some("web"));
    assert!(!format!("{details:?}").contains("token"), "an annotation that is not on the list");
}

#[test]
fn crun_alone() {
    let RuntimeRecord { answer, details } = read_fixture("/run/crun", "sample-crun-1");
    assert_eq!(facts(&answer), (Outcome::Ok, Some("crun"), Some("/srv/bundle"), Some(1531)));
    assert_eq!(answer.cgroup_path.as_deref(), Some("/obit-sample/crun-1"));
    assert_eq!(details.request, "/run/crun/sample-crun-1/status");
    assert_eq!(answer.created_at.map(|created| created.0 % 1_000_000_000), Some(73_579_000));
}

#[test]
fn youki_is_told_from_runc_by_its_state() {
    // As crates/libcontainer/src/container/state.rs of youki 0.7 writes it.
    let host = tempfile::tempdir().unwrap();
    let directory = host.path().join("run/youki/web");
    fs::create_dir_all(&directory).unwrap();
    let text = r#"{"ociVersion":"v1.0.2","id":"web","status":"running","pid":4711,"bundle":"/srv/bundle",
        "annotations":{"nerdctl/name":"kept","secret":"hunter2"},"created":"2026-11-30T06:00:00.5Z","creator":0,
        "useSystemd":false,"cleanUpIntelRdtSubdirectory":null}"#;
    fs::write(directory.join("state.json"), text).unwrap();
    let RuntimeRecord { answer, details } = read(host.path(), &hybrid(""), "/run/youki", "web");
    assert_eq!(facts(&answer), (Outcome::Ok, Some("youki"), Some("/srv/bundle"), Some(4711)));
    assert_eq!(answer.container_name.as_deref(), Some("kept"));
    assert!(!format!("{details:?}").contains("hunter2"));
    // A file that could be either's.
    fs::write(directory.join("state.json"), r#"{"id":"web"}"#).unwrap();
    let RuntimeRecord { answer, .. } = read(host.path(), &hybrid(""), "/run/youki", "web");
    assert_eq!(answer.runtime, None);
}

#[test]
fn a_step_of_a_build_is_told_by_its_id_and_its_bundle() {
    let host = tempfile::tempdir().unwrap();
    let id = "buildah-buildah2937778511";
    let directory = host.path().join(format!("run/crun/{id}"));
    fs::create_dir_all(&directory).unwrap();
    for (bundle, engine) in [("/var/tmp/buildah2937778511", "buildah"), ("/srv/bundle", "crun")] {
        fs::write(directory.join("status"), format!(r#"{{"pid":7,"bundle":"{bundle}"}}"#)).unwrap();
        let RuntimeRecord { answer, .. } = read(host.path(), &hybrid(""), "/run/crun", id);
        assert_eq!(answer.runtime.as_deref(), Some(engine));
    }
}

#[test]
fn an_id_that_only_crun_takes_names_its_state() {
    let host = tempfile::tempdir().unwrap();
    for id in ["ñandú", "a b", "x@y:z", "pct%41", "-d", "new\nline"] {
        let directory = host.path().join("run/crun").join(id);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("status"), r#"{"pid":7,"bundle":"/srv/bundle"}"#).unwrap();
        let RuntimeRecord { answer, .. } = read(host.path(), &hybrid(""), "/run/crun", id);
        assert_eq!(facts(&answer), (Outcome::Ok, Some("crun"), Some("/srv/bundle"), Some(7)), "{id}");
    }
}

#[test]
fn runcs_paths_are_mapped_to_hierarchies_also_from_inside_a_container() {
    let bytes = fs::read(fixtures().join("run/containerd/runc/shop/web-1/state.json")).unwrap();
    let state = parse_state_json(&bytes, "web-1").unwrap();
    let expected: Vec<_> =
        [0, 2, 4, 9].map(|id| CgroupPath { hierarchy: HierarchyId(id), path: "/shop/web-1".to_owned() }).into();
    assert_eq!(state.places(Path::new("/"), &hybrid("")), expected);
    assert_eq!(state.places(Path::new("/host"), &hybrid("/host")), expected);
    assert_eq!(state.places(Path::new("/"), &hybrid("/elsewhere")), [], "not where the runtime put it");
}

#[test]
fn a_path_that_is_not_plain_or_not_in_its_controllers_mount_is_left_out() {
    for path in [
        "/sys/fs/cgroup/memory/../pids/x",
        "/sys/fs/cgroup/memory",
        "/sys/fs/cgroup/memory/",
        "/sys/fs/cgroup/cpu/x",
        "/sys/fs/cgroup/memoryless/x",
        "sys/fs/cgroup/memory/x",
        "/sys/fs/cgroup/memory/a\u{0}b",
        "",
    ] {
        let paths = [("memory".to_owned(), path.to_owned())].into();
        assert_eq!(cgroup_paths::of_controllers(&hybrid(""), Path::new("/"), &paths), [], "{path:?}");
    }
}

#[test]
fn crun_with_systemd_counts_the_scope_as_the_containers_root() {
    let scope = "libpod-abc.scope";
    assert_eq!(up_to_scope("/machine.slice/libpod-abc.scope/container", scope), "/machine.slice/libpod-abc.scope");
    assert_eq!(up_to_scope("/machine.slice/libpod-abc.scope", scope), "/machine.slice/libpod-abc.scope");
    assert_eq!(up_to_scope("/elsewhere/container", scope), "/elsewhere/container");
}

#[test]
fn an_annotation_cannot_replace_the_bundle() {
    let text = br#"{"id":"c","config":{"labels":["bundle=/forged","x","bundle=/true"]}}"#;
    assert_eq!(parse_state_json(text, "c").unwrap().bundle.as_deref(), Some("/true"));
}

#[test]
fn hostile_state_is_invalid_or_says_nothing() {
    let host = tempfile::tempdir().unwrap();
    let directory = host.path().join("root/c");
    fs::create_dir_all(&directory).unwrap();
    let outcome = |id: &str| read(host.path(), &hybrid(""), "/root", id).answer;
    assert_eq!(outcome("c").outcome, Outcome::NotFound, "a directory without state");
    for text in
        ["", "{}", "[]", r#"{"id":"other"}"#, r#"{"id":"c","cgroup_paths":[]}"#, r#"{"id":"c","init_process_pid":"x"}"#]
    {
        fs::write(directory.join("state.json"), text).unwrap();
        let answer = outcome("c");
        assert_eq!((answer.outcome, answer.runtime), (Outcome::Invalid, None), "{text}");
    }
    fs::write(directory.join("state.json"), r#"{"id":"c","init_process_pid":-1,"created":"yesterday"}"#).unwrap();
    let answer = outcome("c");
    assert_eq!((answer.outcome, answer.init_pid, answer.created_at), (Outcome::Ok, None, None));
    for id in ["", ".", "..", "../root/c", "c/"] {
        assert_eq!(outcome(id).outcome, Outcome::Invalid, "{id:?} is no component");
    }
}

#[test]
fn a_user_can_claim_only_directories_that_are_his() {
    let place = CgroupPath { hierarchy: HierarchyId(4), path: "/docker/abc".to_owned() };
    assert!(cgroup_paths::may_claim(&hybrid(""), &place, 0));
    assert!(!cgroup_paths::may_claim(&hybrid("/nonexistent"), &place, 1000), "nothing there to be his");
}

#[test]
fn a_scan_finds_every_container_and_its_bundle_once() {
    let mut found = Vec::new();
    let summary = scan(
        &OciFiles::new(fixtures(), hybrid("")),
        &mut ReadThread::new(READ_LIMIT),
        |RuntimeRecord { answer, .. }| {
            found.push((answer.source.as_str(), answer.container_id.unwrap().into_owned(), answer.outcome));
        },
    );
    assert_eq!((summary.containers, summary.incomplete.as_slice()), (5, [].as_slice()));
    assert_eq!(summary.roots, ["/run/containerd/runc/shop", "/run/crun", "/run/docker/runtime-runc/moby", "/run/runc"]);
    let expected: Vec<_> = ["web-1", "sample-crun-1", DOCKER_ID, PODMAN_ID, "sample-runc-1"]
        .iter()
        .flat_map(|&id| ["oci_state", "oci_bundle"].map(|source| (source, id.to_owned(), Outcome::Ok)))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_users_link_to_anothers_state_is_no_second_container() {
    let host = tempfile::tempdir().unwrap();
    fs::create_dir_all(host.path().join("run/containerd/runc/shop/web-1")).unwrap();
    fs::create_dir_all(host.path().join("run/user/1000")).unwrap();
    fs::write(host.path().join("run/containerd/runc/shop/web-1/state.json"), r#"{"id":"web-1"}"#).unwrap();
    std::os::unix::fs::symlink("/run/containerd/runc/shop", host.path().join("run/user/1000/runc")).unwrap();
    let mut count = 0;
    scan(&OciFiles::new(host.path(), hybrid("")), &mut ReadThread::new(READ_LIMIT), |_| count += 1);
    assert_eq!(count, 1);
    // Also when a command line names the link, the answer is that of the real place.
    let RuntimeRecord { answer, .. } = read(host.path(), &hybrid(""), "/run/user/1000/runc", "web-1");
    assert_eq!(answer.runtime.as_deref(), Some("containerd"));
}
