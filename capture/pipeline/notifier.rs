//! What wakes the drain thread when it sleeps long, and costs next to nothing when it does not.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed, Ordering::SeqCst, fence};

use rustix::event::{EventfdFlags, eventfd};
use rustix::io::{Result, write};

/// Rings for one thread, which listens at times.
///
/// Whoever has left something for it rings afterwards; it looks for what there may be after it has begun to listen. Between
/// these both sides have a barrier: so either the ringer sees that somebody listens, or the listener what was left.
#[derive(Debug)]
pub struct Bell {
    event: OwnedFd,
    is_listened_for: AtomicBool,
}

impl Bell {
    /// One that nobody listens for.
    ///
    /// # Errors
    /// The kernel gives no descriptor.
    pub fn new() -> Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { event, is_listened_for: AtomicBool::new(false) })
    }

    /// Wakes who listens, once: it has to begin anew after that.
    pub fn ring(&self) {
        fence(SeqCst);
        if self.is_listened_for.load(Relaxed) && self.is_listened_for.swap(false, Relaxed) {
            // It fails only if nobody has read it for 2^64 times.
            let _ = write(&self.event, &1_u64.to_ne_bytes());
        }
    }

    /// Begins to listen.
    pub fn listen(&self) {
        self.is_listened_for.store(true, Relaxed);
        fence(SeqCst);
    }

    /// Whether it has not rung since.
    pub fn is_listened_for(&self) -> bool {
        self.is_listened_for.load(Relaxed)
    }
}

/// Becomes readable anew each time that it rings; nobody reads it, so it is for those who wait for edges.
impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use rustix::io::{Errno, read};

    use super::*;

    #[test]
    fn it_rings_once_for_who_listens_and_for_nobody_else() {
        let bell = Bell::new().unwrap();
        let mut rung = [0; 8];
        bell.ring();
        assert_eq!(read(&bell, &mut rung), Err(Errno::AGAIN), "nobody listens");
        bell.listen();
        assert!(bell.is_listened_for());
        bell.ring();
        bell.ring();
        assert!(!bell.is_listened_for());
        assert_eq!(read(&bell, &mut rung), Ok(8));
        assert_eq!(u64::from_ne_bytes(rung), 1);
    }
}
