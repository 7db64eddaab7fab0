//! The thread that reads what an event points to: a container's directory, its bundle, and its
//! runtime's state.
//!
//! It works from a queue, so that no event waits for a file. A request that finds the queue full is
//! dropped, and that is recorded too. Requests come in batches, and the results of a batch go on
//! together: a wake-up for each of them would cost more than most of the reads, and on a busy host
//! each takes a processor away from the container that is looked at.

mod read;
mod request;
mod watch;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use obit_derivation::record::{Directory, Outcome};
use obit_schema::details::DirectoryDetails;

use self::read::FileRead;
use self::watch::ReadWatch;
use super::input::SequencerInput;
use crate::host::clock::ClockPair;
use crate::sources::answer::{RuntimeRecord, Stamped};
use crate::sources::oci_files::READ_LIMIT;

pub use self::read::LookupReader;
pub use self::request::{Leftover, LookupRequest, LookupResult, OnAbsent};

/// Requests that are sent together at most. A container leads to about fifteen; a read takes well
/// under a millisecond.
pub const BATCH: usize = 64;
/// Commands that may wait.
const COMMANDS: usize = 32;
/// Look-ups that may wait for their time.
const MAX_DELAYED: usize = 1024;
/// Longest time that the end of a recording waits for look-ups that were requested before.
const STOP_LIMIT: Duration = Duration::from_secs(1);

/// Pauses before a state that is about to be written is looked at again: runc writes it some
/// milliseconds after the container's process is in its cgroups.
const RETRY_PAUSES: [Duration; 3] = [Duration::from_millis(10), Duration::from_millis(50), Duration::from_millis(250)];

/// Pause between a container's end and a look at its leftovers: its runtime and its engine are
/// done with it then.
const AFTER_END: Duration = Duration::from_millis(1_200);
/// Longest time that a look at leftovers waits for another one, to share its wake-up. With it, the
/// look is still within the grace that a row has by default, with time to spare.
const AFTER_END_SLACK: Duration = Duration::from_millis(200);

/// A command to the thread that does look-ups.
#[derive(Debug)]
pub enum LookupCommand {
    /// Does these look-ups.
    LookUp(Vec<LookupRequest>),
    /// Ends once everything before is done, and confirms it.
    Stop(SyncSender<()>),
}

/// The threads that do look-ups: one that reads, and one that watches whether it hangs.
#[derive(Debug)]
pub struct LookupService {
    watch: Arc<ReadWatch<LookupWorker>>,
    commands: SyncSender<LookupCommand>,
}

impl LookupService {
    /// Starts the threads. Results go to this sequencer.
    ///
    /// # Errors
    /// A thread cannot be started, or the kernel gives no timer.
    pub fn start(reader: LookupReader, sequencer: SyncSender<SequencerInput>) -> Result<Self> {
        let (commands, inbox) = sync_channel(COMMANDS);
        let watch = Arc::new(ReadWatch::new(READ_LIMIT).context("cannot make a timer")?);
        LookupWorker::new(reader, sequencer, inbox, Arc::clone(&watch)).start().context("cannot start a thread")?;
        let watched = Arc::clone(&watch);
        let replace = move || {
            while let Some((worker, read)) = watched.next_hang() {
                worker.go_on_without(read);
            }
        };
        thread::Builder::new().name("obit-watchdog".into()).spawn(replace).context("cannot start a thread")?;
        Ok(Self { watch, commands })
    }

    /// Returns the queue of commands.
    pub fn commands(&self) -> SyncSender<LookupCommand> {
        self.commands.clone()
    }

    /// Ends the threads. What was requested is looked up; what takes too long for that is recorded
    /// as without an answer. Takes little more than a second, whatever the file systems do.
    pub fn stop(self) {
        let (confirm, confirmed) = sync_channel(1);
        // With no room for it, so much waits that the end would not wait for it either.
        let is_queued = self.commands.try_send(LookupCommand::Stop(confirm)).is_ok();
        let is_done = is_queued && confirmed.recv_timeout(STOP_LIMIT).is_ok();
        self.watch.end();
        if is_done {
            return;
        }
        match self.watch.take_over(Duration::ZERO) {
            Some((worker, read)) => worker.abandon(Some(read)),
            // It is between two readings, and abandons its work by itself.
            None => drop(confirmed.recv_timeout(STOP_LIMIT)),
        }
    }
}

/// A look-up that waits for its time.
#[derive(Debug)]
struct DelayedRead {
    due: Instant,
    /// A state that was not there yet, or leftovers of a container that has ended.
    read: FileRead,
}

impl DelayedRead {
    /// Returns the latest moment for it.
    fn deadline(&self) -> Instant {
        match self.read {
            FileRead::Leftover(_) => self.due + AFTER_END_SLACK,
            _ => self.due,
        }
    }
}

/// The state of the look-up thread. When a reading hangs, another thread goes on with it.
#[derive(Debug)]
struct LookupWorker {
    reader: Arc<LookupReader>,
    sequencer: SyncSender<SequencerInput>,
    commands: Receiver<LookupCommand>,
    watch: Arc<ReadWatch<Self>>,
    /// Requests of this batch that are not done yet.
    pending: VecDeque<LookupRequest>,
    /// Look-ups that wait, the next one first.
    delayed: VecDeque<DelayedRead>,
    /// How many of those that wait may still be done with this batch.
    delayed_left: usize,
    /// Moment at which this batch was received. Delays count from it, so that look-ups of one batch
    /// stay together.
    now: Instant,
    directories: Vec<(ClockPair, Directory<'static>, DirectoryDetails)>,
    answers: Vec<Stamped<RuntimeRecord>>,
    /// Confirmation that the thread has ended, once it is to end.
    stop: Option<SyncSender<()>>,
}

impl LookupWorker {
    fn new(
        reader: LookupReader,
        sequencer: SyncSender<SequencerInput>,
        commands: Receiver<LookupCommand>,
        watch: Arc<ReadWatch<Self>>,
    ) -> Self {
        Self {
            reader: Arc::new(reader),
            sequencer,
            commands,
            watch,
            pending: VecDeque::new(),
            delayed: VecDeque::new(),
            delayed_left: 0,
            now: Instant::now(),
            directories: Vec::new(),
            answers: Vec::new(),
            stop: None,
        }
    }

    /// Starts a thread that does look-ups until nobody requests any more.
    fn start(self) -> std::io::Result<()> {
        thread::Builder::new().name("obit-lookup".into()).spawn(move || self.run()).map(drop)
    }

    fn run(self) {
        let mut next = Some(self);
        while let Some(mut worker) = next.take().and_then(Self::work) {
            if worker.watch.is_over() {
                return worker.abandon(None);
            }
            if !worker.deliver() {
                return;
            }
            if let Some(confirm) = worker.stop {
                let _ = confirm.send(());
                return;
            }
            if worker.receive() {
                next = Some(worker);
            }
        }
    }

    /// Goes on in another thread, after a reading that hangs.
    fn go_on_without(mut self, read: FileRead) {
        self.push(read.into_unanswered(Outcome::Timeout));
        // Without a thread there is nobody who could go on. Requests then find their queue gone.
        let _ = self.start();
    }

    /// Records that what was requested has no answer: first this reading, which hangs.
    fn abandon(mut self, hung: Option<FileRead>) {
        if let Some(read) = hung {
            self.push(read.into_unanswered(Outcome::Timeout));
        }
        let mut unread: Vec<_> = self.pending.drain(..).collect();
        for command in self.commands.try_iter() {
            match command {
                LookupCommand::LookUp(batch) => unread.extend(batch),
                LookupCommand::Stop(confirm) => self.stop = Some(confirm),
            }
        }
        unread.into_iter().for_each(|request| self.push(request.into_unanswered(Outcome::Dropped)));
        self.deliver();
        if let Some(confirm) = self.stop {
            let _ = confirm.send(());
        }
    }

    /// Waits for a batch, or until a look-up that waits is due. Returns false if nobody requests
    /// any more.
    fn receive(&mut self) -> bool {
        let next = match self.delayed.iter().map(DelayedRead::deadline).min() {
            Some(deadline) => self.commands.recv_timeout(deadline.saturating_duration_since(Instant::now())),
            None => self.commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        self.now = Instant::now();
        self.delayed_left = BATCH;
        match next {
            Ok(LookupCommand::LookUp(batch)) => self.pending.extend(batch),
            Ok(LookupCommand::Stop(confirm)) => self.stop = Some(confirm),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return false,
        }
        true
    }

    /// Does the look-ups of this batch and those that are due. Returns nothing if one hangs: then
    /// another thread goes on.
    fn work(mut self) -> Option<Self> {
        while let Some(read) = self.next_read() {
            if self.watch.is_over() {
                self.push(read.into_unanswered(Outcome::Dropped));
                break;
            }
            if self.watch.is_hopeless(&read) {
                self.push(read.into_unanswered(Outcome::Dropped));
                continue;
            }
            let (watch, reader) = (Arc::clone(&self.watch), Arc::clone(&self.reader));
            let (worker, result) = watch.read(self, &read, || reader.read(&read))?;
            self = worker;
            if let Some(result) = result {
                self.take(read, result);
            }
        }
        Some(self)
    }

    /// Delivers what was found. Returns whether the sequencer is still there.
    fn deliver(&mut self) -> bool {
        let (directories, answers) = (std::mem::take(&mut self.directories), std::mem::take(&mut self.answers));
        (directories.is_empty() && answers.is_empty())
            || self.sequencer.send(SequencerInput::LookupResults { directories, answers }).is_ok()
    }

    /// Takes the next reading: of this batch, then of those that wait and are due, [`BATCH`] of
    /// them at most.
    fn next_read(&mut self) -> Option<FileRead> {
        while let Some(request) = self.pending.pop_front() {
            if let Some(read) = self.plan(request) {
                return Some(read);
            }
        }
        if self.delayed_left == 0 || self.delayed.front()?.due > self.now {
            return None;
        }
        self.delayed_left -= 1;
        self.delayed.pop_front().map(|delayed| delayed.read)
    }

    /// Returns what to read at once for a request, and plans what is to be read later.
    fn plan(&mut self, request: LookupRequest) -> Option<FileRead> {
        match request {
            LookupRequest::Directory { key, path } => Some(FileRead::Directory { key, path }),
            LookupRequest::Bundle { bundle, container_id } => Some(FileRead::Bundle { bundle, container_id }),
            LookupRequest::EngineFile { engine, container_id } => Some(FileRead::EngineFile { engine, container_id }),
            LookupRequest::State { root, container_id, on_absent } => {
                // This look stands for an earlier one that still waits.
                self.cancel_retry(&root, &container_id);
                let attempt = if on_absent == OnAbsent::Report { RETRY_PAUSES.len() } else { 0 };
                Some(FileRead::State { root, container_id, attempt })
            }
            LookupRequest::Leftover(leftover) => {
                let retry = match &leftover {
                    Leftover::State { root, container_id } if self.cancel_retry(root, container_id) => {
                        let (root, container_id) = (root.clone(), container_id.clone());
                        Some(FileRead::State { root, container_id, attempt: RETRY_PAUSES.len() })
                    }
                    _ => None,
                };
                // With no room to wait it is not looked at: too early, what is found says nothing.
                if self.delayed.len() < MAX_DELAYED {
                    self.delay(AFTER_END, FileRead::Leftover(leftover));
                }
                retry
            }
        }
    }

    /// Cancels a look at this state that waits. Returns whether there was one.
    fn cancel_retry(&mut self, root: &str, container_id: &str) -> bool {
        let before = self.delayed.len();
        self.delayed.retain(|delayed| match &delayed.read {
            FileRead::State { root: place, container_id: id, .. } => place != root || id != container_id,
            _ => true,
        });
        self.delayed.len() < before
    }

    fn delay(&mut self, pause: Duration, read: FileRead) {
        let due = self.now + pause;
        let place = self.delayed.partition_point(|delayed| delayed.due <= due);
        self.delayed.insert(place, DelayedRead { due, read });
    }

    /// Takes a result. Of a state, the last attempt is recorded whatever it found, and an earlier
    /// one only if it found the state. That nothing is left of a container is as it should be, and
    /// no record.
    fn take(&mut self, read: FileRead, result: LookupResult) {
        let is_absent = matches!(&result, LookupResult::Answer(record) if record.answer.outcome == Outcome::NotFound);
        match read {
            FileRead::State { root, container_id, attempt } if is_absent && self.delayed.len() < MAX_DELAYED => {
                match RETRY_PAUSES.get(attempt) {
                    Some(pause) => {
                        self.delay(*pause, FileRead::State { root, container_id, attempt: attempt + 1 });
                    }
                    None => self.push(result),
                }
            }
            FileRead::Leftover(_) if is_absent => {}
            _ => self.push(result),
        }
    }

    fn push(&mut self, result: LookupResult) {
        match result {
            LookupResult::Directory(directory, details) => {
                self.directories.push((ClockPair::read(), directory, details));
            }
            LookupResult::Answer(record) => self.answers.push(Stamped::now(*record)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::host::hierarchies::{CgroupMode, Hierarchies};
    use crate::sources::oci_files::OciFiles;

    #[test]
    fn a_state_that_is_waited_for_has_one_answer_by_the_end_of_its_container() {
        let root = tempfile::tempdir().expect("a directory");
        let hierarchies = Hierarchies { mode: CgroupMode::V2, mounted: Vec::new(), unmounted: Vec::new() };
        let (inputs, inbox) = sync_channel(4);
        let files = OciFiles::new(root.path(), hierarchies.clone());
        let (_commands, queue) = sync_channel(1);
        let watch = Arc::new(ReadWatch::new(READ_LIMIT).expect("a timer"));
        let mut lookups = LookupWorker::new(LookupReader::new(hierarchies, files), inputs, queue, watch);
        let place = |id: &str| ("/run/runc".to_owned(), id.to_owned());
        let state = |id, on_absent| {
            let (root, container_id) = place(id);
            LookupRequest::State { root, container_id, on_absent }
        };
        let leftover = |id| {
            let (root, container_id) = place(id);
            LookupRequest::Leftover(Leftover::State { root, container_id })
        };
        lookups.pending.extend(["stays", "empties", "goes"].map(|id| state(id, OnAbsent::Retry)));
        let mut lookups = lookups.work().expect("nothing hangs");
        assert!(lookups.answers.is_empty(), "they may be written yet");
        lookups.pending.extend([state("empties", OnAbsent::Report), leftover("empties"), leftover("goes")]);
        let mut lookups = lookups.work().expect("nothing hangs");
        assert!(lookups.deliver());
        let Ok(SequencerInput::LookupResults { answers, .. }) = inbox.try_recv() else { panic!("answers") };
        let told =
            answers.iter().map(|answer| (answer.record.answer.container_id.as_deref(), answer.record.answer.outcome));
        assert_eq!(told.collect::<Vec<_>>(), [(Some("empties"), Outcome::NotFound), (Some("goes"), Outcome::NotFound)]);
        let waits = |delayed: &&DelayedRead| matches!(&delayed.read, FileRead::State { container_id, .. } if container_id == "stays");
        assert_eq!(lookups.delayed.iter().filter(waits).count(), 1);
        assert_eq!(lookups.delayed.len(), 3, "and what is left of the two");
    }
}
