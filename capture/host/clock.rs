//! The two clocks of a record, read as a pair, and a watch for a wall clock that is set.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use obit_case::manifest;
use obit_derivation::{BootNs, WallNs};
use rustix::io::{Errno, Result};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime, timerfd_create,
    timerfd_settime,
};

const NS_PER_S: i64 = 1_000_000_000;
/// Tries per pair. A scheduler can stop this thread between two reads of one try, hardly in every
/// one of five.
const TRIES: usize = 5;
/// Uncertainty at which trying stops: three vDSO reads take well below a microsecond.
const TIGHT_NS: u64 = 1_000;

/// The wall clock and the boot clock at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockPair {
    /// Wall clock: CLOCK_REALTIME.
    pub wall: WallNs,
    /// Boot clock: CLOCK_BOOTTIME.
    pub boot: BootNs,
    /// Longest time between the two readings, in nanoseconds: half the time that reading took.
    pub uncertainty_ns: u64,
}

/// Converts a pair to the form of the manifest.
impl From<ClockPair> for manifest::ClockPair {
    fn from(pair: ClockPair) -> Self {
        Self { ts: pair.wall, boot_ns: pair.boot }
    }
}

impl ClockPair {
    /// Reads both clocks: boot, wall, boot again, and takes the tightest of a few tries.
    pub fn read() -> Self {
        Self::read_with(
            || BootNs(nanoseconds(clock_gettime(ClockId::Boottime)).max(0) as u64),
            || WallNs(nanoseconds(clock_gettime(ClockId::Realtime))),
        )
    }

    fn read_with(mut boot: impl FnMut() -> BootNs, mut wall: impl FnMut() -> WallNs) -> Self {
        let bracket = tightest(|| boot().0, || wall().0);
        Self { wall: WallNs(bracket.inner), boot: BootNs(bracket.outer), uncertainty_ns: bracket.uncertainty_ns }
    }

    /// Returns wall clock minus boot clock, in nanoseconds. It changes only when somebody sets the
    /// wall clock or NTP slews it.
    pub fn wall_minus_boot_ns(self) -> i64 {
        self.wall.0.saturating_sub_unsigned(self.boot.0)
    }

    /// Returns the wall time at another moment of the boot clock, if the wall clock is not set in
    /// between.
    pub fn wall_at(self, boot: BootNs) -> WallNs {
        WallNs(self.wall_minus_boot_ns().saturating_add_unsigned(boot.0))
    }
}

/// Returns the time that the host was suspended since its boot, in nanoseconds: what CLOCK_BOOTTIME
/// has counted and CLOCK_MONOTONIC has not. It is as exact as the two can be read together, see
/// [`ClockPair::uncertainty_ns`].
pub fn suspended_ns() -> u64 {
    let bracket = tightest(
        || nanoseconds(clock_gettime(ClockId::Monotonic)).max(0) as u64,
        || nanoseconds(clock_gettime(ClockId::Boottime)),
    );
    u64::try_from(bracket.inner).unwrap_or(0).saturating_sub(bracket.outer)
}

/// Two clocks read together.
struct ClockBracket<T> {
    /// The first clock, at the middle between two readings of it.
    outer: u64,
    /// The other clock, read between those.
    inner: T,
    /// Half the time between the two readings of the first.
    uncertainty_ns: u64,
}

/// Reads one clock, another and the first again, and takes the tightest of a few tries.
fn tightest<T>(mut outer: impl FnMut() -> u64, mut inner: impl FnMut() -> T) -> ClockBracket<T> {
    let mut bracket = || {
        let before = outer();
        let inner = inner();
        let width_ns = outer().saturating_sub(before);
        ClockBracket { outer: before + width_ns / 2, inner, uncertainty_ns: width_ns.div_ceil(2) }
    };
    let mut best = bracket();
    for _ in 1..TRIES {
        if best.uncertainty_ns <= TIGHT_NS {
            break;
        }
        let next = bracket();
        if next.uncertainty_ns < best.uncertainty_ns {
            best = next;
        }
    }
    best
}

/// A watch for a wall clock that is set (timerfd_create(2), `TFD_TIMER_CANCEL_ON_SET`). The kernel
/// reports a step of any size, and a resume from suspend.
#[derive(Debug)]
pub struct SetWatch(OwnedFd);

impl SetWatch {
    /// Starts to watch.
    ///
    /// # Errors
    /// The kernel gives no such timer.
    pub fn start() -> Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        // The timer never expires; it is only asked whether it was cancelled.
        let never = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec { tv_sec: i64::MAX, tv_nsec: 0 },
        };
        timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET, &never)?;
        Ok(Self(timer))
    }

    /// Returns whether the wall clock was set since the last call.
    pub fn was_set(&self) -> bool {
        // A cancelled timer says so once and goes on watching (fs/timerfd.c, `timerfd_canceled`).
        rustix::io::read(&self.0, &mut [0; 8]) == Err(Errno::CANCELED)
    }
}

/// Becomes readable when somebody sets the wall clock.
impl AsFd for SetWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Converts a kernel timestamp to nanoseconds. Saturates in the year 2262.
pub fn nanoseconds(time: Timespec) -> i64 {
    time.tv_sec.saturating_mul(NS_PER_S).saturating_add(time.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tightest_bracket_wins_and_its_middle_is_the_boot_time() {
        // Three tries, 10 µs, 2 µs and 4 µs wide, then two more of 50 µs.
        let mut boot = [0, 10_000, 20_000, 22_000, 30_000, 34_000, 40_000, 90_000, 100_000, 150_000].into_iter();
        let mut wall = [1, 2, 3, 4, 5].into_iter();
        let pair = ClockPair::read_with(|| BootNs(boot.next().unwrap()), || WallNs(wall.next().unwrap()));
        // The second try is half as wide as 2 µs on each side, which is tight enough to stop at.
        assert_eq!(pair, ClockPair { wall: WallNs(2), boot: BootNs(21_000), uncertainty_ns: 1_000 });
        assert_eq!(boot.len(), 6, "stops as soon as a try is tight");
    }

    #[test]
    fn real_clocks_agree_with_an_earlier_pair() {
        let first = ClockPair::read();
        let second = ClockPair::read();
        assert!(second.boot >= first.boot);
        assert!(first.wall.0 > 1_600_000_000 * NS_PER_S, "the wall clock is past 2020: {first:?}");
        assert_eq!(first.wall_at(first.boot), first.wall);
        assert_eq!(first.wall_at(BootNs(first.boot.0 + 5)).0, first.wall.0 + 5);
    }

    #[test]
    fn time_in_suspend_is_what_the_boot_clock_has_more() {
        let before = suspended_ns();
        let boot = ClockPair::read().boot.0;
        assert!(before < boot, "suspended for {before} ns of {boot}");
        // A host that is suspended between these two lines fails here.
        let tight = 1_000_000;
        assert!(suspended_ns().abs_diff(before) < tight, "{before} ns, and then another time");
    }

    #[test]
    fn nobody_set_the_clock_until_somebody_did() {
        let watch = SetWatch::start().unwrap();
        assert!(!watch.was_set() && !watch.was_set(), "a clock was set that was not: or somebody did, just now");
    }
}
