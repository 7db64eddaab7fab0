//! Records and derived rows on their way to the recorder.

use std::sync::mpsc::SyncSender;

use anyhow::Result;
use obit_derivation::{Record, Row};
use obit_schema::encode::RowsBuilder;
use obit_schema::tables::Table;

use super::raw_builders::{RawBuilders, RecordDetails};
use crate::host::clock::ClockPair;
use crate::pipeline::recorder::RecorderCommand;

/// Size, estimated, at which a batch is sent without waiting for the sync interval. With
/// [`ROW_BYTES`] these are 4,096 events. Each is touched several times until it is in the case, and
/// what goes through the processors' caches pushes out what the workload has there.
const FULL_BYTES: usize = 2 << 20;
/// Estimated size of a row in columns: a number takes its room whether it is known or not.
const ROW_BYTES: usize = 512;

/// The rows of all tables that the recorder does not have yet.
#[derive(Debug)]
pub struct OutputBatch {
    raw: RawBuilders,
    derived: RowsBuilder,
    bytes: usize,
    /// Rows were sent since the recorder was last told to sync.
    has_unsynced: bool,
    recorder: SyncSender<RecorderCommand>,
}

impl OutputBatch {
    /// Returns an empty batch for this recorder.
    pub fn new(recorder: SyncSender<RecorderCommand>) -> Self {
        let (raw, derived) = (RawBuilders::default(), RowsBuilder::new());
        Self { raw, derived, bytes: 0, has_unsynced: false, recorder }
    }

    /// Appends a record.
    pub fn append(&mut self, record: &Record<'_>, details: RecordDetails<'_>) -> Result<()> {
        self.bytes += ROW_BYTES + details.bytes();
        self.raw.append(record, details)
    }

    /// Appends a derived row, and sends the batch if that fills it.
    pub fn append_row(&mut self, row: &Row) -> Result<()> {
        self.bytes += ROW_BYTES;
        self.derived.append(row);
        self.send_if_full()
    }

    /// Sends the batch if it is full.
    pub fn send_if_full(&mut self) -> Result<()> {
        if self.bytes >= FULL_BYTES { self.send() } else { Ok(()) }
    }

    /// Sends the batch and has the recorder sync it, unless nothing is new.
    pub fn sync(&mut self) -> Result<()> {
        self.send()?;
        if std::mem::take(&mut self.has_unsynced) {
            self.command(RecorderCommand::Sync);
        }
        Ok(())
    }

    /// Sends the batch and has the recorder seal it with what came before.
    pub fn seal(&mut self) -> Result<()> {
        self.sync()?;
        self.command(RecorderCommand::Seal);
        Ok(())
    }

    /// Sends the batch and has the recorder begin a segment with record `first_seq`.
    pub fn cut(&mut self, first_seq: u64, at: ClockPair) -> Result<()> {
        self.sync()?;
        self.command(RecorderCommand::Cut { first_seq, at });
        Ok(())
    }

    /// Sends the batch and tells the recorder that the first walk of the case or segment ends with
    /// it.
    pub fn end_head(&mut self) -> Result<()> {
        self.sync()?;
        self.command(RecorderCommand::EndHead);
        Ok(())
    }

    /// Returns whether [`Self::sync`] would do nothing.
    pub fn is_synced(&self) -> bool {
        self.bytes == 0 && !self.has_unsynced
    }

    fn send(&mut self) -> Result<()> {
        self.bytes = 0;
        let mut batches = Vec::new();
        for table in Table::RAW {
            batches.extend(self.raw.take(table)?.map(|batch| (table, batch)));
        }
        if !self.derived.is_empty() {
            batches.extend(self.derived.finish()?);
        }
        if !batches.is_empty() {
            self.has_unsynced = true;
            self.command(RecorderCommand::Append(batches));
        }
        Ok(())
    }

    fn command(&self, command: RecorderCommand) {
        // The recorder outlives the sequencer unless it failed, and then it has reported that
        // itself.
        let _ = self.recorder.send(command);
    }
}
