//! A recorder that is treated badly while scenes are played: stopped while its small ring buffer
//! overflows, and ended and started again.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use obit_test_engines::Stage;
use rustix::process::Signal;

use super::plan::Random;
use crate::support::capture::{Capture, INCOMPLETE};

/// Directories that are made and removed to fill the ring buffer: a few hundred bytes an event.
const NOISE: usize = 250;

/// Records until the scenes are over, with losses and pauses at random moments. Returns the cases.
pub fn record_badly(stage: &Stage, run: &str, seed: u64, is_over: &AtomicBool) -> Vec<PathBuf> {
    let mut random = Random(seed);
    let mut cases = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let case = stage.directory().join(format!("case-{}", cases.len()));
        let capture = Capture::start(stage, &case, &["--ring-buffer", "64KiB"]);
        for _ in 0..random.below(5) {
            pass(Duration::from_millis(random.below(1500)), is_over);
            starve(stage, run, &capture, &mut random);
        }
        pass(Duration::from_millis(500 + random.below(3000)), is_over);
        let ended = capture.interrupt();
        assert!(matches!(ended.status.code(), Some(0 | INCOMPLETE)), "{}\n{}", ended.status, ended.stderr);
        cases.push(case);
    }
    cases
}

/// Lets time pass in which scenes are played, unless they are over.
fn pass(time: Duration, is_over: &AtomicBool) {
    let end = Instant::now() + time;
    while Instant::now() < end && !is_over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Stops the recorder for a while; often, its buffer is full for a part of that.
fn starve(stage: &Stage, run: &str, capture: &Capture, random: &mut Random) {
    capture.signal(Signal::STOP);
    if random.below(4) > 0 {
        let noise = stage.outside("/sys/fs/cgroup/pids");
        let noise = if noise.exists() { noise } else { stage.outside("/sys/fs/cgroup") };
        let noise = noise.join(format!("{run}-noise"));
        for _ in 0..NOISE {
            std::fs::create_dir(&noise).expect("a directory of noise");
            std::fs::remove_dir(&noise).expect("removing a directory of noise");
        }
    }
    std::thread::sleep(Duration::from_millis(50 + random.below(600)));
    capture.signal(Signal::CONT);
}
