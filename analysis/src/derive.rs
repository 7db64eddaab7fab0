//! The raw log of a case through the derivation again: records in, rows out, in bounded memory.
//!
//! Both iterators here are pulled: they read as many records as the next rows need, and no more.
//! [`DerivedRows`] gives rows one by one; [`DerivedBatches`] gives them in columns, which spares a
//! copy of each row.

use std::collections::{BTreeSet, VecDeque};

use arrow_array::RecordBatch;
use obit_case::reader::Records;
use obit_case::{Case, Problem};
use obit_derivation::row::RowSink;
use obit_derivation::{Derive, Profile, Row, WallNs};
use obit_schema::Table;
use obit_schema::encode::RowsBuilder;

use crate::error::Error;
use crate::filter::RowFilter;
use crate::profile;

/// Rows of one batch.
pub const BATCH_ROWS: usize = 4_096;

/// Records that [`DerivedBatches::advance`] reads at most: some tens of milliseconds of work.
const ADVANCE_RECORDS: u64 = 65_536;

/// Rows that [`DerivedRows`] copies ahead: entering the reader again for each row costs more.
const ROWS_AHEAD: usize = 256;

/// Derives the rows of a case by a profile's rules, in the order in which these decide them.
///
/// # Errors
/// [`Error::Hierarchies`] if the profile needs facts of the host that case.json does not have.
pub fn derive_rows<'a>(case: &Case, profile: Profile) -> Result<DerivedRows<'a>, Error> {
    derive_rows_since(case, profile, None)
}

/// Derives rows as [`derive_rows`] does, at least all of this time or later. Segments of the log
/// that only older rows follow from are not read.
///
/// # Errors
/// [`Error::Hierarchies`] if the profile needs facts of the host that case.json does not have.
pub fn derive_rows_since<'a>(case: &Case, profile: Profile, since: Option<WallNs>) -> Result<DerivedRows<'a>, Error> {
    let rules = profile::rules(case, profile)?;
    let rows = DerivedRows::new(Derivation::new(records_since(case, profile, since), rules));
    Ok(match excerpted(case) {
        Some(containers) => rows.matching(move |row| containers.contains(&row.identity().container_id)),
        None => rows,
    })
}

/// Returns the records that rows of this time or later follow from.
fn records_since(case: &Case, profile: Profile, since: Option<WallNs>) -> Records {
    match (profile, since) {
        (Profile::Strict, Some(since)) => case.records_since(since),
        // Another tool's rules know no segments.
        _ => case.records(),
    }
}

/// Returns the ids of the containers that an excerpt is about: of others it lacks records. Returns
/// `None` for a whole case.
fn excerpted(case: &Case) -> Option<BTreeSet<String>> {
    let excerpt = case.manifest()?.excerpt.as_ref()?;
    Some(excerpt.containers.iter().cloned().collect())
}

/// Derives the rows of some tables by a profile's rules, in batches of [`BATCH_ROWS`] rows of all
/// tables together. Batches of one table come in order, with the columns that the profile fills.
///
/// # Errors
/// [`Error::Hierarchies`] if the profile needs facts of the host that case.json does not have.
pub fn derive_batches(case: &Case, profile: Profile, tables: &[Table]) -> Result<DerivedBatches, Error> {
    derive_matching(case, profile, tables, RowFilter::default())
}

/// Derives rows as [`derive_batches`] does, and leaves out those that a filter does not match.
/// Segments of the log that only older rows follow from are not read.
///
/// # Errors
/// [`Error::Hierarchies`] if the profile needs facts of the host that case.json does not have.
pub fn derive_matching(
    case: &Case,
    profile: Profile,
    tables: &[Table],
    filter: RowFilter,
) -> Result<DerivedBatches, Error> {
    let rules = profile::rules(case, profile)?;
    let records = records_since(case, profile, filter.since);
    let (tables, containers) = (tables.to_vec(), excerpted(case));
    let rows = BatchBuffer { tables, containers, filter, builder: RowsBuilder::new(), batches: Ok(VecDeque::new()) };
    Ok(DerivedBatches { derivation: Derivation::new(records, rules), profile, rows })
}

/// Returns the table that a row belongs to.
pub fn table_of(row: &Row) -> Table {
    match row {
        Row::Exit(_) => Table::ContainerExit,
        Row::Remove(_) => Table::ContainerRemove,
        Row::Create(_) => Table::ContainerCreate,
        Row::Existing(_) => Table::ExistingContainer,
        Row::Disagreement(_) => Table::Disagreement,
    }
}

/// Records on their way through a profile's rules.
pub(crate) struct Derivation {
    records: Records,
    rules: Box<dyn Derive + Send>,
    is_at_end: bool,
}

/// A sink that can have enough rows for now.
pub(crate) trait RowBuffer: RowSink {
    /// Returns true if no more records should be read until rows are taken out.
    fn is_full(&self) -> bool;
}

/// The reasons to stop reading records before their end.
enum Stop {
    Full,
    Failed(Error),
}

impl From<obit_case::Error> for Stop {
    fn from(error: obit_case::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl Derivation {
    pub(crate) fn new(records: Records, rules: Box<dyn Derive + Send>) -> Self {
        Self { records, rules, is_at_end: false }
    }

    /// Applies records until the buffer is full or the log ends. Returns false if no row can
    /// follow.
    pub(crate) fn fill(&mut self, rows: &mut impl RowBuffer) -> Result<bool, Error> {
        self.fill_from(rows, u64::MAX)
    }

    /// Applies this many records at most, as [`Derivation::fill`] does.
    fn fill_from(&mut self, rows: &mut impl RowBuffer, max_records: u64) -> Result<bool, Error> {
        if self.is_at_end {
            return Ok(false);
        }
        let mut left = max_records;
        let read = self.records.for_each(|record| {
            self.rules.apply(record, rows);
            left = left.saturating_sub(1);
            if rows.is_full() || left == 0 { Err(Stop::Full) } else { Ok(()) }
        });
        match read {
            Ok(()) => {
                self.is_at_end = true;
                self.rules.finish(rows);
                Ok(true)
            }
            Err(Stop::Full) => Ok(true),
            Err(Stop::Failed(error)) => {
                self.is_at_end = true;
                Err(error)
            }
        }
    }

    /// Returns the problems that reading the records met so far.
    pub(crate) fn problems(&self) -> &[Problem] {
        self.records.problems()
    }
}

/// An iterator over derived rows. It holds copies of [`ROWS_AHEAD`] rows at most, or of those that
/// one record decides if these are more: the end of a walk decides one for each live container.
pub struct DerivedRows<'a> {
    derivation: Derivation,
    queue: RowQueue<'a>,
}

struct RowQueue<'a> {
    rows: VecDeque<Row>,
    is_wanted: Box<dyn Fn(&Row) -> bool + 'a>,
}

impl RowSink for RowQueue<'_> {
    fn take(&mut self, row: &Row) {
        if (self.is_wanted)(row) {
            self.rows.push_back(row.clone());
        }
    }
}

impl RowBuffer for RowQueue<'_> {
    fn is_full(&self) -> bool {
        self.rows.len() >= ROWS_AHEAD
    }
}

impl<'a> DerivedRows<'a> {
    pub(crate) fn new(derivation: Derivation) -> Self {
        Self { derivation, queue: RowQueue { rows: VecDeque::new(), is_wanted: Box::new(|_| true) } }
    }

    /// Leaves out rows before they are copied, unlike [`Iterator::filter`].
    #[must_use]
    pub fn matching(mut self, is_wanted: impl Fn(&Row) -> bool + 'a) -> Self {
        let before = std::mem::replace(&mut self.queue.is_wanted, Box::new(|_| true));
        self.queue.is_wanted = Box::new(move |row| before(row) && is_wanted(row));
        self
    }

    /// Returns the problems met so far: all of them once the iterator is at its end.
    pub fn problems(&self) -> &[Problem] {
        self.derivation.problems()
    }
}

impl Iterator for DerivedRows<'_> {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.queue.rows.pop_front() {
                return Some(Ok(row));
            }
            match self.derivation.fill(&mut self.queue) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// An iterator over derived rows in columns.
pub struct DerivedBatches {
    derivation: Derivation,
    profile: Profile,
    rows: BatchBuffer,
}

/// Puts rows of some tables into columns. The first error stays until it is taken.
struct BatchBuffer {
    tables: Vec<Table>,
    /// Ids of the containers whose rows are put; `None` for all.
    containers: Option<BTreeSet<String>>,
    filter: RowFilter,
    builder: RowsBuilder,
    batches: Result<VecDeque<(Table, RecordBatch)>, Error>,
}

impl BatchBuffer {
    fn seal(&mut self) {
        if let Ok(batches) = &mut self.batches {
            match self.builder.finish() {
                Ok(more) => batches.extend(more),
                Err(error) => self.batches = Err(error.into()),
            }
        }
    }
}

impl RowSink for BatchBuffer {
    fn take(&mut self, row: &Row) {
        let is_of = |containers: &BTreeSet<String>| containers.contains(&row.identity().container_id);
        let is_wanted = self.tables.contains(&table_of(row)) && self.containers.as_ref().is_none_or(is_of);
        if is_wanted && self.filter.matches(row) {
            self.builder.append(row);
            if self.builder.len() >= BATCH_ROWS {
                self.seal();
            }
        }
    }
}

impl RowBuffer for BatchBuffer {
    fn is_full(&self) -> bool {
        self.batches.as_ref().map_or(true, |batches| !batches.is_empty())
    }
}

impl DerivedBatches {
    /// Returns the problems met so far: all of them once the iterator is at its end.
    pub fn problems(&self) -> &[Problem] {
        self.derivation.problems()
    }

    /// Returns the next batch that is complete.
    fn take_batch(&mut self) -> Result<Option<(Table, RecordBatch)>, Error> {
        match &mut self.rows.batches {
            Ok(batches) => Ok(batches.pop_front()),
            failed => std::mem::replace(failed, Ok(VecDeque::new())).map(|_| None),
        }
    }

    /// Works towards the next batch for some tens of milliseconds, so that a caller who has to look
    /// after something else in between, a signal for example, can do so.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn advance(&mut self) -> Result<DerivationStep, Error> {
        self.advance_by(ADVANCE_RECORDS)
    }

    fn advance_by(&mut self, max_records: u64) -> Result<DerivationStep, Error> {
        if let Some((table, batch)) = self.take_batch()? {
            return Ok(DerivationStep::Batch(table, profile::select_columns(self.profile, table, batch)?));
        }
        if !self.derivation.fill_from(&mut self.rows, max_records)? {
            return Ok(DerivationStep::End);
        }
        if self.derivation.is_at_end {
            self.rows.seal();
        }
        Ok(DerivationStep::Pending)
    }
}

/// The state of a derivation after a piece of work.
#[derive(Clone, Debug)]
pub enum DerivationStep {
    /// A batch of a table.
    Batch(Table, RecordBatch),
    /// No batch yet, and the log has not ended.
    Pending,
    /// No batch any more.
    End,
}

impl Iterator for DerivedBatches {
    type Item = Result<(Table, RecordBatch), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.advance_by(u64::MAX) {
                Ok(DerivationStep::Batch(table, batch)) => return Some(Ok((table, batch))),
                Ok(DerivationStep::Pending) => {}
                Ok(DerivationStep::End) => return None,
                Err(error) => return Some(Err(error)),
            }
        }
    }
}
