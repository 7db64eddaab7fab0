//! A wake-up of the drain thread that costs next to nothing while the thread is awake.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst, fence};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{Result, write};

/// Wakes one thread, which arms it before it sleeps.
///
/// A sender leaves its news and then notifies; the thread arms the notifier and then looks for
/// news. Both sides have a barrier between the two steps: so either the sender sees that the
/// notifier is armed, or the thread sees the news.
#[derive(Debug)]
pub struct Notifier {
    event: OwnedFd,
    is_armed: AtomicBool,
}

impl Notifier {
    /// Returns a notifier that is not armed.
    ///
    /// # Errors
    /// The kernel gives no descriptor.
    pub fn new() -> Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { event, is_armed: AtomicBool::new(false) })
    }

    /// Wakes the thread if the notifier is armed, and disarms it.
    pub fn notify(&self) {
        fence(SeqCst);
        if self.is_armed.load(Relaxed) && self.is_armed.swap(false, Relaxed) {
            // It fails only if nobody has read the counter for 2^64 times.
            let _ = write(&self.event, &1_u64.to_ne_bytes());
        }
    }

    /// Arms it for one wake-up.
    pub fn arm(&self) {
        self.is_armed.store(true, Relaxed);
        fence(SeqCst);
    }

    /// Returns whether it has not notified since it was armed.
    pub fn is_armed(&self) -> bool {
        self.is_armed.load(Relaxed)
    }
}

/// Becomes readable anew with each wake-up. Nobody reads it, so wait for edges.
impl AsFd for Notifier {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::{Errno, read};

    use super::*;

    #[test]
    fn it_wakes_once_when_armed_and_never_otherwise() {
        let notifier = Notifier::new().unwrap();
        let mut count = [0; 8];
        notifier.notify();
        assert_eq!(read(&notifier, &mut count), Err(Errno::AGAIN), "not armed");
        notifier.arm();
        assert!(notifier.is_armed());
        notifier.notify();
        notifier.notify();
        assert!(!notifier.is_armed());
        assert_eq!(read(&notifier, &mut count), Ok(8));
        assert_eq!(u64::from_ne_bytes(count), 1);
    }
}
