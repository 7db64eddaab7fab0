//! The load of a storm: cgroup directories made and removed as fast as the kernel allows, by processes of their own.

// Each benchmark looks at its part.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How a program that is to be load, and not a benchmark, is called: `… load GROUND MILLISECONDS`.
const LOAD: &str = "load";

/// Keeps the live tests, which clean cgroups up after themselves, and other benchmarks away as long as it is held.
pub fn alone() -> fs::File {
    let path = std::env::temp_dir().join("obit-live-tests.lock");
    let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = lock.unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()));
    lock.lock().expect("cannot take the lock of the live tests");
    lock
}

/// Where a storm makes its directories: the v2 tree, and one v1 hierarchy where there is one.
pub fn grounds() -> Vec<PathBuf> {
    ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids", "/sys/fs/cgroup"]
        .iter()
        .map(PathBuf::from)
        .filter(|path| path.join("cgroup.procs").exists())
        .collect()
}

/// Is the load if this process was started to be it. To be called first in `main`.
pub fn serve() -> bool {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [word, ground, time] = words.as_slice() else { return false };
    let (true, Ok(time)) = (word == LOAD, time.parse()) else { return false };
    println!("{}", pairs(Path::new(ground), Duration::from_millis(time)));
    true
}

/// So many processes of this program make and remove directories for that time; how many pairs they came to.
pub fn storm(ground: &Path, processes: usize, time: Duration) -> u64 {
    let this = std::env::current_exe().expect("a program has a path");
    let children: Vec<_> = (0..processes)
        .map(|_| {
            let mut command = Command::new(&this);
            command.arg(LOAD).arg(ground).arg(time.as_millis().to_string());
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("this program runs")
        })
        .collect();
    let counts = children.into_iter().map(|child| {
        let output = child.wait_with_output().expect("waiting for a child");
        assert!(output.status.success(), "the load ended with {}", output.status);
        String::from_utf8_lossy(&output.stdout).trim().parse::<u64>().expect("a count")
    });
    counts.sum()
}

/// Makes and removes one directory below `ground` again and again. Returns how often.
fn pairs(ground: &Path, time: Duration) -> u64 {
    let own = Own::new(ground, "storm");
    let directory = own.0.join("x");
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < time {
        for _ in 0..64 {
            let made = fs::create_dir(&directory).and_then(|()| fs::remove_dir(&directory));
            made.unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
            count += 1;
        }
    }
    count
}

/// A cgroup directory of this process, which is removed with all that is in it however the benchmark ends.
pub struct Own(pub PathBuf);

impl Own {
    pub fn new(ground: &Path, name: &str) -> Self {
        let own = ground.join(format!("obit-{name}-{}", std::process::id()));
        fs::create_dir(&own).unwrap_or_else(|error| panic!("cannot make {}: {error}; run it as root", own.display()));
        Self(own)
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

fn remove(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&entry.path());
        }
    }
    if let Err(error) = fs::remove_dir(directory) {
        eprintln!("cannot remove {}: {error}", directory.display());
    }
}
