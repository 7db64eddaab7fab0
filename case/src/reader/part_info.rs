//! A readable file of a table.

/// Kind of file that holds the rows of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartSource {
    /// A sealed Parquet file.
    Sealed,
    /// The journal of a case that was not closed.
    Journal,
}

/// A readable file of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartInfo {
    /// Number of the part in its table.
    pub number: u32,
    /// Path of the file, relative to the case.
    pub file: String,
    /// Rows in the file.
    pub rows: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Least `seq` of its rows; `None` without rows, or if the file's statistics do not tell.
    pub first_seq: Option<u64>,
    /// Greatest `seq` of its rows; `None` without rows, or if the file's statistics do not tell.
    pub last_seq: Option<u64>,
    /// Greatest `ts` of its rows, in ns since 1970; `None` without rows, or if the file's
    /// statistics do not tell.
    pub last_ts: Option<i64>,
    /// Kind of file.
    pub source: PartSource,
}
