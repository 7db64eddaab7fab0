//! Decoding of what the BPF program wrote: `bpf/obit.h` by offset, from bytes.
//!
//! Total: any bytes give an event or an error. Nothing here knows of libbpf, so it is tested without a kernel.

use obit_derivation::record::{CgroupEventKind, Vitals};
use thiserror::Error;

/// Offsets and lengths of `struct obit_event` in `bpf/obit.h`, in bytes.
///
/// capture/probe/layout.rs compares them with the compiled program, at compile time.
pub mod layout {
    pub const VERSION: u8 = 1;

    pub const BOOT_NS: usize = 0;
    pub const CGROUP_ID: usize = 8;
    pub const PARENT_CGROUP_ID: usize = 16;
    pub const ACTOR_CGROUP_ID: usize = 24;
    pub const MEMORY_USAGE: usize = 32;
    pub const MEMORY_WATERMARK: usize = 40;
    pub const OOM_KILLS: usize = 48;
    pub const PIDS_WATERMARK: usize = 56;
    pub const CPU: usize = 64;
    pub const HIERARCHY_ID: usize = 68;
    pub const LEVEL: usize = 72;
    pub const PID: usize = 76;
    pub const TID: usize = 80;
    pub const PPID: usize = 84;
    pub const UID: usize = 88;
    pub const PATH_BYTES: usize = 92;
    pub const ARGV_BYTES: usize = 96;
    pub const KIND: usize = 100;
    pub const FLAGS: usize = 101;
    pub const PRESENT: usize = 102;
    pub const VERSION_AT: usize = 103;
    pub const COMM: usize = 104;
    pub const PARENT_COMM: usize = 120;
    pub const HEADER_BYTES: usize = 136;

    /// Longest thread name, with its NUL.
    pub const COMM_BYTES: usize = 16;
    /// Longest path, with its NUL.
    pub const MAX_PATH_BYTES: usize = 1024;
    /// Most that is kept of an argument vector.
    pub const MAX_ARGV_BYTES: usize = 1024;
    /// The longest record.
    pub const MAX_RECORD_BYTES: usize = HEADER_BYTES + (MAX_PATH_BYTES - 1) + MAX_ARGV_BYTES;

    pub const PATH_TRUNCATED: u8 = 1;
    pub const ARGV_TRUNCATED: u8 = 2;

    pub const HAS_MEMORY_USAGE: u8 = 1;
    pub const HAS_MEMORY_WATERMARK: u8 = 2;
    pub const HAS_OOM_KILLS: u8 = 4;
    pub const HAS_PIDS_WATERMARK: u8 = 8;
}
use layout::HEADER_BYTES;

/// The kinds by their numbers in `enum obit_kind`.
pub const KINDS: [CgroupEventKind; 4] =
    [CgroupEventKind::Mkdir, CgroupEventKind::Rmdir, CgroupEventKind::Populated, CgroupEventKind::Empty];

/// Records of one drain of the ring buffer, back to back in one allocation that is used again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawBatch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl RawBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a record.
    pub fn push(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
    }

    /// Removes the records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The length of all records together.
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// The records, in the order in which they were written. That is the order of the kernel's events.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let record = &self.bytes[start..end];
            start = end;
            record
        })
    }
}

/// One event of the kernel, as views of a record.
///
/// Text is as the kernel had it: any bytes but NUL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelEvent<'a> {
    /// CLOCK_BOOTTIME, in nanoseconds.
    pub boot_ns: u64,
    /// The processor on which the event fired.
    pub cpu: u32,
    /// Which one.
    pub kind: CgroupEventKind,
    /// The cgroup's tree; 0 is v2.
    pub hierarchy_id: u32,
    /// The directory's inode number, unique within its tree.
    pub cgroup_id: u64,
    /// That of the directory above; `None` for a tree's root.
    pub parent_cgroup_id: Option<u64>,
    /// Depth below the tree's root, which is 0.
    pub level: u32,
    /// From the tree's root, with a leading `/`.
    pub path: &'a [u8],
    /// The path fills the kernel's buffer of 1,023 bytes, so it is cut (or, by chance, just fits).
    pub path_truncated: bool,
    /// Process (thread group) in whose context the event fired, in the initial pid namespace, as the next two.
    ///
    /// Of mkdir and rmdir this is who asked for it. Of populated and empty it is the task that moved, was forked or exited;
    /// on kernels that unlink an exited task late (6.19 and newer) it may be whoever ran next on that processor.
    pub pid: u32,
    /// Thread.
    pub tid: u32,
    /// Parent process.
    pub ppid: u32,
    /// Real user id, in the initial user namespace.
    pub uid: u32,
    /// Name of the thread.
    pub comm: &'a [u8],
    /// Name of the parent process.
    pub parent_comm: &'a [u8],
    /// The actor's own cgroup on the v2 tree.
    pub actor_cgroup_id: Option<u64>,
    /// Argument area of the process, NUL-separated; see [`KernelEvent::argv_elements`]. Empty where there was none to read:
    /// a kernel thread, an exiting task, a page that was not in memory.
    pub argv: &'a [u8],
    /// The argument area is longer than the 1,024 bytes kept.
    pub argv_truncated: bool,
    /// What the kernel still accounted to the cgroup.
    pub vitals: Vitals,
}

impl<'a> KernelEvent<'a> {
    /// The whole arguments. Of a truncated vector the last one, which is cut, is left out.
    pub fn argv_elements(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let argv = self.argv;
        let whole = match argv.iter().rposition(|&byte| byte == 0) {
            Some(nul) if self.argv_truncated || nul + 1 == argv.len() => Some(&argv[..nul]),
            None if self.argv_truncated || argv.is_empty() => None,
            // A process may have overwritten its arguments, and the last NUL too.
            _ => Some(argv),
        };
        whole.into_iter().flat_map(|argv| argv.split(|&byte| byte == 0))
    }
}

/// Why bytes are no event. Each means that program and user space disagree, never that a host did something odd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// Shorter than the fixed part.
    #[error("a kernel event of {length} bytes is shorter than its fixed part of {HEADER_BYTES}")]
    Short {
        /// The record's length in bytes.
        length: usize,
    },
    /// Written by a BPF program of another build.
    #[error("a kernel event has layout version {found}, this build reads {}", layout::VERSION)]
    Version {
        /// The version in the record.
        found: u8,
    },
    /// A kind that does not exist.
    #[error("a kernel event has the unknown kind {found}")]
    Kind {
        /// The kind in the record.
        found: u8,
    },
    /// The lengths in the fixed part do not add up to the record's.
    #[error("a kernel event of {length} bytes says it has {path_bytes} bytes of path and {argv_bytes} of arguments")]
    Lengths {
        /// The record's length in bytes.
        length: usize,
        /// Length of the path, by the fixed part.
        path_bytes: u32,
        /// Length of the arguments, by the fixed part.
        argv_bytes: u32,
    },
}

/// Reads one record. `page_size` in bytes turns the kernel's page counts into bytes.
pub fn decode(record: &[u8], page_size: u64) -> Result<KernelEvent<'_>, WireError> {
    let Some((header, text)) = record.split_first_chunk::<HEADER_BYTES>() else {
        return Err(WireError::Short { length: record.len() });
    };
    if header[layout::VERSION_AT] != layout::VERSION {
        return Err(WireError::Version { found: header[layout::VERSION_AT] });
    }
    let kind = header[layout::KIND];
    let Some(&kind) = KINDS.get(usize::from(kind)) else {
        return Err(WireError::Kind { found: kind });
    };
    let path_bytes = u32_at(header, layout::PATH_BYTES);
    let argv_bytes = u32_at(header, layout::ARGV_BYTES);
    let (path, argv) = usize::try_from(path_bytes)
        .ok()
        .and_then(|path_bytes| text.split_at_checked(path_bytes))
        .filter(|(_, argv)| u32::try_from(argv.len()) == Ok(argv_bytes))
        .ok_or(WireError::Lengths { length: record.len(), path_bytes, argv_bytes })?;
    let flags = header[layout::FLAGS];
    let present = header[layout::PRESENT];
    let value = |bit: u8, offset: usize| (present & bit != 0).then(|| u64_at(header, offset));
    // A page count that overflows would be nonsense of the kernel's: absent rather than wrong.
    let in_bytes = |pages: Option<u64>| pages.and_then(|pages| pages.checked_mul(page_size));
    Ok(KernelEvent {
        boot_ns: u64_at(header, layout::BOOT_NS),
        cpu: u32_at(header, layout::CPU),
        kind,
        hierarchy_id: u32_at(header, layout::HIERARCHY_ID),
        cgroup_id: u64_at(header, layout::CGROUP_ID),
        parent_cgroup_id: not_zero(u64_at(header, layout::PARENT_CGROUP_ID)),
        level: u32_at(header, layout::LEVEL),
        path,
        path_truncated: flags & layout::PATH_TRUNCATED != 0,
        pid: u32_at(header, layout::PID),
        tid: u32_at(header, layout::TID),
        ppid: u32_at(header, layout::PPID),
        uid: u32_at(header, layout::UID),
        comm: name_at(header, layout::COMM),
        parent_comm: name_at(header, layout::PARENT_COMM),
        actor_cgroup_id: not_zero(u64_at(header, layout::ACTOR_CGROUP_ID)),
        argv,
        argv_truncated: flags & layout::ARGV_TRUNCATED != 0,
        vitals: Vitals {
            memory_peak_bytes: in_bytes(value(layout::HAS_MEMORY_WATERMARK, layout::MEMORY_WATERMARK)),
            memory_usage_bytes: in_bytes(value(layout::HAS_MEMORY_USAGE, layout::MEMORY_USAGE)),
            // The BPF program does not read it, see read_vitals() in bpf/obit.bpf.c.
            cpu_usage_ns: None,
            pids_peak: value(layout::HAS_PIDS_WATERMARK, layout::PIDS_WATERMARK),
            oom_kills: value(layout::HAS_OOM_KILLS, layout::OOM_KILLS),
        },
    })
}

/// No cgroup has the inode number 0.
fn not_zero(id: u64) -> Option<u64> {
    (id != 0).then_some(id)
}

fn u64_at(header: &[u8; HEADER_BYTES], offset: usize) -> u64 {
    u64::from_ne_bytes(std::array::from_fn(|index| header[offset + index]))
}

fn u32_at(header: &[u8; HEADER_BYTES], offset: usize) -> u32 {
    u32::from_ne_bytes(std::array::from_fn(|index| header[offset + index]))
}

fn name_at(header: &[u8; HEADER_BYTES], offset: usize) -> &[u8] {
    let name = &header[offset..offset + layout::COMM_BYTES];
    name.split(|&byte| byte == 0).next().unwrap_or(name)
}

#[cfg(test)]
mod tests;
