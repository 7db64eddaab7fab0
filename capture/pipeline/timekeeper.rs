//! Decides when the clocks are recorded again.
//!
//! Order and lifetimes come from the boot clock, which nobody sets and which goes on in suspend.
//! The wall clock is for people, so its changes are recorded: that it was set, by how much, and how
//! well it is kept.

use obit_derivation::BootNs;
use obit_derivation::record::{ClockReading, ClockReason};

use crate::host::clock::{ClockPair, suspended_ns};
use crate::host::ntp::ClockState;

/// Most that the wall clock may have drifted from the boot clock since it was recorded. Slewing, at
/// most 500 ppm, takes minutes for that; more at once means that somebody set it. Needed where the
/// kernel or a sandbox does not report it.
const MAX_DRIFT_NS: u64 = 50_000_000;
/// Longest time from a step that was seen to the kernel's report of it: the kernel first sets the
/// clock, and then tells whoever waits for that, once all processors know.
const ANNOUNCED_WITHIN_NS: u64 = 1_000_000_000;
/// Shortest time in suspend. The two clocks whose difference it is cannot be read at the same
/// instant.
const MIN_SUSPEND_NS: u64 = 10_000_000;

/// The clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub struct ClockSnapshot {
    /// The wall clock and the boot clock.
    pub pair: ClockPair,
    /// The time in suspend since boot, in nanoseconds.
    pub suspended_ns: u64,
    /// The kernel reports that the wall clock was set since the last reading.
    pub was_set: bool,
}

impl ClockSnapshot {
    /// Reads the clocks.
    pub fn read(was_set: bool) -> Self {
        Self { pair: ClockPair::read(), suspended_ns: suspended_ns(), was_set }
    }
}

/// Decides when the clocks are recorded.
#[derive(Debug, Default)]
pub struct Timekeeper {
    recorded: Option<ClockSnapshot>,
    /// Moment of a recorded step or resume that the kernel had not reported yet.
    ahead_of_kernel: Option<BootNs>,
}

impl Timekeeper {
    /// Returns what to record of these clocks, if anything. `asked` is a reason to record them even
    /// if nothing happened to them.
    pub fn check(&mut self, now: ClockSnapshot, asked: Option<ClockReason>) -> Option<ClockReading> {
        let step_ns =
            self.recorded.map(|before| now.pair.wall_minus_boot_ns().saturating_sub(before.pair.wall_minus_boot_ns()));
        let stepped = step_ns.is_some_and(|step| step.unsigned_abs() > MAX_DRIFT_NS);
        let announced = now.was_set && self.recorded.is_some();
        let known = announced
            && self
                .ahead_of_kernel
                .take()
                .is_some_and(|since| now.pair.boot.0.saturating_sub(since.0) <= ANNOUNCED_WITHIN_NS);
        let slept_ns = self.recorded.map_or(0, |before| now.suspended_ns.saturating_sub(before.suspended_ns));
        let reason = if slept_ns >= MIN_SUSPEND_NS {
            ClockReason::Resume
        } else if stepped || announced && !known {
            ClockReason::Set
        } else {
            asked?
        };
        if matches!(reason, ClockReason::Set | ClockReason::Resume) {
            self.ahead_of_kernel = (known || !announced).then_some(now.pair.boot);
        }
        self.recorded = Some(now);
        Some(ClockReading { reason: Some(reason), step_ns, suspended_ns: Some(now.suspended_ns), ..quality() })
    }
}

/// Returns how well the wall clock is kept.
fn quality() -> ClockReading {
    let Some(state) = ClockState::read() else { return ClockReading::default() };
    let nanoseconds = |us: i64| u64::try_from(us).ok().map(|us| us.saturating_mul(1_000));
    ClockReading {
        synchronized: Some(state.synchronized),
        max_error_ns: nanoseconds(state.max_error_us),
        estimated_error_ns: nanoseconds(state.estimated_error_us),
        ..ClockReading::default()
    }
}

#[cfg(test)]
mod tests {
    use obit_derivation::WallNs;

    use super::*;

    const SECOND_NS: u64 = 1_000_000_000;

    /// Returns clocks at `boot_s` seconds after the boot, the wall clock off by `wall_off_ns`.
    fn clocks(boot_s: u64, wall_off_ns: i64) -> ClockSnapshot {
        let boot = BootNs(boot_s * SECOND_NS);
        let wall = WallNs(1_800_000_000_000_000_000 + (boot_s * SECOND_NS) as i64 + wall_off_ns);
        ClockSnapshot { pair: ClockPair { wall, boot, uncertainty_ns: 0 }, suspended_ns: 0, was_set: false }
    }

    /// Returns what is recorded at each of these.
    fn told(clocks: &[ClockSnapshot]) -> Vec<Option<(ClockReason, Option<i64>)>> {
        let mut keeper = Timekeeper::default();
        let mut asked = Some(ClockReason::Start);
        clocks
            .iter()
            .map(|now| keeper.check(*now, asked.take()).map(|said| (said.reason.unwrap(), said.step_ns)))
            .collect()
    }

    #[test]
    fn a_wall_clock_that_is_set_is_told_at_once_and_once() {
        let (hour, start) = (3_600 * SECOND_NS as i64, (ClockReason::Start, None));
        let set = |step| Some((ClockReason::Set, Some(step)));
        let forward_and_back =
            [clocks(10, 0), clocks(11, hour), clocks(12, hour), clocks(13, -hour), clocks(14, -hour)];
        assert_eq!(told(&forward_and_back), [Some(start), set(hour), None, set(-2 * hour), None]);
    }

    #[test]
    fn the_kernel_knows_of_steps_that_no_drift_shows() {
        let tiny = ClockSnapshot { was_set: true, ..clocks(11, 7) };
        let told = told(&[ClockSnapshot { was_set: true, ..clocks(10, 0) }, tiny, clocks(12, 7)]);
        // What it had to say before the first reading is about another time.
        assert_eq!(told, [Some((ClockReason::Start, None)), Some((ClockReason::Set, Some(7))), None]);
    }

    #[test]
    fn a_step_that_is_seen_before_the_kernel_tells_of_it_is_told_once() {
        let (hour, start) = (3_600 * SECOND_NS as i64, (ClockReason::Start, None));
        let announced = |clocks: ClockSnapshot| ClockSnapshot { was_set: true, ..clocks };
        let set = |step| Some((ClockReason::Set, Some(step)));
        let late = [clocks(10, 0), clocks(11, hour), announced(clocks(12, hour - 5)), announced(clocks(13, hour + 9))];
        assert_eq!(told(&late), [Some(start), set(hour), None, set(9)], "the second word is of another step");
        let two = [clocks(10, 0), clocks(11, hour), announced(clocks(12, -hour)), announced(clocks(12, -hour))];
        assert_eq!(told(&two), [Some(start), set(hour), set(-2 * hour), None], "the first word was of the first step");
        let silent = [clocks(10, 0), clocks(11, hour), announced(clocks(13, hour + 7))];
        assert_eq!(told(&silent), [Some(start), set(hour), set(7)], "what comes long after is of another step");
    }

    #[test]
    fn slewing_is_no_step() {
        // 500 ppm over a minute, which is as much as the kernel does.
        let slewed = clocks(70, 30_000_000);
        assert_eq!(told(&[clocks(10, 0), slewed]), [Some((ClockReason::Start, None)), None]);
        let mut keeper = Timekeeper::default();
        keeper.check(clocks(10, 0), Some(ClockReason::Start));
        let said = keeper.check(slewed, Some(ClockReason::Interval)).unwrap();
        assert_eq!((said.reason, said.step_ns), (Some(ClockReason::Interval), Some(30_000_000)));
    }

    #[test]
    fn a_resume_is_told_with_the_time_in_suspend() {
        // An hour in suspend: the boot clock has counted it, and whoever resumed has set the wall
        // clock by it.
        let asleep_ns = 3_600 * SECOND_NS;
        let resumed = ClockSnapshot { suspended_ns: asleep_ns, was_set: true, ..clocks(3_611, 0) };
        let mut keeper = Timekeeper::default();
        keeper.check(clocks(10, 0), Some(ClockReason::Start)).unwrap();
        let said = keeper.check(resumed, None).unwrap();
        assert_eq!((said.reason, said.suspended_ns), (Some(ClockReason::Resume), Some(asleep_ns)));
        assert_eq!(said.step_ns, Some(0), "both clocks have counted it");
        assert_eq!(keeper.check(ClockSnapshot { was_set: false, ..resumed }, None), None, "told once");
        // Readings that are not quite at the same instant are no suspend.
        let jitter = ClockSnapshot { suspended_ns: asleep_ns + MIN_SUSPEND_NS / 2, ..resumed };
        assert_eq!(keeper.check(ClockSnapshot { was_set: false, ..jitter }, None), None);
    }

    #[test]
    fn real_clocks_come_with_how_well_they_are_kept() {
        let said = Timekeeper::default().check(ClockSnapshot::read(false), Some(ClockReason::Start)).unwrap();
        assert!(said.synchronized.is_some() && said.max_error_ns >= said.estimated_error_ns, "{said:?}");
    }
}
