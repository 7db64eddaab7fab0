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

use crate::record::{Seq, WallNs};

pub use container::{ContainerCreate, ContainerExit, ContainerRemove, ExistingContainer};
pub use death::{Cause, Death, Killer, KnownBy, LimitScope, Step};
pub use disagreement::{Disagreement, DisagreementKind, ReportSource, ReportedValue};
pub use identity::{ActorCopy, Identity, Place};
pub(crate) use overwrite::{overwrite, overwrite_option};

/// A derived row.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // a row is put into columns at once
pub enum Row {
    /// A container was created.
    Create(ContainerCreate),
    /// A container exited: its init ended, or its last task left.
    Exit(ContainerExit),
    /// A container was removed: its root directory is gone.
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

/// Picks a field that all kinds of rows have.
macro_rules! of_each_kind {
    ($row:expr, $field:ident) => {
        match $row {
            Row::Create(row) => &row.$field,
            Row::Exit(row) => &row.$field,
            Row::Remove(row) => &row.$field,
            Row::Existing(row) => &row.$field,
            Row::Disagreement(row) => &row.$field,
        }
    };
}

impl Row {
    /// Returns who the row is about.
    pub fn identity(&self) -> &Identity {
        of_each_kind!(self, identity)
    }

    /// Returns the directory that stands for the container, if it has one.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Create(row) => Some(&row.place),
            Self::Exit(row) => row.place.as_ref(),
            Self::Remove(row) => Some(&row.place),
            Self::Existing(row) => Some(&row.place),
            Self::Disagreement(row) => Some(&row.place),
        }
    }

    /// Returns the account of the container's end, if the row tells of one.
    pub fn death(&self) -> Option<&Death> {
        match self {
            Self::Exit(row) => Some(&row.death),
            Self::Remove(row) => Some(&row.death),
            Self::Create(_) | Self::Existing(_) | Self::Disagreement(_) => None,
        }
    }

    /// Returns the time from the creation to the end in ns, if the row tells of an end and that is
    /// known.
    pub fn lifetime_ns(&self) -> Option<u64> {
        match self {
            Self::Exit(row) => row.lifetime_ns,
            Self::Remove(row) => row.lifetime_ns,
            Self::Create(_) | Self::Existing(_) | Self::Disagreement(_) => None,
        }
    }

    /// Returns the record that decided the row.
    pub fn seq(&self) -> Seq {
        *of_each_kind!(self, seq)
    }

    /// Returns the row's time, by the wall clock.
    pub fn ts(&self) -> WallNs {
        *of_each_kind!(self, ts)
    }

    /// Returns the records that the row came from, ascending.
    pub fn evidence_seqs(&self) -> &[Seq] {
        of_each_kind!(self, evidence_seqs)
    }
}
