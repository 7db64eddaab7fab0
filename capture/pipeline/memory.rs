//! Memory that a walk of a large host, or a part while it was open, took and that is not needed any more.

/// Gives what was freed back to the system. glibc keeps it, in each thread's arena, in the hope of use: after a walk of
/// 100,000 containers that is tens of megabytes. It takes some milliseconds, so it is for what is rare.
#[cfg(target_env = "gnu")]
pub fn give_back() {
    // SAFETY: malloc_trim(3) is safe in threads and touches only what is free.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// musl gives it back by itself.
#[cfg(not(target_env = "gnu"))]
pub fn give_back() {}
