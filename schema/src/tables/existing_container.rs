//! derived/existing_container: containers that were there before the capture, or before a segment
//! of it, one row each.

use obit_derivation::row;

use super::declare::table;
use super::identity::IdentityRows;
use super::identity::claim::Claim;
use super::identity::facts::Facts;
use super::identity::subject::Subject;
use super::place::Place;
use crate::column::{SeqList, Timestamp, U64};

table!(
    /// derived/existing_container: containers that were there before the capture, or before a
    /// segment of it, one row each.
    ExistingContainer {
        subject: Subject columns,
        /// The record that decided the row. Rows are in this order; several may share one.
        seq: U64 required,
        /// Time at which the walk of cgroupfs saw the container, by the wall clock; if its creation
        /// was carried over from another segment, time of the creation.
        ts: Timestamp required,
        /// Time of `ts`, ns of CLOCK_BOOTTIME.
        boot_ns: U64 required,
        place: Place columns,
        /// The record in which the container was first seen.
        first_seen_seq: U64 required,
        /// Time of the creation: from the kernel's event if it was carried over, else as the
        /// runtime reports it.
        created_at: Timestamp optional,
        facts: Facts columns,
        claim: Claim columns,
        /// The records that the row came from, ascending.
        evidence_seqs: SeqList required,
    }
);

impl<'a> From<&'a row::ExistingContainer> for Row<'a> {
    fn from(container: &'a row::ExistingContainer) -> Self {
        // Every field by name: a new one does not compile until it has a column.
        let row::ExistingContainer { seq, ts, boot_ns, identity, place, first_seen_seq, created_at, evidence_seqs } =
            container;
        let IdentityRows { subject, facts, claim } = identity.into();
        Self {
            subject: Some(subject),
            facts: Some(facts),
            claim: Some(claim),
            place: Some(place.into()),
            seq: Some(seq.0),
            ts: Some(*ts),
            boot_ns: Some(boot_ns.0),
            first_seen_seq: Some(first_seen_seq.0),
            created_at: *created_at,
            evidence_seqs: Some(evidence_seqs),
        }
    }
}
