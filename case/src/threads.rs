//! Threads that a reader starts: when they are worth it, and how they end.

use std::panic::resume_unwind;
use std::sync::LazyLock;
use std::thread::{self, JoinHandle};

/// Fewest rows of a table that are worth a thread: reading fewer takes little longer than starting
/// one.
pub(crate) const WORTH_ROWS: u64 = 8_192;

/// The number of threads that read a case. They read the same rows in the same order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadThreads {
    /// The caller's, and another for each table of 8,192 rows or more if this process may use more
    /// than one processor.
    #[default]
    Auto,
    /// The caller's only.
    One,
    /// The caller's, and another for each table.
    EachTable,
}

impl ReadThreads {
    /// Returns true if a table of this many rows gets a thread.
    pub(crate) fn are_worth(self, rows: u64) -> bool {
        match self {
            Self::Auto => rows >= WORTH_ROWS && has_processors(),
            Self::One => false,
            Self::EachTable => true,
        }
    }
}

/// Returns true if this process may use more than one processor. Reads its affinity and its
/// cgroup's quota once.
pub(crate) fn has_processors() -> bool {
    static HAS: LazyLock<bool> = LazyLock::new(|| thread::available_parallelism().is_ok_and(|count| count.get() > 1));
    *HAS
}

/// A thread and one end of the channel that it works at. The thread ends once that end is dropped,
/// or earlier.
#[derive(Debug)]
pub(crate) struct WorkerThread<C, T> {
    /// `None` once nothing more is wanted.
    channel: Option<C>,
    /// `None` once it was joined.
    thread: Option<JoinHandle<T>>,
}

impl<C, T> WorkerThread<C, T> {
    /// Takes a started thread and the channel to it.
    pub(crate) fn new(channel: C, thread: JoinHandle<T>) -> Self {
        Self { channel: Some(channel), thread: Some(thread) }
    }

    /// Returns the channel; `None` after [`WorkerThread::join`].
    pub(crate) fn channel(&self) -> Option<&C> {
        self.channel.as_ref()
    }

    /// Drops the channel, waits for the thread and returns its result; `None` the second time. A
    /// panic of the thread continues here.
    pub(crate) fn join(&mut self) -> Option<T> {
        self.channel = None;
        self.thread.take().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

impl<C, T> Drop for WorkerThread<C, T> {
    fn drop(&mut self) {
        self.channel = None;
        // Nobody waits for the result any more, so a panic on the way there is of no interest.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
