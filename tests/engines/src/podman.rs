//! podman, which has no daemon: a conmon process holds each container.

use std::os::unix::net::UnixStream;

use crate::daemon::Daemon;
use crate::stage::Stage;
use crate::{AT_ONCE, FOREVER};

/// Storage of podman in the stage.
pub struct Podman<'a> {
    stage: &'a Stage,
}

impl<'a> Podman<'a> {
    /// Imports the busybox image.
    pub fn start(stage: &'a Stage) -> Self {
        stage.cgroups.own("libpod");
        let podman = Self { stage };
        podman.podman(&["import", "--quiet", &stage.root_file_system_tar().display().to_string(), IMAGE]);
        podman
    }

    /// Starts the service that answers Podman's API.
    pub fn serve(&self) -> Daemon {
        self.stage.run("mkdir", &["-p", "/run/podman"]);
        let arguments = with_options(&["system", "service", "--time=0", "unix:///run/podman/podman.sock"]);
        let arguments: Vec<_> = arguments.into_iter().map(str::to_owned).collect();
        let socket = self.stage.outside("/run/podman/podman.sock");
        Daemon::start(self.stage, "podman", &arguments, || UnixStream::connect(&socket).is_ok())
    }

    /// Runs a container whose process ends at once, and removes it. Returns its id.
    pub fn run_short(&self, name: &str) -> String {
        let id = self.run(name, &[AT_ONCE]);
        self.podman(&["wait", &id]);
        self.remove(&id);
        id
    }

    /// Starts a container whose process lives until it is killed. Returns its id.
    pub fn start_container(&self, name: &str) -> String {
        self.run(name, &FOREVER)
    }

    /// Builds an image whose one step runs a program that ends at once.
    pub fn build(&self) {
        // buildah names the step's container and its directory.
        self.stage.cgroups.own("buildah");
        let directory = self.stage.directory().join("build");
        std::fs::create_dir_all(&directory).expect("a directory to build in");
        let text = format!("FROM {IMAGE}\nRUN [\"{AT_ONCE}\"]\n");
        std::fs::write(directory.join("Containerfile"), text).expect("a Containerfile");
        let limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000"];
        let mut arguments = vec!["build", "--isolation=oci", "--network=none", "--no-cache"];
        arguments.extend(limits);
        let directory = directory.display().to_string();
        arguments.push(&directory);
        self.podman(&arguments);
    }

    /// Asks a container to end, and kills it after a second.
    pub fn stop(&self, id: &str) {
        self.podman(&["stop", "--time", "1", id]);
    }

    /// Kills and removes a container.
    pub fn remove(&self, id: &str) {
        self.podman(&["rm", "--force", "--time", "0", id]);
    }

    fn run(&self, name: &str, command: &[&str]) -> String {
        // Root without CAP_SYS_RESOURCE may set these limits too. The host's network stays as it
        // is.
        let mut arguments =
            vec!["run", "--detach", "--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000"];
        arguments.extend_from_slice(&["--name", name, IMAGE]);
        arguments.extend_from_slice(command);
        self.podman(&arguments)
    }

    fn podman(&self, arguments: &[&str]) -> String {
        self.stage.run("podman", &with_options(arguments))
    }
}

impl Drop for Podman<'_> {
    fn drop(&mut self) {
        self.stage.try_run("podman", &with_options(&["rm", "--all", "--force", "--time", "0"]));
    }
}

const IMAGE: &str = "obit-busybox";

/// Options of every call: crun refuses hybrid hosts, and no systemd runs in the stage.
fn with_options<'b>(arguments: &[&'b str]) -> Vec<&'b str> {
    let mut all = vec!["--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=file"];
    all.extend_from_slice(arguments);
    all
}
