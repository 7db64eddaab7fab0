//! Triage of a case: how many containers ended of what, and which ends want a second look.
//!
//! A reason says what the columns of a life's rows say, and nothing about guilt: many such ends are
//! harmless.

use std::collections::BTreeMap;

use obit_case::{Case, Problem};
use obit_derivation::identity::Engine;
use obit_derivation::row::{Cause, Death, Identity, LimitScope};
use obit_derivation::{Profile, Row, WallNs};

use crate::derive::derive_rows;
use crate::error::Error;
use crate::filter::RowFilter;
use crate::life_key::LifeKey;

/// Most ends that are kept to be listed; all are counted.
pub const MAX_SUSPECTS: usize = 10_000;

/// A lifetime below which an end is [`TriageReason::EndedAtOnce`]: a second.
const SHORT_LIFETIME_NS: u64 = 1_000_000_000;

/// A reason to look at an end a second time, the most urgent first. Columns are those of
/// `container_exit`, or of `container_remove` where a life has no exit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TriageReason {
    /// A task in another container ended it: `killed_by_container_id` is neither null, nor the
    /// container itself, nor the one around it (`parent_container_id`).
    KilledFromContainer,
    /// A user's own directory claims to be it, and no runtime backs that: one of the `conflicts`
    /// says so.
    ClaimedByUser,
    /// The OOM killer ended it for the limit of a cgroup above it, so others may have used the
    /// memory: `oom_limit_scope` is `ancestor`, and `oom_killed` is true.
    OomByAncestor,
    /// A source contradicts the kernel, or another source, about its end: it has a row of
    /// `disagreement`.
    Disputed,
    /// Its program was never executed: `cause` is `start_failed` or `never_started`, or
    /// `never_started` is true.
    NeverStarted,
    /// It ended within a second of its creation: `lifetime_ns` of the exit is less than that, and
    /// its program was executed.
    EndedAtOnce,
    /// Its end, or what led to it, was not seen whole: `inferred` or `after_gap` is true, or
    /// `cause` is `unknown`.
    SeenInPart,
    /// It exited, and at the end of the case its directory was still there: there is no row of
    /// `container_remove` for it.
    NotRemoved,
}

impl TriageReason {
    /// Every reason, the most urgent first.
    pub const ALL: [Self; 8] = [
        Self::KilledFromContainer,
        Self::ClaimedByUser,
        Self::OomByAncestor,
        Self::Disputed,
        Self::NeverStarted,
        Self::EndedAtOnce,
        Self::SeenInPart,
        Self::NotRemoved,
    ];

    /// Returns its name in outputs.
    pub fn name(self) -> &'static str {
        match self {
            Self::KilledFromContainer => "killed_from_container",
            Self::ClaimedByUser => "claimed_by_user",
            Self::OomByAncestor => "oom_by_ancestor",
            Self::Disputed => "disputed",
            Self::NeverStarted => "never_started",
            Self::EndedAtOnce => "ended_at_once",
            Self::SeenInPart => "seen_in_part",
            Self::NotRemoved => "not_removed",
        }
    }
}

/// An end that wants a second look.
#[derive(Clone, Debug, PartialEq)]
pub struct SuspectEnd {
    /// The reasons, the most urgent first.
    pub reasons: Vec<TriageReason>,
    /// The row that tells of the end: of the exit, else of the removal, else the contradiction.
    pub row: Row,
}

impl SuspectEnd {
    /// Returns the key to sort by: the most urgent reason, then the other reasons, then the time.
    pub fn urgency(&self) -> (&[TriageReason], WallNs) {
        (&self.reasons, self.row.ts())
    }
}

/// The ends of a case, counted and looked through.
#[derive(Debug, Default)]
pub struct TriageReport {
    /// Ends by engine and cause.
    pub counts: BTreeMap<(Option<Engine>, Cause), u64>,
    /// Ends by reason; an end with several counts for each.
    pub by_reason: BTreeMap<TriageReason, u64>,
    /// Ends that want a second look, the most urgent first; [`MAX_SUSPECTS`] at most.
    pub suspects: Vec<SuspectEnd>,
    /// Number of ends that want a second look.
    pub suspects_total: u64,
    /// The problems that reading the case met.
    pub problems: Vec<Problem>,
}

/// Counts the ends of a case that a filter leaves, and finds those that want a second look.
///
/// # Errors
/// The records cannot be read.
pub fn triage(case: &Case, filter: &RowFilter) -> Result<TriageReport, Error> {
    let mut triager = Triager { filter, report: TriageReport::default(), open: BTreeMap::new(), removed: None };
    let mut rows = derive_rows(case, Profile::Strict)?;
    for row in rows.by_ref() {
        triager.add(row?);
    }
    let mut report = triager.finish();
    report.problems = rows.problems().to_vec();
    Ok(report)
}

/// A life that has ended.
#[derive(Debug)]
struct EndedLife {
    key: LifeKey,
    row: Row,
    is_disputed: bool,
    is_removed: bool,
}

impl EndedLife {
    /// Returns the reasons to look at the end, the most urgent first.
    fn reasons(&self) -> Vec<TriageReason> {
        let is_so = |reason: &TriageReason| match reason {
            TriageReason::Disputed => self.is_disputed,
            // A container without a directory has none to leave.
            TriageReason::NotRemoved => !self.is_removed && self.key.directory.is_some(),
            other => is_of_row(*other, &self.row),
        };
        TriageReason::ALL.into_iter().filter(is_so).collect()
    }
}

/// Returns true if the columns of one row give the reason.
fn is_of_row(reason: TriageReason, row: &Row) -> bool {
    let (is_inferred, is_after_gap, lifetime_ns, has_not_started) = match row {
        Row::Exit(row) => (row.inferred, row.after_gap, row.lifetime_ns, row.never_started),
        Row::Remove(row) => (row.inferred, row.after_gap, None, row.never_started),
        Row::Create(_) | Row::Existing(_) | Row::Disagreement(_) => return false,
    };
    let Some(death) = row.death() else { return false };
    let identity = row.identity();
    let has_not_started =
        has_not_started == Some(true) || matches!(death.cause, Cause::StartFailed | Cause::NeverStarted);
    match reason {
        TriageReason::KilledFromContainer => is_killed_from_another(identity, death),
        TriageReason::ClaimedByUser => identity.conflicts.iter().any(|conflict| is_claim_of_user(conflict)),
        TriageReason::OomByAncestor => {
            death.oom_killed == Some(true) && death.oom_limit_scope == Some(LimitScope::Ancestor)
        }
        TriageReason::NeverStarted => has_not_started,
        TriageReason::EndedAtOnce => !has_not_started && lifetime_ns.is_some_and(|ns| ns < SHORT_LIFETIME_NS),
        TriageReason::SeenInPart => is_inferred || is_after_gap || death.cause == Cause::Unknown,
        // Several rows give these.
        TriageReason::Disputed | TriageReason::NotRemoved => false,
    }
}

fn is_killed_from_another(identity: &Identity, death: &Death) -> bool {
    let from = death.killed_by.as_ref().and_then(|killer| killer.container_id.as_deref());
    from.is_some_and(|id| id != identity.container_id && Some(id) != identity.parent_container_id.as_deref())
}

/// Returns true for the conflict that the derivation notes where only a user's path names the
/// container.
fn is_claim_of_user(conflict: &str) -> bool {
    conflict.starts_with("path: ") && conflict.ends_with(", no runtime backs it")
}

/// Follows the rows of ends. Keeps lives that have exited until they are removed, and the last one
/// removed until the next row: contradictions come right after the row of the removal.
#[derive(Debug)]
struct Triager<'a> {
    filter: &'a RowFilter,
    report: TriageReport,
    /// Lives that have exited and are not removed, by the container's id.
    open: BTreeMap<String, Vec<EndedLife>>,
    removed: Option<EndedLife>,
}

impl Triager<'_> {
    fn add(&mut self, row: Row) {
        let key = LifeKey::of(&row);
        if !matches!(row, Row::Disagreement(_))
            && let Some(life) = self.removed.take()
        {
            self.settle(life);
        }
        match &row {
            Row::Exit(_) => {
                let life = EndedLife { key, row, is_disputed: false, is_removed: false };
                self.open.entry(life.key.container_id.clone()).or_default().push(life);
            }
            Row::Remove(_) => {
                let exited = self.open.get_mut(&key.container_id).and_then(|lives| {
                    let place = key.find(lives.iter().map(|life| &life.key))?;
                    Some(lives.remove(place))
                });
                if self.open.get(&key.container_id).is_some_and(Vec::is_empty) {
                    self.open.remove(&key.container_id);
                }
                self.removed = Some(match exited {
                    Some(life) => EndedLife { is_removed: true, ..life },
                    None => EndedLife { key, row, is_disputed: false, is_removed: true },
                });
            }
            Row::Disagreement(_) => {
                let removed = self.removed.as_mut().filter(|life| life.key.container_id == key.container_id);
                let open = match removed {
                    Some(_) => None,
                    None => self.open.get_mut(&key.container_id).and_then(|lives| {
                        let place = key.find(lives.iter().map(|life| &life.key))?;
                        lives.get_mut(place)
                    }),
                };
                match removed.or(open) {
                    Some(life) => life.is_disputed = true,
                    // A source says that a container which lives has ended.
                    None => self.settle(EndedLife { key, row, is_disputed: true, is_removed: true }),
                }
            }
            Row::Create(_) | Row::Existing(_) => {}
        }
    }

    /// Counts an end about which no further row comes.
    fn settle(&mut self, life: EndedLife) {
        if !self.filter.matches(&life.row) {
            return;
        }
        if let Some(death) = life.row.death() {
            *self.report.counts.entry((life.row.identity().runtime, death.cause)).or_default() += 1;
        }
        let reasons = life.reasons();
        for reason in &reasons {
            *self.report.by_reason.entry(*reason).or_default() += 1;
        }
        if !reasons.is_empty() {
            self.report.suspects_total += 1;
            self.report.suspects.push(SuspectEnd { reasons, row: life.row });
            if self.report.suspects.len() >= 2 * MAX_SUSPECTS {
                self.keep_most_urgent();
            }
        }
    }

    fn keep_most_urgent(&mut self) {
        self.report.suspects.sort_by(|a, b| a.urgency().cmp(&b.urgency()));
        self.report.suspects.truncate(MAX_SUSPECTS);
    }

    fn finish(mut self) -> TriageReport {
        let removed = self.removed.take();
        for life in removed.into_iter().chain(std::mem::take(&mut self.open).into_values().flatten()) {
            self.settle(life);
        }
        self.keep_most_urgent();
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_derivation::record::{BootNs, Seq};
    use obit_derivation::row::{ActorCopy, ContainerExit, ContainerRemove, Killer, Place};

    /// Returns an exit after a minute, of a container that was created by record 1.
    fn exit() -> ContainerExit {
        ContainerExit {
            seq: Seq(5),
            boot_ns: BootNs(9),
            identity: Identity { container_id: "a".to_owned(), ..Identity::default() },
            place: Some(Place::default()),
            created_seq: Some(Seq(1)),
            lifetime_ns: Some(60 * SHORT_LIFETIME_NS),
            death: Death { cause: Cause::Exited, ..Death::default() },
            never_started: Some(false),
            ..ContainerExit::default()
        }
    }

    fn removal() -> Row {
        let identity = Identity { container_id: "a".to_owned(), ..Identity::default() };
        Row::Remove(ContainerRemove { seq: Seq(7), identity, created_seq: Some(Seq(1)), ..ContainerRemove::default() })
    }

    fn report(rows: Vec<Row>) -> TriageReport {
        let filter = RowFilter::default();
        let report = TriageReport::default();
        let mut triager = Triager { filter: &filter, report, open: BTreeMap::new(), removed: None };
        rows.into_iter().for_each(|row| triager.add(row));
        triager.finish()
    }

    /// Returns the reasons of an exit that is followed by its removal.
    fn reasons(exit: ContainerExit) -> Vec<TriageReason> {
        let mut report = report(vec![Row::Exit(exit), removal()]);
        assert_eq!(report.counts.values().sum::<u64>(), 1, "one life is one end");
        report.suspects.pop().map(|suspect| suspect.reasons).unwrap_or_default()
    }

    fn killer(from: Option<&str>) -> Death {
        let killer = Killer { task: ActorCopy::default(), loginuid: None, container_id: from.map(str::to_owned) };
        Death { cause: Cause::Signalled, killed_by: Some(killer), ..Death::default() }
    }

    #[test]
    fn an_ordinary_end_wants_no_second_look() {
        assert_eq!(reasons(exit()), []);
    }

    #[test]
    fn each_reason_follows_from_its_columns() {
        use TriageReason::{ClaimedByUser, EndedAtOnce, KilledFromContainer, NeverStarted, OomByAncestor, SeenInPart};
        let oom = |scope| Death {
            cause: Cause::OomKilled,
            oom_killed: Some(true),
            oom_limit_scope: Some(scope),
            ..Death::default()
        };
        let died = |death| ContainerExit { death, ..exit() };
        let claimed = |conflict: &str| ContainerExit {
            identity: Identity { conflicts: vec![conflict.to_owned()], ..exit().identity },
            ..exit()
        };
        for (exit, expected) in [
            (died(killer(Some("b"))), vec![KilledFromContainer]),
            (died(killer(Some("a"))), vec![]),
            (died(killer(None)), vec![]),
            (claimed("path: made by uid 1000, no runtime backs it"), vec![ClaimedByUser]),
            (claimed("docker: image_name busybox"), vec![]),
            (died(oom(LimitScope::Ancestor)), vec![OomByAncestor]),
            (died(oom(LimitScope::Own)), vec![]),
            (died(Death { cause: Cause::StartFailed, ..Death::default() }), vec![NeverStarted]),
            (ContainerExit { lifetime_ns: Some(SHORT_LIFETIME_NS - 1), ..exit() }, vec![EndedAtOnce]),
            (ContainerExit { lifetime_ns: Some(SHORT_LIFETIME_NS), ..exit() }, vec![]),
            (ContainerExit { lifetime_ns: Some(1), never_started: Some(true), ..exit() }, vec![NeverStarted]),
            (ContainerExit { after_gap: true, ..exit() }, vec![SeenInPart]),
            (ContainerExit { inferred: true, ..exit() }, vec![SeenInPart]),
            (died(Death::default()), vec![SeenInPart]),
        ] {
            assert_eq!(reasons(exit.clone()), expected, "{exit:?}");
        }
        // A container's engine may run in the container around it.
        let mut nested = ContainerExit { death: killer(Some("b")), ..exit() };
        nested.identity.parent_container_id = Some("b".to_owned());
        assert_eq!(reasons(nested), []);
    }

    #[test]
    fn an_end_without_a_removal_is_not_removed_if_it_has_a_directory() {
        let suspects = |exit| report(vec![Row::Exit(exit)]).suspects;
        assert_eq!(suspects(exit())[0].reasons, [TriageReason::NotRemoved]);
        assert_eq!(suspects(ContainerExit { place: None, ..exit() }), []);
    }

    #[test]
    fn the_most_urgent_come_first_and_all_are_counted() {
        let of = |id: &str, death: Death, ts: i64| {
            let identity = Identity { container_id: id.to_owned(), ..Identity::default() };
            Row::Exit(ContainerExit { identity, death, place: None, ts: WallNs(ts), ..exit() })
        };
        let report = report(vec![
            of("x", Death::default(), 1),
            of("y", killer(Some("b")), 3),
            of("z", killer(Some("b")), 2),
            of("w", exit().death, 0),
        ]);
        let ids: Vec<_> = report.suspects.iter().map(|end| end.row.identity().container_id.as_str()).collect();
        assert_eq!(ids, ["z", "y", "x"]);
        assert_eq!((report.suspects_total, report.counts.values().sum::<u64>()), (3, 4));
        assert_eq!(report.by_reason[&TriageReason::KilledFromContainer], 2);
    }
}
