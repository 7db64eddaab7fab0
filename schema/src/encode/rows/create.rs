//! derived/container_create from rows.

use arrow_array::RecordBatch;
use obit_derivation::row::{ActorCopy, ContainerCreate};

use super::{identity_columns, place_columns};
use crate::column::Texts;
use crate::encode::table_builder;
use crate::error::Error;
use crate::tables::Table;
use crate::tables::container_create::{Builders, Row};

table_builder!(
    /// Gathers rows of derived/container_create.
    CreateBuilder, Table::ContainerCreate
);

impl CreateBuilder {
    /// Appends a row.
    pub fn append(&mut self, creation: &ContainerCreate) {
        self.columns.push(columns_of(creation));
    }
}

/// The values of a row's columns.
pub(crate) fn columns_of(creation: &ContainerCreate) -> Row<'_> {
    // Every field by name: one that is added later does not compile until it has a column.
    let ContainerCreate {
        seq,
        ts,
        boot_ns,
        identity,
        place,
        created_seq,
        created_by,
        inferred,
        after_gap,
        evidence_seqs,
    } = creation;
    let mut row = Row {
        seq: Some(seq.0),
        ts: Some(*ts),
        boot_ns: Some(boot_ns.0),
        created_seq: Some(created_seq.0),
        inferred: Some(*inferred),
        after_gap: Some(*after_gap),
        evidence_seqs: Some(evidence_seqs),
        ..Row::default()
    };
    identity_columns!(row, identity);
    place_columns!(row, place);
    if let Some(ActorCopy { pid, uid, comm, parent_comm, argv }) = created_by {
        row.created_by_pid = Some(*pid);
        row.created_by_uid = Some(*uid);
        row.created_by_comm = Some(comm);
        row.created_by_parent_comm = Some(parent_comm.as_str()).filter(|comm| !comm.is_empty());
        row.created_by_argv = (!argv.is_empty()).then_some(Texts::Owned(argv));
    }
    row
}
