//! The way on which the order to end a container came down.
//!
//! What started a sender is known; what a program was told over a socket is not. So the client that
//! asked a daemon does not show, but the daemon's report of the order does.

use alloc::format;
use alloc::vec::Vec;

use super::description::describe_task;
use super::evidence::SentSignal;
use super::reports::{EndReports, TOLERANCE_NS};
use crate::record::{BootNs, WallNs};
use crate::row::Step;

/// Pid of the host's first process. It started everything, so it tells nothing as an ancestor.
const FIRST_PID: u32 = 1;

/// Returns the steps in the order of their times: the ancestors of each signal's sender, the
/// sender, and daemons' reports of orders. `ended` is when the init ended; orders reported well
/// after that are left out.
pub(super) fn order_steps(signals: &[&SentSignal], reports: &EndReports, ended: WallNs) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut ancestors: Vec<(u32, BootNs)> = Vec::new();
    for sent in signals {
        let outermost_first = sent.ancestors.iter().rev().filter(|ancestor| ancestor.pid != FIRST_PID);
        for ancestor in outermost_first {
            if !ancestors.contains(&(ancestor.pid, ancestor.started)) {
                ancestors.push((ancestor.pid, ancestor.started));
                // By the clocks of the record that shows it.
                let before = sent.boot_ns.0.saturating_sub(ancestor.started.0);
                let at = WallNs(sent.ts.0.saturating_sub(i64::try_from(before).unwrap_or(i64::MAX)));
                steps.push(Step { at, what: format!("{}[{}]", ancestor.comm, ancestor.pid) });
            }
        }
        let parent = &sent.sender.parent_comm;
        let is_new = |what: &str| !steps.iter().any(|step| step.what == what);
        if sent.ancestors.is_empty() && !parent.is_empty() && is_new(parent) {
            steps.push(Step { at: sent.ts, what: parent.clone() });
        }
        steps.push(Step { at: sent.ts, what: describe_task(&sent.sender) });
    }
    // A daemon reports an order once it has been carried out.
    let latest = ended.0.saturating_add_unsigned(TOLERANCE_NS);
    let orders = reports.iter().filter(|report| report.is_order && report.ts.0 <= latest);
    steps.extend(orders.map(|order| Step { at: order.ts, what: format!("{}: kill", order.by.as_str()) }));
    steps.sort_by_key(|step| step.at);
    steps
}
