//! Numbers that order records and name directories.

/// A record's place in the one total order of a case. Starts at 0 and has no holes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// Nanoseconds since 1970-01-01T00:00:00 UTC, by the recording host's wall clock. For people; never
/// for order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallNs(pub i64);

/// Nanoseconds of CLOCK_BOOTTIME: since boot, suspended time included. Lifetimes are differences of
/// these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootNs(pub u64);

/// Kernel number of a mounted cgroup hierarchy (`cgroup_root.hierarchy_id`; second field of
/// `/proc/cgroups`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HierarchyId(pub u32);

impl HierarchyId {
    /// The default (v2) hierarchy; the kernel always gives it 0 (kernel/cgroup/cgroup.c,
    /// `cgroup_init`).
    pub const V2: Self = Self(0);
}

/// A cgroup directory's inode number, all 64 bits (`kernfs_node.id`). Unique within a hierarchy
/// only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CgroupId(pub u64);

/// The name of one cgroup directory on one host: ids repeat between hierarchies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CgroupKey {
    /// The tree.
    pub hierarchy: HierarchyId,
    /// The directory in it.
    pub cgroup: CgroupId,
}

/// The order and the clocks of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub seq: Seq,
    pub ts: WallNs,
    pub boot_ns: BootNs,
}
