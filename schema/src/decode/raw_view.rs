//! Records of any raw table.

use arrow_array::RecordBatch;
use obit_derivation::Record;

use super::cgroupfs::CgroupfsView;
use super::events::EventsView;
use super::runtime::RuntimeView;
use crate::error::Error;
use crate::tables::Table;

/// A batch of any raw table.
#[derive(Debug)]
pub enum RawView {
    /// A batch of raw/events.
    Events(Box<EventsView>),
    /// A batch of raw/cgroupfs.
    Cgroupfs(Box<CgroupfsView>),
    /// A batch of raw/runtime.
    Runtime(Box<RuntimeView>),
}

impl RawView {
    /// Checks the columns of a batch.
    ///
    /// # Errors
    /// A column is missing, of another type, or null where it must not be; or the table is a
    /// derived one.
    pub fn new(table: Table, batch: &RecordBatch) -> Result<Self, Error> {
        match table {
            Table::Events => EventsView::new(batch).map(|view| Self::Events(Box::new(view))),
            Table::Cgroupfs => CgroupfsView::new(batch).map(|view| Self::Cgroupfs(Box::new(view))),
            Table::Runtime => RuntimeView::new(batch).map(|view| Self::Runtime(Box::new(view))),
            Table::ContainerExit
            | Table::ContainerRemove
            | Table::ContainerCreate
            | Table::ExistingContainer
            | Table::Disagreement => Err(Error::NotRaw { table: table.name() }),
        }
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Events(view) => view.len(),
            Self::Cgroupfs(view) => view.len(),
            Self::Runtime(view) => view.len(),
        }
    }

    /// Returns true if there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the record's place in the total order; `None` past the end.
    #[inline]
    pub fn seq(&self, row: usize) -> Option<u64> {
        match self {
            Self::Events(view) => view.seq(row),
            Self::Cgroupfs(view) => view.seq(row),
            Self::Runtime(view) => view.seq(row),
        }
    }

    /// Returns the places of the records from a row on.
    pub fn seqs_from(&self, row: usize) -> &[u64] {
        match self {
            Self::Events(view) => view.seqs_from(row),
            Self::Cgroupfs(view) => view.seqs_from(row),
            Self::Runtime(view) => view.seqs_from(row),
        }
    }

    /// Returns the record of a row. `scratch` is cleared, then holds the record's argument vector.
    ///
    /// # Errors
    /// The row lacks a value that its kind must have, or is past the end.
    #[inline]
    pub fn get<'b, 'a: 'b>(&'a self, row: usize, scratch: &'b mut Vec<&'a str>) -> Result<Record<'b>, Error> {
        match self {
            Self::Events(view) => view.get(row, scratch),
            Self::Cgroupfs(view) => view.get(row),
            Self::Runtime(view) => view.get(row),
        }
    }

    /// Returns the certain part of a row whose rest cannot be read: its place and its clocks, with
    /// a body that decides nothing.
    ///
    /// # Errors
    /// The row is past the end.
    pub fn get_unknown(&self, row: usize) -> Result<Record<'static>, Error> {
        match self {
            Self::Events(view) => view.get_unknown(row),
            Self::Cgroupfs(view) => view.get_unknown(row),
            Self::Runtime(view) => view.get_unknown(row),
        }
    }
}
