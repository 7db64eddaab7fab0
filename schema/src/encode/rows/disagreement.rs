//! derived/disagreement from rows.

use arrow_array::RecordBatch;
use obit_derivation::row::{Disagreement, Place, ReportedValue};

use crate::encode::table_builder;
use crate::error::Error;
use crate::tables::Table;
use crate::tables::disagreement::{Builders, Row};

table_builder!(
    /// Gathers rows of derived/disagreement.
    DisagreementBuilder, Table::Disagreement
);

impl DisagreementBuilder {
    /// Appends a row.
    pub fn append(&mut self, disagreement: &Disagreement) {
        self.columns.push(columns_of(disagreement));
    }
}

/// The values of a row's columns.
pub(crate) fn columns_of(disagreement: &Disagreement) -> Row<'_> {
    // Every field by name: one that is added later does not compile until it has a column.
    let Disagreement {
        seq,
        ts,
        boot_ns,
        identity,
        place: Place { key, path },
        aspect,
        said: ReportedValue { by, value, at },
        other: ReportedValue { by: other_by, value: other_value, at: other_at },
        difference_ns,
        evidence_seqs,
    } = disagreement;
    Row {
        // Who else it is, the row of its beginning or end tells.
        runtime: identity.runtime.map(|runtime| runtime.as_str()),
        container_id: Some(&identity.container_id),
        containerd_namespace: identity.containerd_namespace.as_deref(),
        container_name: identity.container_name.as_deref(),
        image_name: identity.image_name.as_deref(),
        pod_name: identity.pod_name.as_deref(),
        pod_namespace: identity.pod_namespace.as_deref(),
        seq: Some(seq.0),
        ts: Some(*ts),
        boot_ns: Some(boot_ns.0),
        hierarchy_id: Some(key.hierarchy.0),
        cgroup_id: Some(key.cgroup.0),
        cgroup_path: Some(path),
        aspect: Some(aspect.as_str()),
        source: Some(by.as_str()),
        value: value.as_deref(),
        value_at: *at,
        other_source: Some(other_by.as_str()),
        other_value: other_value.as_deref(),
        other_value_at: *other_at,
        difference_ns: *difference_ns,
        evidence_seqs: Some(evidence_seqs),
    }
}
