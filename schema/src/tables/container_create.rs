//! derived/container_create: containers that began while the capture ran, one row each.

use obit_derivation::row;

use super::declare::table;
use super::identity::IdentityRows;
use super::identity::claim::Claim;
use super::identity::facts::Facts;
use super::identity::subject::Subject;
use super::place::Place;
use crate::column::{Bool, SeqList, Text, TextList, Texts, Timestamp, U32, U64};

table!(
    /// derived/container_create: containers that began while the capture ran, one row each.
    ContainerCreate {
        subject: Subject columns,
        /// The record that decided the row. Rows are in this order; several may share one.
        seq: U64 required,
        /// Time at which the container's directory was made, as far as seen, by the wall clock.
        ts: Timestamp required,
        /// Time of `ts`, ns of CLOCK_BOOTTIME.
        boot_ns: U64 required,
        place: Place columns,
        /// The record of the directory's creation; the first one if there are several directories.
        created_seq: U64 required,
        facts: Facts columns,
        /// Process id of the task that made the directory, in the initial pid namespace; null if it
        /// was not seen.
        created_by_pid: U32 optional,
        /// Real user id of this task.
        created_by_uid: U32 optional,
        /// Thread name of this task, escaped.
        created_by_comm: Text optional,
        /// Name of this task's parent process, escaped.
        created_by_parent_comm: Text optional,
        /// Argument vector of this task as recorded; null if none was read.
        created_by_argv: TextList optional,
        /// True if this argument vector is cut.
        created_by_argv_truncated: Bool optional,
        claim: Claim columns,
        /// True if the container was not seen being made but found by a walk after events were
        /// lost.
        inferred: Bool required,
        /// True if events were lost within the container's life so far.
        after_gap: Bool required,
        /// The records that the row came from, ascending.
        evidence_seqs: SeqList required,
    }
);

impl<'a> From<&'a row::ContainerCreate> for Row<'a> {
    fn from(creation: &'a row::ContainerCreate) -> Self {
        // Every field by name: a new one does not compile until it has a column.
        let row::ContainerCreate {
            seq,
            ts,
            boot_ns,
            identity,
            place,
            created_seq,
            created_by,
            inferred,
            after_gap,
            evidence_seqs,
        } = creation;
        let IdentityRows { subject, facts, claim } = identity.into();
        let mut values = Row {
            subject: Some(subject),
            facts: Some(facts),
            claim: Some(claim),
            place: Some(place.into()),
            seq: Some(seq.0),
            ts: Some(*ts),
            boot_ns: Some(boot_ns.0),
            created_seq: Some(created_seq.0),
            inferred: Some(*inferred),
            after_gap: Some(*after_gap),
            evidence_seqs: Some(evidence_seqs),
            ..Row::default()
        };
        if let Some(row::ActorCopy { pid, uid, comm, parent_comm, argv, is_argv_cut }) = created_by {
            values.created_by_pid = Some(*pid);
            values.created_by_uid = Some(*uid);
            values.created_by_comm = Some(comm);
            values.created_by_parent_comm = Some(parent_comm.as_str()).filter(|comm| !comm.is_empty());
            values.created_by_argv = (!argv.is_empty()).then_some(Texts::Owned(argv));
            values.created_by_argv_truncated = is_argv_cut.then_some(true);
        }
        values
    }
}
