//! The two clocks of a record, read as a pair.

use obit_derivation::{BootNs, WallNs};
use rustix::time::{ClockId, Timespec, clock_gettime};

const NS_PER_S: i64 = 1_000_000_000;
/// Tries per pair. A scheduler can stop us between two reads of one try, hardly in every one of five.
const TRIES: usize = 5;
/// Good enough to stop trying: three vDSO reads take well below a microsecond.
const TIGHT_NS: u64 = 1_000;

/// The wall clock and the boot clock at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockPair {
    /// CLOCK_REALTIME.
    pub wall: WallNs,
    /// CLOCK_BOOTTIME.
    pub boot: BootNs,
    /// How far apart the two can be, in nanoseconds: half the time the reading took.
    pub uncertainty_ns: u64,
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
        let mut bracket = || {
            let before = boot().0;
            let wall = wall();
            let width_ns = boot().0.saturating_sub(before);
            Self { wall, boot: BootNs(before + width_ns / 2), uncertainty_ns: width_ns.div_ceil(2) }
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

    /// Wall clock minus boot clock, in nanoseconds: changes only when somebody sets the wall clock or NTP slews it.
    pub fn wall_minus_boot_ns(self) -> i64 {
        self.wall.0.saturating_sub_unsigned(self.boot.0)
    }

    /// The wall time at another moment of the boot clock, if the wall clock is not set in between.
    pub fn wall_at(self, boot: BootNs) -> WallNs {
        WallNs(self.wall_minus_boot_ns().saturating_add_unsigned(boot.0))
    }
}

/// A kernel timestamp in nanoseconds; saturates far beyond any real clock (the year 2262).
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
}
