//! What a cgroup has used, as the kernel counted it.

/// Accounting values of a cgroup; `None` where this kernel or hierarchy holds none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Highest memory charge, in bytes (`page_counter.watermark`).
    pub memory_peak_bytes: Option<u64>,
    /// Memory charge at that moment, in bytes.
    pub memory_usage_bytes: Option<u64>,
    /// CPU time used, in nanoseconds. v2 counts this value, the next two, and the bytes read and
    /// written for the directory's own tasks only; v1 includes the directories below. Both count
    /// the time throttled for the directory only.
    pub cpu_usage_ns: Option<u64>,
    /// CPU time used in user mode, in nanoseconds, by samples at clock ticks: a short task may fall
    /// between two of them.
    pub cpu_user_ns: Option<u64>,
    /// CPU time used in the kernel, in nanoseconds, by samples at clock ticks.
    pub cpu_system_ns: Option<u64>,
    /// Time that its CPU quota kept it from running, in nanoseconds, over all processors.
    pub cpu_throttled_ns: Option<u64>,
    /// Number of times that its CPU quota kept it from running.
    pub cpu_throttled_count: Option<u64>,
    /// Bytes read from all block devices together.
    pub io_read_bytes: Option<u64>,
    /// Bytes written to all block devices together.
    pub io_written_bytes: Option<u64>,
    /// Most tasks at one time.
    pub pids_peak: Option<u64>,
    /// Number of times that its memory limit made the OOM killer run, whether or not it killed.
    pub ooms: Option<u64>,
    /// Tasks of this cgroup that the OOM killer killed.
    pub oom_kills: Option<u64>,
}

impl Usage {
    /// The usage of a cgroup for which the kernel holds no value.
    pub const NONE: Self = Self {
        memory_peak_bytes: None,
        memory_usage_bytes: None,
        cpu_usage_ns: None,
        cpu_user_ns: None,
        cpu_system_ns: None,
        cpu_throttled_ns: None,
        cpu_throttled_count: None,
        io_read_bytes: None,
        io_written_bytes: None,
        pids_peak: None,
        ooms: None,
        oom_kills: None,
    };

    /// Takes over values that were counted later, or in another directory of the same container:
    /// the highest of those that only grow, the latest of the others.
    pub(crate) fn absorb(&mut self, theirs: &Self) {
        let grow = |ours: &mut Option<u64>, theirs: Option<u64>| {
            if theirs > *ours {
                *ours = theirs;
            }
        };
        grow(&mut self.memory_peak_bytes, theirs.memory_peak_bytes);
        self.memory_usage_bytes = theirs.memory_usage_bytes.or(self.memory_usage_bytes);
        // v1's accounting and v2's differ by moments: the parts belong to their whole.
        if theirs.cpu_usage_ns > self.cpu_usage_ns {
            self.cpu_usage_ns = theirs.cpu_usage_ns;
            self.cpu_user_ns = theirs.cpu_user_ns;
            self.cpu_system_ns = theirs.cpu_system_ns;
        }
        grow(&mut self.cpu_throttled_ns, theirs.cpu_throttled_ns);
        grow(&mut self.cpu_throttled_count, theirs.cpu_throttled_count);
        grow(&mut self.io_read_bytes, theirs.io_read_bytes);
        grow(&mut self.io_written_bytes, theirs.io_written_bytes);
        grow(&mut self.pids_peak, theirs.pids_peak);
        grow(&mut self.ooms, theirs.ooms);
        grow(&mut self.oom_kills, theirs.oom_kills);
    }
}
