//! Names, images and starts where they change: renames, restarts, ids that are used again, and one
//! id at several daemons.

use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use obit_derivation::record::{Outcome, Source};
use obit_test_engines::{CgroupView, Containerd, Daemon, Docker, Podman, Stage, require_root};
use serde_json::{Value, json};

use crate::support::capture::Capture;
use crate::support::daemon_answers;
use crate::support::ledger::text;
use crate::support::replay;

const SECOND: Duration = Duration::from_secs(1);
/// Lives of a container that is restarted.
const RESTARTS: usize = 25;

/// Waits until the capture is connected to daemons of these kinds.
fn wait_until_connected(case: &Path, sources: &[Source]) {
    for source in sources {
        daemon_answers::wait_for(case, "that the daemon is there", |answer| {
            answer.source == Some(*source) && answer.event == "connected" && answer.outcome == Some(Outcome::Ok)
        });
    }
}

/// Starts podman's API, which lives as long as the returned daemon.
fn serve_podman(stage: &Stage) -> Daemon {
    let socket = "/run/podman/podman.sock";
    std::fs::create_dir_all(stage.outside("/run/podman")).expect("a directory for the socket");
    let arguments =
        ["--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=file", "system", "service", "--time=0"];
    let mut arguments: Vec<_> = arguments.map(str::to_owned).into();
    arguments.push(format!("unix://{socket}"));
    Daemon::start(stage, "podman", &arguments, || {
        std::os::unix::net::UnixStream::connect(stage.outside(socket)).is_ok()
    })
}

/// Returns the rows of the removals of a container, in their order.
fn removals<'r>(rows: &'r [Value], id: &str) -> Vec<&'r Value> {
    rows.iter().filter(|row| text(row, "container_id") == id).collect()
}

#[test]
fn a_container_has_its_last_name_and_each_life_its_own_start() {
    let programs = ["runc", "containerd", "ctr", "dockerd", "docker", "podman", "conmon"];
    let Some(_live) = require_root(&programs) else { return };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let docker = Docker::start(&stage, &containerd);
    let podman = Podman::start(&stage);
    let _service = serve_podman(&stage);
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    wait_until_connected(&case, &[Source::Docker, Source::Containerd, Source::Podman]);

    let run = |arguments: &[&str]| stage.run("docker", arguments);
    let end = |id: &str| {
        run(&["kill", id]);
        run(&["wait", id]);
        stage.cgroups.wait_until_gone(id);
    };
    // As compose recreates a service.
    let composed = run(&["create", "--name=abc123_web_1", "--network=none", "busybox:latest", "/bin/sleep", "1000"]);
    run(&["rename", &composed, "web_1"]);
    run(&["start", &composed]);
    sleep(SECOND);
    end(&composed);
    // While it lives, and then another life.
    let renamed = docker.start_container("first");
    sleep(SECOND);
    run(&["rename", "first", "second"]);
    sleep(SECOND);
    end(&renamed);
    run(&["start", &renamed]);
    end(&renamed);
    let podman_renamed = podman.start_container("podman-first");
    sleep(SECOND);
    stage.run(
        "podman",
        &["--events-backend=file", "--cgroup-manager=cgroupfs", "rename", "podman-first", "podman-second"],
    );
    sleep(SECOND);
    podman.remove(&podman_renamed);
    // Restarts by hand, and by a policy.
    let restarted = docker.start_container("restarted");
    for _ in 1..RESTARTS {
        // A start of docker's may fail; then the next call starts it.
        while !stage.try_run("docker", &["restart", "--time", "0", &restarted]).status.success() {}
    }
    end(&restarted);
    let crashing = run(&[
        "run",
        "--detach",
        "--network=none",
        "--restart=on-failure:5",
        "busybox:latest",
        "/bin/sh",
        "-c",
        "exit 3",
    ]);
    run(&["wait", &crashing]);
    sleep(Duration::from_secs(6));
    capture.stop();

    let rows = replay::derived_rows(&case, "container_remove");
    let names = |id: &str| -> Vec<(String, Value)> {
        removals(&rows, id)
            .iter()
            .map(|row| (text(row, "container_name").to_owned(), row["conflicts"].clone()))
            .collect()
    };
    assert_eq!(names(&composed), [("web_1".to_owned(), json!(["docker: container_name abc123_web_1"]))]);
    let second = ("second".to_owned(), json!(["docker: container_name first"]));
    assert_eq!(names(&renamed), [second.clone(), second]);
    assert_eq!(names(&podman_renamed), [("podman-second".to_owned(), json!(["podman: container_name podman-first"]))]);
    for (id, lives) in [(&restarted, RESTARTS), (&crashing, 6)] {
        let rows = removals(&rows, id);
        assert!(rows.len() >= lives, "{rows:#?}");
        let mut known = 0;
        for row in rows {
            assert_eq!(row["conflicts"], json!([]), "{row:#}");
            let (begun, started, ended) = (text(row, "created_at"), text(row, "started_at"), text(row, "ts"));
            if started.is_empty() {
                continue;
            }
            known += 1;
            assert!(begun <= started && started <= ended, "{begun} to {ended} has the start {started}");
        }
        assert!(known > 0, "no start of {id} is known");
        println!("{id}: {known} of {lives} starts are known");
    }
    let disagreements = replay::derived_rows(&case, "disagreement");
    let existence: Vec<_> = disagreements.iter().filter(|row| text(row, "aspect") == "existence").collect();
    assert!(existence.is_empty(), "{existence:#?}");
    replay::assert_verifies(&case);
}

#[test]
fn an_id_at_several_places_is_several_containers() {
    let Some(_live) = require_root(&["runc", "containerd", "ctr", "dockerd", "docker"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let image = {
        let docker = Docker::start(&stage, &containerd);
        docker.save_image()
    };
    // A second daemon, in a place that nobody looks at, with the same namespaces.
    let other = stage.directory().join("other");
    std::fs::create_dir(&other).expect("a directory");
    let path = |name: &str| other.join(name).display().to_string();
    let config = format!(
        "version = 2\nroot = {:?}\nstate = {:?}\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = {:?}\n",
        path("root"),
        path("state"),
        path("c.sock")
    );
    std::fs::write(path("config.toml"), config).expect("its configuration");
    let address = path("c.sock");
    let of_first = |arguments: &[&str]| stage.run("ctr", &[&["-n", "shop"], arguments].concat());
    let of_other = |arguments: &[&str]| stage.run("ctr", &[&["-a", &*address, "-n", "shop"], arguments].concat());
    let arguments = ["--config".to_owned(), path("config.toml")];
    let _other = Daemon::start(&stage, "containerd", &arguments, || {
        stage.try_run("ctr", &["-a", &address, "version"]).status.success()
    });
    for (ctr, name) in [(&of_first as &dyn Fn(&[&str]) -> String, "bb:1"), (&of_other, "wb:1")] {
        ctr(&["images", "import", &image.display().to_string()]);
        ctr(&["images", "tag", "docker.io/library/busybox:latest", &format!("docker.io/library/{name}")]);
    }
    of_first(&["images", "tag", "docker.io/library/busybox:latest", "docker.io/library/wb:1"]);
    // Another namespace of the first daemon.
    let of_store = |arguments: &[&str]| stage.run("ctr", &[&["-n", "store"], arguments].concat());
    of_store(&["images", "import", &image.display().to_string()]);
    of_store(&["images", "tag", "docker.io/library/busybox:latest", "docker.io/library/wb:1"]);
    // An object of the first daemon that is never started.
    of_first(&["container", "create", "docker.io/library/bb:1", "twin", "/bin/sleep", "1"]);
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    for socket in ["/run/containerd/containerd.sock", &*address] {
        daemon_answers::wait_for(&case, "that each containerd is there", |answer| {
            answer.event == "connected" && answer.outcome == Some(Outcome::Ok) && answer.request.contains(socket)
        });
    }

    of_other(&["run", "--rm", "--null-io", "docker.io/library/wb:1", "twin", "/bin/sleep", "1"]);
    // One id after the other, each with its image.
    for (name, code) in [("bb:1", "exit 1"), ("wb:1", "exit 2"), ("bb:1", "exit 3")] {
        let image = format!("docker.io/library/{name}");
        stage.try_run("ctr", &["-n", "shop", "run", "--rm", "--null-io", &image, "again", "/bin/sh", "-c", code]);
    }
    // One in each namespace of containerd, and one by hand.
    let bundle = stage.directory().join("bundle");
    std::fs::create_dir_all(bundle.join("rootfs")).expect("a bundle");
    stage.run(
        "tar",
        &[
            "-C",
            &bundle.join("rootfs").display().to_string(),
            "-xf",
            &stage.root_file_system_tar().display().to_string(),
        ],
    );
    stage.run("runc", &["spec", "--bundle", &bundle.display().to_string()]);
    let config = std::fs::read_to_string(bundle.join("config.json")).expect("a configuration");
    let mut config: Value = serde_json::from_str(&config).expect("JSON");
    config["process"]["args"] = json!(["/bin/sleep", "1"]);
    config["process"]["terminal"] = json!(false);
    config["process"]["rlimits"] = json!([]);
    std::fs::write(bundle.join("config.json"), config.to_string()).expect("a configuration");
    of_first(&["run", "--detach", "--null-io", "docker.io/library/bb:1", "triple", "/bin/sleep", "1000"]);
    of_store(&["run", "--detach", "--null-io", "docker.io/library/wb:1", "triple", "/bin/sleep", "1000"]);
    stage.run("runc", &["run", "--bundle", &bundle.display().to_string(), "triple"]);
    sleep(SECOND);
    for namespace in ["shop", "store"] {
        stage.try_run("ctr", &["-n", namespace, "task", "delete", "--force", "triple"]);
        stage.run("ctr", &["-n", namespace, "container", "delete", "triple"]);
    }
    sleep(SECOND * 3);
    capture.stop();
    stage.try_run("ctr", &["-n", "shop", "container", "delete", "twin"]);

    let rows = replay::derived_rows(&case, "container_remove");
    let images = |id: &str| -> Vec<(String, String, Value)> {
        removals(&rows, id)
            .iter()
            .map(|row| {
                let image = text(row, "image_name").trim_start_matches("docker.io/library/").to_owned();
                (image, text(row, "containerd_namespace").to_owned(), row["conflicts"].clone())
            })
            .collect()
    };
    let shop = |image: &str| (image.to_owned(), "shop".to_owned(), json!([]));
    assert_eq!(images("twin"), [shop("wb:1")]);
    assert_eq!(images("again"), [shop("bb:1"), shop("wb:1"), shop("bb:1")]);
    let mut triple = images("triple");
    triple.sort_by_key(|(image, ..)| image.clone());
    let store = ("wb:1".to_owned(), "store".to_owned(), json!([]));
    assert_eq!(triple, [(String::new(), String::new(), json!([])), shop("bb:1"), store]);
    replay::assert_verifies(&case);
}

#[test]
fn of_a_container_without_cgroups_its_engine_says_which_process_it_is() {
    let Some(_live) = require_root(&["runc", "crun", "podman", "conmon"]) else { return };
    let stage = Stage::new(CgroupView::V2Only);
    let podman = Podman::start(&stage);
    let _service = serve_podman(&stage);
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    wait_until_connected(&case, &[Source::Podman]);
    let arguments = [
        "--runtime=crun",
        "--cgroup-manager=cgroupfs",
        "--events-backend=file",
        "run",
        "--detach",
        "--cgroups=disabled",
        "--network=none",
        "--ulimit=nofile=1024:1024",
        "--ulimit=nproc=1000:1000",
        "obit-busybox",
        "/bin/sleep",
        "1000",
    ];
    let id = stage.run("podman", &arguments);
    let pid = stage.run("podman", &["--events-backend=file", "inspect", "--format={{.State.Pid}}", &id]);
    let answer = daemon_answers::wait_for(&case, "which process it is", |answer| {
        answer.container_id == id && answer.event.is_empty() && answer.request.ends_with("/json")
    });
    podman.remove(&id);
    capture.stop();
    let document: Value = serde_json::from_str(&answer.document).expect("JSON");
    assert_eq!(document["State"]["Pid"].to_string(), pid, "{document:#}");
    let of_it = |table| {
        let rows = replay::derived_rows(&case, table).into_iter();
        rows.filter(|row| row["container_id"] == *id).collect::<Vec<_>>()
    };
    let exits = of_it("container_exit");
    let [exit] = exits.as_slice() else { panic!("{exits:#?}") };
    assert_eq!(
        (exit["init_pid"].to_string(), &exit["cgroup_path"], &exit["inferred"]),
        (pid, &Value::Null, &json!(false))
    );
    assert_eq!(
        (&exit["exit_signal"], &exit["cause_known_by"]),
        (&json!(9), &json!("kernel")),
        "podman kills what it removes"
    );
    assert_eq!((of_it("container_create").len(), of_it("container_remove").len()), (0, 0), "it has no directory");
    replay::assert_verifies(&case);
}
