//! The records of a case in their total order: the three raw tables merged by `seq`.

use obit_derivation::Record;

use super::Case;
use super::batches::{Purpose, TableBatches};
use super::prefetch::{Prefetch, ReadThreads};
use super::problem_log::ProblemLog;
use crate::error::Error;
use crate::problem::Problem;
use obit_schema::decode::RawView;
use obit_schema::tables::Table;

/// The records of a case in their total order, in bounded memory: a few batches of each raw table at a time, of which the next are
/// decoded while one is used (see [`ReadThreads`]).
///
/// A record borrows from the batch that holds it, so the iteration is in two steps:
///
/// ```no_run
/// # fn replay(case: &obit_schema::Case) -> Result<(), obit_schema::Error> {
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
/// or by [`Records::for_each`]. What cannot be read is left out and becomes a problem.
#[derive(Debug)]
pub struct Records {
    cursors: Vec<Cursor>,
    /// The cursor and row of the current record.
    current: Option<(usize, usize)>,
    /// The least place of a head of the other cursors: before it, records of this cursor follow.
    others_from: u64,
    last_seq: Option<u64>,
    /// Some records only, so that a number which is in no table is no hole.
    is_part: bool,
    problems: ProblemLog,
}

/// The batches of a raw table, each looked through once and with the file that it came from.
struct Views(TableBatches);

impl Iterator for Views {
    type Item = (String, Result<RawView, Error>);

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.0.next()?;
        let view = batch.and_then(|batch| Ok(RawView::new(self.0.table(), &batch)?));
        Some((self.0.file().to_owned(), view))
    }
}

/// The place reached in one table.
#[derive(Debug)]
struct Cursor {
    table: Table,
    batches: Prefetch<Views>,
    /// The file, relative to the case, that the last batch or error came from.
    file: String,
    view: Option<RawView>,
    /// The row of the head; once that was given, the record stepped to.
    row: usize,
    /// The next record's place; `None` at the end.
    head: Option<u64>,
    /// Whether the head was given and another is to be found.
    is_given: bool,
}

impl Cursor {
    fn new(batches: TableBatches, threads: ReadThreads, rows: u64) -> Self {
        let table = batches.table();
        let batches = Prefetch::of(Views(batches), threads, rows);
        Self { table, batches, file: String::new(), view: None, row: 0, head: None, is_given: true }
    }

    /// Steps to the next record if the last one was given; reads on where the batch is used up.
    #[inline]
    fn step(&mut self, problems: &mut ProblemLog) {
        if !self.is_given {
            return;
        }
        self.is_given = false;
        self.row += 1;
        self.head = self.view.as_ref().and_then(|view| view.seq(self.row));
        if self.head.is_none() {
            self.read_on(problems);
        }
    }

    /// Steps to the first record of the next batch that has one.
    fn read_on(&mut self, problems: &mut ProblemLog) {
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
    pub(super) fn new(case: &Case) -> Self {
        let cursors = Table::RAW
            .iter()
            .map(|table| Cursor::new(case.batches_for(*table, Purpose::Records), case.threads, case.rows(*table)));
        // What was dropped, as the recorder was told to, is no hole.
        let last_seq = case.manifest().and_then(|manifest| manifest.dropped.as_ref()).map(|dropped| dropped.last_seq);
        Self { last_seq, is_part: false, ..Self::of(cursors.collect()) }
    }

    /// Some records, from these batches of the raw tables.
    pub(super) fn of_part(batches: [TableBatches; Table::RAW.len()]) -> Self {
        // Few, of whatever length the table is.
        let cursors = batches.into_iter().map(|batches| Cursor::new(batches, ReadThreads::One, 0));
        Self { is_part: true, ..Self::of(cursors.collect()) }
    }

    fn of(cursors: Vec<Cursor>) -> Self {
        Self { cursors, current: None, others_from: 0, last_seq: None, is_part: false, problems: ProblemLog::default() }
    }

    /// Steps to the next record; `false` at the end.
    pub fn advance(&mut self) -> bool {
        let mut index = self.current.take().map(|(index, _)| index);
        loop {
            let next = index.and_then(|index| self.next_of(index)).or_else(|| self.least());
            let Some((seq, next)) = next else { return false };
            let Some(cursor) = self.cursors.get_mut(next) else { return false };
            cursor.is_given = true;
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
            if seq > expected && !self.is_part {
                self.problems.push(Problem::Hole { first_seq: expected, last_seq: seq - 1 });
            }
            self.last_seq = Some(seq);
            return true;
        }
    }

    /// The next record of a cursor that gave the last one, if it comes before those of all others.
    #[inline]
    fn next_of(&mut self, index: usize) -> Option<(u64, usize)> {
        let cursor = self.cursors.get_mut(index)?;
        cursor.step(&mut self.problems);
        let seq = cursor.head?;
        (seq < self.others_from).then_some((seq, index))
    }

    /// The first record of all cursors; of two with one place that of the first cursor.
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

    /// The record stepped to. `scratch` holds its argument vector. A row that lacks what its kind must have is given as
    /// a record of an unknown kind.
    ///
    /// # Errors
    /// [`Records::advance`] did not step to one.
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

    /// The table and file (relative to the case) of the record stepped to.
    pub fn source(&self) -> Option<(Table, &str)> {
        let (index, _) = self.current?;
        let cursor = self.cursors.get(index)?;
        Some((cursor.table, &cursor.file))
    }

    /// Gives each record to `each`, until it fails: the record stepped to is then the one that it failed at.
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
            // As `current`, but the record stays where it was made, and those of its batch that come next are stepped to all
            // at once: this is done for millions.
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

    /// Steps to a later record of the cursor that gave the last one. The records in between are of consecutive places.
    fn step_over(&mut self, index: usize, records: usize) {
        if let Some(cursor) = self.cursors.get_mut(index) {
            cursor.row += records;
            self.current = Some((index, cursor.row));
            self.last_seq = self.last_seq.map(|seq| seq.saturating_add(records as u64));
        }
    }

    /// What was found wrong so far: damaged parts, holes, disorder, bad rows.
    pub fn problems(&self) -> &[Problem] {
        self.problems.list()
    }
}

/// The same allocation for texts of another lifetime: collecting an emptied vector of one layout into another reuses it.
fn emptied<'b>(mut texts: Vec<&str>) -> Vec<&'b str> {
    texts.clear();
    texts.into_iter().map(|_| "").collect()
}
