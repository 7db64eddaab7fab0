//! The records that rows came from, each with a line of text and the facts that sentences about the
//! rows are traced by.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use obit_case::Case;
use obit_case::reader::RecordFilter;
use obit_derivation::record::{Actor, Body, CgroupEventKind, RuntimeAnswer, Source};
use obit_derivation::row::ReportSource;
use obit_derivation::{Record, WallNs};

use super::record_text;
use crate::error::Error;

/// A record that a row came from.
#[derive(Clone, Debug)]
pub struct TracedRecord {
    /// The record's time by the wall clock.
    pub ts: WallNs,
    /// Kind and contents, safe to print.
    pub line: String,
    /// The facts that sentences are traced by.
    pub(super) facts: RecordFacts,
}

/// The facts of a record that sentences are traced by.
#[derive(Clone, Debug)]
pub(super) enum RecordFacts {
    /// A directory was made, on this hierarchy.
    Made(u32),
    /// The first walk, or a later one, saw a directory.
    Walked,
    /// The last task left a directory.
    Emptied,
    /// Somebody froze the tasks, or let them go on.
    FreezerMoved(CgroupEventKind),
    /// A process executed a program.
    Executed { pid: u32, comm: String },
    /// A process ended.
    Ended(u32),
    /// A signal was sent, by this task.
    Signalled { sender: String, ancestors: Vec<String> },
    /// The OOM killer chose a process.
    OomKilled,
    /// A runtime, or a file of one, said something.
    Said(Box<RuntimeStatement>),
    /// Anything else.
    Other,
}

/// The words of a runtime, or of a file of one, as far as rows repeat them.
#[derive(Clone, Debug)]
pub(super) struct RuntimeStatement {
    pub(super) by: ReportSource,
    pub(super) container_name: Option<String>,
    pub(super) image_name: Option<String>,
    pub(super) started_at: Option<WallNs>,
    pub(super) created_at: Option<WallNs>,
    pub(super) exit_code: Option<i32>,
}

/// Most statements about a container that are read beside the records that its rows came from.
const MAX_STATEMENTS: usize = 10_000;

/// Reads these records, and what runtimes said of the container, by `seq`. Records that cannot be
/// read are left out.
///
/// # Errors
/// The records cannot be read at all.
pub fn read(case: &Case, container_id: &str, seqs: &BTreeSet<u64>) -> Result<BTreeMap<u64, TracedRecord>, Error> {
    let mut records = BTreeMap::new();
    let mut statements = 0;
    let filter = RecordFilter { container_id: container_id.to_owned(), seqs: seqs.clone(), ..RecordFilter::default() };
    case.records_matching(&filter).for_each(|record| -> Result<(), Error> {
        let is_evidence = seqs.contains(&record.seq.0);
        let is_statement =
            matches!(&record.body, Body::Runtime(answer) if answer.container_id.as_deref() == Some(container_id));
        statements += usize::from(is_statement && !is_evidence);
        if is_evidence || is_statement && statements <= MAX_STATEMENTS {
            records.insert(record.seq.0, TracedRecord::of(record));
        }
        Ok(())
    })?;
    Ok(records)
}

/// Records of several containers, by the container's id and by `seq`.
pub type TracedContainers = BTreeMap<String, BTreeMap<u64, TracedRecord>>;

/// Reads the records of several containers as [`read`] does of one, all in one reading of the log,
/// and shows each record of the log to `watch`.
///
/// # Errors
/// The records cannot be read at all.
pub fn read_many(
    case: &Case,
    wanted: &BTreeMap<String, BTreeSet<u64>>,
    mut watch: impl FnMut(&Record<'_>),
) -> Result<TracedContainers, Error> {
    let mut found: TracedContainers = wanted.keys().map(|id| (id.clone(), BTreeMap::new())).collect();
    let mut containers_of: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for (id, seqs) in wanted {
        seqs.iter().for_each(|seq| containers_of.entry(*seq).or_default().push(id));
    }
    case.records().for_each(|record| -> Result<(), Error> {
        watch(record);
        let of_evidence = containers_of.get(&record.seq.0).map(Vec::as_slice).unwrap_or_default();
        for id in of_evidence {
            if let Some(records) = found.get_mut(*id) {
                records.insert(record.seq.0, TracedRecord::of(record));
            }
        }
        if let Body::Runtime(answer) = &record.body
            && let Some(id) = answer.container_id.as_deref()
            && let Some(records) = found.get_mut(id)
            && records.len() < MAX_STATEMENTS
            && !records.contains_key(&record.seq.0)
        {
            records.insert(record.seq.0, TracedRecord::of(record));
        }
        Ok(())
    })?;
    Ok(found)
}

impl TracedRecord {
    fn of(record: &Record<'_>) -> Self {
        Self { ts: record.ts, line: record_text::body_line(&record.body), facts: RecordFacts::of(&record.body) }
    }
}

impl RecordFacts {
    /// Returns the facts of a record. A carried record has those of the record that it repeats.
    fn of(body: &Body<'_>) -> Self {
        match body {
            Body::Carried(carried) => Self::of(&carried.body),
            Body::Cgroup(event) => match event.kind {
                CgroupEventKind::Mkdir => Self::Made(event.key.hierarchy.0),
                CgroupEventKind::Empty => Self::Emptied,
                CgroupEventKind::Frozen | CgroupEventKind::Thawed => Self::FreezerMoved(event.kind),
                _ => Self::Other,
            },
            Body::Directory(_) => Self::Walked,
            Body::Exec(exec) => Self::Executed { pid: exec.target.pid, comm: exec.target.comm.to_owned() },
            Body::Exit(exit) => Self::Ended(exit.target.pid),
            Body::Signal(signal) => {
                let ancestors = signal.sender_ancestors.iter().map(|task| format!("{}[{}]", task.comm, task.pid));
                // Cases of older builds have no more than the parent's name.
                let ancestors = ancestors.chain([signal.sender.parent_comm.to_owned()]).collect();
                Self::Signalled { sender: actor_text(&signal.sender), ancestors }
            }
            Body::Oom(_) => Self::OomKilled,
            Body::Runtime(answer) => Self::Said(Box::new(RuntimeStatement::of(answer))),
            _ => Self::Other,
        }
    }
}

impl RuntimeStatement {
    fn of(answer: &RuntimeAnswer<'_>) -> Self {
        let by = ReportSource { source: answer.source, is_event: answer.event.is_some() };
        Self {
            by,
            container_name: answer.container_name.as_deref().map(str::to_owned),
            image_name: answer.image_name.as_deref().map(str::to_owned),
            started_at: answer.started_at,
            created_at: answer.created_at,
            exit_code: answer.exit_code,
        }
    }
}

/// Returns a task as a row's steps name it.
fn actor_text(actor: &Actor<'_>) -> String {
    if actor.argv.len() > 1 { actor.argv.join(" ") } else { format!("{}[{}]", actor.comm, actor.pid) }
}

/// The records of one life, for finding those behind a sentence.
pub(super) struct LifeTrace<'a>(Vec<(u64, &'a TracedRecord)>);

impl<'a> LifeTrace<'a> {
    /// Takes the records of a life out of those that were read: its evidence, and the statements
    /// among these records.
    pub(super) fn new(
        records: &'a BTreeMap<u64, TracedRecord>,
        evidence: &BTreeSet<u64>,
        statement_seqs: Range<u64>,
    ) -> Self {
        let is_of_life = |seq: &u64, record: &TracedRecord| {
            evidence.contains(seq) || statement_seqs.contains(seq) && matches!(record.facts, RecordFacts::Said(_))
        };
        Self(
            records
                .iter()
                .filter(|(seq, record)| is_of_life(seq, record))
                .map(|(seq, record)| (*seq, record))
                .collect(),
        )
    }

    /// Iterates over the records.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &'a TracedRecord)> + '_ {
        self.0.iter().copied()
    }

    /// Returns the `seq` of each record that fits.
    pub(super) fn seqs(&self, fits: impl Fn(&TracedRecord) -> bool) -> Vec<u64> {
        self.iter().filter(|(_, record)| fits(record)).map(|(seq, _)| seq).collect()
    }

    /// Returns the `seq` of each statement that fits.
    pub(super) fn said(&self, fits: impl Fn(&RuntimeStatement) -> bool) -> Vec<u64> {
        self.seqs(|record| matches!(&record.facts, RecordFacts::Said(statement) if fits(statement)))
    }

    /// Returns the `seq` of the first statement that fits.
    pub(super) fn first_said(&self, fits: impl Fn(&RuntimeStatement) -> bool) -> Vec<u64> {
        self.said(fits).into_iter().take(1).collect()
    }

    /// Returns the `seq` of the first statement of a source.
    pub(super) fn first_said_by(&self, source: Source) -> Vec<u64> {
        self.first_said(|statement| statement.by.source == source)
    }
}
