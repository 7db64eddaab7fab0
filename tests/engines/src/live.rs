//! Checks that a live test can run here, and lets only one run at a time.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::time::{Duration, Instant};

/// Lock on the host, held for the length of a live test: a capture sees the cgroup events of every
/// test.
#[must_use]
pub struct HostLock {
    _lock: File,
}

/// Takes the host for one live test. Returns `None` if the user chose to skip live tests.
///
/// # Panics
/// Panics if this is not root or a program is missing: a test that could not run has not passed.
pub fn require_root(programs: &[&str]) -> Option<HostLock> {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root && std::env::var_os("OBIT_SKIP_LIVE").is_some_and(|value| value == "1") {
        // The test harness withholds the output of `eprintln` from tests that pass.
        let test = std::thread::current().name().unwrap_or("?").to_owned();
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: not root, and OBIT_SKIP_LIVE=1");
        return None;
    }
    assert!(is_root, "this live test needs root: run `sudo make test`, or set OBIT_SKIP_LIVE=1 to leave it out");
    let missing: Vec<_> = programs.iter().filter(|program| !on_path(program)).collect();
    assert!(missing.is_empty(), "this live test needs {missing:?} on the PATH: `scripts/setup.sh test` installs them");

    // A fixed path, so that the tests of another checkout wait too.
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

/// Waits until a condition holds.
///
/// # Panics
/// Panics if the condition does not hold within 30 seconds.
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + WAIT_LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} did not come within {WAIT_LIMIT:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
