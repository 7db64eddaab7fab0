//! containerd by `ctr`.

use std::path::PathBuf;

use obit_test_engines::Stage;

use super::super::program::{INSIDE, Puppets};
use super::{ContainerPlan, Engine, MEMORY_LIMIT, client_in_background, client_output, until};

/// Namespace of containerd that the scenes are played in.
pub const NAMESPACE: &str = "obit-live-truth";

/// Image of every container but one.
const IMAGE: &str = "docker.io/library/busybox:latest";
/// The same image by another name.
pub const OTHER_IMAGE: &str = "docker.io/library/other:1";

/// `ctr`.
pub struct Ctr<'a> {
    stage: &'a Stage,
    control: PathBuf,
}

impl<'a> Ctr<'a> {
    pub fn new(stage: &'a Stage, puppets: &Puppets) -> Self {
        let ctr = Self { stage, control: puppets.directory().to_owned() };
        ctr.must(&["images", "tag", IMAGE, OTHER_IMAGE]);
        ctr
    }

    fn ctr(&self, arguments: &[&str]) -> Result<String, String> {
        client_output(self.stage, "ctr", &[&["--namespace", NAMESPACE], arguments].concat())
    }

    fn must(&self, arguments: &[&str]) -> String {
        self.ctr(arguments).unwrap_or_else(|error| panic!("{error}"))
    }

    fn options(&self, verb: &[&str], plan: &ContainerPlan) -> Vec<String> {
        let mut options: Vec<String> = verb.iter().map(|&word| word.to_owned()).collect();
        let control = self.control.display();
        options.push(format!("--mount=type=bind,src={control},dst={INSIDE},options=rbind:rw"));
        options.extend(plan.host_pids.then(|| format!("--with-ns=pid:/proc/{}/ns/pid", std::process::id())));
        options.extend(plan.capabilities.iter().map(|name| format!("--cap-add={name}")));
        options.extend(plan.cgroup.iter().map(|path| format!("--cgroup={path}")));
        options.extend(plan.is_memory_limited.then(|| format!("--memory-limit={MEMORY_LIMIT}")));
        options.extend([plan.image.unwrap_or(IMAGE).to_owned(), plan.name.clone()]);
        options.extend(plan.command());
        options
    }

    fn call(&self, options: &[String]) -> Result<String, String> {
        self.ctr(&options.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

impl Engine for Ctr<'_> {
    fn runtime(&self) -> &'static str {
        "containerd"
    }

    fn oci_runtime(&self) -> &'static str {
        "runc"
    }

    fn name_in_rows(&self, _name: &str) -> Option<String> {
        None
    }

    fn image(&self) -> Option<&'static str> {
        Some(IMAGE)
    }

    fn removes_directories_at_exit(&self) -> bool {
        false
    }

    fn keeps_stopped(&self) -> bool {
        false
    }

    fn create(&self, plan: &ContainerPlan) -> String {
        self.call(&self.options(&["container", "create"], plan)).unwrap_or_else(|error| panic!("{error}"));
        plan.name.clone()
    }

    fn start(&self, id: &str) -> Result<(), String> {
        self.ctr(&["task", "start", "--detach", id]).map(drop)
    }

    fn run(&self, plan: &ContainerPlan) -> Result<String, String> {
        self.call(&self.options(&["run", "--detach"], plan)).map(|_| plan.name.clone())
    }

    fn exec(&self, id: &str, tag: &str) {
        let command = Puppets::command(tag);
        let mut arguments = vec!["--namespace", NAMESPACE, "task", "exec", "--exec-id", tag, id];
        arguments.extend(command.iter().map(String::as_str));
        client_in_background(self.stage, "ctr", &arguments);
    }

    fn kill(&self, id: &str, signal: i32) {
        self.must(&["task", "kill", "--signal", &signal.to_string(), id]);
    }

    fn stop(&self, _id: &str) {
        panic!("ctr has no stop");
    }

    fn wait(&self, id: &str) {
        until("the end", || {
            let list = self.ctr(&["task", "list"])?;
            let line = list.lines().find(|line| line.split_whitespace().next() == Some(id));
            if line.is_none_or(|line| line.contains("STOPPED")) { Ok(()) } else { Err(list) }
        });
    }

    fn delete(&self, id: &str) {
        self.wait(id);
        // Prints a warning and fails if init did not exit with 0.
        let _ = self.ctr(&["task", "delete", id]);
        until("its deletion", || self.ctr(&["container", "delete", id]));
    }

    fn delete_by_force(&self, id: &str) {
        let _ = self.ctr(&["task", "delete", "--force", id]);
        until("its deletion", || self.ctr(&["container", "delete", id]));
    }

    fn force_verbs(&self) -> &'static [&'static str] {
        &["kill"]
    }
}
