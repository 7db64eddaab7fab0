//! A container of LXC: its payload is the container; its monitor and its pivot are not.

use obit_test_engines::{CgroupView, Stage, require_root};
use std::fs;
use std::os::unix::fs::symlink;

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
    let root = stage.directory().join("lxc-root");
    for directory in ["bin", "dev", "proc", "sys"] {
        fs::create_dir_all(root.join(directory)).expect("a root file system");
    }
    fs::copy("/bin/busybox", root.join("bin/busybox")).expect("busybox");
    symlink("busybox", root.join("bin/true")).expect("a link");
    let config = stage.directory().join("lxc.conf");
    let text_of_config = format!(
        "lxc.rootfs.path = dir:{}\nlxc.uts.name = {NAME}\nlxc.net.0.type = empty\nlxc.apparmor.profile = unconfined\n\
         lxc.autodev = 0\nlxc.init.cmd = /bin/true\n",
        root.display()
    );
    fs::write(&config, text_of_config).expect("a configuration");

    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    stage.run("lxc-start", &["--name", NAME, "--rcfile", &config.display().to_string(), "--foreground"]);
    stage.cgroups.wait_until_gone(&format!("lxc.payload.{NAME}"));
    capture.stop();

    let rows = replay::derived_rows(&case, "container_remove");
    let ends: Vec<_> = rows
        .iter()
        .filter(|row| text(row, "cgroup_path").contains("lxc"))
        .map(|row| (text(row, "runtime"), text(row, "container_id"), text(row, "cgroup_path").to_owned()))
        .collect();
    assert_eq!(ends, [("lxc", NAME, format!("/lxc.payload.{NAME}"))]);
    replay::assert_verifies(&case);
}
