//! Signals and tasks in a few words, as a row has them.

use alloc::format;
use alloc::string::{String, ToString};

use super::evidence::SentSignal;
use super::signal::signal_name;
use crate::record::{SignalOrigin, SignalResult};
use crate::row::ActorCopy;

/// Describes a task: an OCI runtime by its arguments, anything else by its name and pid.
pub(super) fn describe_task(task: &ActorCopy) -> String {
    if task.argv.len() > 1 { task.argv.join(" ") } else { format!("{}[{}]", task.comm, task.pid) }
}

/// Describes a signal: its name, who sent it, and what became of it.
pub(super) fn describe_signal(sent: &SentSignal) -> String {
    let name = signal_name(sent.signal);
    let sender = format!("{}[{}]", sent.sender.comm, sent.sender.pid);
    let from = match sent.origin {
        // The task that ran then has to do with none of these.
        Some(SignalOrigin::Timer) => "a timer".to_string(),
        Some(SignalOrigin::AsyncIo) => "asynchronous input or output".to_string(),
        Some(SignalOrigin::MessageQueue) => "a message queue".to_string(),
        Some(SignalOrigin::Tty) => "a terminal".to_string(),
        Some(SignalOrigin::Kernel) => "the kernel".to_string(),
        Some(SignalOrigin::Fault) => "a fault of its own".to_string(),
        Some(SignalOrigin::PidNamespaceEnd) => {
            format!("the end of its pid namespace, whose first process was {sender}")
        }
        Some(SignalOrigin::ParentDeath) => format!("the end of its parent {sender}"),
        Some(SignalOrigin::CgroupKill) => format!("{sender} by cgroup.kill"),
        Some(SignalOrigin::Ptrace) => format!("{sender} as its tracer"),
        Some(SignalOrigin::OnBehalf) if sent.sender.pid != sent.process.pid => format!("the kernel for {sender}"),
        _ if sent.sender.pid == sent.process.pid => "itself".to_string(),
        _ => sender,
    };
    let result = match sent.result {
        None | Some(SignalResult::Delivered | SignalResult::InfoLost) => "",
        Some(SignalResult::Ignored) => ", ignored",
        Some(SignalResult::AlreadyPending) => ", already pending",
        Some(SignalResult::Dropped) => ", dropped",
    };
    let frozen = if sent.while_frozen { ", while frozen" } else { "" };
    format!("{name} from {from}{frozen}{result}")
}
