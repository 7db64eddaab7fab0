//! Timing whole commands, and the statistics of a few runs.

use std::process::{Command, Stdio};
use std::time::Instant;

/// What one run took.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code)] // each benchmark looks at its part
pub struct Run {
    pub wall_s: f64,
    pub cpu_s: f64,
    pub peak_rss_bytes: u64,
}

/// Runs a command to its end; its output is thrown away. Fails if the command does.
#[allow(dead_code)]
pub fn run(program: &str, args: &[&str]) -> Run {
    let begun = Instant::now();
    #[allow(clippy::zombie_processes)] // wait4 below waits for it
    let child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    let (status, usage) = wait4(child.id());
    let wall_s = begun.elapsed().as_secs_f64();
    assert_eq!(status, 0, "{program} {args:?} ended with status {status}");
    Run { wall_s, ..usage }
}

/// `wait4(2)`, the only call that gives the usage of one child.
#[allow(dead_code)]
pub fn wait4(pid: u32) -> (i32, Run) {
    let mut status = 0;
    // SAFETY: rusage is plain integers, for which zero is a value; both pointers live across the call.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let waited = unsafe { libc::wait4(pid.cast_signed(), &mut status, 0, &mut usage) };
    assert_eq!(waited, pid.cast_signed(), "wait4: {}", std::io::Error::last_os_error());
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let run = Run {
        wall_s: 0.0,
        cpu_s: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        peak_rss_bytes: usage.ru_maxrss as u64 * 1024,
    };
    (status, run)
}

/// Median, with the lowest and the highest.
pub fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (sorted[sorted.len() / 2], sorted[0], sorted[sorted.len() - 1])
}
