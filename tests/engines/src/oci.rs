//! runc and crun without an engine, on bundles of the test's own.

use std::fs;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::stage::Stage;
use crate::{AT_ONCE, FOREVER, wait_until};

/// Program that runs the containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OciRuntime {
    /// runc.
    Runc,
    /// crun. Refuses hybrid hosts.
    Crun,
}

impl OciRuntime {
    /// Returns the program's name, which is also the name of the runtime in a row.
    pub fn name(self) -> &'static str {
        match self {
            Self::Runc => "runc",
            Self::Crun => "crun",
        }
    }
}

/// An OCI runtime and the containers that it holds.
pub struct Oci<'a> {
    stage: &'a Stage,
    runtime: OciRuntime,
    spec: Value,
    alive: Mutex<Vec<String>>,
}

impl<'a> Oci<'a> {
    /// Reads runc's default configuration, from which every bundle is made.
    pub fn start(stage: &'a Stage, runtime: OciRuntime) -> Self {
        let directory = stage.directory().join(format!("{}-spec", runtime.name()));
        if !directory.exists() {
            fs::create_dir(&directory).expect("a directory for the spec");
            stage.run("runc", &["spec", "--bundle", &directory.display().to_string()]);
        }
        let text = fs::read_to_string(directory.join("config.json")).expect("the spec");
        let mut spec: Value = serde_json::from_str(&text).expect("JSON from runc spec");
        spec["process"]["terminal"] = json!(false);
        spec["root"] = json!({ "path": stage.root_file_system(), "readonly": true });
        if runtime == OciRuntime::Crun {
            // crun raises RLIMIT_MEMLOCK for its device filter; root without CAP_SYS_RESOURCE may
            // not.
            spec["linux"].as_object_mut().expect("linux is an object").remove("resources");
            spec["process"].as_object_mut().expect("process is an object").remove("rlimits");
        }
        Self { stage, runtime, spec, alive: Mutex::default() }
    }

    /// Runs a container whose process ends at once; the runtime removes it.
    pub fn run_short(&self, id: &str, cgroup: Option<&str>) {
        let bundle = self.bundle(id, &[AT_ONCE], cgroup);
        self.stage.run(self.runtime.name(), &["run", "--bundle", &bundle, id]);
    }

    /// Runs a container whose process ends at once, below the root. Returns false if the runtime
    /// refuses it.
    pub fn try_run_short(&self, id: &str) -> bool {
        let bundle = self.bundle(id, &[AT_ONCE], None);
        self.stage.try_run(self.runtime.name(), &["run", "--bundle", &bundle, id]).status.success()
    }

    /// Runs a shell script in a container to its end, whatever its exit code; the runtime removes
    /// the container.
    pub fn run_script(&self, id: &str, cgroup: Option<&str>, script: &str) {
        let bundle = self.bundle(id, &["/bin/sh", "-c", script], cgroup);
        self.stage.try_run(self.runtime.name(), &["run", "--bundle", &bundle, id]);
    }

    /// Starts a container whose process lives until it is killed.
    pub fn start_container(&self, id: &str, cgroup: Option<&str>) {
        self.launch(id, cgroup, &FOREVER);
    }

    /// Starts a shell script in a container, which stays until it is removed.
    pub fn start_script(&self, id: &str, script: &str) {
        self.launch(id, None, &["/bin/sh", "-c", script]);
    }

    fn launch(&self, id: &str, cgroup: Option<&str>, command: &[&str]) {
        let bundle = self.bundle(id, command, cgroup);
        let pid_file = format!("{bundle}/pid");
        let arguments = ["run", "--detach", "--pid-file", &pid_file, "--bundle", &bundle, id];
        self.stage.run_detached(self.runtime.name(), &arguments);
        self.alive.lock().expect("no thread panics with it").push(id.to_owned());
        self.wait_until_executed(&pid_file);
    }

    /// Waits until a container's program is executed, or over. The runtime returns before: whoever
    /// kills the container then may kill the runtime's own process in it.
    fn wait_until_executed(&self, pid_file: &str) {
        let pid = fs::read_to_string(pid_file).expect("the pid of the init");
        let name = format!("/proc/{}/comm", pid.trim());
        wait_until("the container's program", || {
            fs::read_to_string(&name).map_or(true, |name| !name.starts_with(self.runtime.name()))
        });
    }

    /// Kills and removes a container.
    pub fn remove(&self, id: &str) {
        self.stage.run(self.runtime.name(), &["delete", "--force", id]);
        self.alive.lock().expect("no thread panics with it").retain(|alive| alive != id);
    }

    /// Writes a bundle and returns its path.
    pub fn bundle(&self, id: &str, command: &[&str], cgroup: Option<&str>) -> String {
        self.bundle_with(id, |spec| {
            spec["process"]["args"] = json!(command);
            if let Some(path) = cgroup {
                spec["linux"]["cgroupsPath"] = json!(path);
            }
        })
    }

    /// Writes a bundle whose configuration the caller changes, and returns its path.
    pub fn bundle_with(&self, id: &str, change: impl FnOnce(&mut Value)) -> String {
        self.stage.cgroups.own(id);
        let mut spec = self.spec.clone();
        change(&mut spec);
        let cgroup = spec["linux"]["cgroupsPath"].as_str();
        if let Some(first) = cgroup.and_then(|path| path.trim_start_matches('/').split('/').next()) {
            self.stage.cgroups.own(first);
        }
        let bundle = self.stage.directory().join("bundles").join(id);
        fs::create_dir_all(&bundle).expect("a bundle");
        fs::write(bundle.join("config.json"), spec.to_string()).expect("a bundle's config");
        bundle.display().to_string()
    }
}

impl Drop for Oci<'_> {
    fn drop(&mut self) {
        for id in self.alive.lock().expect("no thread panics with it").iter() {
            self.stage.try_run(self.runtime.name(), &["delete", "--force", id]);
        }
    }
}
