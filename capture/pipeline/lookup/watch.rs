//! A watch over readings that may hang: a network's or a user's file system answers when it likes.
//!
//! A thread parks its work while it reads. If the reading takes too long, another thread takes the
//! work over and goes on; the first one finds that out when its reading returns, and ends. So a
//! reading that does not hang wakes nobody.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use super::read::FileRead;

/// Threads that may hang at a time. With that many, nothing more is read until one returns.
const MAX_HUNG: usize = 8;

/// The readings of one worker after the other. `W` is the work that a successor goes on with.
#[derive(Debug)]
pub struct ReadWatch<W> {
    state: Mutex<WatchState<W>>,
    /// Longest time that a reading may take.
    limit: Duration,
    /// Expires when a reading may have taken too long.
    timer: OwnedFd,
    is_armed: AtomicBool,
    is_over: AtomicBool,
}

#[derive(Debug)]
struct WatchState<W> {
    /// The work of the thread that reads.
    parked: Option<ParkedWork<W>>,
    /// Number of the next reading.
    next: u64,
    /// Readings that hang: their numbers and places.
    hung: Vec<(u64, Option<String>)>,
}

#[derive(Debug)]
struct ParkedWork<W> {
    number: u64,
    work: W,
    read: FileRead,
    since: Instant,
}

impl<W> ReadWatch<W> {
    /// Returns a watch over readings that may take this long.
    ///
    /// # Errors
    /// The kernel gives no timer.
    pub fn new(limit: Duration) -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
        let state = Mutex::new(WatchState { parked: None, next: 0, hung: Vec::new() });
        Ok(Self { state, limit, timer, is_armed: AtomicBool::new(false), is_over: AtomicBool::new(false) })
    }

    /// Reads with `perform` while the work is parked. Returns the work with the result; `None` if
    /// it took too long and another thread has the work by now.
    pub fn read<T>(&self, work: W, read: &FileRead, perform: impl FnOnce() -> T) -> Option<(W, T)> {
        let number = {
            let mut state = self.lock();
            let number = state.next;
            state.next += 1;
            state.parked = Some(ParkedWork { number, work, read: read.clone(), since: Instant::now() });
            number
        };
        // One expiry serves all readings until then.
        if !self.is_armed.swap(true, Relaxed) {
            self.arm(self.limit);
        }
        let result = perform();
        let mut state = self.lock();
        match state.parked.take_if(|parked| parked.number == number) {
            Some(parked) => Some((parked.work, result)),
            None => {
                state.hung.retain(|(hung, _)| *hung != number);
                None
            }
        }
    }

    /// Returns true if a reading is not to be tried: another one hangs in the same place, or too
    /// many do elsewhere.
    pub fn is_hopeless(&self, read: &FileRead) -> bool {
        let Some(place) = read.place() else { return false };
        let state = self.lock();
        state.hung.len() >= MAX_HUNG || state.hung.iter().any(|(_, hung)| hung.as_deref() == Some(place))
    }

    /// Waits until a reading takes too long. Returns its work, for a successor, and the reading;
    /// `None` once the watch is over.
    pub fn next_hang(&self) -> Option<(W, FileRead)> {
        loop {
            let mut expiries = [MaybeUninit::uninit(); 8];
            // Fails only if a signal handler ran meanwhile.
            let _ = rustix::io::read(&self.timer, &mut expiries);
            if self.is_over.load(Relaxed) {
                return None;
            }
            self.is_armed.store(false, Relaxed);
            let parked_for = self.lock().parked.as_ref().map(|parked| parked.since.elapsed());
            match parked_for {
                Some(time) if time < self.limit => {
                    self.is_armed.store(true, Relaxed);
                    self.arm(self.limit.saturating_sub(time));
                }
                Some(_) => {
                    if let Some(hang) = self.take_over(self.limit) {
                        return Some(hang);
                    }
                }
                None => {}
            }
        }
    }

    /// Takes the work of a reading that has taken this long.
    pub fn take_over(&self, at_least: Duration) -> Option<(W, FileRead)> {
        let mut state = self.lock();
        let parked = state.parked.take_if(|parked| parked.since.elapsed() >= at_least)?;
        state.hung.push((parked.number, parked.read.place().map(str::to_owned)));
        Some((parked.work, parked.read))
    }

    /// Ends the watch.
    pub fn end(&self) {
        self.is_over.store(true, Relaxed);
        self.arm(Duration::from_nanos(1));
    }

    /// Returns true once the watch is over.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Relaxed)
    }

    fn arm(&self, after: Duration) {
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Seconds at most.
        let Ok(it_value) = Timespec::try_from(after) else { return };
        // It fails for no valid time.
        let _ = timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval: none, it_value });
    }

    fn lock(&self) -> MutexGuard<'_, WatchState<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    const LIMIT: Duration = Duration::from_millis(20);

    fn bundle(path: &str) -> FileRead {
        FileRead::Bundle { bundle: path.to_owned(), container_id: "a".to_owned() }
    }

    #[test]
    fn work_is_taken_over_from_a_reading_that_hangs_and_from_no_other() {
        let watch = ReadWatch::new(LIMIT).unwrap();
        let (gate, opened) = channel::<()>();
        thread::scope(|scope| {
            assert_eq!(watch.read("work", &bundle("/quick/a"), || 1), Some(("work", 1)));
            let watched = &watch;
            let reader = scope.spawn(move || watched.read("work", &bundle("/nfs/a"), || opened.recv()));
            let begun = Instant::now();
            assert_eq!(watch.next_hang(), Some(("work", bundle("/nfs/a"))));
            assert!(begun.elapsed() >= LIMIT / 2);
            assert!(watch.is_hopeless(&bundle("/nfs/b")) && !watch.is_hopeless(&bundle("/other/b")));
            // The successor reads on, and its reading is none of the first thread's.
            let read = watch.read("work", &bundle("/other/b"), || {
                gate.send(()).unwrap();
                assert!(reader.join().unwrap().is_none(), "its work was taken over");
                2
            });
            assert_eq!(read, Some(("work", 2)));
            assert!(!watch.is_hopeless(&bundle("/nfs/b")), "it has returned");
            watch.end();
            assert_eq!(watch.next_hang(), None);
        });
    }

    #[test]
    fn with_too_many_that_hang_nothing_is_read_but_what_the_kernel_answers() {
        let watch = ReadWatch::new(LIMIT).unwrap();
        for number in 0..MAX_HUNG {
            assert!(!watch.is_hopeless(&bundle("/other/a")));
            let taken_over = watch.read((), &bundle(&format!("/nfs-{number}/a")), || watch.take_over(Duration::ZERO));
            assert!(taken_over.is_none());
            // A thread that hangs has not come so far as to say that it returned.
            watch.lock().hung.push((u64::MAX - number as u64, None));
        }
        assert!(watch.is_hopeless(&bundle("/other/a")));
        let key = obit_derivation::CgroupKey::default();
        assert!(!watch.is_hopeless(&FileRead::Directory { key, path: "/a".to_owned() }));
    }
}
