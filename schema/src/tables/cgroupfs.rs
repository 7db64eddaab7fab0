//! raw/cgroupfs: directories of the cgroup trees as cgroupfs showed them, one row each.

use super::declare::table;
use crate::column::{Bool, PidList, Text, TextMap, Timestamp, U32, U64};

table!(
    /// raw/cgroupfs: directories of the cgroup trees as cgroupfs showed them, one row each.
    Cgroupfs {
        /// Place in the total order of the case.
        seq: U64 required,
        /// Time of the reading, by the wall clock.
        ts: Timestamp required,
        /// Time of the reading, ns of CLOCK_BOOTTIME.
        boot_ns: U64 required,
        /// Reason of the reading: `start`, `mkdir`, `resync` or `stop`.
        reason: Text required,
        /// Outcome of the reading: `ok`, `not_found`, `timeout`, `refused`, `denied`, `invalid` or
        /// `dropped`.
        outcome: Text required,
        /// The cgroup tree; 0 is v2.
        hierarchy_id: U32 required,
        /// The directory's inode number, from `stat` or from the event that caused the reading.
        cgroup_id: U64 required,
        /// Inode number of the directory above; null for a hierarchy's root and where it was not
        /// read.
        parent_cgroup_id: U64 optional,
        /// User who owns the directory above, in the initial user namespace: besides root the one
        /// who may have made this directory. Null for a hierarchy's root and where it was not read.
        parent_uid: U32 optional,
        /// Path from the hierarchy's root, with a leading `/`, escaped.
        path: Text required,
        /// Change time of the directory's inode, by the wall clock.
        ctime: Timestamp optional,
        /// True if a task was in the directory or below it: `cgroup.events`, on v1 `tasks` of the
        /// directory and of those below it.
        populated: Bool optional,
        /// Process ids in the directory: `cgroup.procs`. Null if it could not be read.
        pids: PidList optional,
        /// Contents of the accounting files that exist, trimmed, by file name; null if none was
        /// read.
        files: TextMap optional,
        /// First `seq` of a row that was read in an earlier segment and comes again at the head of
        /// this one. `ts` and `boot_ns` are those of the first reading, and `files` is left out.
        carried_from_seq: U64 optional,
    }
);
