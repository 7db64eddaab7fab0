//! Profiles: the rules by which records become rows.
//!
//! [`Profile::Strict`] is obit's own answer, [`crate::Fold`]. The others repeat on the same records
//! what another tool would have said, errors included, so that a difference between two tools can
//! be looked at on real evidence.

use crate::record::{Record, names};
use crate::row::RowSink;

/// A set of rules by which rows are derived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// obit's own rules: one row for each life of a container, by the best claim about its
    /// identity.
    #[default]
    Strict,
    /// Rules of Aqua's Tracee (`tracee::TraceeFold`): paths only, and any removed directory inside
    /// a container counts.
    Tracee,
}

names!(Profile { Strict => "strict", Tracee => "tracee" });

/// A derivation: maps records, in the order of their `seq`, to rows. Pure and total: equal records
/// give equal rows.
pub trait Derive {
    /// Takes the next record, and gives the rows that it decides in a fixed order.
    fn apply(&mut self, record: &Record<'_>, out: &mut dyn RowSink);

    /// Ends the log: gives the rows that were held back.
    fn finish(&mut self, out: &mut dyn RowSink);
}

impl Derive for crate::Fold {
    fn apply(&mut self, record: &Record<'_>, out: &mut dyn RowSink) {
        Self::apply(self, record, out);
    }

    fn finish(&mut self, out: &mut dyn RowSink) {
        Self::finish(self, out);
    }
}
