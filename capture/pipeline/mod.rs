//! The threads of a recording, and what passes between them.
//!
//! Every queue is bounded. A full one holds up only what comes before it, down to the ring buffer,
//! where the kernel side counts what is lost. [`session`] makes all queues and starts all threads.

// The threads, in the order in which an event passes them.

/// Empties the ring buffer.
mod drain;

/// Numbers records and derives rows.
mod sequencer;

/// Writes the case.
mod recorder;

// The threads beside them, which deliver to the sequencer. A further one is that of
// `sources::daemons`.

/// Walks cgroupfs.
mod walker;

/// Reads what events point to.
mod lookup;

// The beginning and end of a session.

/// Starts and stops the threads.
mod session;

/// Options of a session.
mod options;

/// Makes the case.
mod case_setup;

/// Takes signals, and logs those that end a session.
mod signal_log;

/// Reports on the recorder itself.
mod self_report;

/// Tells in case.json how the process that asks daemons fared.
mod asker_history;

/// Prints messages.
mod messages;

// Between the threads.

/// Counters and flags.
mod progress;

/// Deliveries to the sequencer.
mod input;

/// Wakes the drain thread.
mod notifier;

/// Tells the drain thread when to flush.
mod flush_deadline;

// Parts of the drain thread.

/// Decides when the clocks are recorded.
mod timekeeper;

/// Finds runs of BPF programs that the kernel skipped.
mod skipped_runs;

// Parts of the recorder.

/// Limits the size of a case.
mod size_limit;

/// Writes heads of the chain off the case.
mod anchor;

/// Writes lines without holding up whoever has them.
mod line_writer;

/// Gives memory back to the system.
mod memory;

pub use self::messages::MessageOutput;
pub use self::options::SessionOptions;
pub use self::progress::Progress;
pub use self::sequencer::{ActorArgv, SegmentPolicy, USER_LIVES_PER_SECOND};
pub use self::session::{Session, SessionReport};
pub use self::signal_log::SignalHandlers;
pub use self::size_limit::{SizeLimit, WhenFull};
