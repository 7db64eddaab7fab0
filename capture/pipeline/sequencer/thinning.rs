//! Thinning of what users without privileges do beside all containers: beyond a rate it is counted
//! and not recorded, so that no user fills a case with it.
//!
//! Whoever was given a subtree of cgroupfs can make and remove directories in it as fast as the
//! kernel takes them: one process was seen to make 6.7 MB of records a second, which is a flight
//! recorder of 1 GiB in two to three minutes. By the rate below, which counts bytes before they are
//! compressed, that takes more than four hours.
//!
//! Whoever may make namespaces can start processes whose programs, exits and signals are recorded
//! as fast as the kernel does.
//!
//! Only events that decide nothing are left out ([`Fold::ignores`]), so a replay reaches the same
//! rows without them.

use std::collections::BTreeMap;

use obit_derivation::record::{Body, Thinning};
use obit_derivation::{BootNs, Fold, RateAccount};

use crate::host::clock::ClockPair;

/// Containers of one user that are followed, a second on average, after a burst of 4,096: more than
/// a user's engines start on a host of some processors.
pub const USER_LIVES_PER_SECOND: u32 = 32;

/// Bytes of events of one user that are recorded whatever they are, a second on average: some
/// hundred events.
const BYTES_PER_SECOND: u64 = 64 << 10;
/// Bytes of events of one user that may come at once beyond that: those of ten seconds, which are
/// 10,000 events with the shortest paths.
const BURST_BYTES: u64 = 640 << 10;
/// Bytes that an event counts for beside its path or the arguments of a signal's sender: what most
/// compress to.
const EVENT_BYTES: u64 = 64;
/// Bytes that an ancestor of a signal's sender counts for.
const ANCESTOR_BYTES: usize = 16;
/// The same for all users together, as a multiple: a process in a user namespace has many user ids.
const SHARES_OF_ALL: u64 = 4;
/// Most users of whom an account is kept.
const MAX_USERS: usize = 1_024;
/// Shortest time between two records about one user, in ns.
const REPORT_INTERVAL_NS: u64 = 1_000_000_000;

const NS_PER_SECOND: u64 = 1_000_000_000;
/// Cost of a byte of one user.
const BYTE_NS: u64 = NS_PER_SECOND / BYTES_PER_SECOND;

/// The number of events that were left out, by user; `None` for several of whom no account was
/// kept.
pub type ThinnedByUser = BTreeMap<Option<u32>, u64>;

/// What users without privileges used of their rates.
#[derive(Debug, Default)]
pub struct UserRates {
    all: RateAccount,
    users: BTreeMap<u32, RateAccount>,
    /// Events that were left out and are not recorded yet.
    unreported: BTreeMap<Option<u32>, LeftOut>,
    /// All that was left out.
    total: ThinnedByUser,
}

/// Events of a user that were left out.
#[derive(Clone, Copy, Debug)]
struct LeftOut {
    count: u64,
    first: BootNs,
    last: ClockPair,
}

impl UserRates {
    /// Returns true if a kernel event is to be left out, and counts it: its task is of a user
    /// without privileges who has made more than the rate allows, and it decides nothing.
    pub fn leaves_out(&mut self, at: ClockPair, uid: u32, body: &Body<'_>, fold: &Fold) -> bool {
        let Some(bytes) = bytes_of(body).filter(|_| uid != 0) else { return false };
        let account = self.account(uid, at.boot);
        let has_room = account.is_none_or(|account| account.has_room(BURST_BYTES * BYTE_NS, at.boot));
        if has_room && self.all.has_room(BURST_BYTES * BYTE_NS, at.boot) {
            if let Some(account) = self.users.get_mut(&uid) {
                account.take(bytes * BYTE_NS, at.boot);
            }
            // The burst of all is larger as their byte is cheaper.
            self.all.take(bytes * BYTE_NS / SHARES_OF_ALL, at.boot);
            return false;
        }
        if !fold.ignores(body) {
            return false;
        }
        let user = account.map(|_| uid).filter(|_| self.has_place(Some(uid)));
        let left_out = self.unreported.entry(user).or_insert(LeftOut { count: 0, first: at.boot, last: at });
        (left_out.count, left_out.last) = (left_out.count + 1, at);
        *self.total.entry(user).or_default() += 1;
        true
    }

    /// Returns what a user has used; `None` if there are too many users for an account.
    fn account(&mut self, uid: u32, now: BootNs) -> Option<RateAccount> {
        if self.users.len() >= MAX_USERS && !self.users.contains_key(&uid) {
            self.users.retain(|_, account| !account.is_idle(now));
            if self.users.len() >= MAX_USERS {
                return None;
            }
        }
        Some(*self.users.entry(uid).or_default())
    }

    fn has_place(&self, user: Option<u32>) -> bool {
        self.total.len() < MAX_USERS || self.total.contains_key(&user)
    }

    /// Takes what is to be recorded by now of what was left out, each with its time.
    pub fn take_due(&mut self, now: BootNs) -> Vec<(ClockPair, Thinning)> {
        self.take_where(|left_out| now.0.saturating_sub(left_out.first.0) >= REPORT_INTERVAL_NS)
    }

    /// Takes all that is still to be recorded.
    pub fn take_all(&mut self) -> Vec<(ClockPair, Thinning)> {
        self.take_where(|_| true)
    }

    fn take_where(&mut self, is_due: impl Fn(&LeftOut) -> bool) -> Vec<(ClockPair, Thinning)> {
        let mut due = Vec::new();
        self.unreported.retain(|uid, left_out| {
            let LeftOut { count, first, last } = *left_out;
            let is_due = is_due(left_out);
            due.extend(is_due.then_some((last, Thinning { count, uid: *uid, since: first })));
            !is_due
        });
        due
    }

    /// Returns all that was left out.
    pub fn total(&self) -> &ThinnedByUser {
        &self.total
    }
}

/// Returns the bytes that an event counts for; `None` if it is recorded whoever makes it happen.
fn bytes_of(body: &Body<'_>) -> Option<u64> {
    let texts_bytes = match body {
        Body::Cgroup(event) => event.path.len(),
        Body::Attach(attach) => attach.path.len(),
        Body::Exec(_) | Body::Exit(_) => 0,
        Body::Signal(signal) => {
            let arguments: usize = signal.sender.argv.iter().map(|argument| argument.len()).sum();
            arguments + ANCESTOR_BYTES * signal.sender_ancestors.len()
        }
        _ => return None,
    };
    Some(EVENT_BYTES + texts_bytes as u64)
}

#[cfg(test)]
mod tests {
    use obit_derivation::record::{
        Actor, CgroupEvent, CgroupEventKind, CgroupId, CgroupKey, ExitStatus, FatalSignal, ProcessExec, Record, Seq,
        Target, TaskExit, Usage, WallNs,
    };

    use super::*;

    const PLAIN: &str = "/user.slice/plain";
    /// Events with that path that one user may make a second, and at once.
    const PER_SECOND: u64 = BYTES_PER_SECOND / (EVENT_BYTES + PLAIN.len() as u64);
    const BURST: u64 = BURST_BYTES.div_ceil(EVENT_BYTES + PLAIN.len() as u64);
    const CONTAINER: &str = "/user.slice/docker-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.scope";

    fn at(boot_ns: u64) -> ClockPair {
        ClockPair { wall: WallNs(0), boot: BootNs(boot_ns), uncertainty_ns: 0 }
    }

    fn mkdir(uid: u32, path: &str) -> Body<'_> {
        Body::Cgroup(CgroupEvent {
            kind: CgroupEventKind::Mkdir,
            cpu: 0,
            key: CgroupKey { cgroup: CgroupId(7), ..CgroupKey::default() },
            parent: None,
            level: 2,
            path,
            path_truncated: false,
            actor: Actor { uid, ..Actor::default() },
            usage: Usage::NONE,
        })
    }

    /// Returns how many of so many events at one time are left out.
    fn left_out(rates: &mut UserRates, now: u64, uid: u32, path: &str, count: u64) -> u64 {
        let fold = Fold::new();
        (0..count).filter(|_| rates.leaves_out(at(now), uid, &mkdir(uid, path), &fold)).count() as u64
    }

    #[test]
    fn a_burst_is_recorded_and_then_the_rate() {
        let mut rates = UserRates::default();
        assert_eq!(left_out(&mut rates, 0, 1000, PLAIN, BURST + 500), 500);
        // A second later there is room for a second's events.
        assert!((69..=70).contains(&left_out(&mut rates, NS_PER_SECOND, 1000, PLAIN, PER_SECOND + 70)));
        // After a pause the burst is whole again, and no larger.
        let later = 100 * NS_PER_SECOND;
        assert_eq!(left_out(&mut rates, later, 1000, PLAIN, BURST + 1), 1);
        let total = rates.total()[&Some(1000)];
        assert!((570..=571).contains(&total), "{total}");
    }

    #[test]
    fn a_long_path_counts_for_more() {
        let mut rates = UserRates::default();
        let long = format!("/user.slice/{}", "x".repeat(4_000));
        let recorded = BURST - left_out(&mut rates, 0, 1000, &long, BURST);
        assert_eq!(recorded, BURST_BYTES.div_ceil(EVENT_BYTES + long.len() as u64));
    }

    #[test]
    fn neither_root_nor_another_user_nor_a_container_is_thinned() {
        let mut rates = UserRates::default();
        assert!(left_out(&mut rates, 0, 1000, PLAIN, 2 * BURST) > 0);
        assert_eq!(left_out(&mut rates, 0, 1000, CONTAINER, BURST), 0);
        assert_eq!(left_out(&mut rates, 0, 0, PLAIN, 10 * BURST), 0);
        assert_eq!(left_out(&mut rates, 0, 1001, PLAIN, BURST), 0);
    }

    #[test]
    fn programs_exits_and_signals_are_thinned_unless_a_process_is_a_container_s() {
        let mut fold = Fold::new();
        let container = mkdir(0, CONTAINER);
        fold.apply(&Record { seq: Seq(0), ts: WallNs(0), boot_ns: BootNs(0), body: container }, &mut Vec::new());
        let bodies = |cgroup| {
            let target = Target { pid: 70, started: BootNs(1), cgroup: CgroupId(cgroup), ..Target::default() };
            let exec = ProcessExec { cpu: 0, target, parent_comm: "sh" };
            let status = ExitStatus::Exited(0);
            let exit = TaskExit { cpu: 0, target, status, oom_victim: false, rebooted: None, parent_comm: "sh" };
            let signal = FatalSignal {
                cpu: 0,
                target,
                signal: 15,
                code: 0,
                origin: None,
                to_group: true,
                result: None,
                sender: Actor { uid: 1000, argv: &["kill", "70"], ..Actor::default() },
                sender_v1: None,
                sender_loginuid: None,
                sender_ancestors: Vec::new(),
            };
            [Body::Exec(exec), Body::Exit(exit), Body::Signal(signal)]
        };
        for place in 0..3 {
            let mut rates = UserRates::default();
            let mut left_out = |uid, cgroup| {
                let body = &bodies(cgroup)[place];
                (0..3 * BURST).filter(|_| rates.leaves_out(at(0), uid, body, &fold)).count() as u64
            };
            let others = left_out(1000, 99);
            assert!((BURST..3 * BURST).contains(&others), "{others} of {place}");
            assert_eq!(left_out(1000, 7), 0, "of a container's process");
            assert_eq!(left_out(0, 99), 0, "of root");
        }
    }

    #[test]
    fn what_is_known_as_a_container_s_is_recorded_whoever_removes_it() {
        let mut rates = UserRates::default();
        let mut fold = Fold::new();
        let made = mkdir(1000, CONTAINER);
        fold.apply(&Record { seq: Seq(0), ts: WallNs(0), boot_ns: BootNs(0), body: made }, &mut Vec::new());
        left_out(&mut rates, 0, 1000, PLAIN, 2 * BURST);
        for path in [PLAIN, CONTAINER] {
            let Body::Cgroup(event) = mkdir(1000, path) else { panic!("an event") };
            let below = CgroupEvent {
                key: CgroupKey { cgroup: CgroupId(8), ..event.key },
                parent: Some(CgroupId(7)),
                path: PLAIN,
                ..event.clone()
            };
            for body in [below, CgroupEvent { kind: CgroupEventKind::Rmdir, ..event }] {
                assert!(!rates.leaves_out(at(0), 1000, &Body::Cgroup(body), &fold), "{path}");
            }
        }
    }

    #[test]
    fn many_users_have_one_rate_together_and_a_bounded_account() {
        let mut rates = UserRates::default();
        let users = 10 * MAX_USERS as u32;
        let recorded: u64 = (1..=users).map(|uid| 100 - left_out(&mut rates, 0, uid, PLAIN, 100)).sum();
        assert!(recorded.abs_diff(SHARES_OF_ALL * BURST) <= BURST / 100, "{recorded}");
        assert!(rates.users.len() <= MAX_USERS && rates.total().len() <= MAX_USERS + 1);
        assert_eq!(rates.total().values().sum::<u64>(), u64::from(users) * 100 - recorded);
        assert!(rates.total()[&None] > 0, "those of whom no account was kept");
    }

    #[test]
    fn what_was_left_out_is_told_with_its_time_and_once() {
        let mut rates = UserRates::default();
        assert_eq!(left_out(&mut rates, 5, 1000, PLAIN, BURST), 0);
        assert_eq!(left_out(&mut rates, 6, 1000, PLAIN, 2), 2);
        assert_eq!(left_out(&mut rates, 7, 1000, PLAIN, 1), 1);
        assert_eq!(rates.take_due(BootNs(8)), []);
        let told = rates.take_due(BootNs(6 + REPORT_INTERVAL_NS));
        let [(time, thinning)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(time.boot, BootNs(7));
        assert_eq!(*thinning, Thinning { count: 3, uid: Some(1000), since: BootNs(6) });
        assert_eq!(rates.take_all(), []);
    }
}
