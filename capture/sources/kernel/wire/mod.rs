//! Decoding of what the BPF program wrote: `bpf/wire.h` by offset, from bytes.
//!
//! Total: any bytes give an event or an error. Nothing here knows of libbpf, so it is tested without a kernel.

mod batch;
mod event;
pub mod layout;

use obit_derivation::BootNs;
use obit_derivation::record::{
    CgroupEventKind, CgroupId, CgroupKey, ExitStatus, HierarchyId, KernelEventKind, OomLimit, SignalOrigin,
    SignalResult, Target, Usage,
};
use thiserror::Error;

use self::layout::HEADER_BYTES;
use self::layout::fate::{self, BYTES as FATE_BYTES, ancestor};
use self::layout::usage::{self, BYTES as USAGE_BYTES};

pub use self::batch::RawBatch;
pub use self::event::{Ancestor, KernelActor, KernelCgroup, KernelEvent, KernelTarget, What};

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
        usage: Usage {
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
fn ancestors(fate: &[u8; FATE_BYTES]) -> Vec<Ancestor<'_>> {
    let (all, _) = fate[fate::ANCESTORS..].as_chunks::<{ ancestor::BYTES }>();
    let told = all.iter().map(|bytes| Ancestor {
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
