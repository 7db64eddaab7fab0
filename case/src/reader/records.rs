//! Merges the three raw tables by `seq` into the records of a case, in their total order.

use obit_derivation::Record;
use obit_schema::decode::RawView;
use obit_schema::tables::Table;

use super::batches::TableBatches;
use super::prefetch::Prefetch;
use crate::error::Error;
use crate::problem::Problem;
use crate::problem_log::ProblemLog;
use crate::threads::ReadThreads;

/// The records of a case in their total order, in bounded memory: a few batches of each raw table
/// at a time, of which the next are decoded while one is used (see [`ReadThreads`]).
///
/// A record borrows from the batch that holds it, so the iteration is in two steps:
///
/// ```no_run
/// # fn replay(case: &obit_case::Case) -> Result<(), obit_case::Error> {
/// let mut records = case.records();
/// while records.advance() {
///     let mut argv = Vec::new();
///     let record = records.current(&mut argv)?;
///     println!("{:?}", record.seq);
/// }
/// # Ok(())
/// # }
/// ```
///
/// or by [`Records::for_each`]. A row that cannot be read is left out and becomes a problem.
#[derive(Debug)]
pub struct Records {
    cursors: Vec<TableCursor>,
    /// The cursor and row of the current record.
    current: Option<(usize, usize)>,
    /// Least `seq` at which another cursor continues: before it, records of this cursor follow.
    others_from: u64,
    /// Place of the current record, or of the last one dropped.
    last_seq: Option<u64>,
    /// True if some records are left out on purpose: then a number in no table is no hole.
    is_filtered: bool,
    problems: ProblemLog,
}

/// The decoded batches of a raw table, each with the file that it came from.
struct DecodedBatches(TableBatches);

impl Iterator for DecodedBatches {
    type Item = (String, Result<RawView, Error>);

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.0.next()?;
        let view = batch.and_then(|batch| Ok(RawView::new(self.0.table(), &batch)?));
        Some((self.0.file().to_owned(), view))
    }
}

/// A position in one raw table.
#[derive(Debug)]
struct TableCursor {
    table: Table,
    batches: Prefetch<DecodedBatches>,
    /// The file, relative to the case, that the last batch or error came from.
    file: String,
    view: Option<RawView>,
    /// Row of the head; once the head was returned, row of the current record.
    row: usize,
    /// Place of the next record; `None` at the end.
    head: Option<u64>,
    /// True once the head was returned and another is to be found.
    is_returned: bool,
}

impl TableCursor {
    fn new(batches: TableBatches, threads: ReadThreads, rows: u64) -> Self {
        let table = batches.table();
        let batches = Prefetch::new(DecodedBatches(batches), threads, rows);
        Self { table, batches, file: String::new(), view: None, row: 0, head: None, is_returned: true }
    }

    /// Steps to the next record if the last one was returned; reads the next batch at the end of
    /// one.
    #[inline]
    fn step(&mut self, problems: &mut ProblemLog) {
        if !self.is_returned {
            return;
        }
        self.is_returned = false;
        self.row += 1;
        self.head = self.view.as_ref().and_then(|view| view.seq(self.row));
        if self.head.is_none() {
            self.read_batch(problems);
        }
    }

    /// Reads batches up to one that has a record, and steps to its first.
    fn read_batch(&mut self, problems: &mut ProblemLog) {
        while self.head.is_none() {
            self.view = None;
            let Some((file, view)) = self.batches.next() else { return };
            self.file = file;
            match view {
                Ok(view) => {
                    self.head = view.seq(0);
                    (self.view, self.row) = (Some(view), 0);
                }
                Err(error) => {
                    let why = match error {
                        Error::Damaged { why, .. } => why,
                        other => other.to_string(),
                    };
                    problems.push(Problem::Damaged { file: self.file.clone(), why });
                }
            }
        }
    }
}

impl Records {
    /// Returns all records of the raw tables, each with its number of rows. Records up to
    /// `last_dropped` were dropped on request and are no hole; in a filtered log no number that is
    /// missing is one.
    pub(super) fn all(
        tables: [(TableBatches, u64); Table::RAW.len()],
        threads: ReadThreads,
        last_dropped: Option<u64>,
        is_filtered: bool,
    ) -> Self {
        let cursors = tables.into_iter().map(|(batches, rows)| TableCursor::new(batches, threads, rows));
        Self::new(cursors.collect(), last_dropped, is_filtered)
    }

    /// Returns the records of these batches, which are some of the case's.
    pub(super) fn some(tables: [TableBatches; Table::RAW.len()]) -> Self {
        // They are few, however long the table is: no thread is worth it.
        let cursors = tables.into_iter().map(|batches| TableCursor::new(batches, ReadThreads::One, 0));
        Self::new(cursors.collect(), None, true)
    }

    fn new(cursors: Vec<TableCursor>, last_seq: Option<u64>, is_filtered: bool) -> Self {
        Self { cursors, current: None, others_from: 0, last_seq, is_filtered, problems: ProblemLog::default() }
    }

    /// Steps to the next record. Returns false at the end.
    pub fn advance(&mut self) -> bool {
        let mut index = self.current.take().map(|(index, _)| index);
        loop {
            let next = index.and_then(|index| self.next_of(index)).or_else(|| self.least());
            let Some((seq, next)) = next else { return false };
            let Some(cursor) = self.cursors.get_mut(next) else { return false };
            cursor.is_returned = true;
            let expected = match self.last_seq {
                Some(last) if seq <= last => {
                    let file = cursor.file.clone();
                    self.problems.push(Problem::Disorder { file, seq, after_seq: last });
                    index = Some(next);
                    continue;
                }
                Some(last) => last.saturating_add(1),
                None => 0,
            };
            self.current = Some((next, cursor.row));
            if seq > expected && !self.is_filtered {
                self.problems.push(Problem::Hole { first_seq: expected, last_seq: seq - 1 });
            }
            self.last_seq = Some(seq);
            return true;
        }
    }

    /// Returns the next record of the cursor that had the last one, if it comes before those of all
    /// others.
    #[inline]
    fn next_of(&mut self, index: usize) -> Option<(u64, usize)> {
        let cursor = self.cursors.get_mut(index)?;
        cursor.step(&mut self.problems);
        let seq = cursor.head?;
        (seq < self.others_from).then_some((seq, index))
    }

    /// Returns the first record of all cursors; of two with the same place, the one of the first
    /// cursor.
    fn least(&mut self) -> Option<(u64, usize)> {
        let mut least: Option<(u64, usize)> = None;
        self.others_from = u64::MAX;
        for (index, cursor) in self.cursors.iter_mut().enumerate() {
            cursor.step(&mut self.problems);
            let Some(seq) = cursor.head else { continue };
            let later = match least {
                Some((first, _)) if first <= seq => Some(seq),
                before => {
                    least = Some((seq, index));
                    before.map(|(seq, _)| seq)
                }
            };
            self.others_from = self.others_from.min(later.unwrap_or(u64::MAX));
        }
        least
    }

    /// Returns the current record. `scratch` holds its argument vector. A row that lacks what its
    /// kind must have is returned as a record of an unknown kind.
    ///
    /// # Errors
    /// [`obit_schema::Error::ValueMissing`] if [`Records::advance`] did not step to a record.
    pub fn current<'b, 'a: 'b>(&'a mut self, scratch: &'b mut Vec<&'a str>) -> Result<Record<'b>, Error> {
        let missing = Error::Schema(obit_schema::Error::ValueMissing { column: "seq" });
        let Some((index, row)) = self.current else {
            return Err(missing);
        };
        let Some(cursor) = self.cursors.get(index) else {
            return Err(missing);
        };
        let Some(view) = &cursor.view else { return Err(missing) };
        match view.get(row, scratch) {
            Ok(record) => Ok(record),
            Err(error) => {
                let (file, seq) = (cursor.file.clone(), view.seq(row).unwrap_or_default());
                self.problems.push(Problem::BadRow { file, seq, why: error.to_string() });
                Ok(view.get_unknown(row)?)
            }
        }
    }

    /// Returns the table and the file (relative to the case) of the current record.
    pub fn source(&self) -> Option<(Table, &str)> {
        let (index, _) = self.current?;
        let cursor = self.cursors.get(index)?;
        Some((cursor.table, &cursor.file))
    }

    /// Calls `each` with each record until it fails: the current record is then the one that it
    /// failed at.
    ///
    /// # Errors
    /// Those of `each`.
    pub fn for_each<E: From<Error>>(&mut self, mut each: impl FnMut(&Record<'_>) -> Result<(), E>) -> Result<(), E> {
        // One allocation for all argument vectors.
        let mut spare = Vec::new();
        while self.advance() {
            let mut argv = emptied(spare);
            let (index, row) = self.current.unwrap_or_default();
            let first = self.last_seq.unwrap_or_default();
            let view = self.cursors.get(index).and_then(|cursor| cursor.view.as_ref());
            // Does what `current` does, for a run of records of one batch at a time: a replay does
            // this for millions.
            let seqs = view.map(|view| view.seqs_from(row)).unwrap_or_default();
            let run = seqs.iter().zip(first..self.others_from).take_while(|(seq, next)| *seq == next).count().max(1);
            let mut given = 0;
            let mut end = Ok(false);
            while given < run && matches!(end, Ok(false)) {
                end = match view {
                    Some(view) => match view.get(row + given, &mut argv) {
                        Ok(ref record) => each(record).map(|()| false),
                        Err(_) => Ok(true),
                    },
                    None => Ok(true),
                };
                given += 1;
            }
            spare = emptied(argv);
            self.step_over(index, given - 1);
            if end? {
                each(&self.current(&mut Vec::new())?)?;
            }
        }
        Ok(())
    }

    /// Steps over records of the cursor that had the last one. Their places are consecutive.
    fn step_over(&mut self, index: usize, records: usize) {
        if let Some(cursor) = self.cursors.get_mut(index) {
            cursor.row += records;
            self.current = Some((index, cursor.row));
            self.last_seq = self.last_seq.map(|seq| seq.saturating_add(records as u64));
        }
    }

    /// Returns the problems found so far: damaged parts, holes, disorder, bad rows.
    pub fn problems(&self) -> &[Problem] {
        self.problems.list()
    }
}

/// Empties a vector for texts of another lifetime. Collecting into the same layout keeps the
/// allocation.
fn emptied<'b>(mut texts: Vec<&str>) -> Vec<&'b str> {
    texts.clear();
    texts.into_iter().map(|_| "").collect()
}
