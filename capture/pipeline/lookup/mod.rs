//! The thread that reads what an event points to: a container's directory, its bundle, and its runtime's state.
//!
//! It works from a queue, so that no event waits for a file. A question that finds the queue full is not asked, and
//! that is recorded too. Questions come in batches, and the results of a batch go on together: a wake-up for each of them
//! would cost more than most of the reads, and on a busy host each takes a processor away from the container that is
//! looked at.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use obit_derivation::CgroupKey;
use obit_derivation::identity::Engine;
use obit_derivation::record::{Directory, Outcome, SnapshotReason};
use obit_schema::details::DirectoryDetails;

use super::input::Input;
use crate::host::clock::ClockPair;
use crate::host::hierarchies::Hierarchies;
use crate::sources::answer::{RuntimeRecord, Stamped};
use crate::sources::cgroupfs;
use crate::sources::oci_files::OciFiles;

/// Questions that are handed on together at most. A container asks about fifteen; a read takes well under a millisecond.
pub const WAVE: usize = 64;
/// Waves that may wait.
pub const WAVES: usize = 32;
/// Things to look at later that may wait.
const LATER: usize = 1024;

/// A question about a container that has just begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What does its directory on this hierarchy hold?
    Directory {
        /// The directory.
        key: CgroupKey,
        /// Its path from the hierarchy's root.
        path: String,
    },
    /// What does its bundle's `config.json` say?
    Bundle {
        /// The bundle directory, as the runtime was told.
        bundle: String,
        /// The container, as the runtime was told.
        container_id: String,
    },
    /// What does its engine keep of it on disk?
    EngineFile {
        /// The engine.
        engine: Engine,
        /// The container.
        container_id: String,
    },
    /// What does its runtime's own state say?
    State {
        /// The runtime's state directory (`--root`).
        root: String,
        /// The container, as the runtime was told.
        container_id: String,
        /// What to do if there is none.
        patience: Patience,
    },
    /// What is still kept of a container that has ended, some moments later?
    Remains(Remains),
}

/// What may be kept of a container that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remains {
    /// Its runtime's own state, which should be gone.
    State {
        /// The runtime's state directory (`--root`).
        root: String,
        /// The container, as the runtime was told.
        container_id: String,
    },
    /// Its engine's file.
    EngineFile {
        /// The engine.
        engine: Engine,
        /// The container.
        container_id: String,
    },
}

/// What to do about a file that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// It is gone, and that is the answer.
    None,
    /// It is about to be written: look again some times.
    UntilWritten,
}

/// When to look again for a state that is about to be written: runc writes it some milliseconds after the container's
/// process is in its cgroups.
const AGAIN: [Duration; 3] = [Duration::from_millis(10), Duration::from_millis(50), Duration::from_millis(250)];

/// When to look at what is kept of a container that has ended: its runtime and its engine are done with it then.
const AFTER_END: Duration = Duration::from_millis(1_200);
/// How long that may wait for something else to do: another moment would do as well. It is within the grace that a row has
/// by default, with time to spare.
const AFTER_END_SLACK: Duration = Duration::from_millis(200);

/// Something to look at later.
struct Again {
    due: Instant,
    what: Later,
}

enum Later {
    /// A state that was not there yet.
    State { root: String, container_id: String, attempt: usize },
    /// What is kept of a container that has ended.
    Remains(Remains),
}

impl Again {
    /// When to wake for it at the latest.
    fn latest(&self) -> Instant {
        match self.what {
            Later::State { .. } => self.due,
            Later::Remains(_) => self.due + AFTER_END_SLACK,
        }
    }
}

/// Answers questions.
pub struct Lookups {
    sequencer: SyncSender<Input>,
    hierarchies: Hierarchies,
    files: OciFiles,
    again: VecDeque<Again>,
    /// When this wave began: what one wave has looked at later is looked at together.
    now: Instant,
    directories: Vec<(ClockPair, Directory<'static>, DirectoryDetails)>,
    answers: Vec<Stamped<RuntimeRecord>>,
}

impl Lookups {
    /// One that delivers its answers there.
    pub fn new(sequencer: SyncSender<Input>, hierarchies: Hierarchies, files: OciFiles) -> Self {
        let (again, directories, answers) = (VecDeque::new(), Vec::new(), Vec::new());
        Self { sequencer, hierarchies, files, again, now: Instant::now(), directories, answers }
    }

    /// Answers until nobody asks any more.
    pub fn run(mut self, questions: &Receiver<Vec<Question>>) {
        loop {
            let next = match self.again.iter().map(Again::latest).min() {
                Some(latest) => questions.recv_timeout(latest.saturating_duration_since(Instant::now())),
                None => questions.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            self.now = Instant::now();
            match next {
                Ok(wave) => wave.into_iter().for_each(|question| self.answer(question)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look_again();
            if !self.deliver() {
                return;
            }
        }
    }

    /// Hands on what was found; whether anybody listens.
    fn deliver(&mut self) -> bool {
        let (directories, answers) = (std::mem::take(&mut self.directories), std::mem::take(&mut self.answers));
        (directories.is_empty() && answers.is_empty())
            || self.sequencer.send(Input::LookupResults { directories, answers }).is_ok()
    }

    fn answer(&mut self, question: Question) {
        match question {
            Question::Directory { key, path } => {
                let Some(hierarchy) = self.hierarchies.get(key.hierarchy) else { return };
                let (directory, details) =
                    cgroupfs::read_directory(hierarchy, &path, key.cgroup, SnapshotReason::Mkdir);
                self.directories.push((ClockPair::read(), directory, details));
            }
            Question::Bundle { bundle, container_id } => {
                let answer = self.files.bundle(&bundle, Some(&container_id));
                self.found(answer);
            }
            Question::EngineFile { engine, container_id } => {
                if let Some(answer) = self.files.engine_file(engine, &container_id) {
                    self.found(answer);
                }
            }
            Question::Remains(remains) => {
                if let Remains::State { root, container_id } = &remains
                    && self.waits_no_more(root, container_id)
                {
                    self.look_at_state(root.clone(), container_id.clone(), AGAIN.len());
                }
                // With no room to wait it is not looked at: too early, what is found says nothing.
                if self.again.len() < LATER {
                    self.look_later(AFTER_END, Later::Remains(remains));
                }
            }
            Question::State { root, container_id, patience } => {
                // This look is the answer to both.
                self.waits_no_more(&root, &container_id);
                let attempt = if patience == Patience::None { AGAIN.len() } else { 0 };
                self.look_at_state(root, container_id, attempt);
            }
        }
    }

    /// Gives up to wait for a state, of which something newer is known; whether it was waited for.
    fn waits_no_more(&mut self, root: &str, container_id: &str) -> bool {
        let before = self.again.len();
        self.again.retain(|again| match &again.what {
            Later::State { root: place, container_id: id, .. } => place != root || id != container_id,
            Later::Remains(_) => true,
        });
        self.again.len() < before
    }

    fn found(&mut self, record: RuntimeRecord) {
        self.answers.push(Stamped::now(record));
    }

    /// Looks at what is due, a wave of it at most.
    fn look_again(&mut self) {
        for _ in 0..WAVE {
            if self.again.front().is_none_or(|again| again.due > self.now) {
                return;
            }
            let Some(again) = self.again.pop_front() else { return };
            match again.what {
                Later::State { root, container_id, attempt } => self.look_at_state(root, container_id, attempt),
                Later::Remains(remains) => self.look_at_remains(&remains),
            }
        }
    }

    fn look_later(&mut self, pause: Duration, what: Later) {
        let due = self.now + pause;
        let place = self.again.partition_point(|again| again.due <= due);
        self.again.insert(place, Again { due, what });
    }

    /// That nothing is left of a container is as it should be, and no record.
    fn look_at_remains(&mut self, remains: &Remains) {
        let answer = match remains {
            Remains::State { root, container_id } => Some(self.files.state(root, container_id)),
            Remains::EngineFile { engine, container_id } => self.files.engine_file_after_end(*engine, container_id),
        };
        if let Some(answer) = answer.filter(|record| record.answer.outcome != Outcome::NotFound) {
            self.found(answer);
        }
    }

    /// Only the last look is an answer, whatever it finds; one before it counts if it finds the state.
    fn look_at_state(&mut self, root: String, container_id: String, attempt: usize) {
        let answer = self.files.state(&root, &container_id);
        match AGAIN.get(attempt) {
            Some(pause) if answer.answer.outcome == Outcome::NotFound && self.again.len() < LATER => {
                self.look_later(*pause, Later::State { root, container_id, attempt: attempt + 1 });
            }
            _ => self.found(answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::host::hierarchies::CgroupMode;

    #[test]
    fn a_state_that_is_waited_for_has_one_answer_by_the_end_of_its_container() {
        let root = tempfile::tempdir().expect("a directory");
        let hierarchies = Hierarchies { mode: CgroupMode::V2, mounted: Vec::new(), unmounted: Vec::new() };
        let (inputs, inbox) = sync_channel(4);
        let files = OciFiles::new(root.path(), hierarchies.clone());
        let mut lookups = Lookups::new(inputs, hierarchies, files);
        let place = |id: &str| ("/run/runc".to_owned(), id.to_owned());
        let state = |id, patience| {
            let (root, container_id) = place(id);
            Question::State { root, container_id, patience }
        };
        let remains = |id| {
            let (root, container_id) = place(id);
            Question::Remains(Remains::State { root, container_id })
        };
        lookups.answer(state("stays", Patience::UntilWritten));
        lookups.answer(state("empties", Patience::UntilWritten));
        lookups.answer(state("goes", Patience::UntilWritten));
        assert!(lookups.answers.is_empty(), "they may be written yet");
        lookups.answer(state("empties", Patience::None));
        lookups.answer(remains("empties"));
        lookups.answer(remains("goes"));
        assert!(lookups.deliver());
        let Ok(Input::LookupResults { answers, .. }) = inbox.try_recv() else { panic!("answers") };
        let told =
            answers.iter().map(|answer| (answer.record.answer.container_id.as_deref(), answer.record.answer.outcome));
        assert_eq!(told.collect::<Vec<_>>(), [(Some("empties"), Outcome::NotFound), (Some("goes"), Outcome::NotFound)]);
        let waits =
            |again: &&Again| matches!(&again.what, Later::State { container_id, .. } if container_id == "stays");
        assert_eq!(lookups.again.iter().filter(waits).count(), 1);
        assert_eq!(lookups.again.len(), 3, "and what is left of the two");
    }
}
