//! The cgroup trees, where scenes move processes in them.

use std::fs;
use std::path::{Path, PathBuf};

use obit_test_engines::Stage;

/// Returns the v2 directory of a process, by a path that this process can open.
pub fn v2_directory(stage: &Stage, pid: u32) -> PathBuf {
    let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup")).expect("the cgroups of a process");
    let path = cgroup.lines().find_map(|line| line.strip_prefix("0::")).expect("a v2 cgroup");
    v2_root(stage).join(path.trim_start_matches('/'))
}

/// Moves a process into another one's v2 directory.
pub fn enter_v2(stage: &Stage, where_this_is: u32, pid: u32) {
    let file = v2_directory(stage, where_this_is).join("cgroup.procs");
    fs::write(&file, pid.to_string()).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

/// Moves a process into another one's directory in every tree.
pub fn enter_all(stage: &Stage, where_this_is: u32, pid: u32) {
    let cgroup = fs::read_to_string(format!("/proc/{where_this_is}/cgroup")).expect("the cgroups of a process");
    let places: Vec<_> = cgroup.lines().filter_map(|line| line.rsplit_once(':')).map(|(_, path)| path).collect();
    for tree in stage.cgroups.mounts() {
        let directories = places.iter().map(|path| tree.join(path.trim_start_matches('/')));
        let inside = directories.filter(|directory| {
            let tasks = fs::read_to_string(directory.join("cgroup.procs")).unwrap_or_default();
            tasks.lines().any(|task| task == where_this_is.to_string())
        });
        for directory in inside {
            // A tree without the process, or with a limit, takes it or not: one is enough.
            let _ = fs::write(directory.join("cgroup.procs"), pid.to_string());
        }
    }
}

/// Moves a process into directories of that name, in every tree.
pub fn move_away(stage: &Stage, pid: u32, name: &str) {
    stage.cgroups.make(name);
    for directory in stage.cgroups.find(name) {
        // A new cpuset takes no process before it has processors and memory.
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let of_parent = directory.parent().map(|parent| parent.join(file));
            if let Some(value) = of_parent.and_then(|file| fs::read_to_string(file).ok()) {
                let _ = fs::write(directory.join(file), value.trim());
            }
        }
        let file = directory.join("cgroup.procs");
        fs::write(&file, pid.to_string()).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
}

/// Moves a process from its v2 directory to another one, and removes the first.
pub fn leave_v2_directory(stage: &Stage, pid: u32, other: &Path) {
    let directory = v2_directory(stage, pid);
    fs::write(other.join("cgroup.procs"), pid.to_string()).expect("moving a process");
    fs::remove_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
}

/// Returns the roots of the v1 trees.
pub fn v1_roots(stage: &Stage) -> Vec<PathBuf> {
    let top = stage.outside("/sys/fs/cgroup");
    let trees = fs::read_dir(top).expect("the cgroup trees").map(|entry| entry.expect("an entry").path());
    trees.filter(|tree| tree.join("cgroup.procs").exists() && !tree.join("cgroup.controllers").exists()).collect()
}

/// Returns the root of the v2 tree.
pub fn v2_root(stage: &Stage) -> PathBuf {
    ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"]
        .map(|path| stage.outside(path))
        .into_iter()
        .find(|path| path.join("cgroup.controllers").exists())
        .expect("a v2 tree")
}
