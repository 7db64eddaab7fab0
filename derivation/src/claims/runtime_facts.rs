//! Facts and labels, which only answers of runtimes have.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use crate::record::{RuntimeAnswer, WallNs};

/// The facts and labels of an answer. Shared by the claims about several lives of one container.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RuntimeFacts {
    pub facts: AnswerFacts,
    /// The labels in the order of their names, each name once.
    pub labels: Box<[(Box<str>, Box<str>)]>,
}

/// Facts that are numbers or flags.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct AnswerFacts {
    pub sandbox: Option<bool>,
    pub init_pid: Option<u32>,
    pub created_at: Option<WallNs>,
    pub started_at: Option<WallNs>,
    pub restart_count: Option<u32>,
    /// The number of the signal that it is to be stopped with.
    pub stop_signal: Option<u32>,
}

impl AnswerFacts {
    /// Returns these facts, completed by others.
    pub fn or(self, others: Self) -> Self {
        Self {
            sandbox: self.sandbox.or(others.sandbox),
            init_pid: self.init_pid.or(others.init_pid),
            created_at: self.created_at.or(others.created_at),
            started_at: self.started_at.or(others.started_at),
            restart_count: self.restart_count.or(others.restart_count),
            stop_signal: self.stop_signal.or(others.stop_signal),
        }
    }
}

impl RuntimeFacts {
    /// Reads the facts and labels of an answer; `None` if it has none.
    pub fn of(answer: &RuntimeAnswer<'_>) -> Option<Arc<Self>> {
        let facts = AnswerFacts {
            sandbox: answer.sandbox,
            init_pid: answer.init_pid,
            created_at: answer.created_at,
            started_at: answer.started_at,
            restart_count: answer.restart_count,
            stop_signal: answer.stop_signal,
        };
        let labels: BTreeMap<&str, &str> = answer.labels.iter().map(|(name, value)| (&**name, &**value)).collect();
        let labels = labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let all = Self { facts, labels };
        (all != Self::default()).then(|| Arc::new(all))
    }

    /// Takes over from a later answer what this one lacks.
    pub fn complete_from(this: &mut Arc<Self>, later: &Self) {
        let (ours, theirs) = (this.facts, later.facts);
        let facts = AnswerFacts {
            sandbox: ours.sandbox.or(theirs.sandbox),
            init_pid: ours.init_pid.or(theirs.init_pid),
            created_at: ours.created_at.or(theirs.created_at),
            started_at: ours.started_at.or(theirs.started_at),
            restart_count: theirs.restart_count.max(ours.restart_count),
            stop_signal: theirs.stop_signal.or(ours.stop_signal),
        };
        let lacks_labels = this.labels.is_empty() && !later.labels.is_empty();
        if facts != ours || lacks_labels {
            let this = Arc::make_mut(this);
            this.facts = facts;
            if lacks_labels {
                this.labels = later.labels.clone();
            }
        }
    }

    /// Removes what holds for one life of the container only.
    pub fn forget_this_life(this: &mut Arc<Self>) {
        let facts = AnswerFacts { init_pid: None, started_at: None, restart_count: None, ..this.facts };
        if facts != this.facts {
            Arc::make_mut(this).facts = facts;
        }
    }
}
