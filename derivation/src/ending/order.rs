//! How the order to end a container came down.
//!
//! What started what is known of every sender; what a program was told over a socket is not. So the client that asked a
//! daemon does not show, but what the daemon says of the order does.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::SentSignal;
use crate::ending::reports::{EndReports, TOLERANCE_NS};
use crate::record::{BootNs, WallNs};
use crate::row::{ActorCopy, Step};

/// The first process of a host started everything: that says nothing.
const FIRST_PID: u32 = 1;

/// The steps, in the order of their times: the senders of these signals with what started them, and what daemons said of
/// orders, up to when its init `ended`.
pub(super) fn steps(signals: &[&SentSignal], said: &EndReports, ended: WallNs) -> Vec<Step> {
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
        steps.push(Step { at: sent.ts, what: named(&sent.sender) });
    }
    // A daemon tells of its order when it has been carried out.
    let latest = ended.0.saturating_add_unsigned(TOLERANCE_NS);
    let orders = said.iter().filter(|one| one.is_order && one.ts.0 <= latest);
    steps.extend(orders.map(|order| Step { at: order.ts, what: format!("{}: kill", order.by.as_str()) }));
    steps.sort_by_key(|step| step.at);
    steps
}

/// An OCI runtime with its arguments, anything else by its name and number.
pub(crate) fn named(task: &ActorCopy) -> String {
    if task.argv.len() > 1 { task.argv.join(" ") } else { format!("{}[{}]", task.comm, task.pid) }
}
