//! Columns of what a cgroup or a container used. All are `uint64`, null where this kernel or
//! hierarchy counts none.

use obit_derivation::record::Usage;

/// Declares the values, each a field of [`Usage`] and a column of its name. A value has two texts:
/// one as raw/events has it of a cgroup, one as container_remove has it of a container.
macro_rules! usage_columns {
    ($($name:ident { $(#[doc = $of_cgroup:literal])+ cgroup, $(#[doc = $of_container:literal])+ container, })+) => {
        /// Usage of one cgroup, as the kernel counts it.
        pub(crate) mod of_cgroup {
            use super::Usage;
            use crate::column::{U64, columns};

            columns!(
                /// Usage of one cgroup, as the kernel counts it.
                UsageOfCgroup { $($(#[doc = $of_cgroup])+ $name: U64 optional,)+ }
            );

            impl Builders {
                /// Puts the values of a row.
                pub(crate) fn set(&mut self, row: usize, usage: &Usage) {
                    // Every field by name: a new one does not compile until it has a column.
                    let Usage { $($name),+ } = *usage;
                    $(self.$name.set(row, $name);)+
                }
            }

            impl Readers {
                /// Returns true if no row has a value.
                pub(crate) fn is_null(&self) -> bool {
                    $(self.$name.is_null())&&+
                }

                /// Returns the values of a row.
                pub(crate) fn get(&self, row: usize) -> Usage {
                    Usage { $($name: self.$name.get(row),)+ }
                }
            }
        }

        /// Usage of a container, over all its cgroups.
        pub(crate) mod of_container {
            use super::Usage;
            use crate::column::{U64, columns};

            columns!(
                /// Usage of a container, over all its cgroups.
                UsageOfContainer { $($(#[doc = $of_container])+ $name: U64 optional,)+ }
            );

            impl From<&Usage> for Row<'_> {
                fn from(usage: &Usage) -> Self {
                    let Usage { $($name),+ } = *usage;
                    Self { $($name,)+ }
                }
            }
        }
    };
}

usage_columns! {
    memory_peak_bytes {
        /// Highest memory charge of the cgroup, in bytes: `page_counter.watermark`.
        cgroup,
        /// Highest memory charge seen on any of its directories, in bytes.
        container,
    }
    memory_usage_bytes {
        /// Its memory charge at that moment, in bytes.
        cgroup,
        /// Last memory charge seen, in bytes.
        container,
    }
    cpu_usage_ns {
        /// CPU time it used, in ns: on v2 by its own tasks, on v1 with those below. Exact; of `cgroup_empty` without the last
        /// moments of the task that left last. This and the next six columns of `cgroup_empty` and `cgroup_rmdir` only.
        cgroup,
        /// CPU time that it used, in ns, with all cgroups below it.
        container,
    }
    cpu_user_ns {
        /// Of that in user mode, in ns, by samples at clock ticks on most kernels: short tasks fall between them.
        cgroup,
        /// The part of that in user mode, in ns: as in `cpu.stat` the kernel's samples give the ratio. Null if there was none.
        container,
    }
    cpu_system_ns {
        /// Of that in the kernel, in ns, likewise.
        cgroup,
        /// The part in the kernel; both together are `cpu_usage_ns`.
        container,
    }
    cpu_throttled_ns {
        /// How long its own CPU quota kept its tasks from running, in ns: `cfs_bandwidth.throttled_time`.
        cgroup,
        /// How long its CPU quota kept it from running, in ns, added up over processors.
        container,
    }
    cpu_throttled_count {
        /// How many times it did: `cfs_bandwidth.nr_throttled`.
        cgroup,
        /// In how many periods of its quota it was kept from running.
        container,
    }
    io_read_bytes {
        /// Bytes that its own tasks read from block devices, all together: `blkg_iostat_set`. Null on v1.
        cgroup,
        /// Bytes that it read from block devices, with all cgroups below it, of all devices together: one that lies on another
        /// (LVM, RAID, LUKS) counts at both. Null where v1 has the controller.
        container,
    }
    io_written_bytes {
        /// Bytes that they wrote to them.
        cgroup,
        /// Bytes that it wrote to block devices by the time it ended; what is still in the page cache is not among them.
        container,
    }
    pids_peak {
        /// Most tasks it had at one time.
        cgroup,
        /// Most tasks it had at one time.
        container,
    }
    ooms {
        /// How often the OOM killer was asked because its memory limit, or one below it on v2, was reached; it may find nobody to kill.
        cgroup,
        /// How often the OOM killer was asked because its memory limit was reached; it may find nobody to kill.
        container,
    }
    oom_kills {
        /// Its tasks that the OOM killer killed.
        cgroup,
        /// Its tasks that the OOM killer killed.
        container,
    }
}
