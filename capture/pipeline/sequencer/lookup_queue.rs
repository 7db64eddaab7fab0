//! What an event makes worth looking up: a container's directory, its bundle, and its runtime's state, as long as they are
//! there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

use anyhow::Result;
use obit_derivation::CgroupKey;
use obit_derivation::identity::argv;
use obit_derivation::record::{Directory, Outcome, SnapshotReason, Source};
use obit_schema::details::DirectoryDetails;

use super::Sequencer;
use crate::pipeline::lookup::{Patience, Question, Remains, WAVE};
use crate::sources::answer::{RuntimeRecord, Stamped};
use crate::sources::oci_files;

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

/// Questions of one delivery, asked together at its end: each by itself would wake the thread that answers them.
#[derive(Debug, Default)]
pub struct Asked {
    wave: Vec<Question>,
    /// Those that found no room, as far as that is recorded.
    refused: Vec<Question>,
}

impl Asked {
    /// Asks with the others of the delivery, or sooner if they are many.
    pub(super) fn push(&mut self, question: Question, to: &SyncSender<Vec<Question>>) {
        self.wave.push(question);
        if self.wave.len() >= WAVE {
            self.hand_on(to);
        }
    }

    fn hand_on(&mut self, to: &SyncSender<Vec<Question>>) {
        if self.wave.is_empty() {
            return;
        }
        match to.try_send(std::mem::take(&mut self.wave)) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            // Of a file the engine itself is asked too, and that is recorded; what is left of a container would find no room
            // to wait for its time either.
            Err(TrySendError::Full(wave)) => self.refused.extend(
                wave.into_iter().filter(|one| !matches!(one, Question::EngineFile { .. } | Question::Remains(_))),
            ),
        }
    }

    /// A directory is gone by the same delivery that had it looked at: what is not there need not be looked for.
    fn forget_directory(&mut self, gone: CgroupKey) {
        self.wave.retain(|question| !matches!(question, Question::Directory { key, .. } if *key == gone));
    }

    /// A question for the same state that waits still. With its container's end in the same delivery one look is enough.
    fn forget_state(&mut self, place: &StatePlace) {
        self.wave.retain(|question| {
            !matches!(question, Question::State { root, container_id, .. }
                if **root == *place.root && **container_id == *place.container_id)
        });
    }
}

impl Sequencer {
    /// A runtime makes a container: its bundle can be read now, and its state once it is written.
    pub(super) fn ask_about_call(&mut self, key: CgroupKey, pid: u32, argv: &[&str]) {
        let Some(call) = argv::parse(argv) else { return };
        if self.calls.is_known(pid, call.container_id) {
            return;
        }
        if let Some(root) = call.root.or(oci_files::default_state_root(call.oci_runtime)) {
            self.calls.note_state(key, root, call.container_id);
        }
        if let Some(bundle) = call.bundle {
            self.ask(Question::Bundle { bundle: bundle.to_owned(), container_id: call.container_id.to_owned() });
        }
    }

    pub(super) fn ask_for_state(&mut self, key: CgroupKey, patience: Patience) {
        let Some(place) = self.calls.states.get(&key) else { return };
        self.asked.forget_state(place);
        let (root, container_id) = (place.root.to_string(), place.container_id.to_string());
        self.ask(Question::State { root, container_id, patience });
    }

    /// A directory is gone: what is left of its container's state should be, too.
    pub(super) fn ask_for_remains(&mut self, key: CgroupKey) {
        self.asked.forget_directory(key);
        let Some(StatePlace { root, container_id }) = self.calls.states.remove(&key) else { return };
        let (root, container_id) = (root.to_string(), container_id.into());
        self.ask(Question::Remains(Remains::State { root, container_id }));
    }

    pub(super) fn ask(&mut self, question: Question) {
        self.asked.push(question, &self.outlets.questions);
    }

    /// Hands on what a delivery had asked, and admits what says that there was no room for it.
    pub(super) fn hand_on_questions(&mut self) -> Result<()> {
        self.asked.hand_on(&self.outlets.questions);
        std::mem::take(&mut self.asked.refused).into_iter().try_for_each(|question| self.admit_unasked(question))
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
                let request = format!("{bundle}/config.json");
                let mut record = RuntimeRecord::dropped(Source::OciBundle, request, container_id);
                record.answer.bundle = Some(bundle.into());
                self.admit_answer(Stamped { at, record })
            }
            Question::State { root, container_id, .. } => {
                let request = format!("{root}/{container_id}");
                let record = RuntimeRecord::dropped(Source::OciState, request, container_id);
                self.admit_answer(Stamped { at, record })
            }
            Question::EngineFile { .. } | Question::Remains(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use obit_derivation::{CgroupId, HierarchyId};

    use super::*;

    fn key(number: u64) -> CgroupKey {
        CgroupKey { hierarchy: HierarchyId(0), cgroup: CgroupId(number) }
    }

    fn directory(number: u64) -> Question {
        Question::Directory { key: key(number), path: "/a".to_owned() }
    }

    fn state(patience: Patience) -> Question {
        Question::State { root: "/run/runc".to_owned(), container_id: "a".to_owned(), patience }
    }

    #[test]
    fn what_one_delivery_asks_goes_together_and_without_what_it_saw_go() {
        let (to, questions) = std::sync::mpsc::sync_channel(4);
        let mut asked = Asked::default();
        asked.push(directory(1), &to);
        asked.push(state(Patience::UntilWritten), &to);
        asked.push(directory(2), &to);
        asked.forget_state(&StatePlace { root: "/run/runc".into(), container_id: "b".into() });
        asked.forget_state(&StatePlace { root: "/run/runc".into(), container_id: "a".into() });
        asked.push(state(Patience::None), &to);
        asked.forget_directory(key(1));
        assert!(questions.try_recv().is_err(), "the delivery is not over");
        asked.hand_on(&to);
        asked.hand_on(&to);
        assert_eq!(questions.try_iter().collect::<Vec<_>>(), [vec![directory(2), state(Patience::None)]]);
    }

    #[test]
    fn questions_without_room_are_recorded_as_far_as_nobody_else_is_asked() {
        let (to, questions) = std::sync::mpsc::sync_channel(1);
        let mut asked = Asked::default();
        for number in 0..WAVE as u64 {
            asked.push(directory(number), &to);
        }
        assert_eq!(questions.try_recv().map(|wave| wave.len()), Ok(WAVE), "a full wave does not wait");
        to.send(Vec::new()).expect("room");
        let remains = Remains::State { root: "/run/runc".to_owned(), container_id: "a".into() };
        asked.push(Question::Remains(remains), &to);
        asked.push(directory(7), &to);
        asked.hand_on(&to);
        assert_eq!(asked.refused, [directory(7)]);
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
