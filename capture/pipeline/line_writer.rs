//! Lines that a thread of its own writes, so that whoever hands them over never waits for a target
//! that is slow, full or hangs.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Lines that wait at most. The oldest goes first.
const MAX_WAITING: usize = 1024;
/// Pause before a line that could not be written is tried again, unless a new one comes.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// A bounded queue of lines, and the thread that writes them.
#[derive(Debug)]
pub struct LineWriter {
    shared: Arc<SharedLines>,
}

/// Lines that were not written.
#[derive(Debug)]
pub struct UnwrittenLines {
    /// How many there are, those that found no room in the queue included.
    pub count: u64,
    /// The error of the last try to write; `None` if the target still takes its time.
    pub error: Option<io::Error>,
}

#[derive(Debug, Default)]
struct SharedLines {
    queue: Mutex<LineQueue>,
    /// Tells the thread that there is a line, or that no more come.
    has_news: Condvar,
    /// Tells [`LineWriter::flush`] that all lines are written.
    is_empty: Condvar,
}

#[derive(Debug, Default)]
struct LineQueue {
    /// Lines to write. The first one stays until it is written.
    lines: VecDeque<Arc<str>>,
    /// Lines that were dropped because the queue was full.
    dropped: u64,
    error: Option<io::Error>,
    is_over: bool,
}

impl LineWriter {
    /// Starts the thread. `write` writes one line, whole, and may block; after an error it gets the
    /// same line again.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        thread_name: &str,
        mut write: impl FnMut(&str) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(SharedLines::default());
        let lines = Arc::clone(&shared);
        thread::Builder::new().name(thread_name.to_owned()).spawn(move || {
            while let Some(line) = lines.next() {
                lines.on_tried(&line, write(&line));
            }
        })?;
        Ok(Self { shared })
    }

    /// Hands over a line. Never waits: if too many lines wait, the oldest is dropped.
    pub fn push(&self, line: &str) {
        let mut queue = self.shared.lock();
        if queue.lines.len() >= MAX_WAITING {
            queue.lines.pop_front();
            queue.dropped += 1;
        }
        queue.lines.push_back(line.into());
        drop(queue);
        self.shared.has_news.notify_one();
    }

    /// Waits until all lines are written, at most until the deadline.
    ///
    /// # Errors
    /// The lines that were not written until then.
    pub fn flush(&self, deadline: Instant) -> Result<(), UnwrittenLines> {
        let mut queue = self.shared.lock();
        while !queue.lines.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            queue = self.shared.is_empty.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let count = queue.lines.len() as u64 + queue.dropped;
        if count == 0 { Ok(()) } else { Err(UnwrittenLines { count, error: queue.error.take() }) }
    }
}

impl Drop for LineWriter {
    /// Ends the thread once it has written what waits. A thread that hangs is left behind.
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.has_news.notify_one();
    }
}

impl SharedLines {
    fn lock(&self) -> MutexGuard<'_, LineQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a line; `None` if there are no more.
    fn next(&self) -> Option<Arc<str>> {
        let mut queue = self.lock();
        loop {
            match queue.lines.front() {
                Some(line) => return Some(Arc::clone(line)),
                None if queue.is_over => return None,
                None => queue = self.has_news.wait(queue).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Takes the result of a try to write this line. After an error, waits before the next try.
    fn on_tried(&self, line: &Arc<str>, written: io::Result<()>) {
        let mut queue = self.lock();
        match written {
            Ok(()) => {
                queue.error = None;
                // It may have been dropped meanwhile: then it counts as written all the same.
                if queue.lines.front().is_some_and(|first| Arc::ptr_eq(first, line)) {
                    queue.lines.pop_front();
                } else {
                    queue.dropped = queue.dropped.saturating_sub(1);
                }
                if queue.lines.is_empty() {
                    self.is_empty.notify_all();
                }
            }
            Err(error) => {
                queue.error = Some(error);
                if queue.is_over {
                    // Nobody waits for these lines any more.
                    queue.lines.clear();
                    return;
                }
                drop(self.has_news.wait_timeout(queue, RETRY_INTERVAL));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// A target that waits before each line until the test allows it.
    fn gated() -> (LineWriter, Sender<io::Result<()>>, Receiver<String>) {
        let (gate, allowed) = channel::<io::Result<()>>();
        let (written, lines) = channel();
        let writer = LineWriter::start("test", move |line| {
            allowed.recv().unwrap_or(Ok(()))?;
            let _ = written.send(line.to_owned());
            Ok(())
        });
        (writer.unwrap(), gate, lines)
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(20)
    }

    fn late() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_target_that_hangs_holds_nothing_up_and_each_line_that_it_lacks_is_counted() {
        let (writer, gate, lines) = gated();
        for number in 0..MAX_WAITING + 10 {
            writer.push(&number.to_string());
        }
        let unwritten = writer.flush(soon()).unwrap_err();
        assert_eq!(unwritten.count, MAX_WAITING as u64 + 10);
        assert!(unwritten.error.is_none(), "it has not failed, it hangs");
        drop(gate);
        let dropped = writer.flush(late()).unwrap_err().count;
        let written = lines.try_iter().count() as u64;
        // The thread may have held the oldest line while that was dropped from the queue.
        assert_eq!(written + dropped, MAX_WAITING as u64 + 10);
        assert!((9..=10).contains(&dropped), "{dropped}");
    }

    #[test]
    fn a_line_that_failed_is_written_again_and_its_order_stays() {
        let (writer, gate, lines) = gated();
        writer.push("a");
        writer.push("b");
        gate.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        gate.send(Ok(())).unwrap();
        gate.send(Ok(())).unwrap();
        writer.flush(late()).unwrap();
        assert_eq!(lines.try_iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn the_last_error_is_told() {
        let (writer, gate, _lines) = gated();
        writer.push("a");
        gate.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        let mut error = None;
        while error.is_none() {
            let unwritten = writer.flush(soon()).unwrap_err();
            assert_eq!(unwritten.count, 1);
            error = unwritten.error;
        }
        assert_eq!(error.map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
    }
}
