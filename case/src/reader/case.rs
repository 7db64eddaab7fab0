//! A case on disk, as it is read.

use std::io::Read as _;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use arrow_array::RecordBatch;

use super::batches::{Purpose, TableBatches};
use super::prefetch::{Prefetch, ReadThreads};
use super::problem_log::ProblemLog;
use super::records::Records;
use super::scan::{self, Folders, TableFiles};
use super::sums;
use crate::directory::Directory;
use crate::error::Error;
use crate::hasher::Hasher;
use crate::manifest::{self, CaseState, Manifest};
use crate::problem::Problem;
use crate::signing::{self, SIGNATURE_NAME};
use obit_schema::tables::Table;

/// Where a part's rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartSource {
    /// A sealed Parquet file.
    Sealed,
    /// The journal of a case that was not closed.
    Journal,
}

/// A file of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartInfo {
    /// Its number in the table.
    pub number: u32,
    /// The file, relative to the case.
    pub file: String,
    /// Rows.
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
    /// The first row's `seq`, if there is a row and the file's statistics tell.
    pub first_seq: Option<u64>,
    /// The last row's `seq`, likewise.
    pub last_seq: Option<u64>,
    /// Where its rows come from.
    pub source: PartSource,
}

/// A case on disk.
#[derive(Debug)]
pub struct Case {
    path: PathBuf,
    root: Directory,
    folders: Arc<Folders>,
    manifest: Option<Manifest>,
    problems: ProblemLog,
    tables: [Vec<PartInfo>; Table::ALL.len()],
    pub(super) threads: ReadThreads,
}

/// What to do without a usable case.json.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Leniency {
    Strict,
    Lenient,
}

impl Case {
    /// Opens a case.
    ///
    /// # Errors
    /// It is no case, its case.json is missing or corrupt ([`Error::Manifest`] tells how much could be read without it,
    /// see [`Case::open_lenient`]), or its format is newer ([`Error::NewerFormat`]).
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_as(path, Leniency::Strict)
    }

    /// Opens a case even without a usable case.json: parts are found by their names, and the lack is a problem.
    ///
    /// # Errors
    /// It is no case at all, or its format is newer.
    pub fn open_lenient(path: &Path) -> Result<Self, Error> {
        Self::open_as(path, Leniency::Lenient)
    }

    fn open_as(path: &Path, leniency: Leniency) -> Result<Self, Error> {
        let root = Directory::open(path)?;
        let folders = Folders::open(&root);
        let files = Table::ALL.map(|table| TableFiles::find(&folders, table));
        let count = files.iter().map(TableFiles::count).sum();
        let mut problems = ProblemLog::default();
        let manifest = match read_manifest(&root, count) {
            Ok(manifest) => Some(manifest),
            Err(error @ Error::NewerFormat { .. }) => return Err(error),
            Err(Error::Io { cause, .. }) if cause.kind() == std::io::ErrorKind::NotFound && count == 0 => {
                return Err(Error::NotACase { path: path.to_owned(), why: "it has no case.json and no parts" });
            }
            Err(error) if leniency == Leniency::Strict => {
                return Err(match error {
                    Error::Io { path, cause, .. } => Error::Manifest { path, why: cause.to_string(), parts: count },
                    other => other,
                });
            }
            Err(error) => {
                let why = match error {
                    Error::Manifest { why, .. } => why,
                    Error::Io { cause, .. } => cause.to_string(),
                    other => other.to_string(),
                };
                problems.push(Problem::Manifest { why });
                None
            }
        };
        let mut scan = scan::Scan {
            folders: &folders,
            closed: manifest.as_ref().is_some_and(|manifest| manifest.state == CaseState::Closed),
            case_id: manifest.as_ref().map(|manifest| manifest.case_id.clone()),
            problems: &mut problems,
        };
        let tables = files.map(|files| scan.table(files, manifest.as_ref()));
        Ok(Self {
            path: path.to_owned(),
            root,
            folders: Arc::new(folders),
            manifest,
            problems,
            tables,
            threads: ReadThreads::default(),
        })
    }

    /// The same case, read on as many threads as is said here.
    #[must_use]
    pub fn with_threads(self, threads: ReadThreads) -> Self {
        Self { threads, ..self }
    }

    /// The directory, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The contents of case.json; `None` only after [`Case::open_lenient`].
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Whether the capture closed it.
    pub fn is_closed(&self) -> bool {
        self.manifest.as_ref().is_some_and(|manifest| manifest.state == CaseState::Closed)
    }

    /// What was found wrong when it was opened. Reading rows may find more.
    pub fn problems(&self) -> &[Problem] {
        self.problems.list()
    }

    /// The readable files of a table, in order.
    pub fn parts(&self, table: Table) -> &[PartInfo] {
        let index = Table::ALL.iter().position(|other| *other == table);
        index.and_then(|index| self.tables.get(index)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Rows of a table, by what its files say of themselves.
    pub fn rows(&self, table: Table) -> u64 {
        self.parts(table).iter().map(|part| part.rows).fold(0, u64::saturating_add)
    }

    /// The records of the three raw tables in their total order.
    pub fn records(&self) -> Records {
        Records::new(self)
    }

    /// The batches of a table, in file order. After an error the next part follows.
    pub fn batches(&self, table: Table) -> TableBatches {
        self.batches_for(table, Purpose::Rows)
    }

    /// The same values, read faster: without the columns that are null in a whole file, with text as Arrow's views, and the next
    /// batches while one is used (see [`ReadThreads`]).
    pub fn values(&self, table: Table) -> impl Iterator<Item = Result<RecordBatch, Error>> + use<> {
        Prefetch::of(self.batches_for(table, Purpose::Values), self.threads, self.rows(table))
    }

    /// What the digests of the rows of these tables are made by, also beside something else (see [`ReadThreads`]).
    pub fn digests(&self, tables: &[Table]) -> Hasher {
        let rows = tables.iter().map(|table| self.rows(*table)).fold(0, u64::saturating_add);
        Hasher::new(tables, self.threads, rows)
    }

    pub(super) fn batches_for(&self, table: Table, purpose: Purpose) -> TableBatches {
        TableBatches::new(Arc::clone(&self.folders), &self.path, table, self.parts(table).to_vec(), purpose)
    }

    /// The batches of one file of a table.
    pub(crate) fn batches_of(&self, table: Table, part: &PartInfo) -> TableBatches {
        TableBatches::new(Arc::clone(&self.folders), &self.path, table, vec![part.clone()], Purpose::Rows)
    }

    /// Reads every file that case.json and SHA256SUMS (of a closed case) list, and compares its sum.
    pub fn check_sums(&self) -> Vec<Problem> {
        sums::check(&self.root, &self.folders, self.manifest.as_ref())
    }

    /// Does something, and [`Case::check_sums`] beside it (see [`ReadThreads`]) or afterwards, if it was not in vain.
    ///
    /// # Errors
    /// Those of `other`.
    pub fn check_sums_beside<T, E>(&self, other: impl FnOnce() -> Result<T, E>) -> Result<(T, Vec<Problem>), E> {
        let rows = Table::ALL.map(|table| self.rows(table)).into_iter().fold(0, u64::saturating_add);
        thread::scope(|scope| {
            let check = || self.check_sums();
            let beside = self.threads.are_worth(rows).then(|| thread::Builder::new().spawn_scoped(scope, check));
            let done = other()?;
            let problems = match beside {
                Some(Ok(thread)) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // Not worth it, or none could be started.
                Some(Err(_)) | None => check(),
            };
            Ok((done, problems))
        })
    }

    /// The bytes of case.json, if they can be read: what its signature and an anchor are over.
    pub fn manifest_bytes(&self) -> Option<Vec<u8>> {
        self.small_file(manifest::FILE_NAME, manifest::MAX_BYTES)
    }

    /// The signature of case.json; `None` if there is none.
    pub fn signature(&self) -> Option<String> {
        String::from_utf8(self.small_file(SIGNATURE_NAME, signing::MAX_BYTES)?).ok()
    }

    fn small_file(&self, name: &str, limit: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let length = self.root.open_file(name).ok()?.take(limit + 1).read_to_end(&mut bytes).ok()?;
        (length as u64 <= limit).then_some(bytes)
    }
}

fn read_manifest(root: &Directory, parts: usize) -> Result<Manifest, Error> {
    let path = crate::files::Folder::path(root).join(manifest::FILE_NAME);
    let file = root.open_file(manifest::FILE_NAME)?;
    let mut text = Vec::new();
    let length = file.take(manifest::MAX_BYTES + 1).read_to_end(&mut text).map_err(Error::io("read", &path))?;
    if length as u64 > manifest::MAX_BYTES {
        return Err(Error::Manifest { path, why: format!("longer than {} bytes", manifest::MAX_BYTES), parts });
    }
    Manifest::parse(&text, &path, parts)
}
