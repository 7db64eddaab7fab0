//! Helpers of tests on the real cgroup file system.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::hierarchies::{Hierarchies, Hierarchy};

/// Returns whether to go on with a test that needs root. Without root the test fails, unless
/// `OBIT_SKIP_LIVE=1` asks to skip it.
pub fn live() -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    if std::env::var_os("OBIT_SKIP_LIVE").is_some_and(|value| value == "1") {
        eprintln!("SKIPPED: this test needs root and OBIT_SKIP_LIVE=1 is set");
        return false;
    }
    panic!("this test needs root: run it with sudo, or set OBIT_SKIP_LIVE=1 to skip it");
}

/// A cgroup directory that is removed with everything below it when dropped, also on panic.
pub struct OwnedCgroup {
    path: PathBuf,
    /// The hierarchy, as if mounted at this directory.
    pub view: Hierarchy,
}

impl OwnedCgroup {
    /// Makes a directory below the root of the hierarchy that `choose` picks.
    pub fn create(choose: impl Fn(&Hierarchy) -> bool) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let all = Hierarchies::read().unwrap();
        let mut view = all.mounted.into_iter().find(choose)?;
        let name = format!("obit-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = view.mount_point.join(&name);
        std::fs::create_dir(&path).unwrap();
        view.mount_root = format!("{}/{name}", view.mount_root.trim_end_matches('/'));
        view.mount_point = path.clone();
        Some(Self { path, view })
    }

    /// Returns its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for OwnedCgroup {
    fn drop(&mut self) {
        remove_below(&self.path);
    }
}

/// Removes a directory and those below it. Files of cgroupfs go with their directory.
fn remove_below(path: &Path) {
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_below(&entry.path());
        }
    }
    // A process that just left may hold the directory for a moment.
    for _ in 0..1_000 {
        match std::fs::remove_dir(path) {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::BUSY.raw_os_error()) => {
                std::thread::yield_now();
            }
            _ => return,
        }
    }
}
