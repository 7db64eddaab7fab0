//! The search for a container's init among the processes that ended.

use super::evidence::{ProcessCopy, ProcessExit};

/// Finds the exit of a container's init. Chooses, in this order:
/// 1. the process that a runtime says is the init;
/// 2. the first process of a pid namespace of the container's own: the one started first, if there
///    are several;
/// 3. with the host's or another container's pid namespace, the one started first.
///
/// The runtime's own helpers, which set the container up and leave before its command is run, count
/// only if nothing else ended.
pub(super) fn find_init(exits: &[ProcessExit], init_pid: Option<u32>) -> Option<&ProcessExit> {
    let first = |wanted: &dyn Fn(&ProcessExit) -> bool| {
        exits.iter().filter(|exit| wanted(exit)).min_by_key(|exit| (exit.process.started, exit.seq))
    };
    let is_candidate = |exit: &ProcessExit| !is_runtime_helper(&exit.process);
    // A pid namespace that a process in the container made for its child.
    let is_nested =
        |process: &ProcessCopy| exits.iter().any(|other| other.process.pid == process.ppid && is_candidate(other));
    let stated = init_pid.and_then(|pid| first(&|exit| exit.process.pid == pid));
    stated
        .or_else(|| first(&|exit| exit.process.is_reaper && !is_nested(&exit.process)))
        .or_else(|| first(&is_candidate))
        .or_else(|| first(&|_| true))
}

/// Returns true for runc's first two processes, by the names that it gives them
/// (libcontainer/nsenter/nsexec.c). Its third process is the init.
fn is_runtime_helper(process: &ProcessCopy) -> bool {
    ["runc:[0:", "runc:[1:"].iter().any(|start| process.comm.starts_with(start))
}
