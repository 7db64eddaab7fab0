//! The wake-ups that end the wait for a drain: by the BPF program, or by another descriptor.

use std::mem::{MaybeUninit, offset_of};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{Ordering, fence};
use std::time::Duration;

use libbpf_rs::{MapCore, MapFlags, MapHandle};
use rustix::event::{Timespec, epoll};

use super::error::ProbeError;
use crate::sources::kernel::skeleton::types::bss;

/// The only element of the map.
const KEY: [u8; 4] = 0_u32.to_ne_bytes();

// The whole map is written at once.
const _: () = assert!(offset_of!(bss, wakeup_wanted) == 0 && size_of::<bss>() == size_of::<u64>());

/// The wake-ups that the BPF program forces.
///
/// Not libbpf's own poll: that is level-triggered, so it returns at once when a single record
/// waits, and draining a storm a few records at a time is what makes it slow. An edge-triggered
/// epoll only sees real wake-ups.
pub struct Wakeups {
    epoll: OwnedFd,
    _events: MapHandle,
    /// The variables that both sides write, of which `wakeup_wanted` is the only one.
    marks: MapHandle,
}

impl Wakeups {
    /// Makes the wake-ups of this ring buffer, with the map of the program's variables.
    pub fn of(events: MapHandle, marks: MapHandle) -> rustix::io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let wakeups = Self { epoll, marks, _events: events };
        wakeups.also_of(wakeups._events.as_fd())?;
        Ok(wakeups)
    }

    /// Adds a descriptor that ends the wait when it becomes readable.
    pub fn also_of(&self, source: BorrowedFd<'_>) -> rustix::io::Result<()> {
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&self.epoll, source, epoll::EventData::new_u64(0), flags)
    }

    /// Waits for a wake-up, or until the time is up.
    pub fn wait(&self, timeout: Duration) -> rustix::io::Result<()> {
        // Kernels before 5.11 count in milliseconds in 32 bits; no one wants to wait longer than
        // that.
        let timeout = timeout.min(Duration::from_millis(i32::MAX as u64));
        let timeout = Timespec::try_from(timeout).map_err(|_| rustix::io::Errno::INVAL)?;
        let mut event = [MaybeUninit::uninit(); 1];
        match epoll::wait(&self.epoll, &mut event, Some(&timeout)) {
            // A signal ends the wait: the caller looks at what there is, and comes back.
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Tells the BPF program to force a wake-up for the next event of a cgroup.
    ///
    /// By a call and not in memory that both share: it is made once in a while, and memory needs
    /// `unsafe`.
    pub fn want(&self) -> Result<(), ProbeError> {
        let told = self.marks.update(&KEY, &1_u64.to_ne_bytes(), MapFlags::ANY);
        // The look at the ring buffer that follows comes after that for all processors:
        // `wake_sleeper()` relies on it.
        fence(Ordering::SeqCst);
        told.map_err(|source| ProbeError::Mark { source: Box::new(source) })
    }

    /// Returns true if the program has not forced the wake-up yet.
    pub fn is_wanted(&self) -> Result<bool, ProbeError> {
        let mark = self.marks.lookup(&KEY, MapFlags::ANY);
        let mark = mark.map_err(|source| ProbeError::Mark { source: Box::new(source) })?;
        Ok(mark.is_some_and(|mark| mark.iter().any(|byte| *byte != 0)))
    }
}
