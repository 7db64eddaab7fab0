//! Directories of ours in every cgroup tree, and plain directories made and removed in them: a load without containers.

use std::fs;
use std::path::PathBuf;

use crate::stage::Stage;

/// A directory of ours in every tree.
pub fn test_cgroups(stage: &Stage) -> Vec<PathBuf> {
    test_cgroups_named(stage, "obit-live")
}

/// The same with a name of one's own.
pub fn test_cgroups_named(stage: &Stage, name: &str) -> Vec<PathBuf> {
    stage.cgroups.make(name);
    let test_cgroups: Vec<_> = stage.cgroups.find(name).into_iter().filter(|path| path.ends_with(name)).collect();
    assert_eq!(test_cgroups.len(), stage.cgroups.hierarchies(), "one in each tree");
    test_cgroups
}

/// Makes and removes a directory in every tree.
pub fn make_and_remove(test_cgroups: &[PathBuf], name: &str) {
    for cgroup in test_cgroups {
        fs::create_dir(cgroup.join(name)).unwrap_or_else(|error| panic!("mkdir {name}: {error}"));
        fs::remove_dir(cgroup.join(name)).unwrap_or_else(|error| panic!("rmdir {name}: {error}"));
    }
}
