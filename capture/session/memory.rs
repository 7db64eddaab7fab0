//! Memory that a walk of a large host took and that is not needed any more.

/// Gives what was freed back to the system. glibc keeps it for each thread, in the hope of use: after a walk of 100,000
/// containers that is tens of megabytes which are not needed again until the next one.
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
