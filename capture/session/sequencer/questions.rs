//! What an event makes worth looking up: a container's directory, its bundle, and its runtime's state, as long as they are
//! there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::TrySendError;

use anyhow::Result;
use obit_derivation::CgroupKey;
use obit_derivation::identity::{OciRuntime, argv};
use obit_derivation::record::{Directory, Outcome, RuntimeAnswer, RuntimeSource, SnapshotReason};
use obit_schema::details::{DirectoryDetails, RuntimeDetails};

use super::Sequencer;
use crate::session::lookup::{Patience, Question, Remains};

/// Runtime calls remembered, so that the ten directories of one container ask for its bundle once.
const RECENT_CALLS: usize = 64;
/// Containers whose state directory is remembered.
const MAX_STATES: usize = 131_072;
/// State directories (`--root`) that they may be in. A host has some; who could make up more may not have us keep them.
const MAX_ROOTS: usize = 1_024;

/// What runtimes were called for, as far as questions come of it.
#[derive(Debug, Default)]
pub struct Calls {
    recent: VecDeque<(u32, String)>,
    states: BTreeMap<CgroupKey, StatePlace>,
    /// The state directories, each once.
    roots: BTreeSet<Arc<str>>,
}

/// Where a runtime keeps the state of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
struct StatePlace {
    root: Arc<str>,
    container_id: Box<str>,
}

impl Calls {
    /// Whether this call was seen before, as one of the other directories of the same container was made.
    fn is_known(&mut self, pid: u32, container_id: &str) -> bool {
        if self.recent.iter().any(|(caller, id)| *caller == pid && id == container_id) {
            return true;
        }
        if self.recent.len() >= RECENT_CALLS {
            self.recent.pop_front();
        }
        self.recent.push_back((pid, container_id.to_owned()));
        false
    }

    /// Remembers where the state of a container is, by one of its directories.
    fn note_state(&mut self, key: CgroupKey, root: &str, container_id: &str) {
        if self.states.len() >= MAX_STATES {
            return;
        }
        let root = match self.roots.get(root) {
            Some(root) => Arc::clone(root),
            None => {
                if self.roots.len() >= MAX_ROOTS {
                    self.roots.retain(|root| Arc::strong_count(root) > 1);
                }
                let root: Arc<str> = root.into();
                if self.roots.len() < MAX_ROOTS {
                    self.roots.insert(Arc::clone(&root));
                }
                root
            }
        };
        self.states.insert(key, StatePlace { root, container_id: container_id.into() });
    }
}

impl Sequencer {
    /// A runtime makes a container: its bundle can be read now, and its state once it is written.
    pub(super) fn ask_about_call(&mut self, key: CgroupKey, pid: u32, argv: &[&str]) -> Result<()> {
        let Some(call) = argv::parse(argv) else { return Ok(()) };
        if self.calls.is_known(pid, call.container_id) {
            return Ok(());
        }
        if let Some(root) = call.root.or(default_state_root(call.oci_runtime)) {
            self.calls.note_state(key, root, call.container_id);
        }
        match call.bundle {
            Some(bundle) => {
                self.ask(Question::Bundle { bundle: bundle.to_owned(), container_id: call.container_id.to_owned() })
            }
            None => Ok(()),
        }
    }

    pub(super) fn ask_for_state(&mut self, key: CgroupKey, patience: Patience) -> Result<()> {
        let Some(StatePlace { root, container_id }) = self.calls.states.get(&key) else { return Ok(()) };
        let (root, container_id) = (root.to_string(), container_id.to_string());
        self.ask(Question::State { root, container_id, patience })
    }

    /// A directory is gone: what is left of its container's state should be, too.
    pub(super) fn ask_for_remains(&mut self, key: CgroupKey) -> Result<()> {
        let Some(StatePlace { root, container_id }) = self.calls.states.remove(&key) else { return Ok(()) };
        let (root, container_id) = (root.to_string(), container_id.into());
        self.ask(Question::Remains(Remains::State { root, container_id }))
    }

    pub(super) fn ask(&mut self, question: Question) -> Result<()> {
        match self.outlets.questions.try_send(question) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full(question)) => self.admit_unasked(question),
        }
    }

    /// Records a question that could not be asked.
    fn admit_unasked(&mut self, question: Question) -> Result<()> {
        let at = self.clock;
        match question {
            Question::Directory { key, path } => {
                let directory = Directory {
                    reason: SnapshotReason::Mkdir,
                    key,
                    parent: None,
                    parent_uid: None,
                    path: path.into(),
                    populated: None,
                    pids: Vec::new(),
                };
                let details = DirectoryDetails { outcome: Outcome::Dropped, ctime: None, files: Vec::new() };
                self.admit_directory(at, directory, &details)
            }
            Question::Bundle { bundle, container_id } => {
                let details =
                    RuntimeDetails { request: format!("{bundle}/config.json"), latency_ns: 0, document: None };
                let mut answer = RuntimeAnswer::unanswered(RuntimeSource::OciBundle, Outcome::Dropped);
                answer.bundle = Some(bundle.into());
                answer.container_id = Some(container_id.into());
                self.admit_answer(at, answer, &details)
            }
            Question::State { root, container_id, .. } => {
                let details =
                    RuntimeDetails { request: format!("{root}/{container_id}"), latency_ns: 0, document: None };
                let mut answer = RuntimeAnswer::unanswered(RuntimeSource::OciState, Outcome::Dropped);
                answer.container_id = Some(container_id.into());
                self.admit_answer(at, answer, &details)
            }
            // The engine itself is asked too, and that is recorded.
            Question::EngineFile { .. } => Ok(()),
            // With no room it would not be looked at later either.
            Question::Remains(_) => Ok(()),
        }
    }
}

/// Where a runtime that root calls keeps its state unless `--root` says otherwise (runc's, crun's and youki's manuals).
fn default_state_root(runtime: OciRuntime) -> Option<&'static str> {
    match runtime {
        OciRuntime::Runc => Some("/run/runc"),
        OciRuntime::Crun => Some("/run/crun"),
        OciRuntime::Youki => Some("/run/youki"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use obit_derivation::{CgroupId, HierarchyId};

    use super::*;

    fn key(number: u64) -> CgroupKey {
        CgroupKey { hierarchy: HierarchyId(0), cgroup: CgroupId(number) }
    }

    #[test]
    fn a_call_is_new_once() {
        let mut calls = Calls::default();
        assert!(!calls.is_known(1, "a"));
        assert!(calls.is_known(1, "a"));
        assert!(!calls.is_known(2, "a") && !calls.is_known(1, "b"), "another call, another container");
        for number in 0..RECENT_CALLS {
            calls.is_known(3, &number.to_string());
        }
        assert!(!calls.is_known(1, "a"), "long ago");
        assert!(calls.recent.len() <= RECENT_CALLS);
    }

    #[test]
    fn state_directories_are_kept_once_and_bounded() {
        let mut calls = Calls::default();
        for number in 0..10 {
            calls.note_state(key(number), "/run/runc", "a");
        }
        assert_eq!(calls.roots.len(), 1);
        for number in 10..10 + 3 * MAX_ROOTS as u64 {
            calls.note_state(key(number), &format!("/tmp/{number}"), "a");
        }
        assert!(calls.roots.len() <= MAX_ROOTS);
        let last = 9 + 3 * MAX_ROOTS as u64;
        let known = StatePlace { root: format!("/tmp/{last}").into(), container_id: "a".into() };
        assert_eq!(calls.states.get(&key(last)), Some(&known), "known all the same");
        // Those whose containers are gone make room.
        calls.states.clear();
        calls.note_state(key(1), "/run/crun", "a");
        assert_eq!(calls.roots.iter().map(|root| &**root).collect::<Vec<_>>(), ["/run/crun"]);
    }
}
