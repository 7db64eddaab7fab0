//! Cgroup trees as one mount namespace shows them: makes plain directories for the tests and
//! removes what they leave.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Longest time in which an engine removes the directories of a container that it reported gone.
const REMOVAL_LIMIT: Duration = Duration::from_secs(20);
/// Longest time in which monitors such as conmon leave.
const CLEAN_UP_LIMIT: Duration = Duration::from_secs(3);

/// Every mounted cgroup tree of a process's mount namespace.
pub struct Cgroups {
    mounts: Vec<PathBuf>,
    before: BTreeSet<PathBuf>,
    ours: Mutex<BTreeSet<String>>,
}

impl Cgroups {
    /// Reads the mounts of a process, and the directories that are in the trees now: those belong
    /// to others.
    pub fn of_process(pid: u32) -> Self {
        let mountinfo = fs::read_to_string(format!("/proc/{pid}/mountinfo")).expect("mountinfo");
        let mut mounts = Vec::new();
        for line in mountinfo.lines() {
            // proc_pid_mountinfo(5): id, parent, device, root, mount point, options, optional
            // fields, "-", type.
            let (left, right) = line.split_once(" - ").expect("a separator");
            if right.starts_with("cgroup ") || right.starts_with("cgroup2 ") {
                let mount_point = left.split(' ').nth(4).expect("a mount point");
                mounts.push(PathBuf::from(format!("/proc/{pid}/root{mount_point}")));
            }
        }
        assert!(!mounts.is_empty(), "no cgroup tree is mounted");
        let before = mounts.iter().flat_map(|mount| directories_below(mount)).collect();
        Self { mounts, before, ours: Mutex::default() }
    }

    /// Returns the number of trees.
    pub fn hierarchies(&self) -> usize {
        self.mounts.len()
    }

    /// Returns the roots of the trees.
    pub fn mounts(&self) -> &[PathBuf] {
        &self.mounts
    }

    /// Returns true if a directory with this path (from its tree's root) existed in any tree before
    /// the test began.
    pub fn was_there_before(&self, path: &str) -> bool {
        self.mounts.iter().any(|mount| self.before.contains(&mount.join(path.trim_start_matches('/'))))
    }

    /// Makes a directory, and those above it, in every tree. Marks the first component as the
    /// test's own.
    pub fn make(&self, path: &str) {
        let path = path.trim_start_matches('/');
        self.own(path.split('/').next().expect("a first component"));
        for mount in &self.mounts {
            fs::create_dir_all(mount.join(path)).unwrap_or_else(|error| panic!("mkdir {path}: {error}"));
        }
    }

    /// Removes a directory from every tree.
    pub fn remove(&self, path: &str) {
        for mount in &self.mounts {
            fs::remove_dir(mount.join(path.trim_start_matches('/')))
                .unwrap_or_else(|error| panic!("rmdir {path} in {}: {error}", mount.display()));
        }
    }

    /// Marks a name as the test's own: directories whose name contains it are removed at the end.
    pub fn own(&self, name: &str) {
        self.ours.lock().expect("no thread panics with it").insert(name.to_owned());
    }

    /// Returns the directories of all trees whose last component contains a name.
    pub fn find(&self, name: &str) -> Vec<PathBuf> {
        self.mounts
            .iter()
            .flat_map(|mount| directories_below(mount))
            .filter(|path| path.file_name().is_some_and(|last| last.to_string_lossy().contains(name)))
            .collect()
    }

    /// Makes a directory inside each directory of that name and returns them.
    pub fn make_inside(&self, name: &str, child: &str) -> Vec<PathBuf> {
        let made: Vec<_> = self.find(name).into_iter().map(|root| root.join(child)).collect();
        for path in &made {
            fs::create_dir_all(path).unwrap_or_else(|error| panic!("mkdir {}: {error}", path.display()));
        }
        made
    }

    /// Waits until no directory's name contains this: engines answer before they remove
    /// directories.
    pub fn wait_until_gone(&self, name: &str) {
        let deadline = Instant::now() + REMOVAL_LIMIT;
        loop {
            let left = self.find(name);
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "still there {REMOVAL_LIMIT:?} after its removal: {left:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Removes the directories that this test made and left. Those that still hold a process after
    /// a while stay.
    pub fn remove_ours(&self) {
        let deadline = Instant::now() + CLEAN_UP_LIMIT;
        loop {
            let left = self.left_of_ours();
            for path in &left {
                let _ = fs::remove_dir(path);
            }
            if left.is_empty() || Instant::now() >= deadline {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Returns the directories that this test made and left, deepest first.
    fn left_of_ours(&self) -> Vec<PathBuf> {
        let ours = self.ours.lock().expect("no thread panics with it");
        let is_ours = |path: &Path| {
            path.components().any(|part| {
                let part = part.as_os_str().to_string_lossy();
                ours.iter().any(|name| part.contains(&**name))
            })
        };
        let mut left: Vec<_> = self
            .mounts
            .iter()
            .flat_map(|mount| directories_below(mount))
            .filter(|path| !self.before.contains(path) && is_ours(path))
            .collect();
        left.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
        left
    }
}

/// Returns every directory below one. Directories that vanish during the walk are left out.
fn directories_below(top: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![top.to_owned()];
    while let Some(directory) = open.pop() {
        let Ok(entries) = fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(entry.path());
                found.push(entry.path());
            }
        }
    }
    found
}
