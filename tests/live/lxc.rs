//! A container of LXC: its payload is the container; its monitor and its pivot are not.

use obit_test_engines::{CgroupView, Stage, require_root};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use serde_json::Value;

use crate::support::capture::Capture;
use crate::support::ledger::text;
use crate::support::replay;

const NAME: &str = "obit-live-lxc";

#[test]
fn the_payload_is_the_container_and_the_monitor_is_none() {
    let Some(_live) = require_root(&["lxc-start", "busybox"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    for ours in [NAME, "lxc.pivot"] {
        stage.cgroups.own(ours);
    }
    let config = write_config(&stage, NAME, "/bin/true");

    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    stage.run("lxc-start", &["--name", NAME, "--rcfile", &config, "--foreground"]);
    stage.cgroups.wait_until_gone(&format!("lxc.payload.{NAME}"));
    capture.stop();

    assert_eq!(ends(&case), [end_of(NAME, NAME)]);
    replay::assert_verifies(&case);
}

/// With a directory of the name in the way, LXC takes another, and only the title of its monitor has
/// the name.
#[test]
fn a_container_whose_directory_has_a_number_has_the_name_of_its_monitor() {
    const TAKEN: &str = "obit-live-lxc-taken";
    let Some(_live) = require_root(&["lxc-start", "lxc-stop", "busybox"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let payload = format!("lxc.payload.{TAKEN}");
    for ours in [TAKEN, "lxc.pivot"] {
        stage.cgroups.own(ours);
    }
    let config = write_config(&stage, TAKEN, "/bin/sleep 1000");
    stage.cgroups.make(&payload);

    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    stage.run("lxc-start", &["--name", TAKEN, "--rcfile", &config, "--daemon"]);
    stage.run("lxc-stop", &["--name", TAKEN, "--kill"]);
    stage.cgroups.wait_until_gone(&format!("{payload}-1"));
    capture.stop();

    assert_eq!(ends(&case), [end_of(TAKEN, &format!("{TAKEN}-1"))]);
    // The monitor kills for whoever asks it to.
    let rows = replay::derived_rows(&case, "container_remove");
    let causes: Vec<_> =
        rows.iter().filter(|row| text(row, "container_id") == TAKEN).map(|row| &row["cause"]).collect();
    assert_eq!(causes, ["killed_by_runtime"]);
    replay::assert_verifies(&case);
}

/// Writes the configuration of a container that runs a command of busybox, and returns its path.
fn write_config(stage: &Stage, name: &str, command: &str) -> String {
    let root = stage.directory().join("lxc-root");
    for directory in ["bin", "dev", "proc", "sys"] {
        fs::create_dir_all(root.join(directory)).expect("a root file system");
    }
    fs::copy("/bin/busybox", root.join("bin/busybox")).expect("busybox");
    for applet in ["true", "sleep"] {
        symlink("busybox", root.join("bin").join(applet)).expect("a link");
    }
    let config = stage.directory().join("lxc.conf");
    let text = format!(
        "lxc.rootfs.path = dir:{}\nlxc.uts.name = {name}\nlxc.net.0.type = empty\nlxc.apparmor.profile = unconfined\n\
         lxc.autodev = 0\nlxc.init.cmd = {command}\n",
        root.display()
    );
    fs::write(&config, text).expect("a configuration");
    config.display().to_string()
}

/// Engine, id and directory of each end of a container of LXC. The directory is below that of the
/// process that starts LXC.
fn ends(case: &Path) -> Vec<(String, String, String)> {
    let owned = |row: &Value, column: &str| text(row, column).to_owned();
    replay::derived_rows(case, "container_remove")
        .iter()
        .filter(|row| text(row, "cgroup_path").contains("lxc"))
        .map(|row| {
            let path = text(row, "cgroup_path");
            let directory = path.rsplit('/').next().unwrap_or(path).to_owned();
            (owned(row, "runtime"), owned(row, "container_id"), directory)
        })
        .collect()
}

fn end_of(name: &str, directory: &str) -> (String, String, String) {
    ("lxc".to_owned(), name.to_owned(), format!("lxc.payload.{directory}"))
}
