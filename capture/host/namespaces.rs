//! Compares the recorder's namespaces with the host's.

/// Inode numbers that the kernel gives its initial namespaces (include/linux/proc_ns.h,
/// `PROC_*_INIT_INO`).
const INITIAL_CGROUP_NAMESPACE: u64 = 0xefff_fffb;
const INITIAL_PID_NAMESPACE: u64 = 0xefff_fffc;
const INITIAL_USER_NAMESPACE: u64 = 0xefff_fffd;

/// Returns whether this process sees the host's pids.
pub fn in_initial_pid_namespace() -> Option<bool> {
    namespace_is("pid", INITIAL_PID_NAMESPACE)
}

/// Returns whether this process's capabilities count on the host.
pub fn in_initial_user_namespace() -> Option<bool> {
    namespace_is("user", INITIAL_USER_NAMESPACE)
}

/// Returns whether this process sees cgroup paths from their real roots.
pub fn in_initial_cgroup_namespace() -> Option<bool> {
    namespace_is("cgroup", INITIAL_CGROUP_NAMESPACE)
}

fn namespace_is(kind: &str, inode: u64) -> Option<bool> {
    // The link leads to the namespace itself, whose inode number is its identity (namespaces(7)).
    let found = rustix::fs::stat(format!("/proc/self/ns/{kind}")).ok()?;
    Some(found.st_ino == inode)
}
