//! The cgroup directories of the demo, on every hierarchy. They are removed whatever happens.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::host::hierarchies::Hierarchies;

/// Start of the name of the demo's directory at each hierarchy's root; the process id follows.
const PREFIX: &str = "obit-demo-";

/// The demo's directory at the root of every hierarchy that lets it make one.
#[derive(Debug)]
pub struct DemoCgroups {
    bases: Vec<PathBuf>,
    /// Directories made below each base, in that order.
    made: Vec<PathBuf>,
}

impl DemoCgroups {
    /// Makes the base directories, and removes those of demos that were killed.
    pub fn claim() -> Result<Self> {
        let hierarchies = Hierarchies::read().context("cannot tell which cgroup hierarchies are mounted")?;
        let mut cgroups = Self { bases: Vec::new(), made: Vec::new() };
        let mut refused = None;
        for hierarchy in &hierarchies.mounted {
            sweep(&hierarchy.mount_point);
            let base = hierarchy.mount_point.join(format!("{PREFIX}{}", std::process::id()));
            match fs::create_dir(&base) {
                Ok(()) => cgroups.bases.push(base),
                Err(error) => refused = Some((base, error)),
            }
        }
        if cgroups.bases.is_empty() {
            match refused {
                Some((base, error)) => {
                    return Err(error).with_context(|| {
                        format!(
                            "cannot make the demo's cgroup {}: run it as root, with cgroupfs writable",
                            base.display()
                        )
                    });
                }
                None => bail!("no cgroup hierarchy is mounted: mount cgroup2 at /sys/fs/cgroup"),
            }
        }
        Ok(cgroups)
    }

    /// Returns the number of hierarchies that take part.
    pub fn hierarchies(&self) -> usize {
        self.bases.len()
    }

    /// Makes a directory, and the missing ones above it, on every hierarchy.
    pub fn make(&mut self, path: &str) -> Result<()> {
        let mut so_far = PathBuf::new();
        for component in Path::new(path) {
            so_far.push(component);
            if self.made.contains(&so_far) {
                continue;
            }
            self.made.push(so_far.clone());
            for base in &self.bases {
                let directory = base.join(&so_far);
                fs::create_dir(&directory).with_context(|| format!("cannot make cgroup {}", directory.display()))?;
            }
        }
        Ok(())
    }

    /// Moves a process into a directory on every hierarchy that takes it (v1 cpuset wants to be
    /// configured first).
    pub fn enter(&self, path: &str, pid: u32) -> Result<()> {
        let entered = self.bases.iter().filter(|base| {
            let procs = base.join(path).join("cgroup.procs");
            fs::write(procs, pid.to_string()).is_ok()
        });
        if entered.count() == 0 {
            bail!("no hierarchy lets process {pid} into {path}");
        }
        Ok(())
    }

    /// Removes a directory on every hierarchy.
    pub fn remove(&mut self, path: &str) -> Result<()> {
        for base in &self.bases {
            let directory = base.join(path);
            fs::remove_dir(&directory).with_context(|| format!("cannot remove cgroup {}", directory.display()))?;
        }
        self.made.retain(|made| made != Path::new(path));
        Ok(())
    }
}

impl Drop for DemoCgroups {
    fn drop(&mut self) {
        for base in &self.bases {
            for made in self.made.iter().rev() {
                // An error means that it is gone already, or was never made.
                let _ = fs::remove_dir(base.join(made));
            }
            if let Err(error) = fs::remove_dir(base) {
                eprintln!("obit-capture: cannot remove the demo's cgroup {}: {error}", base.display());
            }
        }
    }
}

/// Removes the directories of demos whose process is gone, as far as they are empty.
fn sweep(mount_point: &Path) {
    for entry in fs::read_dir(mount_point).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|pid| pid.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            // The kernel refuses while a process is in it; then the directory stays.
            let _ = remove_tree(&entry.path());
        }
    }
}

/// Removes cgroup directories from the leaves up; the files in them go with them.
fn remove_tree(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    fs::remove_dir(directory)
}
