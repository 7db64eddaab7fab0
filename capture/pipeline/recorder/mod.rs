//! The thread that writes the case.
//!
//! When writing fails, what comes meanwhile is kept in memory up to a bound and tried again; past
//! that bound the recorder gives up: it says in case.json which records are missing, closes what it
//! has, and ends the session.

mod backlog;
mod command;
mod sync_age;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, anyhow};
use arrow_array::{Array as _, RecordBatch};
use obit_case::manifest::{Manifest, MissingRange};
use obit_case::writer::{CaseSummary, CaseWriter};
use obit_schema::tables::Table;
use obit_schema::text::printable;
use obit_schema::text::time;
use serde_json::{Map, Value};

use self::backlog::{Backlog, WriteJob};
use self::sync_age::SyncAge;
use super::anchor::Anchor;
use super::memory;
use super::messages::MessageOutput;
use super::progress::Progress;
use super::size_limit::{Disk, LimitReached, SizeLimit};
use crate::host::clock::ClockPair;

pub use self::command::RecorderCommand;

/// Rows that are kept in memory while they cannot be written, in bytes.
const MAX_BACKLOG_BYTES: usize = 32 << 20;
/// Pause between two tries to write.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
/// Longest time that a recording that is to end waits for a disk that cannot be written.
const CLOSE_PATIENCE: Duration = Duration::from_secs(3);
/// Longest time that a recording that is to end waits for its anchor.
const ANCHOR_PATIENCE: Duration = Duration::from_secs(2);

/// The name in case.json of the number of segments that were dropped because the disk was full.
const DROPPED_ON_FULL_DISK: &str = "segments_dropped_on_full_disk";
/// The name in case.json of the number of lines that had not reached the anchor when the case was
/// closed.
const ANCHOR_LINES_MISSING: &str = "anchor_lines_missing";
/// The name in case.json of the reason why the key failed; what was written from then on is
/// unsigned.
const SIGNING_FAILED: &str = "signing_failed";

/// The outcome of a recorder.
#[derive(Debug, Default)]
pub struct RecorderResult {
    /// Contents of the case; `None` if it could not be closed.
    pub summary: Option<CaseSummary>,
    /// Errors on the way.
    pub errors: Vec<Error>,
}

/// The options of a recorder.
#[derive(Debug)]
pub struct RecorderOptions {
    /// Target of each head of the chain, off the case.
    pub anchor: Option<Anchor>,
    /// Output for messages on the way.
    pub messages: Arc<MessageOutput>,
    /// Limit on the size of the case.
    pub limit: SizeLimit,
    /// The disk that it is on.
    pub disk: Disk,
}

/// The extent of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    /// To the files, where a crash of the recorder leaves it.
    Files,
    /// To the disk, where a crash of the host leaves it.
    Disk,
}

/// The state of the recorder thread.
struct Recorder {
    writer: CaseWriter,
    options: RecorderOptions,
    progress: Arc<Progress>,
    backlog: Backlog,
    /// Entries of the chain when rows were written last.
    head_parts: u64,
    /// The segment's size when its head was over; `None` before.
    head_bytes: Option<u64>,
    /// The most that the case grew by when rows were added.
    growth_bytes: u64,
    /// The record after the last one that is known to be on disk.
    next_durable: u64,
    /// The record after the last one that the recorder was given.
    next_given: u64,
    sync_age: SyncAge,
    /// Moment until which the end of the recording waits for the anchor, once it does.
    anchor_deadline: Option<Instant>,
    /// The error of the last try to write.
    failing: Option<obit_case::Error>,
    /// Whether case.json says what is missing, once nothing more is written.
    given_up: Option<Result<(), obit_case::Error>>,
    errors: Vec<Error>,
}

/// Writes until told to close. Without that command the case stays open, as after a crash.
pub fn run(
    writer: CaseWriter,
    commands: &Receiver<RecorderCommand>,
    progress: &Arc<Progress>,
    options: RecorderOptions,
) -> RecorderResult {
    let mut recorder = Recorder {
        writer,
        options,
        progress: Arc::clone(progress),
        backlog: Backlog::default(),
        head_parts: 0,
        head_bytes: None,
        growth_bytes: 0,
        next_durable: 0,
        next_given: 0,
        sync_age: SyncAge::default(),
        anchor_deadline: None,
        failing: None,
        given_up: None,
        errors: Vec::new(),
    };
    recorder.anchor();
    loop {
        let command = match recorder.failing {
            None => commands.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => commands.recv_timeout(RETRY_INTERVAL),
        };
        match command {
            Ok(RecorderCommand::Append(batches)) => recorder.append(batches),
            Ok(RecorderCommand::Sync) | Err(RecvTimeoutError::Timeout) => recorder.write(Durability::Disk),
            Ok(RecorderCommand::Seal) => recorder.push(WriteJob::Seal),
            Ok(RecorderCommand::Cut { first_seq, at }) => recorder.push(WriteJob::Cut(first_seq, at)),
            Ok(RecorderCommand::EndHead) => {
                recorder.push(WriteJob::EndHead);
                memory::give_back();
            }
            Ok(RecorderCommand::Note(report)) => recorder.note(report),
            Ok(RecorderCommand::Close { at, report }) => return recorder.close(at, report),
            Err(RecvTimeoutError::Disconnected) => return RecorderResult { summary: None, errors: recorder.errors },
        }
    }
}

impl Recorder {
    fn append(&mut self, batches: Vec<(Table, RecordBatch)>) {
        for (table, batch) in &batches {
            self.sync_age.add(*table, batch);
            if Table::RAW.contains(table) {
                self.next_given = self.next_given.max(next_seq(batch).unwrap_or(0));
            }
        }
        if self.given_up.is_some() {
            return;
        }
        batches.into_iter().for_each(|(table, batch)| self.backlog.push(WriteJob::Rows(table, batch)));
        self.write(Durability::Files);
        if self.backlog.bytes() > MAX_BACKLOG_BYTES
            && let Some(error) = &self.failing
        {
            let why = format!("{}; {} MiB of rows could not be written", self.why(error), MAX_BACKLOG_BYTES >> 20);
            self.give_up(why);
        }
    }

    fn push(&mut self, job: WriteJob) {
        if self.given_up.is_none() {
            self.backlog.push(job);
            self.write(Durability::Disk);
        }
    }

    fn note(&mut self, report: Map<String, Value>) {
        self.writer.amend(|manifest| manifest.recorder.extend(report));
        self.write(Durability::Disk);
    }

    /// Writes the backlog, as far as it can be written.
    fn write(&mut self, durability: Durability) {
        if self.given_up.is_some() {
            return;
        }
        let mut written = self.try_write(durability);
        while let Err(error) = &written
            && error.is_disk_full()
            && (self.drop_on_full_disk() || self.drop_current_on_full_disk())
        {
            written = self.try_write(durability);
        }
        match written {
            Ok(()) => self.on_written(durability),
            Err(error) if !matches!(error, obit_case::Error::Io { .. }) => self.give_up(error.to_string()),
            Err(error) => {
                if self.failing.is_none() {
                    self.options.messages.say(&format!(
                        "obit-capture: {}; up to {} MiB of rows are kept in memory and written as soon as they can be",
                        printable(&self.why(&error)),
                        MAX_BACKLOG_BYTES >> 20
                    ));
                }
                self.failing = Some(error);
            }
        }
    }

    fn try_write(&mut self, durability: Durability) -> Result<(), obit_case::Error> {
        if self.failing.is_some() {
            // First what was given to the writer before.
            self.writer.sync()?;
        }
        while let Some(job) = self.backlog.pop() {
            if let Err(error) = self.try_job(&job) {
                self.backlog.unpop(job);
                return Err(error);
            }
        }
        // The last rows may have been more than ever before.
        self.make_room(0)?;
        match durability {
            Durability::Files => self.writer.seal_due(),
            Durability::Disk => self.writer.sync(),
        }
    }

    fn try_job(&mut self, job: &WriteJob) -> Result<(), obit_case::Error> {
        match job {
            WriteJob::Rows(table, batch) => {
                // As much as was needed before.
                self.make_room(self.growth_bytes)?;
                let before = self.writer.bytes_at_most();
                self.writer.append_unsealed(*table, batch)?;
                self.growth_bytes = self.growth_bytes.max(self.writer.bytes_at_most().saturating_sub(before));
            }
            WriteJob::Cut(first_seq, at) => {
                self.writer.cut(*first_seq, (*at).into())?;
                self.head_bytes = None;
            }
            WriteJob::EndHead => self.head_bytes = Some(self.writer.segment_bytes()),
            WriteJob::Seal => self.writer.seal_open()?,
        }
        Ok(())
    }

    fn on_written(&mut self, durability: Durability) {
        if self.failing.take().is_some() {
            self.options.messages.say("obit-capture: the case can be written again; no waiting rows were lost");
        }
        if durability == Durability::Disk {
            self.next_durable = self.next_given;
            self.sync_age.sync(ClockPair::read().boot);
        }
        let parts = self.writer.manifest().head.as_ref().map_or(0, |head| head.parts);
        if std::mem::replace(&mut self.head_parts, parts) != parts {
            // The memory of a part that was open until now.
            memory::give_back();
        }
        self.progress.written(self.writer.bytes(), self.writer.manifest().parts.len() as u64);
        self.tell_unsigned();
        self.anchor();
        if self.options.limit.is_used_up(self.writer.bytes()) {
            self.progress.set_full();
        }
        self.request_cut_if_large();
    }

    /// Drops the oldest segments until this many bytes more have room.
    fn make_room(&mut self, bytes: u64) -> Result<(), obit_case::Error> {
        let RecorderOptions { limit, disk, messages, .. } = &self.options;
        limit.make_room(disk, &mut self.writer, bytes, |writer, reached| {
            if reached == LimitReached::Disk {
                note_full_disk(writer, messages);
            }
        })
    }

    /// Drops the oldest closed segment of a case that drops segments. Returns whether it had one.
    fn drop_on_full_disk(&mut self) -> bool {
        let SizeLimit::DropOldest(_) = self.options.limit else { return false };
        // If dropping fails, the next try to write fails for the same reason and reports it.
        let has_dropped = self.writer.drop_oldest(ClockPair::read().into()).unwrap_or(false);
        if has_dropped {
            note_full_disk(&mut self.writer, &self.options.messages);
        }
        has_dropped
    }

    /// Drops the current segment, if it is the only one and the next one waits to begin: a full
    /// disk has no room to seal it. Without the next one, requests that. Returns whether it has
    /// dropped it.
    fn drop_current_on_full_disk(&mut self) -> bool {
        let SizeLimit::DropOldest(_) = self.options.limit else { return false };
        let Some((first_seq, at)) = self.backlog.next_cut() else {
            if let [segment] = self.writer.manifest().segments.as_slice() {
                self.progress.want_cut(segment.number);
            }
            return false;
        };
        let dropped = self.writer.drop_current(first_seq, at.into());
        if let Ok(false) = dropped {
            return false;
        }
        // After an error too: the writer has begun the next segment, and tries again to say so.
        self.backlog.skip_cut();
        self.head_bytes = None;
        note_full_disk(&mut self.writer, &self.options.messages);
        dropped.is_ok()
    }

    fn request_cut_if_large(&mut self) {
        let Some(head_bytes) = self.head_bytes else { return };
        if self.options.limit.is_cut_due(&self.options.disk, &self.writer, head_bytes)
            && let Some(segment) = self.writer.manifest().segments.last()
        {
            self.progress.want_cut(segment.number);
        }
    }

    /// Returns why the case cannot be written.
    fn why(&self, error: &obit_case::Error) -> String {
        match self.options.limit {
            SizeLimit::DropOldest(_) if error.is_disk_full() && self.writer.manifest().segments.len() < 2 => {
                format!("{error}; no older segment is left that could be dropped")
            }
            _ => error.to_string(),
        }
    }

    /// Writes nothing more, and says so in case.json at once: later there may be no room for that.
    fn give_up(&mut self, why: String) {
        self.errors.push(anyhow!("cannot write the case: {why}"));
        self.backlog.clear();
        self.progress.set_failed();
        let range = MissingRange { first_seq: self.next_durable, last_seq: None, reason: why };
        self.given_up = Some(self.writer.note_missing(range));
    }

    /// Tells, once, that the key has failed: the case goes on unsigned.
    fn tell_unsigned(&mut self) {
        let Some(error) = self.writer.take_signing_failure() else { return };
        let why = error.to_string();
        self.options.messages.say(&format!("obit-capture: {}; the case goes on unsigned", printable(&why)));
        self.writer.amend(|manifest| {
            manifest.recorder.insert(SIGNING_FAILED.to_owned(), why.into());
        });
        self.errors.push(Error::new(error).context("the case is not signed to its end"));
    }

    /// Writes the newest head of the chain to the anchor, if it is new.
    fn anchor(&mut self) {
        let Some(anchor) = &mut self.options.anchor else { return };
        if let Some(line) = self.writer.head_line() {
            anchor.write(line);
        }
    }

    /// Waits for the anchor to have the last head, and notes in case.json how many lines it lacks.
    fn wait_for_anchor(&mut self) {
        self.anchor();
        let deadline = self.anchor_deadline();
        if let Some(anchor) = &self.options.anchor {
            let missing = anchor.flush(deadline);
            self.writer.amend(|manifest| {
                manifest.recorder.insert(ANCHOR_LINES_MISSING.to_owned(), missing.into());
            });
        }
    }

    /// Returns until when the anchor is waited for, counted from the first call.
    fn anchor_deadline(&mut self) -> Instant {
        *self.anchor_deadline.get_or_insert_with(|| Instant::now() + ANCHOR_PATIENCE)
    }

    fn close(mut self, at: ClockPair, report: Map<String, Value>) -> RecorderResult {
        self.writer.amend(|manifest| manifest.recorder.extend(report));
        let deadline = Instant::now() + CLOSE_PATIENCE;
        self.write(Durability::Disk);
        while let Some(error) = &self.failing
            && self.given_up.is_none()
        {
            if Instant::now() >= deadline {
                let why = self.why(error);
                self.give_up(why);
                break;
            }
            thread::sleep(RETRY_INTERVAL);
            self.write(Durability::Disk);
        }
        // A sealed part is final: nothing is sealed after a gap that case.json does not tell of.
        let summary = match self.tell_missing() {
            Ok(()) => self.seal_and_anchor(at, deadline),
            Err(error) => {
                self.errors.push(error);
                None
            }
        };
        if let Some(anchor) = self.options.anchor.take() {
            let deadline = self.anchor_deadline();
            self.errors.extend(anchor.finish(deadline).err());
        }
        RecorderResult { summary, errors: self.errors }
    }

    /// Completes what case.json says of records that are missing, if there are any.
    fn tell_missing(&mut self) -> Result<(), Error> {
        let Some(told) = self.given_up.take() else { return Ok(()) };
        let last_seq = self.next_given.checked_sub(1).filter(|last| *last >= self.next_durable);
        self.writer.amend(|manifest| {
            if let Some(range) = manifest.incomplete.last_mut() {
                range.last_seq = last_seq;
            }
        });
        // What was told at once stands, though the last record is not in it.
        let told = told.or_else(|_| self.writer.sync());
        told.with_context(|| {
            let last = last_seq.map_or_else(|| "the last".to_owned(), |last| last.to_string());
            format!("cannot say in case.json that records {} to {last} may be missing", self.next_durable)
        })
    }

    /// Closes the case and has the anchor told of that; `None` if it could not be closed.
    fn seal_and_anchor(&mut self, at: ClockPair, deadline: Instant) -> Option<CaseSummary> {
        match self.seal(at, deadline) {
            Ok(summary) => {
                self.progress.written(summary.bytes, summary.parts.len() as u64);
                self.anchor();
                if let Some(anchor) = &mut self.options.anchor {
                    anchor.write(summary.closed_line.clone());
                }
                Some(summary)
            }
            Err(error) => {
                self.errors.push(error);
                // The rows stay in the journals.
                if let Err(error) = self.writer.sync() {
                    self.errors.push(Error::new(error).context("the last rows may not be on disk"));
                }
                None
            }
        }
    }

    fn seal(&mut self, at: ClockPair, deadline: Instant) -> Result<CaseSummary, Error> {
        loop {
            let sealed = self.writer.seal_all();
            self.tell_unsigned();
            if sealed.is_ok() {
                self.wait_for_anchor();
            }
            let greatest_ms = self.sync_age.greatest_ms();
            let closed = sealed.and_then(|()| self.writer.close(|manifest| note_end(manifest, at, greatest_ms)));
            self.tell_unsigned();
            match closed {
                Err(error) if error.is_disk_full() && self.drop_on_full_disk() => {}
                Err(obit_case::Error::Io { .. }) if Instant::now() < deadline => thread::sleep(RETRY_INTERVAL),
                closed => return closed.context("cannot close the case"),
            }
        }
    }
}

/// Counts a segment in case.json that was dropped before the case had reached its size limit.
fn note_full_disk(writer: &mut CaseWriter, messages: &MessageOutput) {
    writer.amend(|manifest| {
        let count = manifest.recorder.get(DROPPED_ON_FULL_DISK).and_then(Value::as_u64).unwrap_or(0);
        if count == 0 {
            messages.say(
                "obit-capture: the disk is full: the oldest segments of the case are dropped before it has its --max-bytes",
            );
        }
        manifest.recorder.insert(DROPPED_ON_FULL_DISK.to_owned(), count.saturating_add(1).into());
    });
}

/// Returns the sequence number after the last row of a batch.
fn next_seq(batch: &RecordBatch) -> Option<u64> {
    let seqs = batch.column_by_name("seq")?.as_any().downcast_ref::<arrow_array::UInt64Array>()?;
    seqs.values().last().map(|last| last.saturating_add(1))
}

fn note_end(manifest: &mut Manifest, at: ClockPair, greatest_sync_age_ms: u64) {
    manifest.recorder.insert("sync_age_ms".to_owned(), greatest_sync_age_ms.into());
    manifest.ended_at = Some(time::rfc3339(at.wall.0));
    manifest.clocks.end = Some(at.into());
}
