//! Checks the privileges of this process, and its namespaces.
//!
//! Sources: capabilities(7); include/uapi/linux/capability.h on CAP_BPF and CAP_PERFMON;
//! namespaces(7).

use super::report::CheckItem;
use crate::host::capabilities::{Capabilities, Capability};
use crate::host::confine::{self, LandlockState, SeccompState};
use crate::host::namespaces::{in_initial_cgroup_namespace, in_initial_pid_namespace, in_initial_user_namespace};

/// Examines this process.
pub fn examine() -> Vec<CheckItem> {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    items(&ProcessPrivileges {
        uid: rustix::process::geteuid().as_raw(),
        capabilities: Capabilities::effective().unwrap_or(Capabilities(0)),
        charges_memlock: charges_memlock(&release),
        landlock: confine::landlock_here(),
        seccomp: confine::seccomp_here(),
        initial_user_namespace: in_initial_user_namespace(),
        initial_pid_namespace: in_initial_pid_namespace(),
        initial_cgroup_namespace: in_initial_cgroup_namespace(),
    })
}

struct ProcessPrivileges {
    uid: u32,
    capabilities: Capabilities,
    charges_memlock: bool,
    landlock: LandlockState,
    seccomp: SeccompState,
    initial_user_namespace: Option<bool>,
    initial_pid_namespace: Option<bool>,
    initial_cgroup_namespace: Option<bool>,
}

/// Returns whether BPF maps count against RLIMIT_MEMLOCK, as before Linux 5.11. Raising that takes
/// CAP_SYS_RESOURCE.
fn charges_memlock(release: &str) -> bool {
    release.starts_with("5.8.") || release.starts_with("5.9.") || release.starts_with("5.10.")
}

fn items(held: &ProcessPrivileges) -> Vec<CheckItem> {
    let mut items = vec![if held.uid == 0 {
        CheckItem::ok("user", "root")
    } else {
        CheckItem::warning(
            "user",
            format!("uid {}", held.uid),
            "run as root (sudo): with capabilities alone, bundles and state of other users may stay unread",
        )
    }];
    let has = |capability| held.capabilities.has(capability);
    for (name, capability) in [("CAP_BPF", Capability::Bpf), ("CAP_PERFMON", Capability::Perfmon)] {
        items.push(if has(capability) {
            CheckItem::ok(name, "held")
        } else if has(Capability::SysAdmin) {
            CheckItem::ok(name, "by CAP_SYS_ADMIN")
        } else {
            let advice = format!("run as root (sudo), or add {name}: BPF programs cannot be loaded without");
            CheckItem::failed(name, "not held", advice)
        });
    }
    items.push(if has(Capability::DacReadSearch) {
        CheckItem::ok("CAP_DAC_READ_SEARCH", "held")
    } else {
        let advice =
            "run as root (sudo), or add it: bundles and state files of runtimes stay unread, and names with them";
        CheckItem::warning("CAP_DAC_READ_SEARCH", "not held", advice)
    });
    if held.charges_memlock {
        items.push(if has(Capability::SysResource) {
            CheckItem::ok("CAP_SYS_RESOURCE", "held")
        } else {
            let advice =
                "add it, or raise the limit of locked memory (ulimit -l unlimited): this kernel counts BPF maps";
            CheckItem::warning("CAP_SYS_RESOURCE", "not held", advice)
        });
    }
    if held.initial_user_namespace == Some(false) {
        items.push(CheckItem::failed(
            "user namespace",
            "not the host's",
            "run outside of a rootless container: capabilities of a user namespace do not reach the kernel's tracepoints",
        ));
    }
    items.push(match held.landlock {
        LandlockState::Full => CheckItem::ok("Landlock", "nothing is written outside the case"),
        LandlockState::Partial => {
            CheckItem::ok("Landlock", "as far as this kernel has it: writes go to the case alone")
        }
        LandlockState::None => CheckItem::warning(
            "Landlock",
            "none",
            "run Linux 5.13 or newer with landlock among lsm= to have writes outside the case refused by the kernel",
        ),
    });
    items.push(match held.seccomp {
        SeccompState::Filtered => {
            CheckItem::ok("seccomp", "once attached it starts no program, sends no signal, uses no network")
        }
        SeccompState::None => CheckItem::warning(
            "seccomp",
            "none",
            "run it on x86-64 or arm64, with a kernel that has CONFIG_SECCOMP_FILTER, to have system calls that a \
             recorder never needs refused by the kernel",
        ),
    });
    items.push(namespace(
        "pid namespace",
        held.initial_pid_namespace,
        "run it on the host, or with --pid=host: events \
        show pids of the host, files show those of this namespace",
    ));
    items.push(namespace(
        "cgroup namespace",
        held.initial_cgroup_namespace,
        "run it on the host, or with --cgroupns=host, or mount the host's /sys/fs/cgroup over its own: a part of \
         cgroupfs does not tell where it lies in the whole",
    ));
    items
}

fn namespace(name: &str, initial: Option<bool>, advice: &str) -> CheckItem {
    match initial {
        Some(true) => CheckItem::ok(name, "the host's"),
        Some(false) => CheckItem::warning(name, "not the host's", advice),
        None => CheckItem::warning(name, "cannot be told", "mount /proc"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::report::CheckStatus;

    fn status_of(name: &str, held: &ProcessPrivileges) -> Option<CheckStatus> {
        items(held).into_iter().find(|item| item.name == name).map(|item| item.status)
    }

    fn view(capabilities: &[Capability]) -> ProcessPrivileges {
        ProcessPrivileges {
            uid: 1000,
            capabilities: Capabilities(capabilities.iter().map(|&one| 1 << one as u8).sum()),
            charges_memlock: false,
            landlock: LandlockState::Full,
            seccomp: SeccompState::Filtered,
            initial_user_namespace: Some(true),
            initial_pid_namespace: Some(true),
            initial_cgroup_namespace: Some(true),
        }
    }

    #[test]
    fn bpf_and_perfmon_are_needed_and_sys_admin_stands_for_both() {
        let none = view(&[]);
        assert_eq!(status_of("CAP_BPF", &none), Some(CheckStatus::Failed));
        assert_eq!(status_of("CAP_DAC_READ_SEARCH", &none), Some(CheckStatus::Warning));
        let bpf = view(&[Capability::Bpf]);
        assert_eq!(status_of("CAP_BPF", &bpf), Some(CheckStatus::Ok));
        assert_eq!(status_of("CAP_PERFMON", &bpf), Some(CheckStatus::Failed));
        let admin = view(&[Capability::SysAdmin]);
        assert_eq!(status_of("CAP_BPF", &admin), Some(CheckStatus::Ok));
        assert_eq!(status_of("CAP_PERFMON", &admin), Some(CheckStatus::Ok));
    }

    #[test]
    fn a_kernel_without_landlock_or_seccomp_is_said_and_used() {
        let mut old = view(&[]);
        assert_eq!(
            (status_of("Landlock", &old), status_of("seccomp", &old)),
            (Some(CheckStatus::Ok), Some(CheckStatus::Ok))
        );
        (old.landlock, old.seccomp) = (LandlockState::None, SeccompState::None);
        let both = (status_of("Landlock", &old), status_of("seccomp", &old));
        assert_eq!(both, (Some(CheckStatus::Warning), Some(CheckStatus::Warning)));
    }

    #[test]
    fn locked_memory_matters_to_old_kernels_only() {
        assert!(charges_memlock("5.10.0-28-amd64") && !charges_memlock("5.11.0") && !charges_memlock("6.1.0"));
        let mut old = view(&[]);
        assert_eq!(status_of("CAP_SYS_RESOURCE", &old), None);
        old.charges_memlock = true;
        assert_eq!(status_of("CAP_SYS_RESOURCE", &old), Some(CheckStatus::Warning));
    }

    #[test]
    fn a_user_namespace_makes_every_capability_worthless() {
        let mut inside = view(&[Capability::SysAdmin]);
        inside.initial_user_namespace = Some(false);
        inside.initial_pid_namespace = Some(false);
        assert_eq!(status_of("user namespace", &inside), Some(CheckStatus::Failed));
        assert_eq!(status_of("pid namespace", &inside), Some(CheckStatus::Warning));
    }
}
