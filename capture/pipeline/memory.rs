//! Memory that a walk of a large host or an open part took and that is not needed any more.

/// Gives freed memory back to the system. glibc keeps it in each thread's arena for later use:
/// after a walk of 100,000 containers that is tens of megabytes. The call takes some milliseconds,
/// so make it rarely.
#[cfg(target_env = "gnu")]
pub fn give_back() {
    // SAFETY: malloc_trim(3) is safe in threads and touches only what is free.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Does nothing: musl gives memory back by itself.
#[cfg(not(target_env = "gnu"))]
pub fn give_back() {}
