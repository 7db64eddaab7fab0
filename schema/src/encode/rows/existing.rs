//! derived/existing_container from rows.

use arrow_array::RecordBatch;
use obit_derivation::row::ExistingContainer;

use super::{identity_columns, place_columns};
use crate::encode::table_builder;
use crate::error::Error;
use crate::tables::Table;
use crate::tables::existing_container::{Builders, Row};

table_builder!(
    /// Gathers rows of derived/existing_container.
    ExistingBuilder, Table::ExistingContainer
);

impl ExistingBuilder {
    /// Appends a row.
    pub fn append(&mut self, container: &ExistingContainer) {
        self.columns.push(columns_of(container));
    }
}

/// The values of a row's columns.
pub(crate) fn columns_of(container: &ExistingContainer) -> Row<'_> {
    // Every field by name: one that is added later does not compile until it has a column.
    let ExistingContainer { seq, ts, boot_ns, identity, place, first_seen_seq, created_at, evidence_seqs } = container;
    let mut row = Row {
        seq: Some(seq.0),
        ts: Some(*ts),
        boot_ns: Some(boot_ns.0),
        first_seen_seq: Some(first_seen_seq.0),
        created_at: *created_at,
        evidence_seqs: Some(evidence_seqs),
        ..Row::default()
    };
    identity_columns!(row, identity);
    place_columns!(row, place);
    row
}
