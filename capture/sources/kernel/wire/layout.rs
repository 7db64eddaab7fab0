//! The structs of `bpf/wire.h`, as they lie in a record.
//!
//! Their sizes and offsets are compared with those of the compiled BPF program when this is
//! compiled. Flags, kinds and the version have no copy here: the enums of the header are in
//! [`types`].

pub use crate::sources::kernel::skeleton::types;

/// Declares structs with the layout of a struct of the BPF program. They are packed, since a record
/// lies at any address.
macro_rules! same_layout {
    ($($(#[$doc:meta])* struct $name:ident as $kernel:ident { $($field:ident: $type:ty,)+ })+) => {$(
        $(#[$doc])*
        #[derive(zerocopy::FromBytes, zerocopy::Immutable, zerocopy::KnownLayout, zerocopy::Unaligned)]
        #[repr(C, packed)]
        pub struct $name { $(pub $field: $type,)+ }

        const _: () = {
            assert!(size_of::<$name>() == size_of::<types::$kernel>());
            $(assert!(std::mem::offset_of!($name, $field) == std::mem::offset_of!(types::$kernel, $field));)+
        };
    )+};
}
pub(super) use same_layout;

same_layout! {
    /// The start of each record.
    struct EventHeader as obit_event {
        boot_ns: u64,
        cgroup_id: u64,
        parent_cgroup_id: u64,
        actor_cgroup_id: u64,
        pids_watermark: u64,
        cpu: u32,
        hierarchy_id: u32,
        level: u32,
        pid: u32,
        tid: u32,
        ppid: u32,
        uid: u32,
        path_bytes: u32,
        argv_bytes: u32,
        kind: u8,
        flags: u8,
        present: u8,
        version: u8,
        comm: ThreadName,
        parent_comm: ThreadName,
    }

    /// The part behind the header of a record about a process.
    struct ProcessFacts as obit_process {
        start_ns: u64,
        v1_cgroup_id: u64,
        parent_cgroup_id: u64,
        parent_v1_cgroup_id: u64,
        actor_v1_cgroup_id: u64,
        memory: u64,
        limit_cgroup_id: u64,
        v1_hierarchy_id: u32,
        pid: u32,
        pid_inside: u32,
        ppid: u32,
        status: u32,
        signal: u32,
        signal_code: i32,
        loginuid: u32,
        limit_hierarchy_id: u32,
        limit_level: u32,
        result: u32,
        flags: u32,
        comm: ThreadName,
        ancestors: [AncestorFacts; 6],
    }

    /// An ancestor of an actor; its pid is 0 if there is none.
    struct AncestorFacts as obit_ancestor {
        start_ns: u64,
        pid: u32,
        uid: u32,
        comm: ThreadName,
    }

    /// The counter of one kind of event on one processor.
    struct EventCount as obit_count {
        admitted: u64,
        lost: u64,
    }
}

/// The name of a thread, with its NUL.
pub type ThreadName = [u8; 16];
