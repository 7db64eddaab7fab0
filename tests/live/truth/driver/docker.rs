//! docker by its own client.

use std::path::PathBuf;
use std::process::Child;

use obit_test_engines::Stage;

use super::super::program::{INSIDE, Puppets};
use super::{ContainerPlan, Engine, MEMORY_LIMIT, Terminal, client_output};

/// docker's client.
pub struct DockerClient<'a> {
    stage: &'a Stage,
    control: PathBuf,
}

impl<'a> DockerClient<'a> {
    pub fn new(stage: &'a Stage, puppets: &Puppets) -> Self {
        Self { stage, control: puppets.directory().to_owned() }
    }

    fn docker(&self, arguments: &[&str]) -> Result<String, String> {
        client_output(self.stage, "docker", arguments)
    }

    fn must(&self, arguments: &[&str]) -> String {
        self.docker(arguments).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Engine for DockerClient<'_> {
    fn runtime(&self) -> &'static str {
        "docker"
    }

    fn oci_runtime(&self) -> &'static str {
        "runc"
    }

    fn name_in_rows(&self, name: &str) -> Option<String> {
        Some(name.to_owned())
    }

    fn image(&self) -> Option<&'static str> {
        Some("busybox:latest")
    }

    fn removes_directories_at_exit(&self) -> bool {
        true
    }

    fn keeps_stopped(&self) -> bool {
        true
    }

    fn create(&self, plan: &ContainerPlan) -> String {
        let mut options = vec!["create".to_owned(), "--network=none".to_owned(), format!("--name={}", plan.name)];
        options.push(format!("--volume={}:{INSIDE}", self.control.display()));
        options.extend(plan.host_pids.then(|| "--pid=host".to_owned()));
        options.extend(plan.joins_pids_of.iter().map(|id| format!("--pid=container:{id}")));
        options.extend(plan.capabilities.iter().map(|name| format!("--cap-add={}", name.trim_start_matches("CAP_"))));
        options.extend(plan.cgroup.iter().map(|path| format!("--cgroup-parent={path}")));
        options.extend(plan.stop_signal.map(|signal| format!("--stop-signal={signal}")));
        if plan.has_terminal {
            options.extend(["--tty", "--interactive"].map(str::to_owned));
        }
        if plan.is_memory_limited {
            options.extend([format!("--memory={MEMORY_LIMIT}"), format!("--memory-swap={MEMORY_LIMIT}")]);
        }
        if plan.restarts > 0 {
            options.push(format!("--restart=on-failure:{}", plan.restarts));
        }
        options.push("busybox:latest".to_owned());
        options.extend(plan.command());
        self.must(&options.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn start(&self, id: &str) -> Result<(), String> {
        self.docker(&["start", id]).map(drop)
    }

    fn run(&self, plan: &ContainerPlan) -> Result<String, String> {
        let id = self.create(plan);
        self.start(&id).map(|()| id)
    }

    fn run_on_terminal(&self, plan: &ContainerPlan, terminal: &Terminal) -> (String, Child) {
        let id = self.create(plan);
        let mut command = self.stage.command("docker");
        command.args(["start", "--attach", "--interactive", &id]);
        (id, terminal.spawn(command))
    }

    fn pause(&self, id: &str) {
        self.must(&["pause", id]);
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
        self.must(&["rm", "--force", id]);
    }

    fn force_verbs(&self) -> &'static [&'static str] {
        &["kill"]
    }
}
