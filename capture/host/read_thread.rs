//! Readings on a thread of their own, which is left behind if a file system hangs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::thread;
use std::time::Duration;

/// Threads that may hang at a time. With that many, nothing more is read until one returns.
const MAX_HUNG: usize = 4;

type ReadJob = Box<dyn FnOnce() + Send>;

/// A thread that reads. Each reading costs two wake-ups: use it where few are made.
#[derive(Debug)]
pub struct ReadThread {
    limit: Duration,
    current: Option<ReadJobs>,
    hung: Arc<AtomicUsize>,
}

/// The queue of one thread.
#[derive(Debug)]
struct ReadJobs {
    jobs: Sender<ReadJob>,
    /// True once the thread is left behind, and counted as such.
    is_left: Arc<AtomicBool>,
}

impl ReadThread {
    /// Returns a thread whose readings may take this long. It starts with the first one.
    pub fn new(limit: Duration) -> Self {
        Self { limit, current: None, hung: Arc::default() }
    }

    /// Reads. Returns nothing if that takes too long, or if too many readings hang already.
    pub fn read<T: Send + 'static>(&mut self, read: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        if self.hung.load(Relaxed) >= MAX_HUNG {
            return None;
        }
        if self.current.is_none() {
            self.current = self.start();
        }
        let current = self.current.as_ref()?;
        let (answer, answers) = sync_channel(1);
        let job = move || {
            let _ = answer.send(read());
        };
        current.jobs.send(Box::new(job)).ok()?;
        let result = answers.recv_timeout(self.limit).ok();
        if result.is_none()
            && let Some(left) = self.current.take()
        {
            self.hung.fetch_add(1, Relaxed);
            left.is_left.store(true, Relaxed);
        }
        result
    }

    /// Starts a thread; `None` if that fails.
    fn start(&self) -> Option<ReadJobs> {
        let (jobs, queue) = channel::<ReadJob>();
        let is_left = Arc::new(AtomicBool::new(false));
        let (seen, hung) = (Arc::clone(&is_left), Arc::clone(&self.hung));
        let run = move || {
            queue.into_iter().for_each(|job| job());
            if seen.load(Relaxed) {
                hung.fetch_sub(1, Relaxed);
            }
        };
        thread::Builder::new().name("obit-scan".into()).spawn(run).ok()?;
        Some(ReadJobs { jobs, is_left })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_that_hangs_is_left_behind_and_too_many_end_the_reading() {
        let mut thread = ReadThread::new(Duration::from_millis(20));
        let mut gates = Vec::new();
        for _ in 0..MAX_HUNG {
            let (gate, opened) = channel::<()>();
            gates.push(gate);
            assert_eq!(thread.read(move || opened.recv().is_ok()), None);
        }
        assert_eq!(thread.read(|| 1), None, "too many hang");
        drop(gates);
        // The threads return in their own time.
        while thread.hung.load(Relaxed) > 0 {
            thread::yield_now();
        }
        thread.limit = Duration::from_secs(60);
        assert_eq!(thread.read(|| 2), Some(2));
    }
}
