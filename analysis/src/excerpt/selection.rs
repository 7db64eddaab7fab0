//! The records that an excerpt needs, so that the rows of its containers follow from them alone.

use std::collections::BTreeSet;

use obit_case::{Case, Problem};
use obit_derivation::record::{Body, Seq, Target};
use obit_derivation::row::RowSink;
use obit_derivation::{CgroupKey, Profile, Record, Row};

use crate::error::Error;
use crate::profile;

/// The records that were selected, from few to all. Fewer are not enough for the rows of the whole
/// case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SelectionScope {
    /// The rows' evidence.
    Evidence,
    /// All that was recorded of the containers.
    Containers,
    /// The same for the containers that enclose or killed one of them.
    Related,
    /// All records.
    Everything,
}

/// Records to put into an excerpt.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) scope: SelectionScope,
    /// Places of the records; `None` for all.
    pub(super) seqs: Option<BTreeSet<u64>>,
    /// Problems of reading the log.
    pub(super) problems: Vec<Problem>,
}

impl Selection {
    /// Selects the records that the rows of these containers follow from.
    pub(super) fn of(case: &Case, containers: &BTreeSet<String>) -> Result<Self, Error> {
        let whole = derive(case, containers, |_| true)?;
        if let Some(id) = containers.iter().find(|id| !whole.rows.iter().any(|row| is_of(row, id))) {
            return Err(Error::NoContainer { container_id: id.clone() });
        }
        let mut wanted = WantedRecords::of(case, &whole.rows, containers)?;
        for scope in [SelectionScope::Evidence, SelectionScope::Containers, SelectionScope::Related] {
            if scope == SelectionScope::Related && !wanted.add_related(case, &whole.rows)? {
                continue;
            }
            let part = derive(case, containers, |record| wanted.contains(record, scope))?;
            if part.rows == whole.rows {
                return Ok(Self { scope, seqs: Some(part.seqs), problems: whole.problems });
            }
        }
        Ok(Self { scope: SelectionScope::Everything, seqs: None, problems: whole.problems })
    }

    /// Returns true if a record is selected.
    pub(super) fn contains(&self, seq: u64) -> bool {
        self.seqs.as_ref().is_none_or(|seqs| seqs.contains(&seq))
    }
}

fn is_of(row: &Row, container_id: &str) -> bool {
    row.identity().container_id == container_id
}

/// The rows of some containers that follow from some records.
struct PartialRows {
    rows: Vec<Row>,
    seqs: BTreeSet<u64>,
    problems: Vec<Problem>,
}

/// Derives the rows of these containers from the records that are wanted. Notes the records too,
/// unless all are wanted.
fn derive(
    case: &Case,
    containers: &BTreeSet<String>,
    is_wanted: impl Fn(&Record<'_>) -> bool,
) -> Result<PartialRows, Error> {
    let mut rules = profile::rules(case, Profile::Strict)?;
    let mut rows = RowsOf { containers, rows: Vec::new() };
    let mut seqs = BTreeSet::new();
    let mut records = case.records();
    records.for_each(|record| -> Result<(), Error> {
        if is_wanted(record) {
            seqs.insert(record.seq.0);
            rules.apply(record, &mut rows);
        }
        Ok(())
    })?;
    rules.finish(&mut rows);
    Ok(PartialRows { rows: rows.rows, seqs, problems: records.problems().to_vec() })
}

/// A sink that keeps the rows of some containers.
struct RowsOf<'a> {
    containers: &'a BTreeSet<String>,
    rows: Vec<Row>,
}

impl RowSink for RowsOf<'_> {
    fn take(&mut self, row: &Row) {
        if self.containers.contains(&row.identity().container_id) {
            self.rows.push(row.clone());
        }
    }
}

/// What makes a record wanted.
struct WantedRecords {
    evidence: BTreeSet<Seq>,
    containers: BTreeSet<String>,
    cgroups: BTreeSet<CgroupKey>,
}

impl WantedRecords {
    fn of(case: &Case, rows: &[Row], containers: &BTreeSet<String>) -> Result<Self, Error> {
        let mut wanted = Self { evidence: BTreeSet::new(), containers: containers.clone(), cgroups: BTreeSet::new() };
        wanted.evidence.extend(rows.iter().flat_map(Row::evidence_seqs));
        wanted.add_cgroups(case, rows)?;
        Ok(wanted)
    }

    /// Adds the directories that rows name and that their evidence is about.
    fn add_cgroups(&mut self, case: &Case, rows: &[Row]) -> Result<(), Error> {
        self.cgroups.extend(rows.iter().filter_map(Row::place).map(|place| place.key));
        let evidence: BTreeSet<Seq> = rows.iter().flat_map(Row::evidence_seqs).copied().collect();
        case.records().for_each(|record| -> Result<(), Error> {
            if evidence.contains(&record.seq) {
                self.cgroups.extend(directory(&record.body));
            }
            Ok(())
        })
    }

    /// Adds the containers that enclose or killed one of those of the rows. Returns false if there
    /// are none.
    fn add_related(&mut self, case: &Case, rows: &[Row]) -> Result<bool, Error> {
        let related: BTreeSet<String> = rows.iter().flat_map(related_ids).cloned().collect();
        let related: BTreeSet<String> = related.difference(&self.containers).cloned().collect();
        if related.is_empty() {
            return Ok(false);
        }
        let theirs = derive(case, &related, |_| true)?;
        self.add_cgroups(case, &theirs.rows)?;
        self.containers.extend(related);
        Ok(true)
    }

    fn contains(&self, record: &Record<'_>, scope: SelectionScope) -> bool {
        self.evidence.contains(&record.seq)
            || is_about_all(&record.body)
            || (scope > SelectionScope::Evidence && self.is_about(&record.body))
    }

    /// Returns true if a record is about one of the containers.
    fn is_about(&self, body: &Body<'_>) -> bool {
        let is_in = |target: &Target<'_>| target.places().any(|key| self.cgroups.contains(&key));
        match body {
            Body::Cgroup(event) => self.cgroups.contains(&event.key),
            Body::Directory(directory) => self.cgroups.contains(&directory.key),
            Body::Attach(attach) => self.cgroups.contains(&attach.key) || is_in(&attach.target),
            Body::Exec(exec) => is_in(&exec.target),
            Body::Exit(exit) => is_in(&exit.target),
            Body::Signal(signal) => is_in(&signal.target),
            Body::Oom(kill) => is_in(&kill.target),
            Body::Runtime(answer) => answer.container_id.as_deref().is_some_and(|id| self.containers.contains(id)),
            Body::Carried(carried) => self.is_about(&carried.body),
            _ => false,
        }
    }
}

/// Returns the directory that a record is about.
fn directory(body: &Body<'_>) -> Option<CgroupKey> {
    match body {
        Body::Cgroup(event) => Some(event.key),
        Body::Directory(directory) => Some(directory.key),
        Body::Attach(attach) => Some(attach.key),
        Body::Carried(carried) => directory(&carried.body),
        _ => None,
    }
}

/// Returns true for losses and for the marks of the recording: they are about all containers.
fn is_about_all(body: &Body<'_>) -> bool {
    match body {
        Body::Lost(_)
        | Body::CaptureStart
        | Body::CaptureStop
        | Body::SegmentBegin
        | Body::SnapshotBegin(_)
        | Body::SnapshotFailed(_)
        | Body::SnapshotEnd(_) => true,
        Body::Carried(carried) => is_about_all(&carried.body),
        _ => false,
    }
}

/// Returns the ids of the containers that enclose the one of a row, or killed it.
fn related_ids(row: &Row) -> impl Iterator<Item = &String> {
    let death = match row {
        Row::Exit(row) => Some(&row.death),
        Row::Remove(row) => Some(&row.death),
        _ => None,
    };
    let killer = death.and_then(|death| death.killed_by.as_ref()?.container_id.as_ref());
    row.identity().parent_container_id.iter().chain(killer)
}
