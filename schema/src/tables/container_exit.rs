//! derived/container_exit: containers that exited, one row for each life of a container.

use obit_derivation::row;

use super::death::Death;
use super::declare::table;
use super::identity::IdentityRows;
use super::identity::claim::Claim;
use super::identity::facts::Facts;
use super::identity::subject::Subject;
use super::place::if_any::PlaceIfAny;
use super::usage::of_container::UsageOfContainer;
use crate::column::{Bool, SeqList, Timestamp, U64};

table!(
    /// derived/container_exit: containers that exited, one row for each life of a container: its
    /// init ended or, where the init is not known, its last task left. Its directory may stay.
    ContainerExit {
        subject: Subject columns,
        /// The record that decided the row. Rows are in this order; several may share one. A
        /// removal of the same life has the same `created_seq`, if that is not null.
        seq: U64 required,
        /// Time of the end of the init, or of the last task's leaving, by the wall clock. If
        /// neither was seen, time by which it had happened.
        ts: Timestamp required,
        /// Time of `ts`, ns of CLOCK_BOOTTIME.
        boot_ns: U64 required,
        place: PlaceIfAny columns,
        /// The record of the container's creation, possibly a carried one; null if the container
        /// was there before or its creation was lost.
        created_seq: U64 optional,
        /// Time of the creation: from the kernel's event if it was seen, else as the runtime
        /// reports it.
        created_at: Timestamp optional,
        /// Time from creation to the exit, in ns of the boot clock; null if one of them was not
        /// seen.
        lifetime_ns: U64 optional,
        facts: Facts columns,
        /// Time at which the container's last task left for good; null if this was not seen by the
        /// time of the row.
        emptied_at: Timestamp optional,
        death: Death columns,
        usage: UsageOfContainer columns,
        claim: Claim columns,
        /// True if the container's program was begun, or may have been, and the end of the init was
        /// not seen.
        inferred: Bool required,
        /// True if the container's program was never executed: its start failed. Null if its whole
        /// life was not seen.
        never_started: Bool optional,
        /// True if events were lost within the container's life; lost exits and executions count
        /// only if the exit of its init is missing.
        after_gap: Bool required,
        /// The records that the row came from, ascending.
        evidence_seqs: SeqList required,
    }
);

impl<'a> From<&'a row::ContainerExit> for Row<'a> {
    fn from(exit: &'a row::ContainerExit) -> Self {
        // Every field by name: a new one does not compile until it has a column.
        let row::ContainerExit {
            seq,
            ts,
            boot_ns,
            identity,
            place,
            created_seq,
            created_at,
            lifetime_ns,
            emptied_at,
            death,
            usage,
            inferred,
            never_started,
            after_gap,
            evidence_seqs,
        } = exit;
        let IdentityRows { subject, facts, claim } = identity.into();
        Self {
            subject: Some(subject),
            facts: Some(facts),
            claim: Some(claim),
            place: Some(place.into()),
            seq: Some(seq.0),
            ts: Some(*ts),
            boot_ns: Some(boot_ns.0),
            created_seq: created_seq.map(|seq| seq.0),
            created_at: *created_at,
            lifetime_ns: *lifetime_ns,
            emptied_at: *emptied_at,
            death: Some(death.into()),
            usage: Some(usage.into()),
            inferred: Some(*inferred),
            never_started: *never_started,
            after_gap: Some(*after_gap),
            evidence_seqs: Some(evidence_seqs),
        }
    }
}
