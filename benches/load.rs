//! The load of the storm: cgroup directories made and removed as fast as the kernel allows.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where the storm makes its directories: the v2 tree, and one v1 hierarchy where there is one.
pub fn grounds() -> Vec<PathBuf> {
    ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids", "/sys/fs/cgroup"]
        .iter()
        .map(PathBuf::from)
        .filter(|path| path.join("cgroup.procs").exists())
        .collect()
}

/// Makes and removes one directory below `ground` again and again. Returns how often.
pub fn pairs(ground: &Path, time: Duration) -> u64 {
    let own = ground.join(format!("obit-storm-{}", std::process::id()));
    fs::create_dir(&own).unwrap_or_else(|error| panic!("cannot make {}: {error}; run it as root", own.display()));
    let directory = own.join("x");
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < time {
        for _ in 0..64 {
            let made = fs::create_dir(&directory).and_then(|()| fs::remove_dir(&directory));
            made.unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
            count += 1;
        }
    }
    fs::remove_dir(&own).unwrap_or_else(|error| panic!("cannot remove {}: {error}", own.display()));
    count
}
