//! derived/container_remove: containers that were removed, one row for each life of a container:
//! its root directory is gone.

use obit_derivation::row;

use super::death::Death;
use super::declare::table;
use super::identity::IdentityRows;
use super::identity::claim::Claim;
use super::identity::facts::Facts;
use super::identity::subject::Subject;
use super::place::Place;
use super::usage::of_container::UsageOfContainer;
use crate::column::{Bool, SeqList, Text, TextList, Texts, Timestamp, U32, U64};

table!(
    /// derived/container_remove: containers that were removed, one row for each life of a
    /// container: its root directory is gone.
    ContainerRemove {
        subject: Subject columns,
        /// The record that decided the row. Rows are in this order; several may share one.
        seq: U64 required,
        /// Time at which the container's directory was removed, by the wall clock; in an inferred
        /// row, time at which it was found missing.
        ts: Timestamp required,
        /// Time of `ts`, ns of CLOCK_BOOTTIME.
        boot_ns: U64 required,
        place: Place columns,
        /// The record of the directory's creation, possibly a carried one; null if the directory
        /// was there before or its creation was lost.
        created_seq: U64 optional,
        /// Time of the creation: from the kernel's event if it was seen, else as the runtime
        /// reports it.
        created_at: Timestamp optional,
        /// Time from creation to removal, in ns of the boot clock; null if the creation was not
        /// seen.
        lifetime_ns: U64 optional,
        facts: Facts columns,
        /// Process id of the task that removed the directory, in the initial pid namespace; null in
        /// an inferred row.
        removed_by_pid: U32 optional,
        /// Real user id of this task.
        removed_by_uid: U32 optional,
        /// Thread name of this task, escaped.
        removed_by_comm: Text optional,
        /// Name of this task's parent process, escaped.
        removed_by_parent_comm: Text optional,
        /// Argument vector of this task as recorded; null if none was read.
        removed_by_argv: TextList optional,
        /// True if this argument vector is cut.
        removed_by_argv_truncated: Bool optional,
        /// Time at which the container's last task left for good; null if this was not seen.
        emptied_at: Timestamp optional,
        death: Death columns,
        usage: UsageOfContainer columns,
        claim: Claim columns,
        /// True if the container was not seen leaving but found missing by a walk of cgroupfs.
        inferred: Bool required,
        /// True if the container's program was never executed: nothing entered the container, or
        /// its start failed. Null if its whole life was not seen.
        never_started: Bool optional,
        /// True if events were lost within the container's life; lost exits count only if the exit
        /// of its init is missing.
        after_gap: Bool required,
        /// The record of the removal; null in an inferred row.
        rmdir_seq: U64 optional,
        /// The records that the row came from, ascending.
        evidence_seqs: SeqList required,
    }
);

impl<'a> From<&'a row::ContainerRemove> for Row<'a> {
    fn from(removal: &'a row::ContainerRemove) -> Self {
        // Every field by name: a new one does not compile until it has a column.
        let row::ContainerRemove {
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
            removed_by,
            usage,
            inferred,
            never_started,
            after_gap,
            rmdir_seq,
            evidence_seqs,
        } = removal;
        let IdentityRows { subject, facts, claim } = identity.into();
        let mut values = Row {
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
            rmdir_seq: rmdir_seq.map(|seq| seq.0),
            evidence_seqs: Some(evidence_seqs),
            ..Row::default()
        };
        if let Some(row::ActorCopy { pid, uid, comm, parent_comm, argv, is_argv_cut }) = removed_by {
            values.removed_by_pid = Some(*pid);
            values.removed_by_uid = Some(*uid);
            values.removed_by_comm = Some(comm);
            values.removed_by_parent_comm = Some(parent_comm.as_str()).filter(|comm| !comm.is_empty());
            values.removed_by_argv = (!argv.is_empty()).then_some(Texts::Owned(argv));
            values.removed_by_argv_truncated = is_argv_cut.then_some(true);
        }
        values
    }
}
