//! derived/disagreement: contradictions between sources about how, when or whether a container
//! ended, one row each.

use obit_derivation::row;

use super::declare::table;
use super::identity::IdentityRows;
use super::identity::subject::Subject;
use super::place::Place;
use crate::column::{I64, SeqList, Text, Timestamp, U64};

table!(
    /// derived/disagreement: contradictions between sources about how, when or whether a container
    /// ended, one row each.
    Disagreement {
        subject: Subject columns,
        /// The record that decided the row: that of the container's end, or the last record of the
        /// log (in a segmented recording, of the segment).
        seq: U64 required,
        /// Time of this record, by the wall clock.
        ts: Timestamp required,
        /// Time of `ts`, ns of CLOCK_BOOTTIME.
        boot_ns: U64 required,
        place: Place columns,
        /// containerd's namespace, if containerd runs the container.
        containerd_namespace: Text optional,
        /// The container's name.
        container_name: Text optional,
        /// The image's reference.
        image_name: Text optional,
        /// Kubernetes pod name.
        pod_name: Text optional,
        /// Kubernetes namespace.
        pod_namespace: Text optional,
        /// Subject of the contradiction: `exit_code`, `oom_killed`, `time` (the end of the init) or
        /// `existence`.
        aspect: Text required,
        /// The source nearest to the fact: `kernel`, or the source that reported first if the
        /// kernel showed nothing.
        source: Text required,
        /// Value by this source: an exit code, 128 plus the number of a signal; `true` or `false`;
        /// for `existence` `gone` or `there`. Null for `time`.
        value: Text optional,
        /// Time by this source: for `time` the end of the init; for `existence` the time since
        /// which the container is gone, or there.
        value_at: Timestamp optional,
        /// The other source: a `source` of raw/runtime for an answer or a file; with the suffix
        /// `_event` for an event of the daemon.
        other_source: Text required,
        /// Value by the other source; for `existence` `running`, `kept` (in its runtime's state) or
        /// `ended`.
        other_value: Text optional,
        /// Time by the other source; for `existence` the time of its report, or of the end that it
        /// reports.
        other_value_at: Timestamp optional,
        /// For `time`: the other source's time less this source's, in ns; more than 1 s either way.
        difference_ns: I64 optional,
        /// The records that the row came from, ascending.
        evidence_seqs: SeqList required,
    }
);

impl<'a> From<&'a row::Disagreement> for Row<'a> {
    fn from(disagreement: &'a row::Disagreement) -> Self {
        // Every field by name: a new one does not compile until it has a column.
        let row::Disagreement {
            seq,
            ts,
            boot_ns,
            identity,
            place,
            aspect,
            said: row::ReportedValue { by, value, at },
            other: row::ReportedValue { by: other_by, value: other_value, at: other_at },
            difference_ns,
            evidence_seqs,
        } = disagreement;
        Self {
            // The row of the container's beginning or end has the rest of its identity.
            subject: Some(IdentityRows::from(identity).subject),
            containerd_namespace: identity.containerd_namespace.as_deref(),
            container_name: identity.container_name.as_deref(),
            image_name: identity.image_name.as_deref(),
            pod_name: identity.pod_name.as_deref(),
            pod_namespace: identity.pod_namespace.as_deref(),
            seq: Some(seq.0),
            ts: Some(*ts),
            boot_ns: Some(boot_ns.0),
            place: Some(place.into()),
            aspect: Some(aspect.as_str()),
            source: Some(by.as_str()),
            value: value.as_deref(),
            value_at: *at,
            other_source: Some(other_by.as_str()),
            other_value: other_value.as_deref(),
            other_value_at: *other_at,
            difference_ns: *difference_ns,
            evidence_seqs: Some(evidence_seqs),
        }
    }
}
