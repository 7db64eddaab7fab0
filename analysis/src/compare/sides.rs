//! The two sides that rows of a case can be on: recorded, and derived again.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use obit_case::Case;
use obit_case::reader::TableBatches;
use obit_derivation::Profile;
use obit_schema::Table;
use obit_schema::value::{self, Value};

use super::difference::ReadingNotes;
use super::side::{Side, SideReader};
use crate::derive::{DerivedBatches, derive_matching};
use crate::error::Error;
use crate::filter::RowFilter;
use crate::problems;

/// The rows that the capture wrote.
pub struct RecordedSide<'a> {
    case: &'a Case,
    /// The last record that rows may follow from; `None` if any may be.
    last_seq: Option<u64>,
}

impl<'a> RecordedSide<'a> {
    /// Takes all recorded rows.
    pub fn all(case: &'a Case) -> Self {
        Self { case, last_seq: None }
    }

    /// Takes the recorded rows that were decided by a record which is still there: the journals of
    /// a case that was never closed need not reach equally far.
    pub fn up_to_log_end(case: &'a Case) -> Self {
        let raw_parts = Table::RAW.iter().flat_map(|table| case.parts(*table));
        Self { case, last_seq: raw_parts.filter_map(|part| part.last_seq).max().or(Some(0)) }
    }
}

impl Side for RecordedSide<'_> {
    fn read(&self, tables: &[Table]) -> Result<Box<dyn SideReader + '_>, Error> {
        Ok(Box::new(RecordedReader {
            side: self,
            tables: tables.iter().rev().copied().collect(),
            batches: None,
            notes: ReadingNotes::default(),
        }))
    }
}

struct RecordedReader<'a> {
    side: &'a RecordedSide<'a>,
    /// Tables that were not read yet, the next one last.
    tables: Vec<Table>,
    batches: Option<TableBatches>,
    notes: ReadingNotes,
}

impl RecordedReader<'_> {
    /// Removes the rows past the end of the log. Rows are in the order of `seq`.
    fn cut(&mut self, batch: &RecordBatch) -> RecordBatch {
        let is_past = |row: &usize| self.side.last_seq.is_some_and(|end| seq(batch, *row) > Some(end));
        let rows = (0..batch.num_rows()).find(is_past).unwrap_or(batch.num_rows());
        self.notes.rows_past_end += (batch.num_rows() - rows) as u64;
        batch.slice(0, rows)
    }
}

impl Iterator for RecordedReader<'_> {
    type Item = Result<(Table, RecordBatch), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(batches) = &mut self.batches else {
                self.batches = Some(self.side.case.batches(self.tables.pop()?));
                continue;
            };
            let table = batches.table();
            match batches.next() {
                Some(Ok(batch)) => return Some(Ok((table, self.cut(&batch)))),
                // The next part follows. The problem keeps the verdict from being "same".
                Some(Err(error)) => self.notes.problems.push(problems::damaged(batches.file(), error)),
                None => self.batches = None,
            }
        }
    }
}

impl SideReader for RecordedReader<'_> {
    fn notes(&self) -> ReadingNotes {
        self.notes.clone()
    }
}

/// The rows that follow from the raw log.
pub struct DerivedSide<'a> {
    case: &'a Case,
    profile: Profile,
    filter: RowFilter,
    /// The place to stop in each table; empty to stop nowhere.
    ends: BTreeMap<Table, WrittenEnd>,
}

impl<'a> DerivedSide<'a> {
    /// Takes all rows that a profile's rules derive.
    pub fn all(case: &'a Case, profile: Profile) -> Self {
        Self { case, profile, filter: RowFilter::default(), ends: BTreeMap::new() }
    }

    /// Takes the rows that a filter leaves.
    #[must_use]
    pub fn matching(self, filter: RowFilter) -> Self {
        Self { filter, ..self }
    }

    /// Takes the rows that the capture of a case that was never closed had come to write, or should
    /// have.
    pub fn up_to_written_end(case: &'a Case) -> Self {
        let ends = Table::DERIVED.map(|table| (table, WrittenEnd::of(case, table))).into();
        Self { ends, ..Self::all(case, Profile::Strict) }
    }
}

impl Side for DerivedSide<'_> {
    fn read(&self, tables: &[Table]) -> Result<Box<dyn SideReader + '_>, Error> {
        Ok(Box::new(DerivedReader {
            batches: derive_matching(self.case, self.profile, tables, self.filter.clone())?,
            ends: &self.ends,
            rows: BTreeMap::new(),
            rows_past_end: 0,
        }))
    }
}

struct DerivedReader<'a> {
    batches: DerivedBatches,
    ends: &'a BTreeMap<Table, WrittenEnd>,
    /// Rows given so far, by table.
    rows: BTreeMap<Table, u64>,
    rows_past_end: u64,
}

impl DerivedReader<'_> {
    /// Removes the rows past the place that the capture had reached.
    fn cut(&mut self, table: Table, batch: &RecordBatch) -> RecordBatch {
        let before = self.rows.entry(table).or_default();
        let rows = self.ends.get(&table).map_or(batch.num_rows(), |end| end.rows_within(*before, batch));
        *before += rows as u64;
        self.rows_past_end += (batch.num_rows() - rows) as u64;
        batch.slice(0, rows)
    }
}

impl Iterator for DerivedReader<'_> {
    type Item = Result<(Table, RecordBatch), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.batches.next()?;
        Some(next.map(|(table, batch)| (table, self.cut(table, &batch))))
    }
}

impl SideReader for DerivedReader<'_> {
    fn notes(&self) -> ReadingNotes {
        ReadingNotes { problems: self.batches.problems().to_vec(), rows_past_end: self.rows_past_end }
    }
}

/// The place up to which a table of a case that was never closed had been written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct WrittenEnd {
    rows: u64,
    /// The record that decided the last row; `None` if there are no rows.
    last_seq: Option<u64>,
}

impl WrittenEnd {
    fn of(case: &Case, table: Table) -> Self {
        let parts = case.parts(table);
        Self { rows: case.rows(table), last_seq: parts.iter().filter_map(|part| part.last_seq).max() }
    }

    /// Returns the number of rows of a batch that the capture had come to before it was cut off.
    /// `before` is the number of rows before the batch.
    ///
    /// The capture wrote rows in the order of `seq`. So past the rows that it wrote, it may have
    /// had no time only for a row that was decided later than all of them; one that was decided
    /// earlier is missing.
    fn rows_within(self, before: u64, batch: &RecordBatch) -> usize {
        let room = usize::try_from(self.rows.saturating_sub(before)).unwrap_or(usize::MAX);
        let had_no_time = |row: &usize| *row >= room && seq(batch, *row) >= self.last_seq;
        (0..batch.num_rows()).find(had_no_time).unwrap_or(batch.num_rows())
    }
}

/// Returns the record that decided a row.
fn seq(batch: &RecordBatch, row: usize) -> Option<u64> {
    match value::cell(batch.column_by_name("seq")?.as_ref(), row) {
        Value::U64(seq) => Some(seq),
        _ => None,
    }
}
