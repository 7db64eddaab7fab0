//! The usage of a cgroup at the end of its record.

use obit_derivation::record::Usage;
use zerocopy::FromBytes;

use super::layout::types::{self, obit_flag, obit_present};
use super::layout::{EventHeader, same_layout};

same_layout! {
    /// The end of a record of a cgroup that has used anything.
    struct UsageCounters as obit_usage {
        memory_usage: u64,
        memory_watermark: u64,
        ooms: u64,
        oom_kills: u64,
        cpu_usage: u64,
        cpu_user: u64,
        cpu_system: u64,
        throttled: u64,
        throttled_times: u64,
        io_read: u64,
        io_written: u64,
    }
}

/// The values of a cgroup that are in its usage; the others are in the header.
pub(super) const USAGE_VALUES: u8 = !obit_present::OBIT_HAS_PIDS_WATERMARK.0;
/// The usage is at a multiple of this, in bytes.
pub(super) const ALIGNMENT: usize = 8;
/// Stands for a usage that is not in a record.
pub(super) const NO_USAGE: &UsageCounters = &zerocopy::transmute!([0_u8; size_of::<UsageCounters>()]);

/// Returns whether a record of a cgroup has its usage.
pub(super) fn is_present(header: &EventHeader) -> bool {
    header.present & USAGE_VALUES != 0 && header.flags & obit_flag::OBIT_USAGE_ZERO.0 == 0
}

/// Returns the counters behind a text of this many bytes; `None` if there are more or fewer bytes.
pub(super) fn counters(rest: &[u8], text_bytes: usize) -> Option<&UsageCounters> {
    let padding = text_bytes.wrapping_neg() % ALIGNMENT;
    UsageCounters::ref_from_bytes(rest.get(padding..)?).ok()
}

/// Returns the values that a record has. `page_size` in bytes turns the kernel's page counts into
/// bytes.
pub(super) fn decode(header: &EventHeader, counters: &UsageCounters, page_size: u64) -> Usage {
    let value = |bit: obit_present, value: u64| (header.present & bit.0 != 0).then_some(value);
    // A page count that overflows is not possible: absent is better than wrong.
    let in_bytes = |pages: Option<u64>| pages.and_then(|pages| pages.checked_mul(page_size));
    Usage {
        memory_peak_bytes: in_bytes(value(obit_present::OBIT_HAS_MEMORY_WATERMARK, counters.memory_watermark)),
        memory_usage_bytes: in_bytes(value(obit_present::OBIT_HAS_MEMORY_USAGE, counters.memory_usage)),
        cpu_usage_ns: value(obit_present::OBIT_HAS_CPU_USAGE, counters.cpu_usage),
        cpu_user_ns: value(obit_present::OBIT_HAS_CPU_SPLIT, counters.cpu_user),
        cpu_system_ns: value(obit_present::OBIT_HAS_CPU_SPLIT, counters.cpu_system),
        cpu_throttled_ns: value(obit_present::OBIT_HAS_THROTTLED, counters.throttled),
        cpu_throttled_count: value(obit_present::OBIT_HAS_THROTTLED, counters.throttled_times),
        io_read_bytes: value(obit_present::OBIT_HAS_IO, counters.io_read),
        io_written_bytes: value(obit_present::OBIT_HAS_IO, counters.io_written),
        pids_peak: value(obit_present::OBIT_HAS_PIDS_WATERMARK, header.pids_watermark),
        ooms: value(obit_present::OBIT_HAS_OOMS, counters.ooms),
        oom_kills: value(obit_present::OBIT_HAS_OOMS, counters.oom_kills),
    }
}
