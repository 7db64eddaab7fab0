//! Cgroup directories without containers: a test's own in every tree, and plain ones made and
//! removed in them.

use std::fs;
use std::path::PathBuf;

use crate::stage::Stage;

/// Makes a directory of the test's own in every tree.
pub fn test_cgroups(stage: &Stage) -> Vec<PathBuf> {
    test_cgroups_named(stage, "obit-live")
}

/// Makes a directory with that name in every tree.
pub fn test_cgroups_named(stage: &Stage, name: &str) -> Vec<PathBuf> {
    stage.cgroups.make(name);
    let test_cgroups: Vec<_> = stage.cgroups.find(name).into_iter().filter(|path| path.ends_with(name)).collect();
    assert_eq!(test_cgroups.len(), stage.cgroups.hierarchies(), "one in each tree");
    test_cgroups
}

/// Makes and removes a directory in each of these.
pub fn make_and_remove(test_cgroups: &[PathBuf], name: &str) {
    for cgroup in test_cgroups {
        fs::create_dir(cgroup.join(name)).unwrap_or_else(|error| panic!("mkdir {name}: {error}"));
        fs::remove_dir(cgroup.join(name)).unwrap_or_else(|error| panic!("rmdir {name}: {error}"));
    }
}
