//! Derived rows in the formats of other programs.
//!
//! Each format is a module: a table of mappings, which docs/exports.md lists, and an encoder,
//! which gets the rows of all derived tables in batches. What is absent is left out. Encoders write
//! to anything that takes bytes and keep no rows, so an export takes as much memory for a large
//! case as for a small one.

mod ecs;
mod encoder;
mod format;
mod instant;
mod journal;
mod json_line;
pub mod mapping;
mod ocsf;
mod ocsf_schema;
mod otlp;
mod perfetto;
mod row;
mod sentence;
mod tags;
mod timesketch;

use std::io::Write;

use arrow_array::RecordBatch;
use obit_case::{Case, Problem};
use obit_derivation::Profile;
use obit_schema::Table;

use crate::derive::derive_matching;
use crate::error::Error;
use crate::filter::RowFilter;
use crate::origin::RowOrigin;
use encoder::RowEncoder;
use journal::JournalEncoder;
use row::RowBatch;

pub use format::ExportFormat;
pub use instant::InstantKind;
pub use ocsf_schema::ocsf_schema;

/// The result of exporting a case.
#[derive(Debug, Default)]
pub struct CaseExport {
    /// Number of derived rows that were exported.
    pub rows: u64,
    /// The problems that reading the case met.
    pub problems: Vec<Problem>,
}

/// Exports the rows of cases, one case after another, into one output.
pub struct Exporter {
    encoder: Box<dyn RowEncoder>,
}

impl Exporter {
    /// Makes an exporter for a format.
    pub fn new(format: ExportFormat) -> Self {
        Self { encoder: format.encoder() }
    }

    /// Makes an exporter of entries for systemd's journal, which are sent and not written to a
    /// file.
    pub fn for_journal() -> Self {
        Self { encoder: Box::<JournalEncoder>::default() }
    }

    /// Writes rows of a table that are derived already.
    ///
    /// # Errors
    /// The output cannot be written ([`Error::Output`]).
    pub fn export_rows(
        &mut self,
        table: Table,
        batch: &RecordBatch,
        origin: &RowOrigin,
        output: &mut dyn Write,
    ) -> Result<(), Error> {
        self.encoder.encode(&RowBatch::new(table, origin, batch), output).map_err(Error::Output)
    }

    /// Derives the rows of all tables of a case and writes those that a filter matches, in the
    /// order in which they are decided.
    ///
    /// # Errors
    /// The records cannot be read, or the output cannot be written ([`Error::Output`]).
    pub fn export(&mut self, case: &Case, filter: &RowFilter, output: &mut dyn Write) -> Result<CaseExport, Error> {
        let origin = RowOrigin::of(case);
        self.encoder.begin_case(case, output).map_err(Error::Output)?;
        let mut batches = derive_matching(case, Profile::Strict, &Table::DERIVED, filter.clone())?;
        let mut rows = 0;
        for batch in batches.by_ref() {
            let (table, batch) = batch?;
            rows += batch.num_rows() as u64;
            self.export_rows(table, &batch, &origin, output)?;
        }
        Ok(CaseExport { rows, problems: batches.problems().to_vec() })
    }
}
