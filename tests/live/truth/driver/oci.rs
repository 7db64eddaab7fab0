//! runc and crun by hand.

use std::path::PathBuf;
use std::process::Child;

use obit_test_engines::{Oci, OciRuntime, Stage};
use serde_json::{Value, json};

use super::super::program::{INSIDE, Puppets};
use super::{ContainerPlan, Engine, MEMORY_LIMIT, Terminal, client, client_output, until};

/// An OCI runtime whose user writes the bundles.
pub struct ByHand<'a> {
    stage: &'a Stage,
    oci: Oci<'a>,
    runtime: OciRuntime,
    control: PathBuf,
    /// State directory, if not the usual one.
    root: Option<PathBuf>,
    elsewhere: Option<Box<Self>>,
}

impl<'a> ByHand<'a> {
    pub fn new(stage: &'a Stage, runtime: OciRuntime, puppets: &Puppets) -> Self {
        let make = |root, elsewhere| Self {
            stage,
            oci: Oci::start(stage, runtime),
            runtime,
            control: puppets.directory().to_owned(),
            root,
            elsewhere,
        };
        make(None, Some(Box::new(make(Some(stage.directory().join("elsewhere")), None))))
    }

    fn bundle(&self, plan: &ContainerPlan) -> String {
        let bundle = self.oci.bundle_with(&plan.tag, |spec| {
            spec["process"]["args"] = json!(plan.command());
            spec["process"]["terminal"] = json!(plan.has_terminal);
            for set in ["bounding", "effective", "permitted"] {
                if let Some(list) = spec["process"]["capabilities"][set].as_array_mut() {
                    list.extend(plan.capabilities.iter().map(|name| json!(name)));
                }
            }
            let mount = json!({
                "destination": INSIDE, "source": self.control, "type": "bind", "options": ["rbind"],
            });
            spec["mounts"].as_array_mut().expect("mounts").push(mount);
            if plan.host_pids {
                let namespaces = spec["linux"]["namespaces"].as_array_mut().expect("namespaces");
                namespaces.retain(|namespace| namespace["type"] != "pid");
            }
            if let Some(cgroup) = &plan.cgroup {
                spec["linux"]["cgroupsPath"] = json!(cgroup);
            }
            if plan.is_memory_limited {
                spec["linux"]["resources"]["memory"] = json!({ "limit": MEMORY_LIMIT, "swap": MEMORY_LIMIT });
            }
            if let Some(hook) = plan.failing_hook {
                let mut hooks = serde_json::Map::new();
                // `startContainer` runs in the container's mount namespace.
                let path = if hook == "startContainer" { "/bin/false" } else { "/usr/bin/false" };
                hooks.insert(hook.to_owned(), json!([{ "path": path }]));
                spec["hooks"] = Value::Object(hooks);
            }
            if plan.has_bad_mount {
                let mount = json!({
                    "destination": "/tmp", "source": "/no/such/source", "type": "bind", "options": ["rbind"],
                });
                spec["mounts"].as_array_mut().expect("mounts").push(mount);
            }
        });
        if plan.has_long_bundle { lengthen(&bundle) } else { bundle }
    }

    /// Returns the options before the command.
    fn options(&self) -> Vec<String> {
        self.root.iter().map(|root| format!("--root={}", root.display())).collect()
    }

    fn call(&self, arguments: &[&str]) -> Result<String, String> {
        let mut all = self.options();
        all.extend(arguments.iter().map(|&word| word.to_owned()));
        client_output(self.stage, self.runtime.name(), &all)
    }

    /// Calls a command whose children keep its output open.
    fn call_detached(&self, verb: &[&str], plan: &ContainerPlan) -> Result<String, String> {
        let bundle = self.bundle(plan);
        let log = self.stage.directory().join(format!("{}.run.log", plan.tag));
        let mut arguments = self.options();
        arguments.extend([verb, &["--bundle", &bundle, &plan.name]].concat().iter().map(|&word| word.to_owned()));
        client(self.stage, self.runtime.name(), &arguments, &log).map(|()| plan.name.clone())
    }
}

/// Copies a bundle to a path that is longer than a kilobyte.
fn lengthen(bundle: &str) -> String {
    let mut path = PathBuf::from(bundle);
    for _ in 0..6 {
        path.push("long".repeat(50));
    }
    std::fs::create_dir_all(&path).expect("a long path");
    std::fs::copy(PathBuf::from(bundle).join("config.json"), path.join("config.json")).expect("a copy of a bundle");
    path.display().to_string()
}

impl Engine for ByHand<'_> {
    fn runtime(&self) -> &'static str {
        self.runtime.name()
    }

    fn oci_runtime(&self) -> &'static str {
        self.runtime.name()
    }

    fn name_in_rows(&self, _name: &str) -> Option<String> {
        None
    }

    fn image(&self) -> Option<&'static str> {
        None
    }

    fn removes_directories_at_exit(&self) -> bool {
        false
    }

    fn elsewhere(&self) -> Option<&dyn Engine> {
        self.elsewhere.as_deref().map(|elsewhere| elsewhere as &dyn Engine)
    }

    fn keeps_stopped(&self) -> bool {
        false
    }

    fn create(&self, plan: &ContainerPlan) -> String {
        self.call_detached(&["create"], plan).unwrap_or_else(|error| panic!("{error}"))
    }

    fn start(&self, id: &str) -> Result<(), String> {
        self.call(&["start", id]).map(drop)
    }

    fn run(&self, plan: &ContainerPlan) -> Result<String, String> {
        self.call_detached(&["run", "--detach"], plan)
    }

    fn run_on_terminal(&self, plan: &ContainerPlan, terminal: &Terminal) -> (String, Child) {
        let mut command = self.stage.command(self.runtime.name());
        command.args(self.options()).args(["run", "--bundle", &self.bundle(plan), &plan.name]);
        (plan.name.clone(), terminal.spawn(command))
    }

    fn exec(&self, id: &str, tag: &str) {
        let command = Puppets::command(tag);
        let mut arguments = vec!["exec", "--detach", id];
        arguments.extend(command.iter().map(String::as_str));
        let log = self.stage.directory().join(format!("{tag}.log"));
        client(self.stage, self.runtime.name(), &arguments, &log).unwrap_or_else(|error| panic!("{error}"));
    }

    fn kill(&self, id: &str, signal: i32) {
        self.call(&["kill", id, &signal.to_string()]).unwrap_or_else(|error| panic!("{error}"));
    }

    fn stop(&self, _id: &str) {
        panic!("{} has no stop", self.runtime.name());
    }

    fn wait(&self, id: &str) {
        until("the end", || match self.call(&["state", id])? {
            state if state.contains("\"stopped\"") => Ok(()),
            state => Err(state),
        });
    }

    fn delete(&self, id: &str) {
        self.wait(id);
        // Fails if it cannot remove a directory that others use; the container is deleted then too.
        let _ = self.call(&["delete", id]);
    }

    fn delete_by_force(&self, id: &str) {
        let _ = self.call(&["delete", "--force", id]);
    }
}
