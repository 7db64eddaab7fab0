//! Facts about the host that go into the manifest of a case for its reader. Nothing is derived from
//! them.

use obit_derivation::HierarchyId;
use rustix::system::uname;
use serde::Serialize;

use super::capabilities::Capabilities;
use super::clock::ClockPair;
use super::file::read_trimmed;
use super::hierarchies::{CgroupMode, CgroupVersion, Hierarchies, Hierarchy};
use super::namespaces::{in_initial_cgroup_namespace, in_initial_pid_namespace, in_initial_user_namespace};

/// The facts. One that could not be read is null.
#[derive(Clone, Debug, Serialize)]
pub struct HostFacts {
    /// `uname -r`.
    pub kernel_release: String,
    /// `uname -v`: build number and date.
    pub kernel_version: String,
    /// `uname -m`.
    pub machine: String,
    /// Host name.
    pub hostname: String,
    /// Random id of this boot (/proc/sys/kernel/random/boot_id).
    pub boot_id: Option<String>,
    /// /etc/machine-id.
    pub machine_id: Option<String>,
    /// Size of a page of memory, in bytes.
    pub page_size_bytes: u64,
    /// Processors online.
    pub cpus: Option<u32>,
    /// Pids are those of the host.
    pub initial_pid_namespace: Option<bool>,
    /// Cgroup paths start at the real roots.
    pub initial_cgroup_namespace: Option<bool>,
    /// Capabilities count on the host.
    pub initial_user_namespace: Option<bool>,
    /// Effective user id of the recorder.
    pub uid: u32,
    /// Effective capabilities of the recorder.
    pub effective_capabilities: Option<Capabilities>,
    /// Wall clock minus boot clock, in nanoseconds, when the facts were read.
    pub wall_minus_boot_ns: i64,
    /// Versions of the mounted hierarchies: v1, v2 or hybrid.
    pub cgroup_mode: CgroupMode,
    /// Every mounted cgroup hierarchy.
    pub hierarchies: Vec<HierarchyFacts>,
    /// Numbers of active hierarchies that are not mounted where the recorder looks.
    pub unmounted_hierarchies: Vec<u32>,
}

/// A mounted cgroup hierarchy, as the manifest names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs)] // the fields are those of `Hierarchy`
pub struct HierarchyFacts {
    pub id: u32,
    pub version: CgroupVersion,
    pub controllers: Vec<String>,
    pub name: Option<String>,
    pub mount_point: String,
    pub mount_root: String,
}

impl From<&Hierarchy> for HierarchyFacts {
    fn from(hierarchy: &Hierarchy) -> Self {
        let HierarchyId(id) = hierarchy.id;
        Self {
            id,
            version: hierarchy.version,
            controllers: hierarchy.controllers.clone(),
            name: hierarchy.name.clone(),
            mount_point: hierarchy.mount_point.to_string_lossy().into_owned(),
            mount_root: hierarchy.mount_root.clone(),
        }
    }
}

impl HostFacts {
    /// Reads the facts.
    pub fn read(hierarchies: &Hierarchies) -> Self {
        let system = uname();
        let text = |value: &std::ffi::CStr| value.to_string_lossy().into_owned();
        Self {
            kernel_release: text(system.release()),
            kernel_version: text(system.version()),
            machine: text(system.machine()),
            hostname: text(system.nodename()),
            boot_id: boot_id(),
            machine_id: read_trimmed("/etc/machine-id").filter(|id| !id.is_empty()),
            page_size_bytes: procfs::page_size(),
            cpus: read_trimmed("/sys/devices/system/cpu/online").and_then(|list| count_cpu_list(&list)),
            initial_pid_namespace: in_initial_pid_namespace(),
            initial_cgroup_namespace: in_initial_cgroup_namespace(),
            initial_user_namespace: in_initial_user_namespace(),
            uid: rustix::process::geteuid().as_raw(),
            effective_capabilities: Capabilities::effective(),
            wall_minus_boot_ns: ClockPair::read().wall_minus_boot_ns(),
            cgroup_mode: hierarchies.mode,
            hierarchies: hierarchies.mounted.iter().map(HierarchyFacts::from).collect(),
            unmounted_hierarchies: hierarchies.unmounted.iter().map(|one| one.id.0).collect(),
        }
    }
}

/// Returns the random id of this boot. With a life's own id it names that life for ever.
pub fn boot_id() -> Option<String> {
    read_trimmed("/proc/sys/kernel/random/boot_id").filter(|id| !id.is_empty())
}

/// Counts the processors in a list like `0-3,8,10-11` of /sys/devices/system/cpu/online (cpuset(7),
/// List format).
fn count_cpu_list(list: &str) -> Option<u32> {
    list.trim().split(',').try_fold(0_u32, |count, range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        count.checked_add(last.checked_sub(first)?.checked_add(1)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_lists_are_counted_and_nonsense_is_null() {
        assert_eq!(count_cpu_list("0"), Some(1));
        assert_eq!(count_cpu_list("0-3,8,10-11\n"), Some(7));
        for nonsense in ["", "3-1", "a", "0-", "0-4294967295,0-1"] {
            assert_eq!(count_cpu_list(nonsense), None, "{nonsense:?}");
        }
    }

    #[test]
    fn this_host_has_facts() {
        let Ok(hierarchies) = Hierarchies::read() else { return };
        let facts = HostFacts::read(&hierarchies);
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        assert_eq!(facts.kernel_release, release.trim());
        assert_eq!(facts.boot_id.as_deref().map(str::len), Some(36));
        assert!(facts.page_size_bytes.is_power_of_two());
        let value = serde_json::to_value(&facts).unwrap();
        assert_eq!(value["hierarchies"].as_array().unwrap().len(), hierarchies.mounted.len());
    }
}
