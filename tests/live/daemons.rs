//! Names, images and ends as the daemons report them are in the rows.

use std::collections::BTreeMap;

use obit_derivation::record::{Outcome, Source};
use obit_test_engines::{CgroupView, Containerd, Daemon, Docker, Podman, Stage, require_root};
use serde_json::Value;

use crate::support::capture::Capture;
use crate::support::daemon_answers::{self, DaemonAnswer};
use crate::support::ledger::text;
use crate::support::replay;

/// Container name that uses all of Docker's grammar: `[a-zA-Z0-9][a-zA-Z0-9_.-]+`.
const ODD_NAME: &str = "0.-__Web..-9_-";
/// Container id that uses all of containerd's grammar: letters and digits, joined by single `.`,
/// `_` and `-`.
const ODD_ID: &str = "web.1-A_b";
/// Text that must not be in a case.
const SECRET: &str = "hunter2";

#[test]
fn names_images_and_ends_are_those_of_the_daemons() {
    let programs = ["runc", "containerd", "ctr", "dockerd", "docker", "podman", "conmon"];
    let Some(_live) = require_root(&programs) else { return };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let docker = Docker::start(&stage, &containerd);
    containerd.import(&docker.save_image());
    let lab = Lab::start(&stage);
    let podman = Podman::start(&stage);
    let _podman_service = serve_podman(&stage);
    let before = docker.start_container("before");
    let podman_before = podman.start_container("podman-before");

    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &["--labels", "shop.*"]);
    for source in [Source::Docker, Source::Containerd, Source::Podman] {
        daemon_answers::wait_for(&case, "that every daemon is there", |answer| {
            answer.source == Some(source) && answer.event == "connected" && answer.outcome == Some(Outcome::Ok)
        });
    }
    let odd =
        run_docker(&docker, ODD_NAME, &["--label=shop.team=blue", &label(SECRET), &environment()], &["/bin/true"]);
    let failing = run_docker(&docker, "fails", &[], &["/bin/sh", "-c", "exit 7"]);
    // One id, twice at the same time, with two images.
    containerd.start_container(ODD_ID);
    lab.start_container(ODD_ID);
    lab.remove(ODD_ID);
    containerd.remove(ODD_ID);
    let podman_short = podman.run_short("Podman_Short.1");
    docker.remove(&before);
    podman.remove(&podman_before);
    for id in [&odd, &failing, &before, &podman_short, &podman_before] {
        stage.cgroups.wait_until_gone(id);
    }
    stage.cgroups.wait_until_gone(ODD_ID);
    for (source, id, event) in [(Source::Docker, &before, "destroy"), (Source::Podman, &podman_before, "remove")] {
        daemon_answers::wait_for(&case, "that the last containers are gone", |answer| {
            answer.source == Some(source) && answer.container_id == *id && answer.event == event
        });
    }
    let docker_events = events_of_docker(&stage);
    capture.stop();

    let rows = replay::derived_rows(&case, "container_remove");
    let image = "docker.io/library/busybox:latest";
    for (runtime, id, namespace, name, image) in [
        ("docker", &*odd, "", ODD_NAME, "busybox:latest"),
        ("docker", &failing, "", "fails", "busybox:latest"),
        ("docker", &before, "", "before", "busybox:latest"),
        // ctr has no names beside ids.
        ("containerd", ODD_ID, "shop", "", image),
        ("containerd", ODD_ID, "lab", "", LAB_IMAGE),
        ("podman", &podman_short, "", "Podman_Short.1", "localhost/obit-busybox:latest"),
        ("podman", &podman_before, "", "podman-before", "localhost/obit-busybox:latest"),
    ] {
        let is_it = |row: &&Value| text(row, "container_id") == id && text(row, "containerd_namespace") == namespace;
        let found: Vec<_> = rows.iter().filter(is_it).collect();
        let [row] = found[..] else { panic!("{} rows of {runtime} {namespace} {id}: {found:#?}", found.len()) };
        let said = (text(row, "runtime"), text(row, "container_name"), text(row, "image_name"));
        assert_eq!(said, (runtime, name, image), "{row:#}");
        assert_eq!(row["conflicts"], serde_json::json!([]), "{row:#}");
    }
    let existing = replay::derived_rows(&case, "existing_container");
    assert!(existing.iter().any(|row| text(row, "container_id") == before), "{existing:#?}");

    let answers = daemon_answers::read_all(&case);
    assert_same_events(&answers, &docker_events);
    // The kernel and the daemon report one end each.
    for (id, exit_code) in [(&odd, 0), (&failing, 7), (&before, 137)] {
        let deaths: Vec<_> = answers
            .iter()
            .filter(|answer| answer.container_id == *id && answer.event == "die")
            .map(|answer| answer.exit_code)
            .collect();
        assert_eq!(deaths, [Some(exit_code)], "docker on the end of {id}");
    }
    for namespace in ["shop", "lab"] {
        let exits: Vec<_> = answers
            .iter()
            .filter(|answer| {
                answer.namespace == namespace && answer.container_id == ODD_ID && answer.event == "/tasks/exit"
            })
            .map(|answer| answer.exit_code)
            .collect();
        assert_eq!(exits, [Some(137)], "containerd on the end of {ODD_ID} in {namespace}");
    }
    let labels: Vec<_> =
        answers.iter().filter(|answer| answer.container_id == odd).flat_map(|answer| answer.labels.clone()).collect();
    assert!(!labels.is_empty());
    assert!(labels.iter().all(|(name, value)| (&**name, &**value) == ("shop.team", "blue")), "{labels:?}");
    assert_no_secret(&case);
    replay::assert_verifies(&case);
}

/// Compares Docker's own list of events with the recorded ones, from the moment the capture was
/// connected.
fn assert_same_events(answers: &[DaemonAnswer], by_docker: &[Value]) {
    let key = |id: &str, action: &str, time: &str| (id.to_owned(), action.to_owned(), time.to_owned());
    let recorded: BTreeMap<_, usize> = answers
        .iter()
        .filter(|answer| {
            answer.source == Some(Source::Docker) && !answer.container_id.is_empty() && !answer.event.is_empty()
        })
        .map(|answer| {
            let document: Value = serde_json::from_str(&answer.document).expect("JSON");
            key(&answer.container_id, &answer.event, &document["timeNano"].to_string())
        })
        .fold(BTreeMap::new(), |mut all, key| {
            *all.entry(key).or_default() += 1;
            all
        });
    assert!(recorded.values().all(|&times| times == 1), "an event was recorded twice: {recorded:#?}");
    let first = recorded.keys().map(|(_, _, time)| time.clone()).min().expect("events of docker");
    let own: Vec<_> = by_docker
        .iter()
        .map(|event| key(text(&event["Actor"], "ID"), text(event, "Action"), &event["timeNano"].to_string()))
        .filter(|(_, _, time)| *time >= first)
        .collect();
    assert!(own.len() >= 10, "the workload is smaller than it says: {own:#?}");
    let mut own_sorted = own.clone();
    own_sorted.sort();
    let recorded: Vec<_> = recorded.into_keys().collect();
    assert_eq!(recorded, own_sorted, "what docker remembers, and what is in the case");
}

fn events_of_docker(stage: &Stage) -> Vec<Value> {
    let now = stage.run("date", &["+%s.%N"]);
    let arguments =
        ["events", "--since=0", &format!("--until={now}"), "--filter=type=container", "--format={{json .}}"];
    let lines = stage.run("docker", &arguments);
    lines.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// Runs a container with that name to its end, and removes it.
fn run_docker(docker: &Docker<'_>, name: &str, options: &[&str], command: &[&str]) -> String {
    let id = docker.run_to_the_end(&[&["--name", name], options].concat(), command);
    docker.remove(&id);
    id
}

fn label(secret: &str) -> String {
    format!("--label=token={secret}")
}

fn environment() -> String {
    format!("--env=TOKEN={SECRET}")
}

/// Expects that no file of the case contains the secret. Parts are compressed, so the columns are
/// searched as text.
fn assert_no_secret(case: &std::path::Path) {
    for answer in daemon_answers::read_all(case) {
        assert!(!answer.document.contains(SECRET), "{}: {}", answer.request, answer.document);
    }
    for event in ["container_remove", "container_create", "existing_container"] {
        for row in replay::derived_rows(case, event) {
            assert!(!row.to_string().contains(SECRET), "{row}");
        }
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

const LAB_IMAGE: &str = "lab.example/tools:2";

/// A second namespace of the same containerd, with the same image under another name.
struct Lab<'a> {
    stage: &'a Stage,
}

impl<'a> Lab<'a> {
    fn start(stage: &'a Stage) -> Self {
        stage.cgroups.own("lab");
        let lab = Self { stage };
        lab.ctr(&["images", "import", &stage.directory().join("image.tar").display().to_string()]);
        lab.ctr(&["images", "tag", "docker.io/library/busybox:latest", LAB_IMAGE]);
        lab
    }

    fn start_container(&self, id: &str) {
        self.ctr(&["run", "--detach", LAB_IMAGE, id, "/bin/sleep", "1000"]);
    }

    fn remove(&self, id: &str) {
        self.ctr(&["task", "delete", "--force", id]);
        self.ctr(&["container", "delete", id]);
    }

    fn ctr(&self, arguments: &[&str]) {
        let mut all = vec!["--namespace", "lab"];
        all.extend_from_slice(arguments);
        self.stage.run("ctr", &all);
    }
}

impl Drop for Lab<'_> {
    fn drop(&mut self) {
        for arguments in [["task", "delete", "--force", ODD_ID].as_slice(), &["container", "delete", ODD_ID]] {
            let mut all = vec!["--namespace", "lab"];
            all.extend_from_slice(arguments);
            self.stage.try_run("ctr", &all);
        }
    }
}
