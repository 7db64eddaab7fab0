//! The queue and the thread between the derivation and the process that announces.

use std::io::{self, Read as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use obit_analysis::export::{ExportFormat, Exporter};
use obit_analysis::origin::RowOrigin;
use obit_derivation::Row;
use obit_schema::encode::RowsBuilder;

use super::WRITTEN;
use super::process::AnnouncingProcess;
use super::target::AnnouncementTarget;
use crate::host::frame;

/// Rows that may wait for the target.
const WAITING_ROWS: usize = 4096;
/// Longest time that the end of a recording waits for the target.
const PATIENCE: Duration = Duration::from_secs(2);

/// Counts of announcements.
#[derive(Debug, Default)]
struct AnnouncementCounts {
    decided: AtomicU64,
    written: AtomicU64,
}

/// The way of rows to the announcer. Never waits.
#[derive(Debug)]
pub struct AnnouncementQueue {
    rows: SyncSender<Row>,
    counts: Arc<AnnouncementCounts>,
    only_ends: bool,
}

impl AnnouncementQueue {
    /// Hands over a row if the target gets rows of its table; if too many wait, the target lacks
    /// it.
    pub fn push(&self, row: &Row) {
        if self.only_ends && !matches!(row, Row::Exit(_) | Row::Remove(_)) {
            return;
        }
        self.counts.decided.fetch_add(1, Relaxed);
        let _ = self.rows.try_send(row.clone());
    }
}

/// How many rows the target has, and how many it lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnnouncementReport {
    /// Rows that the target took.
    pub written: u64,
    /// Rows that it did not take, or not in time.
    pub missing: u64,
}

/// The thread that hands rows to the process.
#[derive(Debug)]
pub struct Announcer {
    child: Child,
    stream: UnixStream,
    counts: Arc<AnnouncementCounts>,
    done: Receiver<()>,
}

impl Announcer {
    /// Starts the thread. The journal gets exits and removals, a file all rows in a format.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        process: AnnouncingProcess,
        target: &AnnouncementTarget,
        format: ExportFormat,
        origin: RowOrigin,
    ) -> Result<(Self, AnnouncementQueue)> {
        let AnnouncingProcess { child, stream } = process;
        let counts = Arc::new(AnnouncementCounts::default());
        let (rows, waiting) = sync_channel(WAITING_ROWS);
        let (finished, done) = sync_channel(1);
        let mut channel = stream.try_clone().context("cannot share a socket")?;
        let is_journal = *target == AnnouncementTarget::Journal;
        let of_thread = Arc::clone(&counts);
        let work = move || {
            let mut exporter = if is_journal { Exporter::for_journal() } else { Exporter::new(format) };
            // A process that is gone takes no further row: each counts as missing.
            let _ = announce_all(&waiting, &mut exporter, &origin, &mut channel, &of_thread);
            let _ = finished.send(());
        };
        thread::Builder::new().name("obit-announce".into()).spawn(work).context("cannot start a thread")?;
        let queue = AnnouncementQueue { rows, counts: Arc::clone(&counts), only_ends: is_journal };
        Ok((Self { child, stream, counts, done }, queue))
    }

    /// Waits for the target, a short time, once the queue is gone. Returns what it has and lacks.
    pub fn finish(mut self) -> AnnouncementReport {
        let _ = self.done.recv_timeout(PATIENCE);
        let _ = self.stream.shutdown(Shutdown::Both);
        // One that hangs ends with the recorder.
        let _ = self.child.try_wait();
        let (written, decided) = (self.counts.written.load(Relaxed), self.counts.decided.load(Relaxed));
        AnnouncementReport { written, missing: decided.saturating_sub(written) }
    }
}

/// Hands over each row and waits for the answer about it, until there are no more.
fn announce_all(
    rows: &Receiver<Row>,
    exporter: &mut Exporter,
    origin: &RowOrigin,
    channel: &mut UnixStream,
    counts: &AnnouncementCounts,
) -> io::Result<()> {
    let mut text = Vec::new();
    while let Ok(row) = rows.recv() {
        text.clear();
        let mut builder = RowsBuilder::new();
        builder.append(&row);
        for (table, batch) in builder.finish().map_err(io::Error::other)? {
            exporter.export_rows(table, &batch, origin, &mut text).map_err(io::Error::other)?;
        }
        frame::write(channel, &text)?;
        let mut answer = [0];
        channel.read_exact(&mut answer)?;
        if answer == [WRITTEN] {
            counts.written.fetch_add(1, Relaxed);
        }
    }
    Ok(())
}
