//! A case on disk: opens it and hands out its rows, records, sums and signature.

use std::io::{ErrorKind, Read as _};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use arrow_array::RecordBatch;
use obit_schema::tables::Table;

use super::batches::{Projection, TableBatches};
use super::budget::ReadBudget;
use super::folders::{CaseFolders, TableFiles};
use super::part_info::{PartInfo, PartSource};
use super::prefetch::Prefetch;
use super::records::Records;
use super::scan::CaseScan;
use super::{sums, unlisted};
use crate::directory::Directory;
use crate::error::Error;
use crate::excerpt::{self, ExcerptProof};
use crate::files::Folder as _;
use crate::handover::{self, HandoverLog};
use crate::hasher::Hasher;
use crate::manifest::{self, CaseState, Manifest};
use crate::problem::Problem;
use crate::problem_log::ProblemLog;
use crate::signing::{self, SIGNATURE_NAME};
use crate::threads::ReadThreads;
use crate::time_stamp::{self, TimeStamp};

/// A case on disk.
#[derive(Debug)]
pub struct Case {
    path: PathBuf,
    root: Directory,
    folders: Arc<CaseFolders>,
    manifest: Option<Manifest>,
    problems: ProblemLog,
    tables: [Vec<PartInfo>; Table::ALL.len()],
    /// Derived parts that were kept of dropped segments.
    kept: Vec<(Table, PartInfo)>,
    threads: ReadThreads,
}

/// Policy of opening a case whose case.json is missing or corrupt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ManifestPolicy {
    /// Fails.
    Required,
    /// Finds the parts by their names.
    Optional,
}

impl Case {
    /// Opens a case.
    ///
    /// # Errors
    /// [`Error::NotACase`]; [`Error::Manifest`] if case.json is missing or corrupt, which says how
    /// much can be read without it, see [`Case::open_lenient`]; [`Error::NewerFormat`]; or
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_with(path, ManifestPolicy::Required)
    }

    /// Opens a case even without a usable case.json: finds the parts by their names and reports the
    /// lack as a problem.
    ///
    /// # Errors
    /// [`Error::NotACase`], [`Error::NewerFormat`] or [`Error::Io`].
    pub fn open_lenient(path: &Path) -> Result<Self, Error> {
        Self::open_with(path, ManifestPolicy::Optional)
    }

    fn open_with(path: &Path, policy: ManifestPolicy) -> Result<Self, Error> {
        let root = Directory::open(path)?;
        let read = read_manifest(&root);
        let folders = match &read {
            Ok(manifest) => CaseFolders::open(&root, manifest.layout()),
            Err(_) => CaseFolders::guess(&root),
        };
        let count = folders.count();
        let mut problems = ProblemLog::default();
        folders.problems().for_each(|problem| problems.push(problem));
        let manifest = match read {
            Ok(manifest) => Some(manifest),
            Err(error @ Error::NewerFormat { .. }) => return Err(error),
            Err(Error::Io { cause, .. }) if cause.kind() == ErrorKind::NotFound && count == 0 => {
                return Err(Error::NotACase { path: path.to_owned(), why: "it has no case.json and no parts" });
            }
            Err(error) => {
                let why = match error {
                    Error::Manifest { why, .. } => why,
                    Error::Io { cause, .. } => cause.to_string(),
                    other => other.to_string(),
                };
                if policy == ManifestPolicy::Required {
                    return Err(Error::Manifest { path: root.path().join(manifest::FILE_NAME), why, parts: count });
                }
                problems.push(Problem::Manifest { why });
                None
            }
        };
        let is_closed = manifest.as_ref().is_some_and(|manifest| manifest.state == CaseState::Closed);
        let case_id = manifest.as_ref().map(|manifest| manifest.case_id.clone());
        let mut scan =
            CaseScan { folders: &folders, is_closed, case_id, problems: &mut problems, budget: ReadBudget::default() };
        let tables = Table::ALL.map(|table| scan.table(TableFiles::find(&folders, table), manifest.as_ref()));
        let kept = manifest.as_ref().map(|manifest| scan.kept(manifest)).unwrap_or_default();
        if let Some(manifest) = &manifest {
            unlisted::check(&folders, manifest, &mut problems);
        }
        Ok(Self {
            path: path.to_owned(),
            root,
            folders: Arc::new(folders),
            manifest,
            problems,
            tables,
            kept,
            threads: ReadThreads::default(),
        })
    }

    /// Sets the number of threads that read the case.
    #[must_use]
    pub fn with_threads(self, threads: ReadThreads) -> Self {
        Self { threads, ..self }
    }

    /// Returns the path of the directory, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the contents of case.json; `None` only after [`Case::open_lenient`].
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Returns true if the capture closed the case.
    pub fn is_closed(&self) -> bool {
        self.manifest.as_ref().is_some_and(|manifest| manifest.state == CaseState::Closed)
    }

    /// Returns true if a recorder is writing the case now, on a file system that has locks; a case
    /// that is neither closed nor being written was cut off.
    pub fn is_being_recorded(&self) -> bool {
        !self.is_closed() && self.root.is_locked()
    }

    /// Returns true if the case says of itself that this record may be missing: the recorder told
    /// so, or the case was never closed and the record lies after all that is sealed. The journals
    /// of the raw tables need not reach equally far; sealed parts have no holes.
    pub fn may_lack(&self, seq: u64) -> bool {
        let Some(manifest) = self.manifest() else { return false };
        let is_told = manifest.incomplete.iter().any(|missing| missing.first_seq <= seq);
        is_told || (!self.is_closed() && self.sealed_end() < Some(seq))
    }

    /// Returns the last record of the sealed parts.
    fn sealed_end(&self) -> Option<u64> {
        let parts = Table::RAW.iter().flat_map(|table| self.parts(*table));
        parts.filter(|part| part.source == PartSource::Sealed).filter_map(|part| part.last_seq).max()
    }

    /// Returns the problems that opening the case found. Reading rows may find more.
    pub fn problems(&self) -> &[Problem] {
        self.problems.list()
    }

    /// Returns the readable files of a table, in order, without those of [`Case::kept_parts`].
    pub fn parts(&self, table: Table) -> &[PartInfo] {
        let index = Table::ALL.iter().position(|other| *other == table);
        index.and_then(|index| self.tables.get(index)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Iterates over the parts of a derived table that were kept of dropped segments, the oldest
    /// first. Their rows are as they were recorded: the records that they follow from are gone.
    pub fn kept_parts(&self, table: Table) -> impl Iterator<Item = &PartInfo> {
        self.kept.iter().filter(move |(other, _)| *other == table).map(|(_, part)| part)
    }

    /// Returns the number of rows of a table, as its files state it.
    pub fn rows(&self, table: Table) -> u64 {
        self.rows_of(&[table])
    }

    fn rows_of(&self, tables: &[Table]) -> u64 {
        tables.iter().flat_map(|table| self.parts(*table)).map(|part| part.rows).fold(0, u64::saturating_add)
    }

    /// Returns the records of the three raw tables in their total order.
    pub fn records(&self) -> Records {
        let dropped = self.manifest.as_ref().and_then(|manifest| manifest.dropped.as_ref());
        self.records_after(dropped.map(|dropped| dropped.last_seq))
    }

    /// Returns the records after this one in their total order. Files that hold none of them are
    /// not read; the others hold no other.
    pub(super) fn records_after(&self, last_seq: Option<u64>) -> Records {
        let is_after = |part: &&PartInfo| last_seq.is_none_or(|last| part.last_seq.is_none_or(|seq| seq > last));
        let tables = Table::RAW.map(|table| {
            let parts: Vec<_> = self.parts(table).iter().filter(is_after).cloned().collect();
            let rows = parts.iter().map(|part| part.rows).fold(0, u64::saturating_add);
            let folders = Arc::clone(&self.folders);
            (TableBatches::new(folders, &self.path, table, parts, Projection::Records), rows)
        });
        // An excerpt has some of the records on purpose.
        let is_excerpt = self.manifest.as_ref().is_some_and(|manifest| manifest.excerpt.is_some());
        Records::all(tables, self.threads, last_seq, is_excerpt)
    }

    /// Returns the batches of a table, in file order. After an error the next part follows.
    pub fn batches(&self, table: Table) -> TableBatches {
        self.batches_with(table, Projection::All)
    }

    /// Returns the batches of a table in a form that is read faster: without the columns that are
    /// null in a whole file, with text as Arrow's views, and the next batches made while one is
    /// used (see [`ReadThreads`]).
    pub fn values(&self, table: Table) -> impl Iterator<Item = Result<RecordBatch, Error>> + use<> {
        Prefetch::new(self.batches_with(table, Projection::NonNull), self.threads, self.rows(table))
    }

    /// Returns a maker of the digests of these tables (see [`ReadThreads`]).
    pub fn digests(&self, tables: &[Table]) -> Hasher {
        Hasher::new(tables, self.threads, self.rows_of(tables))
    }

    pub(super) fn batches_with(&self, table: Table, projection: Projection) -> TableBatches {
        TableBatches::new(Arc::clone(&self.folders), &self.path, table, self.parts(table).to_vec(), projection)
    }

    /// Returns the batches of one file of a table.
    pub fn batches_of(&self, table: Table, part: &PartInfo) -> TableBatches {
        self.batches_of_parts(table, vec![part.clone()])
    }

    pub(super) fn batches_of_parts(&self, table: Table, parts: Vec<PartInfo>) -> TableBatches {
        TableBatches::new(Arc::clone(&self.folders), &self.path, table, parts, Projection::All)
    }

    /// Reads every file that case.json and SHA256SUMS (of a closed case) list, and compares its
    /// sum.
    pub fn check_sums(&self) -> Vec<Problem> {
        sums::check(&self.root, &self.folders, self.manifest.as_ref())
    }

    /// Runs `other`, and [`Case::check_sums`] beside it (see [`ReadThreads`]) or after it
    /// succeeded.
    ///
    /// # Errors
    /// Those of `other`.
    pub fn check_sums_beside<T, E>(&self, other: impl FnOnce() -> Result<T, E>) -> Result<(T, Vec<Problem>), E> {
        let rows = self.rows_of(&Table::ALL);
        thread::scope(|scope| {
            let check = || self.check_sums();
            let beside = self.threads.are_worth(rows).then(|| thread::Builder::new().spawn_scoped(scope, check));
            let done = other()?;
            let problems = match beside {
                Some(Ok(thread)) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // A thread is not worth it, or none could be started.
                Some(Err(_)) | None => check(),
            };
            Ok((done, problems))
        })
    }

    /// Returns the bytes of case.json, which its signature and an anchor are over; `None` if they
    /// cannot be read.
    pub fn manifest_bytes(&self) -> Option<Vec<u8>> {
        self.small_file(manifest::FILE_NAME, manifest::MAX_BYTES)
    }

    /// Returns the proof that an excerpt carries.
    ///
    /// # Errors
    /// The reason why it cannot be read.
    pub fn excerpt_proof(&self) -> Result<ExcerptProof, String> {
        let name = excerpt::FILE_NAME;
        let text = self.small_file(name, excerpt::MAX_BYTES).ok_or_else(|| format!("{name} cannot be read"))?;
        ExcerptProof::parse(&text).map_err(|why| format!("{name}: {why}"))
    }

    /// Returns the time stamp over case.json, or why it does not hold; `None` if there is none.
    pub fn time_stamp(&self) -> Option<Result<TimeStamp, String>> {
        let name = time_stamp::FILE_NAME;
        if !self.folders.has(name) {
            return None;
        }
        let read = || {
            let answer = self.small_file(name, time_stamp::MAX_BYTES).ok_or("it cannot be read")?;
            let stamp = TimeStamp::parse(&answer)?;
            stamp.check(&self.manifest_bytes().ok_or("case.json cannot be read")?)?;
            Ok(stamp)
        };
        Some(read())
    }

    /// Returns the log of hand-overs; `None` if there is none. One that cannot be read is all
    /// defects.
    pub fn handovers(&self) -> Option<HandoverLog> {
        let name = handover::FILE_NAME;
        if !self.folders.has(name) {
            return None;
        }
        let (Some(manifest), Some(text), Some(case_json)) =
            (&self.manifest, self.small_file(name, handover::MAX_BYTES), self.manifest_bytes())
        else {
            return Some(HandoverLog::unreadable(format!("{name} or case.json cannot be read")));
        };
        Some(HandoverLog::parse(&text, &manifest.case_id, &case_json))
    }

    /// Returns the signature of case.json; `None` if there is none.
    pub fn signature(&self) -> Option<String> {
        String::from_utf8(self.small_file(SIGNATURE_NAME, signing::MAX_BYTES)?).ok()
    }

    fn small_file(&self, name: &str, limit: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let length = self.root.open_file(name).ok()?.take(limit + 1).read_to_end(&mut bytes).ok()?;
        (length as u64 <= limit).then_some(bytes)
    }
}

/// Reads case.json. An error says nothing of the parts beside it.
fn read_manifest(root: &Directory) -> Result<Manifest, Error> {
    let parts = 0;
    let path = root.path().join(manifest::FILE_NAME);
    let file = root.open_file(manifest::FILE_NAME)?;
    let mut text = Vec::new();
    let length = file.take(manifest::MAX_BYTES + 1).read_to_end(&mut text).map_err(Error::io("read", &path))?;
    if length as u64 > manifest::MAX_BYTES {
        return Err(Error::Manifest { path, why: format!("longer than {} bytes", manifest::MAX_BYTES), parts });
    }
    Manifest::parse(&text, &path, parts)
}
