//! The two things that rows of a case can be: recorded, and derived again.

use std::cell::RefCell;
use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use obit_case::hasher::Hasher;
use obit_case::{Case, Problem};
use obit_derivation::Profile;
use obit_schema::Table;
use obit_schema::value::{self, Value};

use super::side::{EachBatch, EachRow, Side, TableBatches};
use crate::{derive as rederive, problems};

/// The rows that the capture wrote.
pub struct Recorded<'a> {
    case: &'a Case,
    /// The last record that they may follow from; any, if none is named.
    log_end: Option<u64>,
    /// Rows past it, by table.
    past_end: RefCell<BTreeMap<Table, u64>>,
}

impl<'a> Recorded<'a> {
    /// All of them.
    pub fn all(case: &'a Case) -> Self {
        Self { case, log_end: None, past_end: RefCell::default() }
    }

    /// Those that were decided by a record which is still there: the journals of a case that was never closed need not
    /// reach equally far.
    pub fn as_far_as_logged(case: &'a Case) -> Self {
        let raw_parts = Table::RAW.iter().flat_map(|table| case.parts(*table));
        let log_end = raw_parts.filter_map(|part| part.last_seq).max();
        Self { log_end: log_end.or(Some(0)), ..Self::all(case) }
    }

    /// How many rows the last reading of each table left out as past the end of the log.
    pub fn past_the_log(&self) -> u64 {
        self.past_end.borrow().values().sum()
    }

    /// How many rows of a batch may follow from the log. Rows are in the order of `seq`.
    fn rows_within(&self, batch: &RecordBatch) -> usize {
        let is_past = |row: &usize| self.log_end.is_some_and(|end| seq(batch, *row) > Some(end));
        (0..batch.num_rows()).find(is_past).unwrap_or(batch.num_rows())
    }
}

impl Side for Recorded<'_> {
    fn batches(&self, tables: &[Table], each: &mut EachBatch<'_>) -> anyhow::Result<Vec<Problem>> {
        let mut problems = Vec::new();
        for table in tables {
            let mut past_end = 0;
            let mut batches = self.case.batches(*table);
            while let Some(batch) = batches.next() {
                match batch {
                    Ok(batch) => {
                        let within = self.rows_within(&batch);
                        past_end += (batch.num_rows() - within) as u64;
                        each(*table, &batch.slice(0, within))?;
                    }
                    // The next part follows; what was lost is named, and nothing is called the same.
                    Err(error) => problems.push(problems::damaged(batches.file(), error)),
                }
            }
            self.past_end.borrow_mut().insert(*table, past_end);
        }
        Ok(problems)
    }

    fn table(&self, table: Table) -> Option<TableBatches<'_>> {
        // Where rows may be left out, they are counted in one reading of all.
        self.log_end.is_none().then(|| -> TableBatches<'_> { Box::new(self.case.values(table)) })
    }

    fn digests(&self, tables: &[Table]) -> Hasher {
        self.case.digests(tables)
    }
}

/// The rows that follow from the raw log.
pub struct Rederived<'a> {
    case: &'a Case,
    profile: Profile,
    /// Where to stop in each table; nowhere if not named.
    ends: BTreeMap<Table, End>,
    /// Rows past these ends, by table.
    past_ends: RefCell<BTreeMap<Table, u64>>,
}

impl<'a> Rederived<'a> {
    /// All of them, by a profile's rules.
    pub fn all(case: &'a Case, profile: Profile) -> Self {
        Self { case, profile, ends: BTreeMap::new(), past_ends: RefCell::default() }
    }

    /// Those that the capture of a case that was never closed had come to write, or should have.
    pub fn as_far_as_written(case: &'a Case) -> Self {
        let ends = Table::DERIVED.map(|table| (table, End::of(case, table))).into();
        Self { ends, ..Self::all(case, Profile::Strict) }
    }

    /// How many rows the last reading of each table left out as not yet written.
    pub fn not_yet_written(&self) -> u64 {
        self.past_ends.borrow().values().sum()
    }
}

/// How far a table of a case that was never closed had been written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct End {
    /// Rows written.
    rows: u64,
    /// The record that decided the last of them; `None` if there are none.
    last_seq: Option<u64>,
}

impl End {
    /// How far this case's capture had written the table.
    fn of(case: &Case, table: Table) -> Self {
        let parts = case.parts(table);
        Self { rows: case.rows(table), last_seq: parts.iter().filter_map(|part| part.last_seq).max() }
    }
}

impl Side for Rederived<'_> {
    fn batches(&self, tables: &[Table], each: &mut EachBatch<'_>) -> anyhow::Result<Vec<Problem>> {
        let mut rows_before: BTreeMap<Table, u64> = BTreeMap::new();
        let mut past_ends: BTreeMap<Table, u64> = BTreeMap::new();
        let pass = rederive::batches(self.case, self.profile, tables, |table, batch| {
            let before = rows_before.entry(table).or_default();
            let kept = self.ends.get(&table).map_or(batch.num_rows(), |end| rows_within(*end, *before, batch));
            *before += kept as u64;
            *past_ends.entry(table).or_default() += (batch.num_rows() - kept) as u64;
            if kept == 0 { Ok(()) } else { each(table, &batch.slice(0, kept)) }
        })?;
        self.past_ends.borrow_mut().extend(past_ends);
        Ok(pass.problems)
    }

    fn rows(&self, each: &mut EachRow<'_>) -> Option<anyhow::Result<Vec<Problem>>> {
        // Where rows may be left out, they are counted in one reading of all.
        self.ends.is_empty().then(|| Ok(rederive::rows(self.case, self.profile, &mut *each)?.problems))
    }
}

/// How many rows of a batch, which has so many rows before it, the capture had come to before it was cut off.
///
/// It wrote rows in the order of `seq`. So past the rows that it wrote, only a row that was decided later than all of them
/// may be one that it had no time for; one that was decided earlier is missing.
fn rows_within(end: End, rows_before: u64, batch: &RecordBatch) -> usize {
    let room = usize::try_from(end.rows.saturating_sub(rows_before)).unwrap_or(usize::MAX);
    let had_no_time = |row: &usize| *row >= room && seq(batch, *row) >= end.last_seq;
    (0..batch.num_rows()).find(had_no_time).unwrap_or(batch.num_rows())
}

/// The record that decided a row.
fn seq(batch: &RecordBatch, row: usize) -> Option<u64> {
    match value::cell(batch.column_by_name("seq")?.as_ref(), row) {
        Value::U64(seq) => Some(seq),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{self, Pairing, Terms};
    use obit_case::reader::ReadThreads;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// What there is to say of a case: of its rows, of what is wrong with it and of its files.
    fn said(path: &Path, threads: ReadThreads) -> String {
        let case = match Case::open_lenient(path) {
            Ok(case) => case.with_threads(threads),
            Err(error) => return error.to_string(),
        };
        let terms = Terms { pairing: Pairing::ById, ignored: &|_, _| false, show: 20 };
        let (recorded, derived) = (Recorded::all(&case), Rederived::all(&case, Profile::Strict));
        let found = case.check_sums_beside(|| compare::tables(&Table::DERIVED, &recorded, &derived, &terms));
        let mut rows = Vec::new();
        let pass = rederive::rows(&case, Profile::Strict, |row| {
            rows.push(row.clone());
            Ok(())
        });
        format!("{:?} {found:?} {pass:?} {rows:?}", case.problems())
    }

    #[track_caller]
    fn expect_the_same_on_each_thread(path: &Path, what: &str) {
        assert_eq!(said(path, ReadThreads::EachTable), said(path, ReadThreads::One), "{} {what}", path.display());
    }

    /// The files of the tables of a case, relative to it.
    fn files(case: &Path) -> Vec<PathBuf> {
        let folders = ["raw", "derived", "journal"].map(|folder| fs::read_dir(case.join(folder)));
        folders
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.expect("a name").path().strip_prefix(case).expect("below").to_owned())
            .collect()
    }

    #[test]
    fn a_case_is_read_ahead_as_it_is_without_whatever_is_wrong_with_it() {
        let scratch = tempfile::tempdir().expect("a folder");
        let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases");
        let recorded = fs::read_dir(recorded).expect("recorded cases").map(|entry| entry.expect("a name").path());
        for case in recorded.map(|path| path.join("case")).filter(|case| case.exists()) {
            expect_the_same_on_each_thread(&case, "as it was recorded");
            let copy = scratch.path().join("case");
            for folder in ["raw", "derived", "journal"] {
                fs::create_dir_all(copy.join(folder)).expect("a folder");
            }
            let files = files(&case);
            for file in files.iter().map(PathBuf::as_path).chain(["case.json", "SHA256SUMS"].map(Path::new)) {
                // A case that was never closed has no sums.
                let _ = fs::copy(case.join(file), copy.join(file));
            }
            for file in &files {
                let (whole, place) = (fs::read(case.join(file)).expect("a part"), copy.join(file));
                let mut other = whole.clone();
                // Of a page, behind the first header.
                other[60.min(whole.len() / 2)..].iter_mut().take(40).for_each(|byte| *byte ^= 0x55);
                for (damage, bytes) in
                    [("halved", Some(&whole[..whole.len() / 2])), ("changed", Some(&other[..])), ("gone", None)]
                {
                    match bytes {
                        Some(bytes) => fs::write(&place, bytes).expect("writable"),
                        None => fs::remove_file(&place).expect("there"),
                    }
                    expect_the_same_on_each_thread(&copy, &format!("{} {damage}", file.display()));
                }
                fs::write(place, whole).expect("writable");
            }
            fs::remove_dir_all(copy).expect("there");
        }
    }
}
