//! Reads how well the wall clock is kept.

use serde::Serialize;

/// The kernel's report on its clock (adjtimex(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ClockState {
    /// Somebody keeps it by a reference.
    pub synchronized: bool,
    /// Largest error, in microseconds.
    pub max_error_us: i64,
    /// Estimated error, in microseconds.
    pub estimated_error_us: i64,
}

impl ClockState {
    /// Asks the kernel; `None` if it does not answer, as in some sandboxes.
    pub fn read() -> Option<Self> {
        // SAFETY: `timex` is plain integers, for which zeros are values; `modes` 0 changes nothing.
        // The kernel writes within the structure, which lives until the call has returned.
        let (state, timex) = unsafe {
            let mut timex: libc::timex = std::mem::zeroed();
            (libc::adjtimex(&raw mut timex), timex)
        };
        let is_unsynchronized = state == libc::TIME_ERROR || timex.status & libc::STA_UNSYNC != 0;
        (state != -1).then_some(Self {
            synchronized: !is_unsynchronized,
            max_error_us: timex.maxerror,
            estimated_error_us: timex.esterror,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_how_its_clock_is_kept() {
        let state = ClockState::read().expect("adjtimex reads without privileges");
        assert!(state.max_error_us >= state.estimated_error_us, "{state:?}");
    }
}
