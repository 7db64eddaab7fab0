//! podman by its own client.

use std::path::PathBuf;

use obit_test_engines::{OciRuntime, Stage};

use super::super::program::{INSIDE, Puppets};
use super::{ContainerPlan, Engine, MEMORY_LIMIT, client_output, until};

/// podman's client.
pub struct PodmanClient<'a> {
    stage: &'a Stage,
    runtime: OciRuntime,
    control: PathBuf,
}

impl<'a> PodmanClient<'a> {
    pub fn new(stage: &'a Stage, runtime: OciRuntime, puppets: &Puppets) -> Self {
        Self { stage, runtime, control: puppets.directory().to_owned() }
    }

    fn podman(&self, arguments: &[&str]) -> Result<String, String> {
        let runtime = format!("--runtime={}", self.runtime.name());
        let options = [runtime.as_str(), "--cgroup-manager=cgroupfs", "--events-backend=file"];
        client_output(self.stage, "podman", &[&options, arguments].concat())
    }

    fn must(&self, arguments: &[&str]) -> String {
        self.podman(arguments).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Engine for PodmanClient<'_> {
    fn runtime(&self) -> &'static str {
        "podman"
    }

    fn oci_runtime(&self) -> &'static str {
        self.runtime.name()
    }

    fn name_in_rows(&self, name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    fn image(&self) -> Option<&'static str> {
        Some("localhost/obit-busybox:latest")
    }

    fn removes_directories_at_exit(&self) -> bool {
        true
    }

    fn keeps_stopped(&self) -> bool {
        true
    }

    fn create(&self, plan: &ContainerPlan) -> String {
        let mut options = vec!["create".to_owned(), "--network=none".to_owned(), format!("--name={}", plan.name)];
        // Root without CAP_SYS_RESOURCE may set these limits too.
        options.extend(["--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000"].map(str::to_owned));
        // The pids controller may be one of v1.
        options.push("--pids-limit=-1".to_owned());
        options.push(format!("--volume={}:{INSIDE}", self.control.display()));
        options.extend(plan.host_pids.then(|| "--pid=host".to_owned()));
        options.extend(plan.joins_pids_of.iter().map(|id| format!("--pid=container:{id}")));
        options.extend(plan.capabilities.iter().map(|name| format!("--cap-add={name}")));
        options.extend(plan.stop_signal.map(|signal| format!("--stop-signal={signal}")));
        if plan.is_memory_limited {
            options.extend([format!("--memory={MEMORY_LIMIT}b"), format!("--memory-swap={MEMORY_LIMIT}b")]);
        }
        options.push("obit-busybox".to_owned());
        options.extend(plan.command());
        self.must(&options.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn start(&self, id: &str) -> Result<(), String> {
        self.podman(&["start", id]).map(drop)
    }

    fn run(&self, plan: &ContainerPlan) -> Result<String, String> {
        let id = self.create(plan);
        self.start(&id).map(|()| id)
    }

    fn exec(&self, id: &str, tag: &str) {
        let command = Puppets::command(tag);
        let mut arguments = vec!["exec", "--detach", id];
        arguments.extend(command.iter().map(String::as_str));
        self.must(&arguments);
    }

    fn kill(&self, id: &str, signal: i32) {
        self.must(&["kill", "--signal", &signal.to_string(), id]);
    }

    fn stop(&self, id: &str) {
        self.must(&["stop", "--time", "1", id]);
    }

    fn rename(&self, id: &str, name: &str) {
        self.must(&["rename", id, name]);
    }

    fn restart(&self, id: &str) {
        self.must(&["restart", "--time", "0", id]);
    }

    fn wait(&self, id: &str) {
        self.must(&["wait", id]);
    }

    fn delete(&self, id: &str) {
        self.must(&["rm", id]);
    }

    fn delete_by_force(&self, id: &str) {
        // A container that ends meanwhile is in a state that podman refuses to force.
        until("its deletion", || self.podman(&["rm", "--force", "--time", "0", id]));
    }

    fn force_verbs(&self) -> &'static [&'static str] {
        &["kill"]
    }
}
