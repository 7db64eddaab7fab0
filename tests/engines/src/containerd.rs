//! containerd with its own client, `ctr`.

use std::path::Path;

use crate::daemon::Daemon;
use crate::stage::Stage;
use crate::{AT_ONCE, FOREVER};

/// Path of containerd's socket inside the stage.
pub const SOCKET: &str = "/run/containerd/containerd.sock";

/// A running containerd, and one of its namespaces.
pub struct Containerd<'a> {
    stage: &'a Stage,
    namespace: &'static str,
    _daemon: Daemon,
}

impl<'a> Containerd<'a> {
    /// Starts the daemon. Containers of this value go to that namespace.
    pub fn start(stage: &'a Stage, namespace: &'static str) -> Self {
        let config = stage.directory().join("containerd.toml");
        // Without CRI: its plugin needs a network that nobody sets up here.
        std::fs::write(&config, "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n")
            .expect("its config");
        let arguments = ["--config".to_owned(), config.display().to_string()];
        let daemon =
            Daemon::start(stage, "containerd", &arguments, || stage.try_run("ctr", &["version"]).status.success());
        stage.cgroups.own(namespace);
        Self { stage, namespace, _daemon: daemon }
    }

    /// Imports an image from a tar file that `docker save` wrote.
    pub fn import(&self, image: &Path) {
        self.ctr(&["images", "import", &image.display().to_string()]);
    }

    /// Runs a container whose process ends at once, and removes it.
    pub fn run_short(&self, id: &str) {
        self.ctr(&["run", "--rm", IMAGE, id, AT_ONCE]);
    }

    /// Starts a container whose process lives until it is killed.
    pub fn start_container(&self, id: &str) {
        self.ctr(&["run", "--detach", IMAGE, id, FOREVER[0], FOREVER[1]]);
    }

    /// Kills a container's task by `ctr`, not by the shim, and removes the container.
    pub fn kill(&self, id: &str) {
        self.ctr(&["task", "kill", "--signal", "KILL", id]);
        while !self.ctr(&["task", "list"]).lines().any(|line| line.starts_with(id) && line.contains("STOPPED")) {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        self.ctr(&["task", "delete", id]);
        self.ctr(&["container", "delete", id]);
    }

    /// Kills and removes a container.
    pub fn remove(&self, id: &str) {
        self.ctr(&["task", "delete", "--force", id]);
        self.ctr(&["container", "delete", id]);
    }

    fn ctr(&self, arguments: &[&str]) -> String {
        let mut all = vec!["--namespace", self.namespace];
        all.extend_from_slice(arguments);
        self.stage.run("ctr", &all)
    }
}

impl Drop for Containerd<'_> {
    fn drop(&mut self) {
        let run = |arguments: &[&str]| {
            let mut all = vec!["--namespace", self.namespace];
            all.extend_from_slice(arguments);
            String::from_utf8_lossy(&self.stage.try_run("ctr", &all).stdout).into_owned()
        };
        for id in run(&["container", "list", "--quiet"]).lines() {
            run(&["task", "delete", "--force", id]);
            run(&["container", "delete", id]);
        }
    }
}

/// Name of the image once imported.
const IMAGE: &str = "docker.io/library/busybox:latest";
