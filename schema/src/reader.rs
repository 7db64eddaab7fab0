//! Reading a case.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use obit_derivation::Record;

use crate::error::Error;
use crate::manifest::Manifest;
use crate::problem::Problem;
use crate::tables::Table;

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
    /// The first row's `seq`, if there is a row.
    pub first_seq: Option<u64>,
    /// The last row's `seq`, if there is a row.
    pub last_seq: Option<u64>,
    /// Where its rows come from.
    pub source: PartSource,
}

/// A case on disk.
#[derive(Debug)]
pub struct Case {
    path: PathBuf,
    manifest: Option<Manifest>,
    problems: Vec<Problem>,
    parts: Vec<PartInfo>,
}

impl Case {
    /// Opens a case.
    ///
    /// # Errors
    /// It is no case, its case.json is missing or corrupt, or its format is newer.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Err(Error::NotACase {
            path: path.to_owned(),
            why: "reading is not there yet",
        })
    }

    /// Opens a case even without a usable case.json: parts are found by their names, and the lack is a problem.
    ///
    /// # Errors
    /// It is no case, or its format is newer.
    pub fn open_lenient(path: &Path) -> Result<Self, Error> {
        Self::open(path)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The contents of case.json; `None` only after [`Case::open_lenient`].
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Whether the capture closed it.
    pub fn closed(&self) -> bool {
        false
    }

    /// What was found wrong when it was opened. Reading rows may find more.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The files of a table, in order.
    pub fn parts(&self, table: Table) -> &[PartInfo] {
        let _ = table;
        &self.parts
    }

    /// The records of the three raw tables in their total order.
    pub fn records(&self) -> Records {
        Records { problems: Vec::new() }
    }

    /// The batches of a table, in file order. After an error the next part follows.
    pub fn batches(&self, table: Table) -> Batches {
        let _ = table;
        Batches {}
    }
}

/// The records of a case in their total order, in bounded memory.
///
/// ```ignore
/// while records.advance()? {
///     let mut argv = Vec::new();
///     fold.record(&records.current(&mut argv)?);
/// }
/// ```
#[derive(Debug)]
pub struct Records {
    problems: Vec<Problem>,
}

impl Records {
    /// Steps to the next record; `false` at the end.
    ///
    /// # Errors
    /// None at present: what cannot be read becomes a problem.
    pub fn advance(&mut self) -> Result<bool, Error> {
        Ok(false)
    }

    /// The record stepped to. `scratch` holds its argument vector.
    ///
    /// # Errors
    /// There is none.
    pub fn current<'b, 'a: 'b>(&'a self, scratch: &'b mut Vec<&'a str>) -> Result<Record<'b>, Error> {
        let _ = scratch;
        Err(Error::ValueMissing { column: "seq" })
    }

    /// Gives each record to `each`, until it fails.
    ///
    /// # Errors
    /// Those of `each`, and of reading.
    pub fn for_each<E: From<Error>>(&mut self, mut each: impl FnMut(&Record<'_>) -> Result<(), E>) -> Result<(), E> {
        while self.advance()? {
            let mut argv = Vec::new();
            each(&self.current(&mut argv)?)?;
        }
        Ok(())
    }

    /// What was found wrong so far: damaged parts, holes, disorder.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// The batches of a table.
#[derive(Debug)]
pub struct Batches {}

impl Iterator for Batches {
    type Item = Result<RecordBatch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        None
    }
}
