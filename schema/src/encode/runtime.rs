//! raw/runtime from records.

use obit_derivation::record::{Body, Record};

use super::batch_builder::BatchBuilder;
use super::body::split_carried;
use crate::details::RuntimeDetails;
use crate::error::Error;
use crate::tables::Table;
use crate::tables::runtime::{Row, Runtime};

/// Builds batches of raw/runtime.
pub type RuntimeBuilder = BatchBuilder<Runtime>;

impl RuntimeBuilder {
    /// Appends an answer of a runtime.
    ///
    /// # Errors
    /// The record belongs to another table; nothing is appended.
    pub fn append(&mut self, record: &Record<'_>, details: &RuntimeDetails) -> Result<(), Error> {
        let (carried_from, body) = split_carried(&record.body);
        let Body::Runtime(answer) = body else {
            return Err(Error::WrongTable { table: Table::Runtime.name(), seq: record.seq.0 });
        };
        self.push(Row {
            seq: Some(record.seq.0),
            ts: Some(record.ts),
            boot_ns: Some(record.boot_ns.0),
            source: Some(answer.source.as_str()),
            request: Some(&details.request),
            outcome: Some(answer.outcome.as_str()),
            latency_ns: Some(details.latency_ns),
            answer: Some(answer.into()),
            document: details.document.as_deref(),
            carried_from_seq: carried_from.map(|seq| seq.0),
        });
        Ok(())
    }
}
