//! What an inventory says ran at a moment is what the engines listed at that moment.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use obit_test_engines::{CgroupView, Containerd, Docker, Stage, require_root};
use serde_json::Value;

use crate::support::capture::Capture;
use crate::support::replay;

/// The running containers that the engines list, and a moment at which all of them ran and no
/// others: nothing changes while they are asked.
struct EngineLists {
    running: BTreeSet<String>,
    at: String,
}

impl EngineLists {
    fn read(stage: &Stage) -> Self {
        let docker = stage.run("docker", &["ps", "--quiet", "--no-trunc"]);
        let tasks = stage.run("ctr", &["--namespace", "shop", "task", "list"]);
        let of_tasks =
            tasks.lines().filter(|line| line.contains("RUNNING")).filter_map(|line| line.split_whitespace().next());
        let running = docker.lines().chain(of_tasks).map(str::to_owned).collect();
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
        let ns = i64::try_from(since_1970.as_nanos()).expect("before 2262");
        Self { running, at: obit_schema::text::time::rfc3339(ns) }
    }
}

#[test]
fn what_ran_at_a_moment_is_what_the_engines_listed_then() {
    let Some(_live) = require_root(&["runc", "containerd", "ctr", "dockerd", "docker"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let docker = Docker::start(&stage, &containerd);
    containerd.import(&docker.save_image());
    // One of each is there before the capture.
    let first = docker.start_container("first");
    containerd.start_container("task-1");

    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    let mut listed = vec![EngineLists::read(&stage)];
    let second = docker.start_container("second");
    listed.push(EngineLists::read(&stage));
    containerd.start_container("task-2");
    docker.remove(&first);
    listed.push(EngineLists::read(&stage));
    // It has exited, and stays in the daemon's list of all containers.
    docker.run_to_the_end(&["--name", "over"], &["/bin/true"]);
    docker.restart(&second);
    containerd.remove("task-1");
    listed.push(EngineLists::read(&stage));
    docker.remove(&second);
    containerd.remove("task-2");
    listed.push(EngineLists::read(&stage));
    capture.stop();

    let sizes: Vec<usize> = listed.iter().map(|lists| lists.running.len()).collect();
    assert_eq!(sizes, [2, 3, 3, 2, 0], "the engines list what was started");
    // Other containers may run on this host.
    let ours: BTreeSet<String> = listed.iter().flat_map(|lists| lists.running.clone()).collect();
    for EngineLists { running, at } in &listed {
        let output = replay::replay(&["inventory", &case.display().to_string(), "--at", at, "--format", "json"]);
        assert!(output.status.success(), "{output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let present = report["containers"].as_array().expect("a list");
        let ran = present.iter().filter(|container| container["state"] == "running");
        let ran = ran.map(|container| container["container_id"].as_str().expect("an id").to_owned());
        let found: BTreeSet<String> = ran.filter(|id| ours.contains(id)).collect();
        assert_eq!(found, *running, "at {at}: {report:#}");
    }
}
