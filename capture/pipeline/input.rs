//! What reaches the sequencer, from whichever thread. All of it is data: the sequencer reads no clock and no file.

use obit_derivation::HierarchyId;
use obit_derivation::record::{ClockReading, Directory, KernelEventKind, SnapshotReason};
use obit_schema::details::DirectoryDetails;

use crate::host::clock::ClockPair;
use crate::sources::answer::{RuntimeRecord, Stamped};
use crate::sources::kernel::wire::RawBatch;

/// One delivery to the sequencer, which admits what is in it in this order.
#[derive(Debug)]
pub enum Input {
    /// The probes are attached.
    Start(ClockPair),
    /// Kernel events, in the order of the ring buffer, and what was lost up to the moment of reading.
    Kernel(KernelBatch),
    /// A walk begins.
    SnapshotBegin(SnapshotReason, ClockPair),
    /// Directories, as read.
    Directories(Vec<(ClockPair, Directory<'static>, DirectoryDetails)>),
    /// A hierarchy could not be walked whole.
    SnapshotFailed(HierarchyId, ClockPair),
    /// A walk is over, and every event from before its end has been delivered.
    SnapshotEnd(SnapshotReason, ClockPair),
    /// What runtimes, or files of them, said.
    Answers(Vec<Stamped<RuntimeRecord>>),
    /// What a batch of look-ups has found: directories, and files of runtimes.
    LookupResults {
        /// Directories, as read.
        directories: Vec<(ClockPair, Directory<'static>, DirectoryDetails)>,
        /// What the files say.
        answers: Vec<Stamped<RuntimeRecord>>,
    },
    /// The clocks were read again, and what there is to say of them.
    Clock(ClockPair, ClockReading),
    /// What was admitted should be handed to the recorder now.
    Flush(ClockPair),
    /// The probes are detached and the ring buffer is empty: the last delivery.
    Stop(ClockPair),
}

/// What one drain of the ring buffer brought.
#[derive(Debug)]
pub struct KernelBatch {
    /// The events.
    pub events: RawBatch,
    /// What was lost since the drain before, by kind and processor.
    pub losses: Vec<LossCount>,
    /// When the loss counters were read, after the drain.
    pub read_at: ClockPair,
}

/// Events lost, as far as was counted of one kind and on one processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LossCount {
    /// The kind.
    pub kind: Option<KernelEventKind>,
    /// The processor.
    pub cpu: Option<u32>,
    /// How many.
    pub count: u64,
}
