//! Offsets and lengths of `struct obit_event` in `bpf/wire.h`, in bytes.
//!
//! capture/sources/kernel/probe/layout.rs compares them with the compiled program, at compile time.

pub const VERSION: u8 = 7;

pub const BOOT_NS: usize = 0;
pub const CGROUP_ID: usize = 8;
pub const PARENT_CGROUP_ID: usize = 16;
pub const ACTOR_CGROUP_ID: usize = 24;
pub const PIDS_WATERMARK: usize = 32;
pub const CPU: usize = 40;
pub const HIERARCHY_ID: usize = 44;
pub const LEVEL: usize = 48;
pub const PID: usize = 52;
pub const TID: usize = 56;
pub const PPID: usize = 60;
pub const UID: usize = 64;
pub const PATH_BYTES: usize = 68;
pub const ARGV_BYTES: usize = 72;
pub const KIND: usize = 76;
pub const FLAGS: usize = 77;
pub const PRESENT: usize = 78;
pub const VERSION_AT: usize = 79;
pub const COMM: usize = 80;
pub const PARENT_COMM: usize = 96;
pub const HEADER_BYTES: usize = 112;

/// Longest thread name, with its NUL.
pub const COMM_BYTES: usize = 16;
/// Longest path, with its NUL.
pub const MAX_PATH_BYTES: usize = 1024;
/// Most that is kept of an argument vector.
pub const MAX_ARGV_BYTES: usize = 1024;
/// The longest record; one with a fate has no path, which may be longer.
pub const MAX_RECORD_BYTES: usize = HEADER_BYTES + MAX_ARGV_BYTES + MAX_PATH_BYTES + usage::BYTES;

pub const PATH_TRUNCATED: u8 = 1;
pub const ARGV_TRUNCATED: u8 = 2;
/// What is present of the usage is zero, and left out.
pub const USAGE_ZERO: u8 = 4;

/// Offsets in `struct obit_fate`, which follows the fixed part in records about a process.
pub mod fate {
    pub const START_NS: usize = 0;
    pub const V1_CGROUP_ID: usize = 8;
    pub const MEMORY: usize = 16;
    pub const LIMIT_CGROUP_ID: usize = 24;
    pub const V1_HIERARCHY_ID: usize = 32;
    pub const PID: usize = 36;
    pub const PID_INSIDE: usize = 40;
    pub const PPID: usize = 44;
    pub const STATUS: usize = 48;
    pub const SIGNAL: usize = 52;
    pub const SIGNAL_CODE: usize = 56;
    pub const LOGINUID: usize = 60;
    pub const LIMIT_HIERARCHY_ID: usize = 64;
    pub const LIMIT_LEVEL: usize = 68;
    pub const RESULT: usize = 72;
    pub const FLAGS: usize = 76;
    pub const COMM: usize = 80;
    pub const ANCESTORS: usize = 96;
    pub const BYTES: usize = ANCESTORS + MAX_ANCESTORS * ancestor::BYTES;

    /// Ancestors that there is room for.
    pub const MAX_ANCESTORS: usize = 6;

    /// Offsets in `struct obit_ancestor`.
    pub mod ancestor {
        pub const START_NS: usize = 0;
        pub const PID: usize = 8;
        pub const UID: usize = 12;
        pub const COMM: usize = 16;
        pub const BYTES: usize = 32;
    }

    pub const REAPER: u32 = 1;
    pub const OOM_VICTIM: u32 = 2;
    pub const TO_GROUP: u32 = 4;
    pub const NO_INFO: u32 = 8;
    pub const KERNEL: u32 = 16;
    pub const LIMIT_KNOWN: u32 = 32;
    pub const HAS_MEMORY: u32 = 64;
    pub const HAS_LOGINUID: u32 = 128;
    pub const TARGET_FROZEN: u32 = 256;
}

pub const HAS_MEMORY_USAGE: u8 = 1;
pub const HAS_MEMORY_WATERMARK: u8 = 2;
pub const HAS_OOMS: u8 = 4;
pub const HAS_PIDS_WATERMARK: u8 = 8;
pub const HAS_CPU_USAGE: u8 = 16;
pub const HAS_CPU_SPLIT: u8 = 32;
pub const HAS_THROTTLED: u8 = 64;
pub const HAS_IO: u8 = 128;

/// Offsets in `struct obit_usage`, which is at the end of a record of a cgroup that has any of these
/// values, unless all are zero.
pub mod usage {
    pub const MEMORY_USAGE: usize = 0;
    pub const MEMORY_WATERMARK: usize = 8;
    pub const OOMS: usize = 16;
    pub const OOM_KILLS: usize = 24;
    pub const CPU_USAGE: usize = 32;
    pub const CPU_USER: usize = 40;
    pub const CPU_SYSTEM: usize = 48;
    pub const THROTTLED: usize = 56;
    pub const THROTTLED_TIMES: usize = 64;
    pub const IO_READ: usize = 72;
    pub const IO_WRITTEN: usize = 80;
    pub const BYTES: usize = 88;

    /// It begins at a multiple of this.
    pub const ALIGNMENT: usize = 8;
    /// Which values are in it.
    pub const VALUES: u8 = !super::HAS_PIDS_WATERMARK;
}
