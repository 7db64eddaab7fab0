//! The output of the derivation: a row for each container that began, ended, or was there already,
//! and for each contradiction about an end.
//!
//! An absent value is `None`, never zero and never a guess.

mod container;
mod death;
mod disagreement;
mod identity;
mod overwrite;

use alloc::vec::Vec;

pub use container::{ContainerCreate, ContainerRemove, ExistingContainer};
pub use death::{Cause, Death, Killer, LimitScope, Step};
pub use disagreement::{Disagreement, DisagreementKind, ReportSource, ReportedValue};
pub use identity::{ActorCopy, Identity, Place};
pub(crate) use overwrite::{overwrite, overwrite_option};

/// A derived row.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // a row is put into columns at once
pub enum Row {
    /// A container was created.
    Create(ContainerCreate),
    /// A container ended: its root directory was removed.
    Remove(ContainerRemove),
    /// A container was alive before the capture started.
    Existing(ExistingContainer),
    /// Two sources contradict each other about a container's end.
    Disagreement(Disagreement),
}

/// A receiver of rows. The end of a walk decides as many rows as there are containers, so they are
/// handed over one by one.
pub trait RowSink {
    /// Takes the next row. It is lent, since nearly all rows are put into columns or compared at
    /// once.
    fn take(&mut self, row: &Row);
}

impl RowSink for Vec<Row> {
    fn take(&mut self, row: &Row) {
        self.push(row.clone());
    }
}

impl Row {
    /// Returns who the row is about.
    pub fn identity(&self) -> &Identity {
        match self {
            Self::Create(row) => &row.identity,
            Self::Remove(row) => &row.identity,
            Self::Existing(row) => &row.identity,
            Self::Disagreement(row) => &row.identity,
        }
    }
}
