//! Commands to the recorder.

use arrow_array::RecordBatch;
use obit_schema::tables::Table;
use serde_json::{Map, Value};

use crate::host::clock::ClockPair;

/// A command to the recorder.
#[derive(Debug)]
pub enum RecorderCommand {
    /// Adds these rows to the case.
    Append(Vec<(Table, RecordBatch)>),
    /// Brings what was added to disk.
    Sync,
    /// Seals what is open, so that it is a case's part as after its end.
    Seal,
    /// Begins a new segment.
    Cut {
        /// The first record of the segment.
        first_seq: u64,
        /// Moment at which it begins.
        at: ClockPair,
    },
    /// Ends the head of the case or segment: its first walk is over.
    EndHead,
    /// Notes this in case.json, as what the recorder reports of itself.
    Note(Map<String, Value>),
    /// Seals everything.
    Close {
        /// Moment at which the capture ended.
        at: ClockPair,
        /// Closing report of the recorder on itself.
        report: Map<String, Value>,
    },
}
