//! A thread that works for one value, and ends with it.

use std::panic::resume_unwind;
use std::thread::JoinHandle;

/// A thread and the end of the channel that it works at. It ends once that end is dropped, or earlier.
#[derive(Debug)]
pub(crate) struct Worker<C, T> {
    /// `None` once nothing more is wanted.
    channel: Option<C>,
    /// `None` once it was waited for.
    thread: Option<JoinHandle<T>>,
}

impl<C, T> Worker<C, T> {
    /// A thread that has been started, and what it ends with.
    pub(crate) fn new(channel: C, thread: JoinHandle<T>) -> Self {
        Self { channel: Some(channel), thread: Some(thread) }
    }

    /// What is exchanged with it; `None` once it has ended.
    pub(crate) fn channel(&self) -> Option<&C> {
        self.channel.as_ref()
    }

    /// Wants nothing more, and waits for what it came to; `None` if that was done before. A panic of the thread goes on here.
    pub(crate) fn end(&mut self) -> Option<T> {
        self.channel = None;
        self.thread.take().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

impl<C, T> Drop for Worker<C, T> {
    fn drop(&mut self) {
        self.channel = None;
        // Were it to panic on the way, that would be over something that nobody asked for.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
