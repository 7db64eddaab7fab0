//! Decoding of what the BPF program wrote: `bpf/obit.h` by offset, from bytes.
//!
//! Total: any bytes give an event or an error. Nothing here knows of libbpf, so it is tested without a kernel.

use obit_derivation::BootNs;
use obit_derivation::record::{
    CgroupEventKind, CgroupId, CgroupKey, ExitStatus, HierarchyId, KernelEventKind, OomLimit, SignalOrigin,
    SignalResult, Target, Vitals,
};
use thiserror::Error;

/// Offsets and lengths of `struct obit_event` in `bpf/obit.h`, in bytes.
///
/// capture/probe/layout.rs compares them with the compiled program, at compile time.
pub mod layout {
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
}
use layout::HEADER_BYTES;
use layout::fate::{self, BYTES as FATE_BYTES, ancestor};
use layout::usage::{self, BYTES as USAGE_BYTES};

/// The kinds by their numbers in `enum obit_kind`.
pub const KINDS: [KernelEventKind; 11] = [
    KernelEventKind::Cgroup(CgroupEventKind::Mkdir),
    KernelEventKind::Cgroup(CgroupEventKind::Rmdir),
    KernelEventKind::Cgroup(CgroupEventKind::Populated),
    KernelEventKind::Cgroup(CgroupEventKind::Empty),
    KernelEventKind::Cgroup(CgroupEventKind::Freeze),
    KernelEventKind::Cgroup(CgroupEventKind::Unfreeze),
    KernelEventKind::Cgroup(CgroupEventKind::Frozen),
    KernelEventKind::Cgroup(CgroupEventKind::Thawed),
    KernelEventKind::Exit,
    KernelEventKind::Signal,
    KernelEventKind::Oom,
];

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

    /// The memory that it takes: what it holds, and what it has room for beside that.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<usize>()
    }

    /// Gives up the room that it has beside what it holds.
    pub fn shrink_to_fit(&mut self) {
        self.bytes.shrink_to_fit();
        self.ends.shrink_to_fit();
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
    /// In whose context the event fired.
    ///
    /// Of mkdir and rmdir this is who asked for it. Of populated and empty it is the task that moved, was forked or exited;
    /// on kernels that unlink an exited task late (6.19 and newer) it may be whoever ran next on that processor. Of a
    /// signal it is the sender, of an OOM kill the task that asked for memory, of an exit the thread that exits.
    pub actor: KernelActor<'a>,
    /// What happened.
    pub what: What<'a>,
}

/// A task, in the initial namespaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelActor<'a> {
    /// Process (thread group).
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
    /// Its own cgroup on the v2 tree.
    pub cgroup_id: Option<u64>,
    /// Argument area of the process, NUL-separated; see [`KernelActor::argv_elements`]. Empty where there was none to
    /// read: a kernel thread, an exiting task, a page that was not in memory.
    pub argv: &'a [u8],
    /// The argument area is longer than the 1,024 bytes kept.
    pub argv_truncated: bool,
}

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// A cgroup.
    Cgroup(KernelCgroup<'a>),
    /// A process ended.
    Exit {
        /// The process.
        target: KernelTarget<'a>,
        /// How.
        status: ExitStatus,
        /// The OOM killer had chosen it.
        oom_victim: bool,
    },
    /// A signal was sent.
    Signal {
        /// To which process.
        target: KernelTarget<'a>,
        /// Its number.
        signal: u32,
        /// `si_code`.
        code: i32,
        /// Who sent it.
        origin: Option<SignalOrigin>,
        /// To the process, not to one thread.
        to_group: bool,
        /// What became of it.
        result: Option<SignalResult>,
        /// Login user id of the actor; `None` also if it never logged in.
        loginuid: Option<u32>,
        /// The actor's ancestors, its parent first.
        ancestors: Vec<KernelAncestor<'a>>,
    },
    /// The OOM killer chose a process.
    Oom {
        /// The victim.
        target: KernelTarget<'a>,
        /// Its resident memory.
        memory_bytes: Option<u64>,
        /// Whose limit was reached.
        limit: Option<OomLimit>,
    },
}

impl What<'_> {
    /// The kind.
    pub fn kind(&self) -> KernelEventKind {
        match self {
            Self::Cgroup(cgroup) => KernelEventKind::Cgroup(cgroup.kind),
            Self::Exit { .. } => KernelEventKind::Exit,
            Self::Signal { .. } => KernelEventKind::Signal,
            Self::Oom { .. } => KernelEventKind::Oom,
        }
    }
}

/// An ancestor of a task, in the initial namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelAncestor<'a> {
    /// Process (thread group).
    pub pid: u32,
    /// Real user id.
    pub uid: u32,
    /// When it was started, on the boot clock.
    pub started: BootNs,
    /// Name of its first thread.
    pub comm: &'a [u8],
}

/// A cgroup to which something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelCgroup<'a> {
    /// What.
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
    /// What the kernel still accounted to the cgroup.
    pub vitals: Vitals,
}

/// A process to which something happened. The name is apart from the rest, which is what a record of the case holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelTarget<'a> {
    /// All but its name, which is empty here.
    pub facts: Target<'static>,
    /// Its name.
    pub comm: &'a [u8],
}

impl Eq for KernelTarget<'_> {}

impl KernelTarget<'_> {
    /// The process under a name that is text.
    pub fn named<'b>(&self, comm: &'b str) -> Target<'b> {
        Target { comm, ..self.facts }
    }
}

impl<'a> KernelActor<'a> {
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
    /// Shorter than the fixed parts of its kind.
    #[error("a kernel event of {length} bytes is shorter than the fixed parts of its kind")]
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
    #[error("a kernel event of {length} bytes says it has {argv_bytes} bytes of arguments and {path_bytes} of path")]
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
    let Some((header, rest)) = record.split_first_chunk::<HEADER_BYTES>() else {
        return Err(WireError::Short { length: record.len() });
    };
    if header[layout::VERSION_AT] != layout::VERSION {
        return Err(WireError::Version { found: header[layout::VERSION_AT] });
    }
    let kind = header[layout::KIND];
    let Some(&kind) = KINDS.get(usize::from(kind)) else {
        return Err(WireError::Kind { found: kind });
    };
    let (fate, text) = match kind {
        KernelEventKind::Cgroup(_) => (&[0; FATE_BYTES], rest),
        _ => rest.split_first_chunk::<FATE_BYTES>().ok_or(WireError::Short { length: record.len() })?,
    };
    let path_bytes = u32_at(header, layout::PATH_BYTES);
    let argv_bytes = u32_at(header, layout::ARGV_BYTES);
    let wrong_lengths = WireError::Lengths { length: record.len(), path_bytes, argv_bytes };
    let (argv, rest) = split(text, argv_bytes).ok_or(wrong_lengths)?;
    let (path, rest) = split(rest, path_bytes).ok_or(wrong_lengths)?;
    let flags = header[layout::FLAGS];
    let has_usage = matches!(kind, KernelEventKind::Cgroup(_))
        && header[layout::PRESENT] & usage::VALUES != 0
        && flags & layout::USAGE_ZERO == 0;
    let usage = if has_usage {
        let to_usage = (argv.len() + path.len()).wrapping_neg() % usage::ALIGNMENT;
        rest.get(to_usage..).and_then(|usage| <&[u8; USAGE_BYTES]>::try_from(usage).ok())
    } else {
        rest.is_empty().then_some(&[0; USAGE_BYTES])
    };
    let usage = usage.ok_or(wrong_lengths)?;
    let what = match kind {
        KernelEventKind::Cgroup(kind) => What::Cgroup(cgroup(header, usage, kind, path, page_size)),
        KernelEventKind::Exit => What::Exit {
            target: target(header, fate),
            status: ExitStatus::from_wait(u32_at(fate, fate::STATUS)),
            oom_victim: u32_at(fate, fate::FLAGS) & fate::OOM_VICTIM != 0,
        },
        KernelEventKind::Signal => signal(header, fate),
        KernelEventKind::Oom => What::Oom {
            target: target(header, fate),
            memory_bytes: (u32_at(fate, fate::FLAGS) & fate::HAS_MEMORY != 0)
                .then(|| u64_at(fate, fate::MEMORY).checked_mul(page_size))
                .flatten(),
            limit: limit(fate),
        },
    };
    Ok(KernelEvent {
        boot_ns: u64_at(header, layout::BOOT_NS),
        cpu: u32_at(header, layout::CPU),
        actor: KernelActor {
            pid: u32_at(header, layout::PID),
            tid: u32_at(header, layout::TID),
            ppid: u32_at(header, layout::PPID),
            uid: u32_at(header, layout::UID),
            comm: name_at(header, layout::COMM),
            parent_comm: name_at(header, layout::PARENT_COMM),
            cgroup_id: not_zero(u64_at(header, layout::ACTOR_CGROUP_ID)),
            argv,
            argv_truncated: flags & layout::ARGV_TRUNCATED != 0,
        },
        what,
    })
}

fn split(bytes: &[u8], at: u32) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(usize::try_from(at).ok()?)
}

fn cgroup<'a>(
    header: &[u8; HEADER_BYTES],
    usage: &[u8; USAGE_BYTES],
    kind: CgroupEventKind,
    path: &'a [u8],
    page_size: u64,
) -> KernelCgroup<'a> {
    let present = header[layout::PRESENT];
    let value = |bit: u8, offset: usize| (present & bit != 0).then(|| u64_at(usage, offset));
    // A page count that overflows would be nonsense of the kernel's: absent rather than wrong.
    let in_bytes = |pages: Option<u64>| pages.and_then(|pages| pages.checked_mul(page_size));
    KernelCgroup {
        kind,
        hierarchy_id: u32_at(header, layout::HIERARCHY_ID),
        cgroup_id: u64_at(header, layout::CGROUP_ID),
        parent_cgroup_id: not_zero(u64_at(header, layout::PARENT_CGROUP_ID)),
        level: u32_at(header, layout::LEVEL),
        path,
        path_truncated: header[layout::FLAGS] & layout::PATH_TRUNCATED != 0,
        vitals: Vitals {
            memory_peak_bytes: in_bytes(value(layout::HAS_MEMORY_WATERMARK, usage::MEMORY_WATERMARK)),
            memory_usage_bytes: in_bytes(value(layout::HAS_MEMORY_USAGE, usage::MEMORY_USAGE)),
            cpu_usage_ns: value(layout::HAS_CPU_USAGE, usage::CPU_USAGE),
            cpu_user_ns: value(layout::HAS_CPU_SPLIT, usage::CPU_USER),
            cpu_system_ns: value(layout::HAS_CPU_SPLIT, usage::CPU_SYSTEM),
            cpu_throttled_ns: value(layout::HAS_THROTTLED, usage::THROTTLED),
            cpu_throttled_count: value(layout::HAS_THROTTLED, usage::THROTTLED_TIMES),
            io_read_bytes: value(layout::HAS_IO, usage::IO_READ),
            io_written_bytes: value(layout::HAS_IO, usage::IO_WRITTEN),
            pids_peak: (present & layout::HAS_PIDS_WATERMARK != 0).then(|| u64_at(header, layout::PIDS_WATERMARK)),
            ooms: value(layout::HAS_OOMS, usage::OOMS),
            oom_kills: value(layout::HAS_OOMS, usage::OOM_KILLS),
        },
    }
}

fn target<'a>(header: &[u8; HEADER_BYTES], fate: &'a [u8; FATE_BYTES]) -> KernelTarget<'a> {
    let v1 = not_zero(u64_at(fate, fate::V1_CGROUP_ID));
    KernelTarget {
        facts: Target {
            pid: u32_at(fate, fate::PID),
            pid_inside: u32_at(fate, fate::PID_INSIDE),
            ppid: u32_at(fate, fate::PPID),
            started: BootNs(u64_at(fate, fate::START_NS)),
            comm: "",
            is_reaper: u32_at(fate, fate::FLAGS) & fate::REAPER != 0,
            is_frozen: Some(u32_at(fate, fate::FLAGS) & fate::TARGET_FROZEN != 0),
            cgroup: CgroupId(u64_at(header, layout::CGROUP_ID)),
            v1: v1.map(|id| key(u32_at(fate, fate::V1_HIERARCHY_ID), id)),
        },
        comm: name_at(fate, fate::COMM),
    }
}

fn signal<'a>(header: &[u8; HEADER_BYTES], fate: &'a [u8; FATE_BYTES]) -> What<'a> {
    let flags = u32_at(fate, fate::FLAGS);
    let code = i32::from_ne_bytes(u32_at(fate, fate::SIGNAL_CODE).to_ne_bytes());
    // Never set; `audit` calls that AUDIT_UID_UNSET.
    let loginuid = Some(u32_at(fate, fate::LOGINUID)).filter(|&uid| uid != u32::MAX);
    What::Signal {
        target: target(header, fate),
        signal: u32_at(fate, fate::SIGNAL),
        code,
        origin: origin(flags, code),
        to_group: flags & fate::TO_GROUP != 0,
        // TRACE_SIGNAL_* of include/trace/events/signal.h.
        result: match u32_at(fate, fate::RESULT) {
            0 => Some(SignalResult::Delivered),
            1 => Some(SignalResult::Ignored),
            2 => Some(SignalResult::AlreadyPending),
            3 => Some(SignalResult::Dropped),
            4 => Some(SignalResult::InfoLost),
            _ => None,
        },
        loginuid: loginuid.filter(|_| flags & fate::HAS_LOGINUID != 0),
        ancestors: ancestors(fate),
    }
}

/// Those that are there; none follows one that is not.
fn ancestors(fate: &[u8; FATE_BYTES]) -> Vec<KernelAncestor<'_>> {
    let (all, _) = fate[fate::ANCESTORS..].as_chunks::<{ ancestor::BYTES }>();
    let told = all.iter().map(|bytes| KernelAncestor {
        pid: u32_at(bytes, ancestor::PID),
        uid: u32_at(bytes, ancestor::UID),
        started: BootNs(u64_at(bytes, ancestor::START_NS)),
        comm: name_at(bytes, ancestor::COMM),
    });
    told.take_while(|ancestor| ancestor.pid != 0).collect()
}

/// `si_code` by include/uapi/asm-generic/siginfo.h: what user space may choose is 0 or less.
fn origin(flags: u32, code: i32) -> Option<SignalOrigin> {
    if flags & fate::NO_INFO != 0 {
        return Some(SignalOrigin::OnBehalf);
    }
    if flags & fate::KERNEL != 0 {
        return Some(SignalOrigin::Kernel);
    }
    match code {
        0 => Some(SignalOrigin::User),
        -1 => Some(SignalOrigin::Queue),
        -6 => Some(SignalOrigin::Tkill),
        0x80 => Some(SignalOrigin::Kernel),
        1.. => Some(SignalOrigin::Fault),
        _ => None,
    }
}

fn limit(fate: &[u8; FATE_BYTES]) -> Option<OomLimit> {
    if u32_at(fate, fate::FLAGS) & fate::LIMIT_KNOWN == 0 {
        return None;
    }
    Some(match not_zero(u64_at(fate, fate::LIMIT_CGROUP_ID)) {
        Some(id) => OomLimit::Cgroup(key(u32_at(fate, fate::LIMIT_HIERARCHY_ID), id), u32_at(fate, fate::LIMIT_LEVEL)),
        None => OomLimit::Host,
    })
}

fn key(hierarchy: u32, cgroup: u64) -> CgroupKey {
    CgroupKey { hierarchy: HierarchyId(hierarchy), cgroup: CgroupId(cgroup) }
}

/// No cgroup has the inode number 0.
fn not_zero(id: u64) -> Option<u64> {
    (id != 0).then_some(id)
}

#[inline]
fn u64_at<const N: usize>(bytes: &[u8; N], offset: usize) -> u64 {
    u64::from_ne_bytes(array_at(bytes, offset))
}

#[inline]
fn u32_at<const N: usize>(bytes: &[u8; N], offset: usize) -> u32 {
    u32::from_ne_bytes(array_at(bytes, offset))
}

/// So many bytes from an offset on, read at once.
#[inline]
fn array_at<const N: usize, const M: usize>(bytes: &[u8; N], offset: usize) -> [u8; M] {
    let mut array = [0; M];
    array.copy_from_slice(&bytes[offset..offset + M]);
    array
}

/// The name, up to its NUL.
#[inline]
fn name_at<const N: usize>(bytes: &[u8; N], offset: usize) -> &[u8] {
    /// 1 in each byte.
    const ONES: u128 = u128::MAX / 255;
    // All bytes at once: the lowest byte that is 0 is the lowest whose highest bit this sets. The borrow of a subtraction
    // may set that of others above it.
    let name = u128::from_le_bytes(array_at(bytes, offset));
    let zeros = name.wrapping_sub(ONES) & !name & (ONES << 7);
    let length = zeros.trailing_zeros() as usize / 8;
    &bytes[offset..offset + length]
}

#[cfg(test)]
mod tests;
