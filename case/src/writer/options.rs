//! Options of a writer, and its summary of a closed case.

use std::sync::Arc;
use std::time::Duration;

use crate::counts::CaseCounts;
use crate::manifest::PartEntry;
use crate::signing::CaseSigner;

/// Options of a [`crate::CaseWriter`].
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// Seal a part after this many rows.
    pub part_rows: u64,
    /// Seal a part when its first and last row are this far apart, by the boot clock of the rows:
    /// the writer reads no clock of its own.
    pub part_age: Duration,
    /// Bytes to keep free for case.json in case the disk fills up; see
    /// [`crate::CaseWriter::note_missing`] and [`crate::CaseWriter::drop_oldest`].
    pub reserve_bytes: usize,
    /// The holder of the key that signs each head and case.json. If it fails, the case goes on
    /// unsigned: see [`crate::CaseWriter::take_signing_failure`].
    pub signer: Option<Arc<dyn CaseSigner>>,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { part_rows: 1 << 20, part_age: Duration::from_secs(3600), reserve_bytes: 0, signer: None }
    }
}

impl WriterOptions {
    /// Returns true if a part of these rows and this age is to be sealed.
    pub(super) fn is_due(&self, rows: u64, age: Duration) -> bool {
        rows > 0 && (rows >= self.part_rows || age >= self.part_age)
    }
}

/// Summary of a case that was closed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseSummary {
    /// Bytes of all files of the case.
    pub bytes: u64,
    /// The sealed parts, in the order of their sealing.
    pub parts: Vec<PartEntry>,
    /// Counts of the rows in these parts.
    pub counts: CaseCounts,
    /// The line about the closed case that an anchor gets.
    pub closed_line: String,
}
