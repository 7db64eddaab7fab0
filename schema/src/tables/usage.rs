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
        /// Highest memory charge seen on any of the container's directories, in bytes.
        container,
    }
    memory_usage_bytes {
        /// Memory charge of the cgroup at the time of the event, in bytes.
        cgroup,
        /// Last memory charge seen, in bytes.
        container,
    }
    cpu_usage_ns {
        /// CPU time used, in ns: on v2 by the cgroup's own tasks, on v1 with those below. Exact,
        /// but in `cgroup_empty` without the last moments of the task that left last. This and the
        /// next six columns are set for `cgroup_empty` and `cgroup_rmdir` only.
        cgroup,
        /// CPU time that the container used, in ns, with all cgroups below it.
        container,
    }
    cpu_user_ns {
        /// Part of `cpu_usage_ns` in user mode, in ns, by samples at clock ticks on most kernels:
        /// short tasks fall between them.
        cgroup,
        /// Part of `cpu_usage_ns` in user mode, in ns: as in `cpu.stat` the kernel's samples give
        /// the ratio. Null if there was none.
        container,
    }
    cpu_system_ns {
        /// Part of `cpu_usage_ns` in the kernel, in ns, by the same samples.
        cgroup,
        /// Part of `cpu_usage_ns` in the kernel, in ns; with `cpu_user_ns` it adds up to
        /// `cpu_usage_ns`.
        container,
    }
    cpu_throttled_ns {
        /// Time for which the cgroup's own CPU quota kept its tasks from running, in ns:
        /// `cfs_bandwidth.throttled_time`.
        cgroup,
        /// Time for which the container's CPU quota kept it from running, in ns, added up over
        /// processors.
        container,
    }
    cpu_throttled_count {
        /// Number of times that this quota kept tasks from running: `cfs_bandwidth.nr_throttled`.
        cgroup,
        /// Number of quota periods in which the container was kept from running.
        container,
    }
    io_read_bytes {
        /// Bytes that the cgroup's own tasks read from block devices, all together:
        /// `blkg_iostat_set`. Null on v1.
        cgroup,
        /// Bytes that the container read from block devices, with all cgroups below it, all devices
        /// together: a device that lies on another (LVM, RAID, LUKS) counts at both. Null where v1
        /// has the controller.
        container,
    }
    io_written_bytes {
        /// Bytes that the cgroup's own tasks wrote to block devices.
        cgroup,
        /// Bytes that the container wrote to block devices by the time it ended; bytes still in the
        /// page cache are not counted.
        container,
    }
    pids_peak {
        /// Most tasks in the cgroup at one time.
        cgroup,
        /// Most tasks in the container at one time.
        container,
    }
    ooms {
        /// Number of times that the OOM killer was asked because the cgroup's memory limit, or one
        /// below it on v2, was reached; it may find nobody to kill.
        cgroup,
        /// Number of times that the OOM killer was asked because the container's memory limit was
        /// reached; it may find nobody to kill.
        container,
    }
    oom_kills {
        /// Tasks of the cgroup that the OOM killer killed.
        cgroup,
        /// Tasks of the container that the OOM killer killed.
        container,
    }
}
