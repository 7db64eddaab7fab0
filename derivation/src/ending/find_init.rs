//! Which of the processes that ended was the container's first one.

use super::{Exit, Process};

/// Chooses, in this order:
/// 1. the process that a runtime says is the init;
/// 2. the first process of a pid namespace of the container's own: the one started first, if there are several;
/// 3. with the host's or another container's pid namespace, the one started first.
///
/// The runtime's own helpers, which set the container up and leave before its command is run, are not meant.
pub(super) fn choose(exits: &[Exit], init_pid: Option<u32>) -> Option<&Exit> {
    let first = |wanted: &dyn Fn(&Exit) -> bool| {
        exits.iter().filter(|exit| wanted(exit)).min_by_key(|exit| (exit.process.started, exit.seq))
    };
    let is_candidate = |exit: &Exit| !is_helper(&exit.process);
    // A pid namespace that a process in the container made for its child.
    let is_nested =
        |process: &Process| exits.iter().any(|other| other.process.pid == process.ppid && is_candidate(other));
    let stated = init_pid.and_then(|pid| first(&|exit| exit.process.pid == pid));
    stated
        .or_else(|| first(&|exit| exit.process.is_reaper && !is_nested(&exit.process)))
        .or_else(|| first(&is_candidate))
        .or_else(|| first(&|_| true))
}

/// runc's first two processes, by the names that it gives them (libcontainer/nsenter/nsexec.c). The third is the init.
fn is_helper(process: &Process) -> bool {
    ["runc:[0:", "runc:[1:"].iter().any(|start| process.comm.starts_with(start))
}
