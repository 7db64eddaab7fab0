//! Inputs of the sequencer, from all threads. They are data: the sequencer reads no clock and no
//! file.

use obit_derivation::record::{ClockReading, Directory, KernelEventKind, SnapshotReason, UnreadPart};
use obit_schema::details::DirectoryDetails;

use crate::host::clock::ClockPair;
use crate::sources::answer::{RuntimeRecord, Stamped};
use crate::sources::kernel::wire::RawBatch;

/// A delivery to the sequencer, which admits its contents in their order.
#[derive(Debug)]
pub enum SequencerInput {
    /// The probes are attached.
    Start(ClockPair),
    /// Kernel events in the order of the ring buffer, and losses up to the moment of reading.
    Kernel(KernelBatch),
    /// A walk begins.
    SnapshotBegin(SnapshotReason, ClockPair),
    /// Directories of a walk, as read.
    Directories(Vec<(ClockPair, Directory<'static>, DirectoryDetails)>),
    /// A walk could not read a part of a hierarchy.
    SnapshotFailed(UnreadPart<'static>, ClockPair),
    /// A walk is over, and every event from before its end has been delivered.
    SnapshotEnd(SnapshotReason, ClockPair),
    /// Answers of daemons, or contents of runtimes' files.
    Answers(Vec<Stamped<RuntimeRecord>>),
    /// Results of a batch of look-ups.
    LookupResults {
        /// Directories, as read.
        directories: Vec<(ClockPair, Directory<'static>, DirectoryDetails)>,
        /// Contents of runtimes' files.
        answers: Vec<Stamped<RuntimeRecord>>,
    },
    /// The clocks, read again.
    Clock(ClockPair, ClockReading),
    /// A request to hand what was admitted to the recorder.
    Flush(ClockPair),
    /// A request to have sealed what was admitted.
    Seal,
    /// The probes are detached and the ring buffer is empty: the last delivery.
    Stop(ClockPair),
}

/// The result of one drain of the ring buffer.
#[derive(Debug)]
pub struct KernelBatch {
    /// The events, not decoded yet.
    pub events: RawBatch,
    /// Events lost since the drain before.
    pub losses: Vec<LossCount>,
    /// Moment at which the loss counters were read, after the drain.
    pub read_at: ClockPair,
}

/// A count of lost events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossCount {
    /// Their kind, if it is known.
    pub kind: Option<KernelEventKind>,
    /// The processor that lost them, if it is known.
    pub cpu: Option<u32>,
    /// Their number.
    pub count: u64,
}
