//! Directories of ours in every cgroup tree, and plain directories made and removed in them: a load without containers.

use std::fs;
use std::path::PathBuf;

use crate::stage::Stage;

/// A directory of ours in every tree.
pub fn grounds(stage: &Stage) -> Vec<PathBuf> {
    grounds_named(stage, "obit-live")
}

/// The same with a name of one's own.
pub fn grounds_named(stage: &Stage, name: &str) -> Vec<PathBuf> {
    stage.cgroups.make(name);
    let grounds: Vec<_> = stage.cgroups.find(name).into_iter().filter(|path| path.ends_with(name)).collect();
    assert_eq!(grounds.len(), stage.cgroups.hierarchies(), "one in each tree");
    grounds
}

/// Makes and removes a directory in every tree.
pub fn storm(grounds: &[PathBuf], name: &str) {
    for ground in grounds {
        fs::create_dir(ground.join(name)).unwrap_or_else(|error| panic!("mkdir {name}: {error}"));
        fs::remove_dir(ground.join(name)).unwrap_or_else(|error| panic!("rmdir {name}: {error}"));
    }
}
