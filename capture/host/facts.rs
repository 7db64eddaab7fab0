//! Facts about the host that go into the manifest of a case, for the reader of the case: nothing is derived from them.

use obit_derivation::HierarchyId;
use rustix::system::uname;
use serde::{Serialize, Serializer};

use super::clock::ClockPair;
use super::file::read_trimmed;
use super::hierarchies::{CgroupMode, CgroupVersion, Hierarchies, Hierarchy};

/// Inode numbers that the kernel gives its initial namespaces (include/linux/proc_ns.h, `PROC_*_INIT_INO`).
const INITIAL_CGROUP_NAMESPACE: u64 = 0xefff_fffb;
const INITIAL_PID_NAMESPACE: u64 = 0xefff_fffc;
const INITIAL_USER_NAMESPACE: u64 = 0xefff_fffd;

/// What was recorded of the host. A fact that could not be read is null.
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
    /// Whether pids are those of the host.
    pub initial_pid_namespace: Option<bool>,
    /// Whether cgroup paths start at the real roots.
    pub initial_cgroup_namespace: Option<bool>,
    /// Whether capabilities count on the host.
    pub initial_user_namespace: Option<bool>,
    /// Effective user id of the recorder.
    pub uid: u32,
    /// Its effective capabilities.
    pub effective_capabilities: Option<Capabilities>,
    /// Wall clock minus boot clock, in nanoseconds, when the facts were read.
    pub wall_minus_boot_ns: i64,
    /// v1, v2 or hybrid.
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
    /// Reads them.
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
            initial_cgroup_namespace: namespace_is("cgroup", INITIAL_CGROUP_NAMESPACE),
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

/// Random id of this boot: half of what names an incarnation for ever.
pub fn boot_id() -> Option<String> {
    read_trimmed("/proc/sys/kernel/random/boot_id").filter(|id| !id.is_empty())
}

/// Whether this process sees the host's pids.
pub fn in_initial_pid_namespace() -> Option<bool> {
    namespace_is("pid", INITIAL_PID_NAMESPACE)
}

/// Whether this process's capabilities count on the host.
pub fn in_initial_user_namespace() -> Option<bool> {
    namespace_is("user", INITIAL_USER_NAMESPACE)
}

/// Whether this process sees cgroup paths from their real roots.
pub fn in_initial_cgroup_namespace() -> Option<bool> {
    namespace_is("cgroup", INITIAL_CGROUP_NAMESPACE)
}

fn namespace_is(kind: &str, inode: u64) -> Option<bool> {
    // The link leads to the namespace itself, whose inode number is its identity (namespaces(7)).
    let found = rustix::fs::stat(format!("/proc/self/ns/{kind}")).ok()?;
    Some(found.st_ino == inode)
}

/// `0-3,8,10-11`, as in /sys/devices/system/cpu/online (cpuset(7), List format).
fn count_cpu_list(list: &str) -> Option<u32> {
    list.trim().split(',').try_fold(0_u32, |count, range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        count.checked_add(last.checked_sub(first)?.checked_add(1)?)
    })
}

/// A capability that a capture may need. Values: include/uapi/linux/capability.h.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // each value is the capability of that name
pub enum Capability {
    DacReadSearch = 2,
    SysAdmin = 21,
    SysResource = 24,
    Perfmon = 38,
    Bpf = 39,
}

/// A set of capabilities, written as the hexadecimal number that /proc/PID/status shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities(pub u64);

impl Capabilities {
    /// Those in effect for this process; `None` if /proc does not say.
    pub fn effective() -> Option<Self> {
        let status = procfs::process::Process::myself().and_then(|process| process.status()).ok()?;
        Some(Self(status.capeff))
    }

    /// Whether one is in the set.
    pub fn has(self, capability: Capability) -> bool {
        self.0 & (1 << capability as u8) != 0
    }
}

impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:016x}", self.0))
    }
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
    fn capabilities_are_told_apart_by_their_bit() {
        // CAP_SYS_ADMIN is 21 and CAP_BPF 39; this is 2^39 + 2^21.
        let set = Capabilities(0x80_0020_0000);
        assert!(set.has(Capability::Bpf) && set.has(Capability::SysAdmin));
        assert!(!set.has(Capability::Perfmon) && !set.has(Capability::DacReadSearch));
        assert_eq!(serde_json::to_string(&set).unwrap(), "\"0000008000200000\"");
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
