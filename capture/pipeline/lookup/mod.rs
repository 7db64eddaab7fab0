//! The thread that reads what an event points to: a container's directory, its bundle, and its
//! runtime's state.
//!
//! It works from a queue, so that no event waits for a file. A request that finds the queue full is
//! dropped, and that is recorded too. Requests come in batches, and the results of a batch go on
//! together: a wake-up for each of them would cost more than most of the reads, and on a busy host
//! each takes a processor away from the container that is looked at.

mod request;

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use obit_derivation::record::{Directory, Outcome, SnapshotReason};
use obit_schema::details::DirectoryDetails;

use super::input::SequencerInput;
use crate::host::clock::ClockPair;
use crate::host::hierarchies::Hierarchies;
use crate::sources::answer::{RuntimeRecord, Stamped};
use crate::sources::cgroupfs;
use crate::sources::oci_files::OciFiles;

pub use self::request::{Leftover, LookupRequest, LookupResult, OnAbsent};

/// Requests that are sent together at most. A container leads to about fifteen; a read takes well
/// under a millisecond.
pub const BATCH: usize = 64;
/// Batches that may wait.
pub const BATCHES: usize = 32;
/// Look-ups that may wait for their time.
const MAX_DELAYED: usize = 1024;

/// Pauses before a state that is about to be written is looked at again: runc writes it some
/// milliseconds after the container's process is in its cgroups.
const RETRY_PAUSES: [Duration; 3] = [Duration::from_millis(10), Duration::from_millis(50), Duration::from_millis(250)];

/// Pause between a container's end and a look at its leftovers: its runtime and its engine are
/// done with it then.
const AFTER_END: Duration = Duration::from_millis(1_200);
/// Longest time that a look at leftovers waits for another one, to share its wake-up. With it, the
/// look is still within the grace that a row has by default, with time to spare.
const AFTER_END_SLACK: Duration = Duration::from_millis(200);

/// A look-up that waits for its time.
struct DelayedLookup {
    due: Instant,
    task: DelayedTask,
}

enum DelayedTask {
    /// A state that was not there yet.
    State { root: String, container_id: String, attempt: usize },
    /// Leftovers of a container that has ended.
    Leftover(Leftover),
}

impl DelayedLookup {
    /// Returns the latest moment for it.
    fn deadline(&self) -> Instant {
        match self.task {
            DelayedTask::State { .. } => self.due,
            DelayedTask::Leftover(_) => self.due + AFTER_END_SLACK,
        }
    }
}

/// The state of the look-up thread.
pub struct LookupWorker {
    sequencer: SyncSender<SequencerInput>,
    hierarchies: Hierarchies,
    files: OciFiles,
    /// Look-ups that wait, the next one first.
    delayed: VecDeque<DelayedLookup>,
    /// Moment at which this batch was received. Delays count from it, so that look-ups of one batch
    /// stay together.
    now: Instant,
    directories: Vec<(ClockPair, Directory<'static>, DirectoryDetails)>,
    answers: Vec<Stamped<RuntimeRecord>>,
}

impl LookupWorker {
    /// Returns a worker that delivers its results to this sequencer.
    pub fn new(sequencer: SyncSender<SequencerInput>, hierarchies: Hierarchies, files: OciFiles) -> Self {
        let (delayed, directories, answers) = (VecDeque::new(), Vec::new(), Vec::new());
        Self { sequencer, hierarchies, files, delayed, now: Instant::now(), directories, answers }
    }

    /// Does look-ups until nobody requests any more.
    pub fn run(mut self, requests: &Receiver<Vec<LookupRequest>>) {
        loop {
            let next = match self.delayed.iter().map(DelayedLookup::deadline).min() {
                Some(deadline) => requests.recv_timeout(deadline.saturating_duration_since(Instant::now())),
                None => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            self.now = Instant::now();
            match next {
                Ok(batch) => batch.into_iter().for_each(|request| self.look_up(request)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look_up_delayed();
            if !self.deliver() {
                return;
            }
        }
    }

    /// Delivers what was found. Returns whether the sequencer is still there.
    fn deliver(&mut self) -> bool {
        let (directories, answers) = (std::mem::take(&mut self.directories), std::mem::take(&mut self.answers));
        (directories.is_empty() && answers.is_empty())
            || self.sequencer.send(SequencerInput::LookupResults { directories, answers }).is_ok()
    }

    fn look_up(&mut self, request: LookupRequest) {
        match request {
            LookupRequest::Directory { key, path } => {
                let Some(hierarchy) = self.hierarchies.get(key.hierarchy) else { return };
                let (directory, details) =
                    cgroupfs::read_directory(hierarchy, &path, key.cgroup, SnapshotReason::Mkdir);
                self.directories.push((ClockPair::read(), directory, details));
            }
            LookupRequest::Bundle { bundle, container_id } => {
                let answer = self.files.bundle(&bundle, Some(&container_id));
                self.push_answer(answer);
            }
            LookupRequest::EngineFile { engine, container_id } => {
                if let Some(answer) = self.files.engine_file(engine, &container_id) {
                    self.push_answer(answer);
                }
            }
            LookupRequest::State { root, container_id, on_absent } => {
                // This look stands for an earlier one that still waits.
                self.cancel_retry(&root, &container_id);
                let attempt = if on_absent == OnAbsent::Report { RETRY_PAUSES.len() } else { 0 };
                self.look_up_state(root, container_id, attempt);
            }
            LookupRequest::Leftover(leftover) => {
                if let Leftover::State { root, container_id } = &leftover
                    && self.cancel_retry(root, container_id)
                {
                    self.look_up_state(root.clone(), container_id.clone(), RETRY_PAUSES.len());
                }
                // With no room to wait it is not looked at: too early, what is found says nothing.
                if self.delayed.len() < MAX_DELAYED {
                    self.delay(AFTER_END, DelayedTask::Leftover(leftover));
                }
            }
        }
    }

    /// Cancels a look at this state that waits. Returns whether there was one.
    fn cancel_retry(&mut self, root: &str, container_id: &str) -> bool {
        let before = self.delayed.len();
        self.delayed.retain(|delayed| match &delayed.task {
            DelayedTask::State { root: place, container_id: id, .. } => place != root || id != container_id,
            DelayedTask::Leftover(_) => true,
        });
        self.delayed.len() < before
    }

    fn push_answer(&mut self, record: RuntimeRecord) {
        self.answers.push(Stamped::now(record));
    }

    /// Does the look-ups that are due, [`BATCH`] of them at most.
    fn look_up_delayed(&mut self) {
        for _ in 0..BATCH {
            if self.delayed.front().is_none_or(|delayed| delayed.due > self.now) {
                return;
            }
            let Some(delayed) = self.delayed.pop_front() else { return };
            match delayed.task {
                DelayedTask::State { root, container_id, attempt } => self.look_up_state(root, container_id, attempt),
                DelayedTask::Leftover(leftover) => self.look_up_leftover(&leftover),
            }
        }
    }

    fn delay(&mut self, pause: Duration, task: DelayedTask) {
        let due = self.now + pause;
        let place = self.delayed.partition_point(|delayed| delayed.due <= due);
        self.delayed.insert(place, DelayedLookup { due, task });
    }

    /// Reads what is left of a container. That nothing is left is as it should be, and no record.
    fn look_up_leftover(&mut self, leftover: &Leftover) {
        let record = match leftover {
            Leftover::State { root, container_id } => Some(self.files.state(root, container_id)),
            Leftover::EngineFile { engine, container_id } => self.files.engine_file_after_end(*engine, container_id),
        };
        if let Some(record) = record.filter(|record| record.answer.outcome != Outcome::NotFound) {
            self.push_answer(record);
        }
    }

    /// Reads a state. The last attempt is recorded whatever it finds; an earlier one only if it
    /// finds the state.
    fn look_up_state(&mut self, root: String, container_id: String, attempt: usize) {
        let record = self.files.state(&root, &container_id);
        match RETRY_PAUSES.get(attempt) {
            Some(pause) if record.answer.outcome == Outcome::NotFound && self.delayed.len() < MAX_DELAYED => {
                self.delay(*pause, DelayedTask::State { root, container_id, attempt: attempt + 1 });
            }
            _ => self.push_answer(record),
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
        let mut lookups = LookupWorker::new(inputs, hierarchies, files);
        let place = |id: &str| ("/run/runc".to_owned(), id.to_owned());
        let state = |id, on_absent| {
            let (root, container_id) = place(id);
            LookupRequest::State { root, container_id, on_absent }
        };
        let leftover = |id| {
            let (root, container_id) = place(id);
            LookupRequest::Leftover(Leftover::State { root, container_id })
        };
        lookups.look_up(state("stays", OnAbsent::Retry));
        lookups.look_up(state("empties", OnAbsent::Retry));
        lookups.look_up(state("goes", OnAbsent::Retry));
        assert!(lookups.answers.is_empty(), "they may be written yet");
        lookups.look_up(state("empties", OnAbsent::Report));
        lookups.look_up(leftover("empties"));
        lookups.look_up(leftover("goes"));
        assert!(lookups.deliver());
        let Ok(SequencerInput::LookupResults { answers, .. }) = inbox.try_recv() else { panic!("answers") };
        let told =
            answers.iter().map(|answer| (answer.record.answer.container_id.as_deref(), answer.record.answer.outcome));
        assert_eq!(told.collect::<Vec<_>>(), [(Some("empties"), Outcome::NotFound), (Some("goes"), Outcome::NotFound)]);
        let waits = |delayed: &&DelayedLookup| matches!(&delayed.task, DelayedTask::State { container_id, .. } if container_id == "stays");
        assert_eq!(lookups.delayed.iter().filter(waits).count(), 1);
        assert_eq!(lookups.delayed.len(), 3, "and what is left of the two");
    }
}
