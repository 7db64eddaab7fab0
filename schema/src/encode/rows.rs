//! The derived tables from rows.

use arrow_array::RecordBatch;
use obit_derivation::Row;

use super::batch_builder::BatchBuilder;
use crate::error::Error;
use crate::tables::Table;
use crate::tables::container_create::ContainerCreate;
use crate::tables::container_exit::ContainerExit;
use crate::tables::container_remove::ContainerRemove;
use crate::tables::disagreement::Disagreement;
use crate::tables::existing_container::ExistingContainer;

/// Builds batches of the derived tables.
#[derive(Debug, Default)]
pub struct RowsBuilder {
    exits: BatchBuilder<ContainerExit>,
    removes: BatchBuilder<ContainerRemove>,
    creates: BatchBuilder<ContainerCreate>,
    existing: BatchBuilder<ExistingContainer>,
    disagreements: BatchBuilder<Disagreement>,
}

impl RowsBuilder {
    /// Creates an empty builder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a row to its table.
    pub fn append(&mut self, row: &Row) {
        match row {
            Row::Create(row) => self.creates.push(row.into()),
            Row::Exit(row) => self.exits.push(row.into()),
            Row::Remove(row) => self.removes.push(row.into()),
            Row::Existing(row) => self.existing.push(row.into()),
            Row::Disagreement(row) => self.disagreements.push(row.into()),
        }
    }

    /// Returns the number of rows since the last batches, over all tables.
    pub fn len(&self) -> usize {
        self.exits.len() + self.removes.len() + self.creates.len() + self.existing.len() + self.disagreements.len()
    }

    /// Returns true if there is no row since the last batches.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a batch for each table that has rows and leaves the builder empty.
    ///
    /// # Errors
    /// Arrow refuses the columns, which is a fault of the builder.
    pub fn finish(&mut self) -> Result<Vec<(Table, RecordBatch)>, Error> {
        // In the order of a life, for whoever takes rows as they come.
        let mut batches = Vec::new();
        if !self.existing.is_empty() {
            batches.push((Table::ExistingContainer, self.existing.finish()?));
        }
        if !self.creates.is_empty() {
            batches.push((Table::ContainerCreate, self.creates.finish()?));
        }
        if !self.exits.is_empty() {
            batches.push((Table::ContainerExit, self.exits.finish()?));
        }
        if !self.removes.is_empty() {
            batches.push((Table::ContainerRemove, self.removes.finish()?));
        }
        if !self.disagreements.is_empty() {
            batches.push((Table::Disagreement, self.disagreements.finish()?));
        }
        Ok(batches)
    }
}
