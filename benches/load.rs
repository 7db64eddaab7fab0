//! Load of a storm: processes that make and remove cgroup directories as fast as the kernel allows.

// Each benchmark uses a part of this.
#![allow(dead_code)]

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::thread::CpuSet;

/// First argument of a process that is load and no benchmark: `… load GROUND PROCESSOR`.
const LOAD: &str = "load";

/// Lock that keeps the live tests, which clean up cgroups, and other benchmarks away while it is
/// held.
pub fn alone() -> fs::File {
    let path = std::env::temp_dir().join("obit-live-tests.lock");
    let lock = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = lock.unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()));
    lock.lock().expect("cannot take the lock of the live tests");
    lock
}

/// Directories in which a storm works: in the v2 tree, and in one v1 hierarchy if there is one.
pub fn grounds() -> Vec<PathBuf> {
    ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids", "/sys/fs/cgroup"]
        .iter()
        .map(PathBuf::from)
        .filter(|path| path.join("cgroup.procs").exists())
        .collect()
}

/// Runs the load if this process was started for that. Must be called first in `main`.
pub fn serve() -> bool {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [word, ground, processor] = words.as_slice() else { return false };
    let (true, Ok(processor)) = (word == LOAD, processor.parse()) else { return false };
    stay_on(processor);
    let own = OwnedCgroup::new(Path::new(ground), "storm");
    let directory = own.0.join("x");
    for time in std::io::stdin().lines() {
        let time = time.expect("a pipe").parse().expect("milliseconds");
        println!("{}", pairs(&directory, Duration::from_millis(time)));
    }
    true
}

/// Pins this process to a processor: moving in the middle of a turn would be the largest difference
/// between two turns.
fn stay_on(processor: usize) {
    let allowed = rustix::thread::sched_getaffinity(None).expect("an affinity");
    let allowed: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&processor| allowed.is_set(processor)).collect();
    let mut one = CpuSet::new();
    one.set(allowed[processor % allowed.len()]);
    rustix::thread::sched_setaffinity(None, &one).expect("a processor that is allowed");
}

/// Makes and removes one directory again and again. Returns the number of pairs.
fn pairs(directory: &Path, time: Duration) -> u64 {
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < time {
        for _ in 0..64 {
            let made = fs::create_dir(directory).and_then(|()| fs::remove_dir(directory));
            made.unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
            count += 1;
        }
    }
    count
}

/// Processes of this program that make and remove directories on request, each on a processor of
/// its own as long as there are enough. They live from turn to turn, so that turns differ by the
/// recorder beside them only.
pub struct Load {
    children: Vec<(Child, Lines<BufReader<ChildStdout>>)>,
}

impl Load {
    pub fn start(ground: &Path, processes: usize) -> Self {
        let this = std::env::current_exe().expect("a program has a path");
        let children = (0..processes).map(|number| {
            let mut command = Command::new(&this);
            command.arg(LOAD).arg(ground).arg(number.to_string());
            let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
            let mut child = child.expect("this program runs");
            let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
            (child, lines)
        });
        Self { children: children.collect() }
    }

    /// Runs a storm for that time. Returns the number of pairs.
    pub fn storm(&mut self, time: Duration) -> u64 {
        for (child, _) in &mut self.children {
            let stdin = child.stdin.as_mut().expect("piped");
            writeln!(stdin, "{}", time.as_millis()).expect("the load listens");
        }
        let counts = self.children.iter_mut().map(|(_, lines)| {
            let line = lines.next().expect("the load answers").expect("a pipe");
            line.parse::<u64>().expect("a count")
        });
        counts.sum()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for (child, _) in &mut self.children {
            // The process ends, and removes its directory, when its input ends.
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

/// Cgroup directory of this process, removed with all that is in it however the benchmark ends.
pub struct OwnedCgroup(pub PathBuf);

impl OwnedCgroup {
    pub fn new(ground: &Path, name: &str) -> Self {
        let own = ground.join(format!("obit-{name}-{}", std::process::id()));
        fs::create_dir(&own).unwrap_or_else(|error| panic!("cannot make {}: {error}; run it as root", own.display()));
        Self(own)
    }
}

impl Drop for OwnedCgroup {
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
