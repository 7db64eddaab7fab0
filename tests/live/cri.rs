//! A pod run over the container runtime interface, as the kubelet does it: its names are in the
//! rows.

use std::fs;
use std::process::Command;

use obit_derivation::record::{Outcome, Source};
use obit_test_engines::{CgroupView, Daemon, Stage, output, require_root};
use serde_json::Value;

use crate::support::capture::Capture;
use crate::support::cri::{Container, Cri, Pod};
use crate::support::ledger::text;
use crate::support::{daemon_answers, replay};

const SOCKET: &str = "/run/containerd/containerd.sock";
const IMAGE: &str = "docker.io/library/pause:1";
const UID: &str = "0b170b17-2222-4333-8444-555566667777";
const SECRET: &str = "hunter2";

#[test]
fn a_pods_names_are_in_the_rows_of_its_containers() {
    let Some(_live) = require_root(&["runc", "containerd", "ctr", "sha256sum"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let _containerd = start_containerd(&stage);
    import_pause_image(&stage);
    let mut cri = Cri::connect(&stage.outside(SOCKET)).expect("CRI is there");
    let parent = format!("/kubepods/besteffort/pod{UID}");
    stage.cgroups.make(&parent);
    let logs = stage.directory().join("pod-logs");
    fs::create_dir(&logs).expect("a directory for logs");
    let pod = Pod::new("web-7d9c", "shop", UID, &parent, &logs);

    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    daemon_answers::wait_for(&case, "that CRI is there", |answer| {
        answer.source == Some(Source::Cri) && answer.event == "connected" && answer.outcome == Some(Outcome::Ok)
    });
    let sandbox = cri.run_pod(&pod);
    let mut start = |name: &str, attempt: u32, seconds: &str| {
        let container = Container::new(name, attempt, IMAGE, &["/bin/sleep", seconds], ("TOKEN", SECRET));
        cri.start_container(&sandbox, &pod, container)
    };
    let nginx = start("nginx", 0, "1000");
    let sidecar = start("side-car", 2, "1000");
    for id in [&sandbox, &nginx, &sidecar] {
        daemon_answers::wait_for(&case, "who each container is", |answer| {
            answer.source == Some(Source::Cri) && answer.container_id == *id && answer.outcome == Some(Outcome::Ok)
        });
    }
    for id in [&nginx, &sidecar] {
        cri.remove_container(id);
    }
    cri.remove_pod(&sandbox);
    for id in [&sandbox, &nginx, &sidecar] {
        stage.cgroups.wait_until_gone(id);
    }
    daemon_answers::wait_for(&case, "that the sandbox is gone", |answer| {
        answer.container_id == sandbox && answer.event == "/containers/delete"
    });
    capture.stop();

    let rows = replay::derived_rows(&case, "container_remove");
    for (id, name, is_sandbox, restarts) in [
        (&sandbox, "", true, Value::Null),
        (&nginx, "nginx", false, Value::from(0)),
        (&sidecar, "side-car", false, Value::from(2)),
    ] {
        let found: Vec<_> = rows.iter().filter(|row| text(row, "container_id") == id).collect();
        let [row] = found[..] else { panic!("{} rows of {id}: {found:#?}", found.len()) };
        assert_eq!((text(row, "runtime"), text(row, "containerd_namespace")), ("containerd", "k8s.io"), "{row:#}");
        assert_eq!(text(row, "container_name"), name, "{row:#}");
        assert_eq!(text(row, "image_name"), IMAGE, "{row:#}");
        let in_pod = (text(row, "pod_name"), text(row, "pod_namespace"), text(row, "pod_uid"));
        assert_eq!(in_pod, ("web-7d9c", "shop", UID), "{row:#}");
        assert_eq!((row["sandbox"].as_bool(), &row["restart_count"]), (Some(is_sandbox), &restarts), "{row:#}");
        assert_eq!(row["conflicts"], serde_json::json!([]), "{row:#}");
        let (begun, started, removed) = (text(row, "created_at"), text(row, "started_at"), text(row, "ts"));
        assert!(begun < started && started < removed, "{begun} to {removed} has the start {started}");
    }
    for answer in daemon_answers::read_all(&case) {
        assert!(!answer.document.contains(SECRET), "{}: {}", answer.request, answer.document);
    }
    replay::assert_verifies(&case);
}

/// Starts a containerd whose CRI plugin needs no network plugins and no power that root may lack
/// here.
fn start_containerd(stage: &Stage) -> Daemon {
    let config = stage.directory().join("containerd.toml");
    let text = format!(
        "version = 2\n\
         [plugins.\"io.containerd.grpc.v1.cri\"]\n\
         sandbox_image = \"{IMAGE}\"\n\
         restrict_oom_score_adj = true\n\
         disable_apparmor = true\n\
         [plugins.\"io.containerd.grpc.v1.cri\".containerd]\n\
         snapshotter = \"native\"\n"
    );
    fs::write(&config, text).expect("its config");
    stage.cgroups.own("k8s.io");
    let arguments = ["--config".to_owned(), config.display().to_string()];
    Daemon::start(stage, "containerd", &arguments, || Cri::connect(&stage.outside(SOCKET)).is_some())
}

/// Imports an image, in the layout of `docker save`, of a busybox that waits as a pod's first
/// process does.
fn import_pause_image(stage: &Stage) {
    let directory = stage.directory().join("image");
    fs::create_dir(&directory).expect("a directory for the image");
    fs::copy(stage.root_file_system_tar(), directory.join("layer.tar")).expect("the layer");
    let sums = output(Command::new("sha256sum").arg(directory.join("layer.tar")));
    let layer = String::from_utf8_lossy(&sums.stdout).split(' ').next().expect("a sum").to_owned();
    let config = serde_json::json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": { "Entrypoint": ["/bin/sleep", "1000"] },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{layer}")] },
    });
    let manifest = serde_json::json!([{ "Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"] }]);
    fs::write(directory.join("config.json"), config.to_string()).expect("the configuration");
    fs::write(directory.join("manifest.json"), manifest.to_string()).expect("the manifest");
    let tar = stage.directory().join("image.tar");
    let packed = output(Command::new("tar").arg("-C").arg(&directory).arg("-cf").arg(&tar).args([
        "manifest.json",
        "config.json",
        "layer.tar",
    ]));
    assert!(packed.status.success(), "{packed:?}");
    let tar = tar.display().to_string();
    stage.run("ctr", &["--namespace", "k8s.io", "images", "import", "--snapshotter", "native", &tar]);
}
