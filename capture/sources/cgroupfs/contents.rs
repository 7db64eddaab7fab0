//! The files of one cgroup directory that a snapshot keeps.
//!
//! Sources: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/*.rst of the kernel.

use std::os::fd::BorrowedFd;

use obit_schema::text::escape;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use crate::host::file::{self, SizeHint};
use crate::host::hierarchies::{CgroupVersion, Hierarchy};

/// Most process ids kept of one directory.
pub const PIDS: usize = 4_096;
/// A pid has up to seven digits (PID_MAX_LIMIT is 2^22) and a newline.
const PROCS_BYTES: usize = PIDS * 8;
/// Most text kept of one accounting file.
const ACCOUNTING_BYTES: usize = 4_096;

/// Lists the controllers of a v2 directory; read before the files that are theirs.
const V2_CONTROLLERS: &str = "cgroup.controllers";
/// Tells whether there is a task in a v2 directory or below it.
const V2_EVENTS: &str = "cgroup.events";
/// Accounting files of v2. The reader skips those that a kernel or a controller does not have.
const V2_FILES: &[&str] = &[
    V2_CONTROLLERS,
    V2_EVENTS,
    "cgroup.freeze",
    "cgroup.stat",
    "cgroup.type",
    "cpu.max",
    "cpu.stat",
    "cpu.weight",
    "cpuset.cpus.effective",
    "io.stat",
    "memory.current",
    "memory.events",
    "memory.high",
    "memory.max",
    "memory.peak",
    "memory.swap.current",
    "memory.swap.max",
    "pids.current",
    "pids.max",
    "pids.peak",
];

/// Accounting files of v1, of every controller: a hierarchy has only its own.
const V1_FILES: &[&str] = &[
    "blkio.throttle.io_service_bytes",
    "cpu.cfs_period_us",
    "cpu.cfs_quota_us",
    "cpu.shares",
    "cpu.stat",
    "cpuacct.usage",
    "cpuset.effective_cpus",
    "freezer.state",
    "memory.failcnt",
    "memory.limit_in_bytes",
    "memory.max_usage_in_bytes",
    "memory.oom_control",
    "memory.usage_in_bytes",
    "pids.current",
    "pids.max",
];

/// The tasks in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// True if a task is in the directory or below it; `None` if that could not be read.
    pub populated: Option<bool>,
    /// The directory's own processes, at most [`PIDS`].
    pub pids: Vec<u32>,
}

/// Reads files of open directories through one buffer.
#[derive(Debug, Default)]
pub struct DirectoryReader {
    buffer: Vec<u8>,
    /// `cgroup.events` of the current directory; both readers need it.
    events: Vec<u8>,
    events_truncated: Option<bool>,
}

impl DirectoryReader {
    /// Reads the tasks of a directory. What cannot be read (a threaded cgroup refuses its process
    /// list) stays unknown.
    ///
    /// v2 says whether a directory or one below it has tasks; v1 only shows the directory's own, so
    /// that an empty list says nothing.
    pub fn occupancy(&mut self, directory: BorrowedFd<'_>, version: CgroupVersion) -> Occupancy {
        self.events_truncated = match version {
            CgroupVersion::V2 => self.read(directory, V2_EVENTS, ACCOUNTING_BYTES).ok(),
            CgroupVersion::V1 => None,
        };
        let populated = match self.events_truncated {
            Some(_) => {
                std::mem::swap(&mut self.buffer, &mut self.events);
                populated_of(&self.events)
            }
            None => None,
        };
        if populated == Some(false) {
            return Occupancy { populated, pids: Vec::new() };
        }
        match self.read(directory, "cgroup.procs", PROCS_BYTES) {
            Ok(truncated) => Occupancy {
                // The processes answer for the root of v2 and for v1, which have no
                // `cgroup.events`.
                populated: populated.or((!self.buffer.is_empty()).then_some(true)),
                pids: pids_of(&self.buffer, truncated),
            },
            Err(_) => Occupancy { populated, pids: Vec::new() },
        }
    }

    /// Reads the accounting files that exist, each by its name, trimmed. One that is cut ends in
    /// `…`. Call [`Self::occupancy`] of the same directory first.
    pub fn accounting(&mut self, directory: BorrowedFd<'_>, hierarchy: &Hierarchy) -> Vec<(String, String)> {
        let (names, mut controllers) = match hierarchy.version {
            CgroupVersion::V1 => (V1_FILES, Some(hierarchy.controllers.clone())),
            // The controllers that its parent gives it: the directory lists them itself.
            CgroupVersion::V2 => (V2_FILES, None),
        };
        let mut files: Vec<(String, String)> = Vec::new();
        for &name in names {
            // A directory has two or three files out of ten, and each that is not there costs as
            // much as one that is.
            if controllers.as_deref().is_some_and(|controllers| !may_have(hierarchy.version, controllers, name)) {
                continue;
            }
            let read = match self.events_truncated.take_if(|_| name == V2_EVENTS) {
                Some(truncated) => {
                    std::mem::swap(&mut self.buffer, &mut self.events);
                    Ok(truncated)
                }
                None => self.read(directory, name, ACCOUNTING_BYTES),
            };
            if let Ok(truncated) = read {
                let mut text = escape(&self.buffer).trim().to_owned();
                if truncated {
                    text.push('…');
                }
                if name == V2_CONTROLLERS {
                    controllers = Some(text.split_whitespace().map(str::to_owned).collect());
                }
                files.push((name.to_owned(), text));
            }
        }
        files
    }

    /// Fills the buffer. Returns true if the file has more than `limit` bytes.
    fn read(&mut self, directory: BorrowedFd<'_>, name: &str, limit: usize) -> Result<bool, Errno> {
        // cgroupfs has no links and no FIFOs; the flags are for what somebody may have mounted over
        // a file.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = openat(directory, name, flags, Mode::empty())?;
        file::read_into(&file, &mut self.buffer, limit, SizeHint::Cgroupfs)
    }
}

/// Returns true if a directory with these controllers may have a file: a file's name begins with
/// its controller. v2 has `cgroup.*` and `cpu.stat` everywhere (kernel/cgroup/cgroup.c,
/// `cgroup_base_files`).
fn may_have(version: CgroupVersion, controllers: &[String], name: &str) -> bool {
    let owner = name.split('.').next().unwrap_or_default();
    let is_everywhere = || version == CgroupVersion::V2 && (owner == "cgroup" || name == "cpu.stat");
    controllers.iter().any(|controller| controller == owner) || is_everywhere()
}

/// Reads the line `populated 0` or `populated 1` of cgroup.events.
fn populated_of(events: &[u8]) -> Option<bool> {
    events.split(|&byte| byte == b'\n').find_map(|line| match line.strip_prefix(b"populated ")? {
        b"0" => Some(false),
        b"1" => Some(true),
        _ => None,
    })
}

/// Reads one pid a line. 0 stands for a process of a pid namespace that the recorder does not see.
fn pids_of(procs: &[u8], truncated: bool) -> Vec<u32> {
    let mut lines: Vec<_> = procs.split(|&byte| byte == b'\n').collect();
    if truncated {
        // The last one may be cut in the middle of a number.
        lines.pop();
    }
    let number = |line: &[u8]| std::str::from_utf8(line).ok()?.parse().ok().filter(|&pid| pid != 0);
    lines.into_iter().filter_map(number).take(PIDS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn populated_is_read_from_any_line() {
        assert_eq!(populated_of(b"populated 1\nfrozen 0\n"), Some(true));
        assert_eq!(populated_of(b"frozen 1\npopulated 0\n"), Some(false));
        assert_eq!(populated_of(b"unpopulated 1\n"), None);
        assert_eq!(populated_of(b"populated 11\n"), None);
    }

    #[test]
    fn pids_leave_out_the_invisible_and_a_cut_number() {
        assert_eq!(pids_of(b"1\n0\n4194304\n", false), [1, 4_194_304]);
        assert_eq!(pids_of(b"12\n34\n5", true), [12, 34]);
        assert_eq!(pids_of(b"", false), [0_u32; 0]);
        let many = "7\n".repeat(PIDS + 9);
        assert_eq!(pids_of(many.as_bytes(), false).len(), PIDS);
    }
}
