//! dockerd with the docker client.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crate::daemon::Daemon;
use crate::stage::Stage;
use crate::{AT_ONCE, Containerd, FOREVER, containerd};

/// A running dockerd.
pub struct Docker<'a> {
    stage: &'a Stage,
    /// Handle of the dockerd process.
    pub daemon: Daemon,
}

impl<'a> Docker<'a> {
    /// Starts the daemon on top of a containerd, as distributions do, and imports the busybox
    /// image.
    pub fn start(stage: &'a Stage, _containerd: &Containerd<'_>) -> Self {
        let docker = Self { stage, daemon: Self::start_daemon(stage) };
        docker.docker(&["import", &stage.root_file_system_tar().display().to_string(), IMAGE]);
        docker
    }

    /// Starts the daemon again after it was killed.
    pub fn start_again(&mut self) {
        self.daemon = Self::start_daemon(self.stage);
    }

    fn start_daemon(stage: &Stage) -> Daemon {
        let config = stage.directory().join("docker.json");
        std::fs::write(&config, "{}").expect("its config");
        let arguments = [
            format!("--config-file={}", config.display()),
            format!("--containerd={}", containerd::SOCKET),
            // The host's network stays as it is.
            "--iptables=false".to_owned(),
            "--ip6tables=false".to_owned(),
            "--bridge=none".to_owned(),
            // No init system runs inside the stage, whatever the host runs.
            "--exec-opt=native.cgroupdriver=cgroupfs".to_owned(),
        ];
        let daemon = Daemon::start(stage, "dockerd", &arguments, || answers_ping(stage));
        stage.cgroups.own("docker");
        daemon
    }

    /// Saves the image as a tar file that other engines can import.
    pub fn save_image(&self) -> PathBuf {
        let path = self.stage.directory().join("image.tar");
        self.docker(&["save", "--output", &path.display().to_string(), IMAGE]);
        path
    }

    /// Runs a container whose process ends at once, and removes it. Returns its id.
    pub fn run_short(&self, name: &str) -> String {
        let id = self.run(&["--name", name], &[AT_ONCE]);
        self.docker(&["wait", &id]);
        self.docker(&["rm", &id]);
        id
    }

    /// Starts a container and returns its id.
    pub fn run(&self, options: &[&str], command: &[&str]) -> String {
        self.docker(&[&["run", "--detach", "--network=none"], options, &[IMAGE], command].concat())
    }

    /// Runs a container until its process and its directories are gone, and keeps it in docker's
    /// list. Returns its id.
    pub fn run_to_the_end(&self, options: &[&str], command: &[&str]) -> String {
        let id = self.run(options, command);
        self.docker(&["wait", &id]);
        self.stage.cgroups.wait_until_gone(&id);
        id
    }

    /// Starts a container whose process lives until it is killed. Returns its id.
    pub fn start_container(&self, name: &str) -> String {
        self.run(&["--name", name], &FOREVER)
    }

    /// Runs a container that makes and removes a cgroup directory inside its own, and removes it.
    /// Returns its id.
    pub fn run_with_inner_cgroups(&self, name: &str) -> String {
        // `--privileged` needs every capability; root on a small virtual machine may lack some.
        let options = ["--name", name, "--volume=/sys/fs/cgroup:/host", "--cgroupns=host"];
        // The v2 tree is at /host, or at /host/unified on a hybrid host.
        let script = "set -e; \
                      while read -r line; do case $line in 0::*) path=${line#0::};; esac; done < /proc/self/cgroup; \
                      tree=/host; [ -d /host/unified ] && tree=/host/unified; \
                      mkdir -p $tree$path/system.slice/cron.service; rmdir $tree$path/system.slice/cron.service; \
                      rmdir $tree$path/system.slice";
        let id = self.run(&options, &["/bin/sh", "-c", script]);
        let status = self.docker(&["wait", &id]);
        assert_eq!(status, "0", "the container could not make a cgroup: {}", self.docker(&["logs", &id]));
        self.docker(&["rm", &id]);
        id
    }

    /// Starts a container again: a new life of the same id.
    pub fn restart(&self, id: &str) {
        self.docker(&["restart", "--time", "0", id]);
    }

    /// Kills and removes a container.
    pub fn remove(&self, id: &str) {
        self.docker(&["rm", "--force", id]);
    }

    fn docker(&self, arguments: &[&str]) -> String {
        self.stage.run("docker", arguments)
    }
}

impl Drop for Docker<'_> {
    fn drop(&mut self) {
        let list = self.stage.try_run("docker", &["ps", "--all", "--quiet"]);
        for id in String::from_utf8_lossy(&list.stdout).lines() {
            self.stage.try_run("docker", &["rm", "--force", id]);
        }
    }
}

const IMAGE: &str = "busybox:latest";

fn answers_ping(stage: &Stage) -> bool {
    let Ok(mut socket) = UnixStream::connect(stage.outside("/run/docker.sock")) else {
        return false;
    };
    let mut answer = String::new();
    socket.write_all(b"GET /_ping HTTP/1.0\r\n\r\n").is_ok()
        && socket.read_to_string(&mut answer).is_ok()
        && answer.contains("200 OK")
}
