//! The way on which the order to end a container came down.
//!
//! What started a sender is known; what a program was told over a socket is not. So the client that
//! asked a daemon does not show, but the daemon's report of the order does.

use alloc::format;
use alloc::vec::Vec;

use super::description::describe_task;
use super::evidence::{NamespaceEnd, SentSignal};
use super::reports::{EndReports, TOLERANCE_NS};
use crate::record::{ProcessId, WallNs};
use crate::row::Step;

/// Pid of the host's first process. It started everything, so it tells nothing as an ancestor.
const FIRST_PID: u32 = 1;

/// Returns the steps in the order of their times: the ancestors of each signal's sender, the
/// sender, and daemons' reports of orders. `ended` is when the init ended; orders reported well
/// after that are left out.
pub(super) fn order_steps(signals: &[&SentSignal], reports: &EndReports, ended: WallNs) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut ancestors: Vec<ProcessId> = Vec::new();
    for sent in signals {
        let outermost_first = sent.ancestors.iter().rev().filter(|ancestor| ancestor.process.pid > FIRST_PID);
        for ancestor in outermost_first {
            if !ancestors.contains(&ancestor.process) {
                ancestors.push(ancestor.process);
                // By the clocks of the record that shows it.
                let before = sent.at.boot_ns.0.saturating_sub(ancestor.process.started.0);
                let at = WallNs(sent.at.ts.0.saturating_sub(i64::try_from(before).unwrap_or(i64::MAX)));
                steps.push(Step { at, what: format!("{}[{}]", ancestor.comm, ancestor.process.pid) });
            }
        }
        // The parent of the host's first process is the kernel's idle task.
        let parent = Some(&sent.sender.parent_comm).filter(|comm| sent.sender.pid != FIRST_PID && !comm.is_empty());
        let is_new = |what: &str| !steps.iter().any(|step| step.what == what);
        if let Some(parent) = parent.filter(|parent| sent.ancestors.is_empty() && is_new(parent)) {
            steps.push(Step { at: sent.at.ts, what: parent.clone() });
        }
        steps.push(Step { at: sent.at.ts, what: describe_task(&sent.sender) });
    }
    // A daemon reports an order once it has been carried out.
    let first = signals.iter().map(|sent| sent.at.ts.0).min().unwrap_or(i64::MIN);
    let earliest = first.saturating_sub_unsigned(TOLERANCE_NS);
    let latest = ended.0.saturating_add_unsigned(TOLERANCE_NS);
    let is_of_it = |at: WallNs| (earliest..=latest).contains(&at.0);
    // An engine passes on other signals too, as one to reload.
    let is_among = |number: u32| signals.iter().any(|sent| sent.signal == number);
    let is_such = |signal: Option<u32>| signals.is_empty() || signal.is_none_or(is_among);
    let orders = reports.iter().filter(|report| report.is_order && is_such(report.signal) && is_of_it(report.ts));
    steps.extend(orders.map(|order| Step { at: order.ts, what: format!("{}: kill", order.by.as_str()) }));
    steps.sort_by_key(|step| step.at);
    steps
}

/// Returns the last step of an order that ended another container, and this one with it.
pub(super) fn namespace_end_steps(end: &NamespaceEnd, ended: WallNs) -> [Step; 1] {
    [Step { at: ended, what: format!("end of the pid namespace of {}", end.container_id) }]
}
