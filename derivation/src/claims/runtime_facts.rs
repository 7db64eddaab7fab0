//! What only answers of runtimes say, besides texts.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use crate::record::{RuntimeAnswer, WallNs};

/// What only answers of runtimes say, besides texts. Shared by the claims about several lives of one container.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RuntimeFacts {
    pub facts: Facts,
    /// In the order of their names, each name once.
    pub labels: Box<[(Box<str>, Box<str>)]>,
}

/// Facts that fit into a number each.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Facts {
    pub sandbox: Option<bool>,
    pub init_pid: Option<u32>,
    pub created_at: Option<WallNs>,
    pub started_at: Option<WallNs>,
    pub restart_count: Option<u32>,
    /// The signal that it is to be stopped with.
    pub stop_signal: Option<u32>,
}

impl Facts {
    /// These, and of what they leave out those.
    pub fn or(self, those: Self) -> Self {
        Self {
            sandbox: self.sandbox.or(those.sandbox),
            init_pid: self.init_pid.or(those.init_pid),
            created_at: self.created_at.or(those.created_at),
            started_at: self.started_at.or(those.started_at),
            restart_count: self.restart_count.or(those.restart_count),
            stop_signal: self.stop_signal.or(those.stop_signal),
        }
    }
}

impl RuntimeFacts {
    /// `None` if the answer has nothing of the kind.
    pub fn of(answer: &RuntimeAnswer<'_>) -> Option<Arc<Self>> {
        let facts = Facts {
            sandbox: answer.sandbox,
            init_pid: answer.init_pid,
            created_at: answer.created_at,
            started_at: answer.started_at,
            restart_count: answer.restart_count,
            stop_signal: answer.stop_signal,
        };
        let labels: BTreeMap<&str, &str> = answer.labels.iter().map(|(name, value)| (&**name, &**value)).collect();
        let labels = labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let told = Self { facts, labels };
        (told != Self::default()).then(|| Arc::new(told))
    }

    /// Takes over what is not said yet.
    pub fn complete_from(this: &mut Arc<Self>, later: &Self) {
        let (ours, theirs) = (this.facts, later.facts);
        let facts = Facts {
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

    /// Leaves only what holds for every life of the container.
    pub fn forget_this_life(this: &mut Arc<Self>) {
        let facts = Facts { init_pid: None, started_at: None, restart_count: None, ..this.facts };
        if facts != this.facts {
            Arc::make_mut(this).facts = facts;
        }
    }
}
