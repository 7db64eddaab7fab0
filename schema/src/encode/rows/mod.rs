//! The derived tables from rows.

pub(crate) mod create;
pub(crate) mod disagreement;
pub(crate) mod existing;
pub(crate) mod remove;

use arrow_array::RecordBatch;
use obit_derivation::Row;

use crate::error::Error;
use crate::tables::Table;

/// Gathers rows of the derived tables.
#[derive(Debug, Default)]
pub struct RowsBuilder {
    removes: remove::RemoveBuilder,
    creates: create::CreateBuilder,
    existing: existing::ExistingBuilder,
    disagreements: disagreement::DisagreementBuilder,
}

impl RowsBuilder {
    /// Empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a row to the table that it belongs to.
    pub fn append(&mut self, row: &Row) {
        match row {
            Row::Create(row) => self.creates.append(row),
            Row::Remove(row) => self.removes.append(row),
            Row::Existing(row) => self.existing.append(row),
            Row::Disagreement(row) => self.disagreements.append(row),
        }
    }

    /// Rows gathered since the last batches, of all tables.
    pub fn len(&self) -> usize {
        self.removes.len() + self.creates.len() + self.existing.len() + self.disagreements.len()
    }

    /// Whether no row was gathered since the last batches.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A batch for each table that has rows; the builder is empty afterwards.
    ///
    /// # Errors
    /// Arrow refuses the columns; that would be a fault of the builder.
    pub fn finish(&mut self) -> Result<Vec<(Table, RecordBatch)>, Error> {
        let mut batches = Vec::new();
        if !self.removes.is_empty() {
            batches.push((Table::ContainerRemove, self.removes.finish()?));
        }
        if !self.creates.is_empty() {
            batches.push((Table::ContainerCreate, self.creates.finish()?));
        }
        if !self.existing.is_empty() {
            batches.push((Table::ExistingContainer, self.existing.finish()?));
        }
        if !self.disagreements.is_empty() {
            batches.push((Table::Disagreement, self.disagreements.finish()?));
        }
        Ok(batches)
    }
}

/// The columns that say who a container is; the same in each derived table.
macro_rules! identity_columns {
    ($row:ident, $identity:expr) => {{
        let obit_derivation::row::Identity {
            runtime,
            container_id,
            oci_runtime,
            containerd_namespace,
            container_name,
            image_name,
            image_id,
            image_digest,
            pod_name,
            pod_namespace,
            pod_uid,
            sandbox,
            labels,
            init_pid,
            started_at,
            restart_count,
            parent_container_id,
            identified_by,
            conflicts,
        } = $identity;
        $row.runtime = runtime.map(|runtime| runtime.as_str());
        $row.container_id = Some(container_id);
        $row.oci_runtime = oci_runtime.map(|runtime| runtime.as_str());
        $row.containerd_namespace = containerd_namespace.as_deref();
        $row.container_name = container_name.as_deref();
        $row.image_name = image_name.as_deref();
        $row.image_id = image_id.as_deref();
        $row.image_digest = image_digest.as_deref();
        $row.pod_name = pod_name.as_deref();
        $row.pod_namespace = pod_namespace.as_deref();
        $row.pod_uid = pod_uid.as_deref();
        $row.sandbox = *sandbox;
        $row.labels = (!labels.is_empty()).then_some(crate::column::Pairs::Owned(labels));
        $row.init_pid = *init_pid;
        $row.started_at = *started_at;
        $row.restart_count = *restart_count;
        $row.parent_container_id = parent_container_id.as_deref();
        $row.identified_by = Some(identified_by.as_str());
        $row.conflicts = Some(crate::column::Texts::Owned(conflicts));
    }};
}
use identity_columns;

/// The columns that say where it is; the same in each derived table.
macro_rules! place_columns {
    ($row:ident, $place:expr) => {{
        let obit_derivation::row::Place { key, path } = $place;
        $row.hierarchy_id = Some(key.hierarchy.0);
        $row.cgroup_id = Some(key.cgroup.0);
        $row.cgroup_path = Some(path);
    }};
}
use place_columns;
