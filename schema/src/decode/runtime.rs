//! Records of raw/runtime.

use obit_derivation::record::{Body, Outcome, Record, Source};

use super::batch_view::{BatchView, RawTable, carried};
use crate::column::{ColumnReader, Timestamp, U64};
use crate::details::RuntimeDetails;
use crate::error::Error;
use crate::tables::runtime::{Readers, Runtime};

/// A batch of raw/runtime.
pub type RuntimeView = BatchView<Runtime>;

impl RawTable for Runtime {
    type Index = ();

    fn index(_: &Readers) {}
    fn place(columns: &Readers) -> (&ColumnReader<U64>, &ColumnReader<Timestamp>, &ColumnReader<U64>) {
        (&columns.seq, &columns.ts, &columns.boot_ns)
    }
}

impl RuntimeView {
    /// Returns the record of a row. A source or an outcome unknown to this version gives
    /// [`Body::Unknown`].
    ///
    /// # Errors
    /// The row is past the end.
    pub fn get(&self, row: usize) -> Result<Record<'_>, Error> {
        let columns = &self.columns;
        let source = Source::from_name(columns.source.require(row)?).filter(|source| source.is_runtime());
        let outcome = Outcome::from_name(columns.outcome.require(row)?);
        let body = match (source, outcome) {
            (Some(source), Some(outcome)) => Body::Runtime(columns.answer.get(row, source, outcome)),
            _ => Body::Unknown,
        };
        self.record(row, carried(columns.carried_from_seq.get(row), body))
    }

    /// Returns the details that a row holds beside the record; `None` past the end.
    pub fn details(&self, row: usize) -> Option<RuntimeDetails> {
        Some(RuntimeDetails {
            request: self.columns.request.get(row)?.to_owned(),
            latency_ns: self.columns.latency_ns.get(row)?,
            document: self.columns.document.get(row).map(str::to_owned),
        })
    }
}
