//! Proof, at compile time, that `capture/sources/kernel/wire/` reads the struct that the BPF program was compiled with.

use std::mem::{offset_of, size_of};

use super::skeleton::types::{
    bss, obit_ancestor, obit_count, obit_event, obit_fate, obit_fate_scratch, obit_scratch, obit_usage,
};
use crate::sources::kernel::wire::layout::{self as wire, fate, fate::ancestor, usage};

macro_rules! same_offsets {
    ($struct:ident, $layout:ident: $($field:ident => $offset:ident),+ $(,)?) => {
        const _: () = {
            $(assert!(offset_of!($struct, $field) == $layout::$offset);)+
        };
    };
}

same_offsets! {
    obit_event, wire:
    boot_ns => BOOT_NS,
    cgroup_id => CGROUP_ID,
    parent_cgroup_id => PARENT_CGROUP_ID,
    actor_cgroup_id => ACTOR_CGROUP_ID,
    pids_watermark => PIDS_WATERMARK,
    cpu => CPU,
    hierarchy_id => HIERARCHY_ID,
    level => LEVEL,
    pid => PID,
    tid => TID,
    ppid => PPID,
    uid => UID,
    path_bytes => PATH_BYTES,
    argv_bytes => ARGV_BYTES,
    kind => KIND,
    flags => FLAGS,
    present => PRESENT,
    version => VERSION_AT,
    comm => COMM,
    parent_comm => PARENT_COMM,
}

same_offsets! {
    obit_usage, usage:
    memory_usage => MEMORY_USAGE,
    memory_watermark => MEMORY_WATERMARK,
    ooms => OOMS,
    oom_kills => OOM_KILLS,
    cpu_usage => CPU_USAGE,
    cpu_user => CPU_USER,
    cpu_system => CPU_SYSTEM,
    throttled => THROTTLED,
    throttled_times => THROTTLED_TIMES,
    io_read => IO_READ,
    io_written => IO_WRITTEN,
}

same_offsets! {
    obit_fate, fate:
    start_ns => START_NS,
    v1_cgroup_id => V1_CGROUP_ID,
    memory => MEMORY,
    limit_cgroup_id => LIMIT_CGROUP_ID,
    v1_hierarchy_id => V1_HIERARCHY_ID,
    pid => PID,
    pid_inside => PID_INSIDE,
    ppid => PPID,
    status => STATUS,
    signal => SIGNAL,
    signal_code => SIGNAL_CODE,
    loginuid => LOGINUID,
    limit_hierarchy_id => LIMIT_HIERARCHY_ID,
    limit_level => LIMIT_LEVEL,
    result => RESULT,
    flags => FLAGS,
    comm => COMM,
    ancestors => ANCESTORS,
}

same_offsets! {
    obit_ancestor, ancestor:
    start_ns => START_NS,
    pid => PID,
    uid => UID,
    comm => COMM,
}

const _: () = {
    assert!(size_of::<obit_ancestor>() == ancestor::BYTES);
    assert!(size_of::<obit_fate>() == fate::BYTES && fate::BYTES < wire::MAX_PATH_BYTES);
    assert!(offset_of!(obit_fate_scratch, fate) == wire::HEADER_BYTES);
    assert!(offset_of!(obit_fate_scratch, argv) == wire::HEADER_BYTES + fate::BYTES);
    assert!(size_of::<obit_event>() == wire::HEADER_BYTES);
    assert!(size_of::<obit_usage>() == usage::BYTES && wire::HEADER_BYTES.is_multiple_of(usage::ALIGNMENT));
    assert!(wire::PARENT_COMM + wire::COMM_BYTES == wire::HEADER_BYTES);
    assert!(offset_of!(obit_scratch, text) - offset_of!(obit_scratch, event) == wire::HEADER_BYTES);
    assert!(size_of::<obit_scratch>() - offset_of!(obit_scratch, event) >= wire::MAX_RECORD_BYTES);
    assert!(offset_of!(obit_count, admitted) == 0);
    assert!(offset_of!(obit_count, lost) == 8);
    // All of it is written at once, see wakeups.rs.
    assert!(offset_of!(bss, wakeup_wanted) == 0 && size_of::<bss>() == size_of::<u64>());
};
