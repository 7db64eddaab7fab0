//! Proof, at compile time, that `capture/wire.rs` reads the struct that the BPF program was compiled with.

use std::mem::{offset_of, size_of};

use super::skeleton::types::{obit_count, obit_event, obit_scratch};
use crate::wire::layout as wire;

macro_rules! same_offsets {
    ($($field:ident => $offset:ident),+ $(,)?) => {
        const _: () = {
            $(assert!(offset_of!(obit_event, $field) == wire::$offset);)+
        };
    };
}

same_offsets! {
    boot_ns => BOOT_NS,
    cgroup_id => CGROUP_ID,
    parent_cgroup_id => PARENT_CGROUP_ID,
    actor_cgroup_id => ACTOR_CGROUP_ID,
    memory_usage => MEMORY_USAGE,
    memory_watermark => MEMORY_WATERMARK,
    oom_kills => OOM_KILLS,
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

const _: () = {
    assert!(size_of::<obit_event>() == wire::HEADER_BYTES);
    assert!(wire::PARENT_COMM + wire::COMM_BYTES == wire::HEADER_BYTES);
    assert!(offset_of!(obit_scratch, text) == wire::HEADER_BYTES);
    assert!(size_of::<obit_scratch>() >= wire::MAX_RECORD_BYTES);
    assert!(offset_of!(obit_count, admitted) == 0);
    assert!(offset_of!(obit_count, lost) == 8);
};
