//! Whether a live test can run here, and that only one runs at a time.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::{Duration, Instant};

/// Held for the length of a live test: every capture sees the cgroup events of the whole host, another test's too.
#[must_use]
pub struct HostLock {
    _lock: File,
}

/// Takes the host for one live test, or `None` if the user chose to skip them.
///
/// # Panics
/// If this is not root or a program is missing: a test that could not run has not passed.
pub fn require_root(programs: &[&str]) -> Option<HostLock> {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root && std::env::var_os("OBIT_SKIP_LIVE").is_some_and(|value| value == "1") {
        // Not eprintln: the test harness keeps that back from tests that pass.
        let test = std::thread::current().name().unwrap_or("?").to_owned();
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: not root, and OBIT_SKIP_LIVE=1");
        return None;
    }
    assert!(is_root, "this live test needs root: run `sudo make test`, or set OBIT_SKIP_LIVE=1 to leave it out");
    let missing: Vec<_> = programs.iter().filter(|program| !on_path(program)).collect();
    assert!(missing.is_empty(), "this live test needs {missing:?} on the PATH: `scripts/setup.sh test` installs them");

    // In a fixed place, so that another checkout's tests wait too.
    let path = std::env::temp_dir().join("obit-live-tests.lock");
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()));
    lock.lock().expect("cannot take the lock of the live tests");
    Some(HostLock { _lock: lock })
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

const WAIT_LIMIT: Duration = Duration::from_secs(30);

/// Asks until it is so.
///
/// # Panics
/// If it is not so within 30 seconds.
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + WAIT_LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not come within {WAIT_LIMIT:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
