//! Comparison of reports with the kernel's word: a row for each difference.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::end_report::{EndReport, EndReports, ReportedPresence, TOLERANCE_NS};
use crate::record::{Seq, Stamp, Usage, WallNs};
use crate::row::{
    ContainerExit, ContainerRemove, Death, Disagreement, DisagreementKind, Identity, Place, ReportSource, ReportedValue,
};

/// A disagreement before it is known which container it is about.
struct DisagreementDraft {
    aspect: DisagreementKind,
    said: ReportedValue,
    other: ReportedValue,
    difference_ns: Option<i64>,
    evidence: Vec<Seq>,
}

/// What a row tells of an end, as far as reports can contradict it.
pub(crate) struct ToldEnd<'a> {
    /// The record that decides the rows of what contradicts it.
    decided: Stamp,
    /// The record of the end.
    ended: Stamp,
    identity: &'a Identity,
    place: Option<&'a Place>,
    death: &'a Death,
    usage: &'a Usage,
    /// True if the container is removed, not only exited.
    is_removed: bool,
}

impl<'a> ToldEnd<'a> {
    /// Returns the end as the row of a removal tells it.
    pub fn of_removal(row: &'a ContainerRemove) -> Self {
        let ContainerRemove { seq, ts, boot_ns, identity, place, death, usage, .. } = row;
        let ended = Stamp { seq: *seq, ts: *ts, boot_ns: *boot_ns };
        Self { decided: ended, ended, identity, place: Some(place), death, usage, is_removed: true }
    }

    /// Returns the end as the row of an exit tells it, at the last record of the log.
    pub fn of_exit(row: &'a ContainerExit, last: Stamp) -> Self {
        let ContainerExit { seq, ts, boot_ns, identity, place, death, usage, .. } = row;
        let ended = Stamp { seq: *seq, ts: *ts, boot_ns: *boot_ns };
        Self { decided: last, ended, identity, place: place.as_ref(), death, usage, is_removed: false }
    }

    fn presence(&self) -> &'static str {
        if self.is_removed { "gone" } else { "exited" }
    }
}

/// Returns what contradicts the row of an end. `is_steady`: the wall clock was not set in that
/// life, so that times by it can be compared.
pub(crate) fn disagreements_at_end(row: &ToldEnd<'_>, reports: &EndReports, is_steady: bool) -> Vec<Disagreement> {
    let Some(place) = row.place.filter(|_| !reports.is_empty()) else { return Vec::new() }; // as of most
    let mut found = Vec::new();
    compare_exit_codes(&mut found, row.death, reports);
    compare_oom_kills(&mut found, row, reports);
    if is_steady {
        compare_times(&mut found, row.death, reports);
    }
    compare_presence(&mut found, row, reports);
    found.into_iter().map(|one| one.row(row.decided, row.identity.clone(), place.clone())).collect()
}

/// Returns what contradicts that a container is there at the end of the log: a report from long ago
/// that it has ended.
pub(crate) fn disagreement_of_live(
    last: Stamp,
    since: WallNs,
    evidence: &[Seq],
    reports: &EndReports,
    identity: impl FnOnce() -> Option<(Identity, Place)>,
) -> Option<Disagreement> {
    let is_ended = |report: &&EndReport| {
        report.presence == Some(ReportedPresence::Ended)
            && report.boot_ns.0.saturating_add(TOLERANCE_NS) < last.boot_ns.0
    };
    let report = reports.iter().find(is_ended)?;
    let (identity, place) = identity()?;
    let difference = DisagreementDraft {
        aspect: DisagreementKind::Existence,
        said: ReportedValue { by: ReportSource::KERNEL, value: Some("there".to_string()), at: Some(since) },
        other: ReportedValue {
            by: report.by,
            value: Some(ReportedPresence::Ended.as_str().to_string()),
            at: Some(report.about()),
        },
        difference_ns: None,
        evidence: [evidence, &[report.seq]].concat(),
    };
    Some(difference.row(last, identity, place))
}

impl DisagreementDraft {
    fn row(self, decided: Stamp, identity: Identity, place: Place) -> Disagreement {
        let mut evidence_seqs = self.evidence;
        evidence_seqs.sort_unstable();
        evidence_seqs.dedup();
        Disagreement {
            seq: decided.seq,
            ts: decided.ts,
            boot_ns: decided.boot_ns,
            identity,
            place,
            aspect: self.aspect,
            said: self.said,
            other: self.other,
            difference_ns: self.difference_ns,
            evidence_seqs,
        }
    }
}

/// Compares each reported value with the kernel's or, without one, with the first that was
/// reported. A source that repeats itself differs once.
fn compare_values<T: Copy + PartialEq>(
    found: &mut Vec<DisagreementDraft>,
    aspect: DisagreementKind,
    by_kernel: Option<(T, &[Seq])>,
    said: impl Iterator<Item = (ReportSource, T, Seq)>,
    text: impl Fn(T) -> String,
) {
    let mut nearest = by_kernel.map(|(value, evidence)| (ReportSource::KERNEL, value, evidence.to_vec()));
    let mut seen: Vec<(ReportSource, T)> = Vec::new();
    for (by, value, seq) in said {
        let Some((nearest_by, nearest_value, evidence)) = &nearest else {
            nearest = Some((by, value, Vec::from([seq])));
            continue;
        };
        if *nearest_value == value || seen.contains(&(by, value)) {
            continue;
        }
        seen.push((by, value));
        let side = |by, value| ReportedValue { by, value: Some(text(value)), at: None };
        found.push(DisagreementDraft {
            aspect,
            said: side(*nearest_by, *nearest_value),
            other: side(by, value),
            difference_ns: None,
            evidence: [evidence.as_slice(), &[seq]].concat(),
        });
    }
}

fn compare_exit_codes(found: &mut Vec<DisagreementDraft>, death: &Death, reports: &EndReports) {
    let signal = death.exit_signal.map(|signal| 128 + i32::from(signal));
    let by_kernel = death.exit_code.map(i32::from).or(signal);
    let said = reports.iter().filter_map(|one| Some((one.by, one.exit_code?, one.seq)));
    let by_kernel = by_kernel.map(|code| (code, death.cause_evidence_seqs.as_slice()));
    compare_values(found, DisagreementKind::ExitCode, by_kernel, said, |code| code.to_string());
}

/// Compares reports of OOM kills. A daemon's event tells that the OOM killer came, not whom it
/// killed: it says the same as an answer only where the kernel counts no kill at all.
fn compare_oom_kills(found: &mut Vec<DisagreementDraft>, row: &ToldEnd<'_>, reports: &EndReports) {
    let had_kills = row.usage.oom_kills != Some(0) || row.death.oom_limit_scope.is_some();
    let counts = |one: &&EndReport| !(had_kills && one.by.is_event);
    let said = reports.iter().filter(counts).filter_map(|one| Some((one.by, one.oom_killed?, one.seq)));
    let by_kernel = row.death.oom_killed.map(|killed| (killed, row.death.cause_evidence_seqs.as_slice()));
    compare_values(found, DisagreementKind::OomKilled, by_kernel, said, |killed| killed.to_string());
}

fn compare_times(found: &mut Vec<DisagreementDraft>, death: &Death, reports: &EndReports) {
    let mut nearest = death.exited_at.map(|at| (ReportSource::KERNEL, at, death.cause_evidence_seqs.clone()));
    let mut seen: Vec<ReportSource> = Vec::new();
    for report in reports.iter() {
        let Some(at) = report.finished_at else { continue };
        let Some((by, nearest_at, evidence)) = &nearest else {
            nearest = Some((report.by, at, Vec::from([report.seq])));
            continue;
        };
        let difference_ns = at.0.saturating_sub(nearest_at.0);
        if difference_ns.unsigned_abs() <= TOLERANCE_NS || seen.contains(&report.by) {
            continue;
        }
        seen.push(report.by);
        found.push(DisagreementDraft {
            aspect: DisagreementKind::Time,
            said: ReportedValue { by: *by, value: None, at: Some(*nearest_at) },
            other: ReportedValue { by: report.by, value: None, at: Some(at) },
            difference_ns: Some(difference_ns),
            evidence: [evidence.as_slice(), &[report.seq]].concat(),
        });
    }
}

/// Finds reports that a container is there, from long after its directory was gone, or that it
/// runs, from long after it has exited.
fn compare_presence(found: &mut Vec<DisagreementDraft>, row: &ToldEnd<'_>, reports: &EndReports) {
    let mut seen: Vec<ReportSource> = Vec::new();
    for report in reports.iter() {
        let Some(presence @ (ReportedPresence::Running | ReportedPresence::Kept)) = report.presence else { continue };
        let is_late = row.ended.boot_ns.0.saturating_add(TOLERANCE_NS) < report.boot_ns.0
            && (row.is_removed || presence == ReportedPresence::Running);
        // A report on a life that began after this one's end says nothing about this one.
        let is_of_another = report.started_at.is_some_and(|started| started > row.ended.ts);
        if !is_late || is_of_another || seen.contains(&report.by) {
            continue;
        }
        seen.push(report.by);
        found.push(DisagreementDraft {
            aspect: DisagreementKind::Existence,
            said: ReportedValue {
                by: ReportSource::KERNEL,
                value: Some(row.presence().to_string()),
                at: Some(row.ended.ts),
            },
            other: ReportedValue { by: report.by, value: Some(presence.as_str().to_string()), at: Some(report.ts) },
            difference_ns: None,
            evidence: Vec::from([row.ended.seq, report.seq]),
        });
    }
}
