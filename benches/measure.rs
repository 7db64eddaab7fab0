//! Measures whole commands, and computes the statistics of a few runs.

// Each benchmark uses a part of this.
#![allow(dead_code)]

use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Resources that one process took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run {
    pub wall_s: f64,
    pub cpu_s: f64,
    /// Peak of resident memory.
    pub peak_rss_bytes: u64,
    /// Times that it gave up a processor, by itself or not; before each it had been woken.
    pub switches: u64,
}

/// Runs a command to its end and discards its output. Fails if the command does.
#[expect(clippy::zombie_processes, reason = "wait4 waits for it")]
pub fn run(program: &str, args: &[&str]) -> Run {
    let begun = Instant::now();
    let child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
    let (status, usage) = wait4(&child);
    let wall_s = begun.elapsed().as_secs_f64();
    assert_eq!(status, 0, "{program} {args:?} ended with status {status}");
    Run { wall_s, ..usage }
}

/// Waits by `wait4(2)`, the only call that returns the usage of one child, all its threads
/// together.
///
/// The peak of memory is at least that of this process when it made the child (exec keeps it): a
/// benchmark must stay small.
pub fn wait4(child: &Child) -> (i32, Run) {
    let pid = child.id().cast_signed();
    let mut status = 0;
    // SAFETY: rusage is plain integers, for which zero is a value; both pointers live across the
    // call.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let waited = unsafe { libc::wait4(pid, &mut status, 0, &mut usage) };
    assert_eq!(waited, pid, "wait4: {}", std::io::Error::last_os_error());
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let run = Run {
        wall_s: 0.0,
        cpu_s: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        peak_rss_bytes: usage.ru_maxrss as u64 * 1024,
        switches: (usage.ru_nvcsw + usage.ru_nivcsw) as u64,
    };
    (status, run)
}

/// Reads the CPU time of a running process with all its threads from `/proc/PID/stat`, in seconds.
pub fn cpu_s(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // proc_pid_stat(5): after the name in parentheses, utime and stime are the 12th and 13th field.
    let fields: Vec<_> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks: f64 = fields.iter().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// Reads a line of `/proc/PID/status` in KiB (`VmRSS`, `VmHWM`). Returns bytes.
pub fn memory_bytes(pid: u32, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let value = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'));
    value.and_then(|value| value.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}

/// Returns the median, the lowest and the highest.
pub fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (sorted[sorted.len() / 2], sorted[0], sorted[sorted.len() - 1])
}

/// Formats the spread as a cell of a table.
pub fn cell(values: &[f64], digits: usize) -> String {
    let (median, low, high) = spread(values);
    format!("{median:.digits$} ({low:.digits$} to {high:.digits$})")
}

/// Returns the median, and the bounds between which it lies in 19 of 20 such series, whatever their
/// distribution: of n values, those 0.98·√n ranks below and above the middle. Of fewer than six
/// values the lowest and the highest.
pub fn interval(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len() - 1;
    let low = ((last as f64 / 2.0) - 0.98 * (sorted.len() as f64).sqrt()).max(0.0).floor() as usize;
    (sorted[sorted.len() / 2], sorted[low], sorted[last - low])
}

/// Formats the interval as a cell of a table.
pub fn interval_cell(values: &[f64], digits: usize) -> String {
    let (median, low, high) = interval(values);
    format!("{median:.digits$} ({low:.digits$} to {high:.digits$})")
}

/// Returns the numbers on the command line in order, without cargo's own options.
pub fn numbers() -> Vec<u64> {
    std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect()
}

pub const MIB: f64 = 1_048_576.0;
