//! Hundreds of containers of some milliseconds each, from several starters at once: every row has
//! the right name.

use obit_test_engines::{CgroupView, Containerd, Docker, Stage, require_root};
use std::collections::BTreeMap;
use std::process::Child;

use crate::support::capture::Capture;
use crate::support::ledger::text;
use crate::support::replay;

const STARTERS: usize = 4;
const EACH: usize = 125;
const IMAGE: &str = "docker.io/library/busybox:latest";

#[test]
fn five_hundred_short_containers_are_each_named_with_their_image() {
    let Some(_live) = require_root(&["runc", "containerd", "ctr", "dockerd", "docker"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "burst");
    let docker = Docker::start(&stage, &containerd);
    containerd.import(&docker.save_image());
    drop(docker);

    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    let mut starters: Vec<Child> = (0..STARTERS).map(|starter| start(&stage, starter)).collect();
    for starter in &mut starters {
        let status = starter.wait().expect("a child of ours");
        assert!(status.success(), "a starter: {status}");
    }
    capture.stop();

    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for starter in 0..STARTERS {
        expected.extend((0..EACH).map(|number| (id(starter, number), 1)));
    }
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    let mut unnamed = Vec::new();
    let rows = replay::derived_rows(&case, "container_remove");
    for row in rows.iter().filter(|row| !stage.cgroups.was_there_before(text(row, "cgroup_path"))) {
        *found.entry(text(row, "container_id").to_owned()).or_default() += 1;
        let named = text(row, "runtime") == "containerd"
            && text(row, "containerd_namespace") == "burst"
            && row["image_name"] == IMAGE
            && row["cgroup_path"] == format!("/burst/{}", text(row, "container_id"))
            && row["conflicts"].as_array().is_some_and(Vec::is_empty);
        if !named {
            unnamed.push(row.clone());
        }
    }
    assert_eq!(found, expected);
    assert!(unnamed.is_empty(), "{} rows are not named as they should be, the first: {:#}", unnamed.len(), unnamed[0]);
    let short = rows.iter().filter_map(|row| row["lifetime_ns"].as_u64()).filter(|life| *life < 100_000_000).count();
    println!("{} containers, {short} of them lived under 100 ms", found.len());
    assert!(short > 0, "none of them was short");
    replay::assert_verifies(&case);
}

/// Starts a shell that runs one container after the other.
fn start(stage: &Stage, starter: usize) -> Child {
    let script = format!(
        "set -e; for number in $(seq 0 {}); do ctr --namespace burst run --rm {IMAGE} job-{starter}.$number /bin/true; done",
        EACH - 1
    );
    stage.command("sh").args(["-c", &script]).spawn().expect("a shell")
}

fn id(starter: usize, number: usize) -> String {
    format!("job-{starter}.{number}")
}
