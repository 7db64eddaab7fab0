//! Facts and labels, which only answers of runtimes have.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use super::run_init::RunInit;
use crate::record::{RuntimeAnswer, Seq, Source, WallNs};

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
    /// The first record that states this init.
    pub init_seq: Option<Seq>,
    pub created_at: Option<WallNs>,
    pub started_at: Option<WallNs>,
    pub restart_count: Option<u32>,
    /// The number of the signal that it is to be stopped with.
    pub stop_signal: Option<u32>,
}

impl AnswerFacts {
    /// Returns the facts that can be of the run with this init: if they may be of another one,
    /// those that differ between runs are left out.
    pub fn of_run(self, init: RunInit) -> Self {
        let may_be = match init {
            RunInit::Shown(known) => self.init_pid.is_none_or(|stated| stated == known),
            RunInit::Stated => true,
            RunInit::Doubtful => false,
        };
        if may_be { self } else { Self { init_pid: None, started_at: None, restart_count: None, ..self } }
    }

    /// Returns these facts, completed by others.
    pub fn or(self, others: Self) -> Self {
        Self {
            sandbox: self.sandbox.or(others.sandbox),
            init_pid: self.init_pid.or(others.init_pid),
            init_seq: self.init_seq.or(others.init_seq),
            created_at: self.created_at.or(others.created_at),
            started_at: self.started_at.or(others.started_at),
            restart_count: self.restart_count.or(others.restart_count),
            stop_signal: self.stop_signal.or(others.stop_signal),
        }
    }
}

impl RuntimeFacts {
    /// Reads the facts and labels of an answer, record `seq`; `None` if it has none.
    pub fn of(seq: Seq, answer: &RuntimeAnswer<'_>) -> Option<Arc<Self>> {
        // Docker and Podman count a restart when a run ends: what they say between two runs may be
        // the number of the next one.
        let is_of_this_run = |count: &u32| {
            *count == 0
                || answer.running == Some(true)
                || answer.init_pid.is_some()
                || !matches!(answer.source, Source::Docker | Source::Podman)
        };
        let facts = AnswerFacts {
            sandbox: answer.sandbox.or_else(|| sandbox_by_labels(answer)),
            init_pid: answer.init_pid,
            init_seq: answer.init_pid.map(|_| seq),
            created_at: answer.created_at,
            started_at: answer.started_at,
            restart_count: answer.restart_count.filter(is_of_this_run),
            stop_signal: answer.stop_signal,
        };
        let labels: BTreeMap<&str, &str> = answer.labels.iter().map(|(name, value)| (&**name, &**value)).collect();
        let labels = labels.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let all = Self { facts, labels };
        (all != Self::default()).then(|| Arc::new(all))
    }

    /// Takes over what a later answer says; of what it does not speak of, the earlier word stays.
    pub fn update_from(this: &mut Arc<Self>, later: &Self) {
        let (ours, theirs) = (this.facts, later.facts);
        let mut facts = theirs.or(ours);
        if ours.init_pid == facts.init_pid {
            facts.init_seq = ours.init_seq;
        }
        let is_new =
            |(name, value): &&(Box<str>, Box<str>)| !this.labels.iter().any(|have| have.0 == *name && have.1 == *value);
        let brings_labels = later.labels.iter().any(|label| is_new(&label));
        if facts == ours && !brings_labels {
            return;
        }
        let this = Arc::make_mut(this);
        this.facts = facts;
        if brings_labels {
            let all: BTreeMap<&str, &str> =
                this.labels.iter().chain(&later.labels).map(|(name, value)| (&**name, &**value)).collect();
            this.labels = all.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        }
    }

    /// Takes over from a later answer what this one lacks.
    pub fn complete_from(this: &mut Arc<Self>, later: &Self) {
        let (ours, theirs) = (this.facts, later.facts);
        let facts = ours.or(theirs);
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
        let facts = AnswerFacts { init_pid: None, init_seq: None, started_at: None, restart_count: None, ..this.facts };
        if facts != this.facts {
            Arc::make_mut(this).facts = facts;
        }
    }
}

/// Returns what the labels of the kubelet and of containerd's CRI say of a pod's sandbox.
fn sandbox_by_labels(answer: &RuntimeAnswer<'_>) -> Option<bool> {
    match answer.label("io.kubernetes.docker.type").or_else(|| answer.label("io.cri-containerd.kind"))? {
        "podsandbox" | "sandbox" => Some(true),
        "container" => Some(false),
        _ => None,
    }
}
