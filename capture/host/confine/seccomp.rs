//! Refusal of the system calls that a recorder never makes once it is attached.
//!
//! Landlock restricts the opening of files. This filter restricts the rest: starting programs,
//! signals, modes and owners of files, namespaces, the network, kernel modules, more BPF programs.
//!
//! The list has the refused calls, not the allowed ones. The calls of a program change with its C
//! library and its kernel, and a recorder that its own filter stopped would lose what it is there
//! to record.

use std::fmt;

use anyhow::Result;
use serde::{Deserialize, Serialize};

/// The state of the filter of system calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeccompState {
    /// The kernel refuses the calls that a recorder never needs.
    Filtered,
    /// The kernel refuses none: it has no seccomp filters, or this build has no list for its
    /// processor.
    None,
}

impl fmt::Display for SeccompState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Filtered => "filtered",
            Self::None => "none",
        })
    }
}

/// Refuses the calls for this thread and those that it starts. Sets no_new_privs, without which an
/// unprivileged process may not filter.
///
/// # Errors
/// The filter does not compile, or the kernel refuses it though it has filters.
pub fn restrict_calls() -> Result<SeccompState> {
    filter::install()
}

/// Refuses all calls for this thread but those of a process that reads and writes what is open, and
/// computes.
///
/// # Errors
/// The filter does not compile, or the kernel refuses it though it has filters.
pub fn allow_only_io() -> Result<SeccompState> {
    filter::install_for_io()
}

/// Refuses all calls for this thread and those that it starts but those of a process that looks for
/// sockets, connects to them, reads and writes, and computes.
///
/// # Errors
/// The filter does not compile, or the kernel refuses it though it has filters.
pub fn allow_only_asking() -> Result<SeccompState> {
    filter::install_for_asking()
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod filter {
    pub fn install() -> anyhow::Result<super::SeccompState> {
        Ok(super::SeccompState::None)
    }

    pub fn install_for_io() -> anyhow::Result<super::SeccompState> {
        Ok(super::SeccompState::None)
    }

    pub fn install_for_asking() -> anyhow::Result<super::SeccompState> {
        Ok(super::SeccompState::None)
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod filter {
    use std::collections::BTreeMap;
    use std::env::consts::ARCH;

    use anyhow::{Context, Result};
    use libc::c_long;
    use rustix::io::Errno;
    use seccompiler::{
        BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
        TargetArch,
    };

    use super::SeccompState;

    /// `fchmodat2` (Linux 6.6), which the libc crate does not name everywhere. From 424 on, calls
    /// have one number on all processors.
    const FCHMODAT2: c_long = 452;

    /// Calls that are refused whatever their arguments.
    const REFUSED: &[c_long] = &[
        // Sockets: a recorder has those that it needs, and asks no daemon.
        libc::SYS_socket,
        libc::SYS_socketpair,
        libc::SYS_connect,
        libc::SYS_bind,
        // Other programs, and their memory and files.
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        // A recorder ends nothing of what it records. `tgkill` is below.
        libc::SYS_kill,
        libc::SYS_tkill,
        libc::SYS_rt_sigqueueinfo,
        libc::SYS_rt_tgsigqueueinfo,
        libc::SYS_pidfd_send_signal,
        // Files: what Landlock leaves to their owner, and a way to them around every path. Kept is
        // the capability for that way, CAP_DAC_READ_SEARCH.
        libc::SYS_open_by_handle_at,
        libc::SYS_fchmod,
        libc::SYS_fchmodat,
        FCHMODAT2,
        libc::SYS_fchown,
        libc::SYS_fchownat,
        libc::SYS_mknodat,
        libc::SYS_setxattr,
        libc::SYS_lsetxattr,
        libc::SYS_fsetxattr,
        libc::SYS_removexattr,
        libc::SYS_lremovexattr,
        libc::SYS_fremovexattr,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chmod,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_chown,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_lchown,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_mknod,
        // Mounts and namespaces.
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_fsopen,
        libc::SYS_fsconfig,
        libc::SYS_fsmount,
        libc::SYS_fspick,
        libc::SYS_mount_setattr,
        libc::SYS_setns,
        libc::SYS_unshare,
        // The kernel and the host.
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_kexec_file_load,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_acct,
        libc::SYS_quotactl,
        libc::SYS_syslog,
        libc::SYS_sethostname,
        libc::SYS_setdomainname,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_ioperm,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_iopl,
        // Exploits use these much, and a recorder never does. An io_uring makes calls that no
        // filter sees.
        libc::SYS_add_key,
        libc::SYS_keyctl,
        libc::SYS_request_key,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
    ];

    /// Calls of a process that reads and writes what is open: its memory, its end, and the return
    /// from a signal's handler.
    const FOR_IO: &[c_long] = &[
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_close,
        libc::SYS_brk,
        libc::SYS_mmap,
        libc::SYS_mremap,
        libc::SYS_munmap,
        libc::SYS_mprotect,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_restart_syscall,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];

    /// Further calls of a process that asks daemons: its threads, its sockets, and a look at
    /// directories and files, which Landlock bounds. Those of other C libraries are among them.
    const FOR_ASKING: &[c_long] = &[
        libc::SYS_clone,
        libc::SYS_clone3,
        libc::SYS_set_robust_list,
        libc::SYS_set_tid_address,
        libc::SYS_rseq,
        libc::SYS_gettid,
        libc::SYS_getpid,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_rt_sigaction,
        libc::SYS_epoll_create1,
        libc::SYS_epoll_ctl,
        libc::SYS_epoll_pwait,
        EPOLL_PWAIT2,
        libc::SYS_ppoll,
        libc::SYS_eventfd2,
        libc::SYS_fcntl,
        libc::SYS_connect,
        libc::SYS_getsockopt,
        libc::SYS_getpeername,
        libc::SYS_getsockname,
        libc::SYS_shutdown,
        libc::SYS_sendto,
        libc::SYS_recvfrom,
        libc::SYS_sendmsg,
        libc::SYS_recvmsg,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_lseek,
        libc::SYS_openat,
        libc::SYS_getdents64,
        libc::SYS_statx,
        libc::SYS_newfstatat,
        libc::SYS_fstat,
        libc::SYS_readlinkat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_open,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_stat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_lstat,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_readlink,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll,
        #[cfg(target_arch = "x86_64")]
        libc::SYS_epoll_wait,
    ];

    /// `epoll_pwait2` (Linux 5.11); from 424 on, calls have one number on all processors.
    const EPOLL_PWAIT2: c_long = 441;

    /// `FIONBIO` (include/uapi/asm-generic/ioctls.h); C libraries declare it with different types.
    const FIONBIO: u64 = 0x5421;

    /// Commands of bpf(2) that stay allowed: on maps and objects whose descriptors are held
    /// (include/uapi/linux/bpf.h). The only value written is the mark that the recorder sleeps.
    const BPF_MAP_LOOKUP_ELEM: u64 = 1;
    const BPF_MAP_UPDATE_ELEM: u64 = 2;
    const BPF_MAP_GET_NEXT_KEY: u64 = 4;
    const BPF_OBJ_GET_INFO_BY_FD: u64 = 15;
    const BPF_MAP_LOOKUP_BATCH: u64 = 24;

    /// Errors of a kernel that takes no filter.
    const UNAVAILABLE: [i32; 3] = [libc::ENOSYS, libc::EINVAL, libc::EPERM];

    pub fn install() -> Result<SeccompState> {
        apply(&program().context("cannot make the filter")?)
    }

    pub fn install_for_io() -> Result<SeccompState> {
        apply(&program_for_io().context("cannot make the filter")?)
    }

    pub fn install_for_asking() -> Result<SeccompState> {
        apply(&program_for_asking().context("cannot make the filter")?)
    }

    fn apply(program: &BpfProgram) -> Result<SeccompState> {
        match seccompiler::apply_filter(program) {
            Ok(()) => Ok(SeccompState::Filtered),
            // Built without CONFIG_SECCOMP_FILTER (seccomp(2)), or refused by the filter of
            // whatever runs us.
            Err(Error::Seccomp(error)) if error.raw_os_error().is_some_and(|errno| UNAVAILABLE.contains(&errno)) => {
                Ok(SeccompState::None)
            }
            Err(error) => Err(error).context("the kernel refuses the filter"),
        }
    }

    fn program() -> Result<BpfProgram> {
        let mut rules: BTreeMap<c_long, Vec<SeccompRule>> = REFUSED.iter().map(|call| (*call, Vec::new())).collect();
        // A process may abort itself.
        rules.insert(libc::SYS_tgkill, unless(&[u64::from(std::process::id())])?);
        let held = [
            BPF_MAP_LOOKUP_ELEM,
            BPF_MAP_UPDATE_ELEM,
            BPF_MAP_GET_NEXT_KEY,
            BPF_OBJ_GET_INFO_BY_FD,
            BPF_MAP_LOOKUP_BATCH,
        ];
        rules.insert(libc::SYS_bpf, unless(&held)?);
        // The filter first checks the architecture: a call by i386's numbers ends the process.
        #[cfg(target_arch = "x86_64")]
        rules.extend(x32::also(&rules));
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal(), TargetArch::try_from(ARCH)?)?;
        Ok(filter.try_into()?)
    }

    fn program_for_io() -> Result<BpfProgram> {
        let rules = FOR_IO.iter().map(|call| (*call, Vec::new())).collect();
        let filter = SeccompFilter::new(rules, refusal(), SeccompAction::Allow, TargetArch::try_from(ARCH)?)?;
        Ok(filter.try_into()?)
    }

    fn program_for_asking() -> Result<BpfProgram> {
        let mut rules: BTreeMap<c_long, Vec<SeccompRule>> =
            FOR_IO.iter().chain(FOR_ASKING).map(|call| (*call, Vec::new())).collect();
        rules.insert(libc::SYS_socket, only(&[libc::AF_UNIX as u64])?);
        // A socket that does not block.
        rules.insert(libc::SYS_ioctl, vec![SeccompRule::new(vec![equals(1, FIONBIO)?])?]);
        // The name of a thread.
        rules.insert(libc::SYS_prctl, only(&[libc::PR_SET_NAME as u64])?);
        // A process may abort itself.
        rules.insert(libc::SYS_tgkill, only(&[u64::from(std::process::id())])?);
        let filter = SeccompFilter::new(rules, refusal(), SeccompAction::Allow, TargetArch::try_from(ARCH)?)?;
        Ok(filter.try_into()?)
    }

    /// Matches a call whose first argument, of 32 bits, is one of these.
    fn only(allowed: &[u64]) -> Result<Vec<SeccompRule>> {
        allowed.iter().map(|value| Ok(SeccompRule::new(vec![equals(0, *value)?])?)).collect()
    }

    /// Matches an argument, of 32 bits, by its place.
    fn equals(place: u8, value: u64) -> Result<SeccompCondition> {
        Ok(SeccompCondition::new(place, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)?)
    }

    /// The answer to a call that is refused.
    fn refusal() -> SeccompAction {
        SeccompAction::Errno(Errno::PERM.raw_os_error().unsigned_abs())
    }

    /// Refuses a call unless its first argument, of 32 bits, is one of these.
    fn unless(allowed: &[u64]) -> Result<Vec<SeccompRule>> {
        let differs = |value: &u64| SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, *value);
        let conditions = allowed.iter().map(differs).collect::<Result<Vec<_>, _>>()?;
        Ok(vec![SeccompRule::new(conditions)?])
    }

    /// The x32 numbers of the same calls, for 32-bit pointers on x86-64, where the kernel has them.
    #[cfg(target_arch = "x86_64")]
    mod x32 {
        use super::{BTreeMap, SeccompRule, c_long};

        /// `__X32_SYSCALL_BIT` (arch/x86/include/uapi/asm/unistd.h).
        const BIT: c_long = 0x4000_0000;
        /// Calls with an own x32 number (arch/x86/entry/syscalls/syscall_64.tbl): execve, ptrace,
        /// rt_sigqueueinfo, kexec_load, rt_tgsigqueueinfo, process_vm_readv, process_vm_writev,
        /// execveat.
        const OWN: [c_long; 8] = [520, 521, 524, 528, 536, 539, 540, 545];

        pub fn also(rules: &BTreeMap<c_long, Vec<SeccompRule>>) -> Vec<(c_long, Vec<SeccompRule>)> {
            let same = rules.iter().map(|(call, chain)| (call | BIT, chain.clone()));
            same.chain(OWN.map(|call| (call | BIT, Vec::new()))).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::net::UdpSocket;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixDatagram;
    use std::process::Command;
    use std::{fs, thread};

    use super::*;

    /// Makes a system call and returns its result.
    fn call(number: libc::c_long, arguments: [libc::c_long; 3]) -> io::Result<libc::c_long> {
        let [first, second, third] = arguments;
        // SAFETY: the callers give numbers only, or null where the kernel would read or write.
        match unsafe { libc::syscall(number, first, second, third) } {
            -1 => Err(io::Error::last_os_error()),
            result => Ok(result),
        }
    }

    #[test]
    fn what_a_recorder_never_does_is_refused_and_what_it_does_works() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, "as it was").unwrap();
        let own = libc::c_long::from(std::process::id());
        let mut other = Command::new("sleep").arg("60").spawn().unwrap();
        let theirs = libc::c_long::from(other.id());
        // In a thread of its own, which takes the filter along when it ends.
        thread::scope(|scope| {
            let restricted = scope.spawn(|| {
                if restrict_calls().unwrap() == SeccompState::None {
                    return;
                }
                // For root, each of these works or fails for another reason than this.
                let refused = [
                    ("starting a program", Command::new("true").status().map(drop)),
                    ("the network", UdpSocket::bind("127.0.0.1:0").map(drop)),
                    ("a socket of this host", UnixDatagram::unbound().map(drop)),
                    ("a file's mode", fs::set_permissions(&file, PermissionsExt::from_mode(0o777))),
                    ("a signal to another", call(libc::SYS_kill, [theirs, 0, 0]).map(drop)),
                    ("a signal to another's thread", call(libc::SYS_tgkill, [theirs, theirs, 0]).map(drop)),
                    ("another namespace", call(libc::SYS_unshare, [0, 0, 0]).map(drop)),
                    ("a BPF program", call(libc::SYS_bpf, [5, 0, 0]).map(drop)),
                ];
                for (what, outcome) in refused {
                    let error = outcome.expect_err(what);
                    assert_eq!(error.raw_os_error(), Some(libc::EPERM), "{what}: {error}");
                }
                fs::rename(&file, scratch.path().join("renamed")).unwrap();
                // Signal 0 asks whether the process is there.
                call(libc::SYS_tgkill, [own, own, 0]).unwrap();
                // Those that are started later are restricted too.
                thread::spawn(|| Command::new("true").status().unwrap_err()).join().unwrap();
            });
            restricted.join().unwrap();
        });
        Command::new("true").status().expect("nobody else is restricted");
        other.kill().unwrap();
        other.wait().unwrap();
    }
}
