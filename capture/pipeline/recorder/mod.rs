//! The thread that writes the case.
//!
//! When writing fails, what comes meanwhile is kept in memory up to a bound and tried again; past that bound the recorder
//! gives up: it says in case.json which records are missing, closes what it has, and ends the session.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, anyhow};
use arrow_array::{Array, RecordBatch};
use obit_case::chain;
use obit_case::manifest::{Manifest, MissingRange};
use obit_case::writer::{CaseSummary, CaseWriter};
use obit_schema::print::time;
use obit_schema::tables::Table;
use obit_schema::text::printable;
use serde_json::{Map, Value};

use super::anchor::Anchor;
use super::memory;
use super::progress::Progress;
use super::size_limit::{Disk, Room, Want};
use crate::host::clock::ClockPair;

/// Bytes of rows that are kept in memory while they cannot be written.
const MAX_BACKLOG_BYTES: usize = 32 << 20;
/// Between two tries to write.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);
/// How long a recording that is to end waits for a disk that cannot be written.
const CLOSE_PATIENCE: Duration = Duration::from_secs(3);

/// What case.json calls the number of segments that were dropped because the disk was full.
const DROPPED_ON_FULL_DISK: &str = "segments_dropped_on_full_disk";

/// An order to the recorder.
#[derive(Debug)]
pub enum Order {
    /// Add these rows.
    Append(Vec<(Table, RecordBatch)>),
    /// Bring to disk what was added.
    Sync,
    /// A new segment begins with this record.
    Cut(u64, ClockPair),
    /// What a recording or a segment begins with is over: its walk.
    HeadEnd,
    /// Note this in case.json, as what the recorder says of itself.
    Note(Map<String, Value>),
    /// Seal everything; the capture ended at this moment, and this is what the recorder says of itself.
    Close(ClockPair, Map<String, Value>),
}

/// What became of the case.
#[derive(Debug, Default)]
pub struct Recorded {
    /// What is on disk; `None` if it could not be closed.
    pub summary: Option<CaseSummary>,
    /// What went wrong.
    pub errors: Vec<Error>,
}

/// How to record.
#[derive(Debug)]
pub struct Settings {
    /// Where each head goes, off the case.
    pub anchor: Option<Anchor>,
    /// How large the case may get, and what then.
    pub room: Room,
    /// The disk that it is on.
    pub disk: Disk,
}

/// What is to be done with the case, in order.
#[derive(Debug)]
enum Work {
    Rows(Table, RecordBatch),
    Cut(u64, ClockPair),
    HeadEnd,
}

impl Work {
    /// What it takes in memory.
    fn bytes(&self) -> usize {
        match self {
            // Columns of nulls are shared with other batches.
            Self::Rows(_, batch) => batch
                .columns()
                .iter()
                .filter(|column| column.null_count() < column.len())
                .map(|column| column.get_array_memory_size())
                .sum(),
            Self::Cut(..) | Self::HeadEnd => 0,
        }
    }
}

/// How far what was added is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    /// To the files, where a crash of the recorder leaves it.
    Files,
    /// To the disk, where a crash of the host does.
    Disk,
}

/// Writes a case.
struct Recorder {
    writer: CaseWriter,
    settings: Settings,
    progress: Arc<Progress>,
    /// Rows that are not in the case yet, and where it is to be cut.
    backlog: VecDeque<Work>,
    backlog_bytes: usize,
    /// Entries of the chain that there were when rows were written last.
    head: u64,
    /// What the segment had when its head was over; `None` before.
    head_bytes: Option<u64>,
    /// The most that the case grew by when rows were added.
    growth_bytes: u64,
    /// The record after the last one that is known to be on disk, and after the last one that was given.
    next_durable: u64,
    next_given: u64,
    /// Why the last try to write failed.
    failing: Option<obit_case::Error>,
    /// Why nothing more is written.
    given_up: Option<String>,
    errors: Vec<Error>,
}

/// Writes until told to close. Without that order the case stays open, as after a crash.
pub fn run(writer: CaseWriter, orders: &Receiver<Order>, progress: &Arc<Progress>, settings: Settings) -> Recorded {
    let mut recorder = Recorder {
        writer,
        settings,
        progress: Arc::clone(progress),
        backlog: VecDeque::new(),
        backlog_bytes: 0,
        head: 0,
        head_bytes: None,
        growth_bytes: 0,
        next_durable: 0,
        next_given: 0,
        failing: None,
        given_up: None,
        errors: Vec::new(),
    };
    recorder.anchor();
    loop {
        let order = match recorder.failing {
            None => orders.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => orders.recv_timeout(RETRY_INTERVAL),
        };
        match order {
            Ok(Order::Append(batches)) => recorder.take(batches),
            Ok(Order::Sync) => recorder.write(Durability::Disk),
            Ok(Order::Cut(first_seq, at)) => recorder.add(Work::Cut(first_seq, at)),
            Ok(Order::HeadEnd) => {
                recorder.add(Work::HeadEnd);
                memory::give_back();
            }
            Ok(Order::Note(said)) => recorder.note(said),
            Ok(Order::Close(at, last_words)) => return recorder.close(at, last_words),
            Err(RecvTimeoutError::Timeout) => recorder.write(Durability::Disk),
            Err(RecvTimeoutError::Disconnected) => return Recorded { summary: None, errors: recorder.errors },
        }
    }
}

impl Recorder {
    fn take(&mut self, batches: Vec<(Table, RecordBatch)>) {
        for (table, batch) in &batches {
            if Table::RAW.contains(table) {
                self.next_given = self.next_given.max(next_seq(batch).unwrap_or(0));
            }
        }
        if self.given_up.is_some() {
            return;
        }
        let work = batches.into_iter().map(|(table, batch)| Work::Rows(table, batch));
        for work in work {
            self.backlog_bytes += work.bytes();
            self.backlog.push_back(work);
        }
        self.write(Durability::Files);
        if self.backlog_bytes > MAX_BACKLOG_BYTES
            && let Some(error) = &self.failing
        {
            let why = format!("{}; {} MiB of rows could not be written", self.why(error), MAX_BACKLOG_BYTES >> 20);
            self.give_up(why);
        }
    }

    fn note(&mut self, said: Map<String, Value>) {
        self.writer.amend(|manifest| manifest.recorder.extend(said));
        self.write(Durability::Disk);
    }

    fn add(&mut self, work: Work) {
        if self.given_up.is_none() {
            self.backlog.push_back(work);
            self.write(Durability::Disk);
        }
    }

    /// Writes what waits, as far as it can be written.
    fn write(&mut self, durability: Durability) {
        if self.given_up.is_some() {
            return;
        }
        let mut written = self.try_write(durability);
        while let Err(error) = &written
            && error.is_disk_full()
            && self.drop_on_full_disk()
        {
            written = self.try_write(durability);
        }
        match written {
            Ok(()) => {
                if self.failing.take().is_some() {
                    eprintln!("obit-capture: the case can be written again; nothing that waited was lost");
                }
                if durability == Durability::Disk {
                    self.next_durable = self.next_given;
                }
                let head = self.writer.manifest().head.as_ref().map_or(0, |head| head.parts);
                if std::mem::replace(&mut self.head, head) != head {
                    // What the part took while it was open.
                    memory::give_back();
                }
                self.progress.written(self.writer.bytes(), self.writer.manifest().parts.len() as u64);
                self.anchor();
                if self.settings.room.is_used_up(self.writer.bytes()) {
                    self.progress.set_full();
                }
                self.ask_for_cut();
            }
            Err(error) if !matches!(error, obit_case::Error::Io { .. }) => self.give_up(error.to_string()),
            Err(error) => {
                if self.failing.is_none() {
                    eprintln!(
                        "obit-capture: {}; up to {} MiB of rows are kept in memory and written as soon as they can be",
                        printable(&self.why(&error)),
                        MAX_BACKLOG_BYTES >> 20
                    );
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
        while let Some(work) = self.backlog.pop_front() {
            if let Err(error) = self.try_work(&work) {
                self.backlog.push_front(work);
                return Err(error);
            }
            self.backlog_bytes = self.backlog_bytes.saturating_sub(work.bytes());
        }
        // More than ever before may have come.
        self.make_room(0)?;
        match durability {
            Durability::Files => self.writer.seal_due(),
            Durability::Disk => self.writer.sync(),
        }
    }

    fn try_work(&mut self, work: &Work) -> Result<(), obit_case::Error> {
        match work {
            Work::Rows(table, batch) => {
                // As much as was needed before.
                self.make_room(self.growth_bytes)?;
                let before = self.writer.bytes_at_most();
                self.writer.append_unsealed(*table, batch)?;
                self.growth_bytes = self.growth_bytes.max(self.writer.bytes_at_most().saturating_sub(before));
            }
            Work::Cut(first_seq, at) => {
                self.writer.cut(*first_seq, (*at).into())?;
                self.head_bytes = None;
            }
            Work::HeadEnd => self.head_bytes = Some(self.writer.segment_bytes()),
        }
        Ok(())
    }

    /// Drops the oldest segments until so many bytes more have room.
    fn make_room(&mut self, bytes: u64) -> Result<(), obit_case::Error> {
        let Settings { room, disk, .. } = &self.settings;
        room.make(disk, &mut self.writer, bytes, |writer, want| {
            if want == Want::Disk {
                note_full_disk(writer);
            }
        })
    }

    /// Drops the oldest segment of a case that is to go on by that, if it has one that is closed.
    fn drop_on_full_disk(&mut self) -> bool {
        let Room::DropOldest(_) = self.settings.room else { return false };
        // What stood in its way is said by what is tried next.
        let has_dropped = self.writer.drop_oldest(ClockPair::read().into()).unwrap_or(false);
        if has_dropped {
            note_full_disk(&mut self.writer);
        }
        has_dropped
    }

    /// Has the segment ended if it is large enough.
    fn ask_for_cut(&mut self) {
        let Some(head_bytes) = self.head_bytes else { return };
        if self.settings.room.is_for_a_cut(&self.settings.disk, &self.writer, head_bytes)
            && let Some(segment) = self.writer.manifest().segments.last()
        {
            self.progress.want_cut(segment.number);
        }
    }

    /// Why the case cannot be written.
    fn why(&self, error: &obit_case::Error) -> String {
        match self.settings.room {
            Room::DropOldest(_) if error.is_disk_full() => {
                format!("{error}; no older segment is left that could be dropped")
            }
            _ => error.to_string(),
        }
    }

    fn give_up(&mut self, why: String) {
        self.errors.push(anyhow!("cannot write the case: {why}"));
        self.given_up = Some(why);
        self.backlog.clear();
        self.progress.set_failed();
    }

    /// Tells the anchor the newest head, if there is a newer one.
    fn anchor(&mut self) {
        let Some(anchor) = &mut self.settings.anchor else { return };
        if let Some(line) = self.writer.head_line() {
            anchor.write(line);
        }
    }

    fn close(mut self, at: ClockPair, last_words: Map<String, Value>) -> Recorded {
        self.writer.amend(|manifest| manifest.recorder.extend(last_words));
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
        let last_seq = self.next_given.checked_sub(1).filter(|last| *last >= self.next_durable);
        if let Some(reason) = self.given_up.take() {
            self.writer.note_missing(MissingRange { first_seq: self.next_durable, last_seq, reason });
        }
        let summary = match self.seal(at, deadline) {
            Ok(summary) => {
                self.progress.written(summary.bytes, summary.parts.len() as u64);
                self.anchor();
                if let Some(anchor) = &mut self.settings.anchor {
                    let case_id = &self.writer.manifest().case_id;
                    anchor.write(chain::closed_line(case_id, &summary.manifest_sha256));
                }
                Some(summary)
            }
            Err(error) => {
                self.errors.push(error);
                // At least what is missing should be in it.
                if let Err(error) = self.writer.sync() {
                    let last = last_seq.map_or_else(|| "the last".to_owned(), |last| last.to_string());
                    let what =
                        format!("cannot say in case.json that records {} to {last} may be missing", self.next_durable);
                    self.errors.push(Error::new(error).context(what));
                }
                None
            }
        };
        if let Some(anchor) = self.settings.anchor.take() {
            self.errors.extend(anchor.finish().err());
        }
        Recorded { summary, errors: self.errors }
    }

    fn seal(&mut self, at: ClockPair, deadline: Instant) -> Result<CaseSummary, Error> {
        loop {
            match self.writer.close(|manifest| end(manifest, at)) {
                Err(error) if error.is_disk_full() && self.drop_on_full_disk() => {}
                Err(obit_case::Error::Io { .. }) if Instant::now() < deadline => thread::sleep(RETRY_INTERVAL),
                closed => return closed.context("cannot close the case"),
            }
        }
    }
}

/// Counts, in what the recorder says of itself, a segment that went before the case had the bytes that it may have.
fn note_full_disk(writer: &mut CaseWriter) {
    writer.amend(|manifest| {
        let count = manifest.recorder.get(DROPPED_ON_FULL_DISK).and_then(Value::as_u64).unwrap_or(0);
        if count == 0 {
            eprintln!("obit-capture: the disk is full: the oldest segments of the case are dropped before it has its --max-bytes");
        }
        manifest.recorder.insert(DROPPED_ON_FULL_DISK.to_owned(), count.saturating_add(1).into());
    });
}

/// The place after the last row of a batch.
fn next_seq(batch: &RecordBatch) -> Option<u64> {
    let seqs = batch.column_by_name("seq")?.as_any().downcast_ref::<arrow_array::UInt64Array>()?;
    seqs.values().last().map(|last| last.saturating_add(1))
}

fn end(manifest: &mut Manifest, at: ClockPair) {
    manifest.ended_at = Some(time::rfc3339(at.wall.0));
    manifest.clocks.end = Some(at.into());
}
