//! derived/disagreement: where sources contradict each other about how, when or whether a container ended, a row each.

use obit_derivation::row;

use super::declare::table;
use super::identity::IdentityRows;
use super::identity::subject::Subject;
use super::place::Place;
use crate::column::{I64, SeqList, Text, Timestamp, U64};

table!(
    /// derived/disagreement: where sources contradict each other about how, when or whether a container ended, a row each.
    Disagreement {
        subject: Subject columns,
        /// The record that decided the row: that of the container's end, or the last one of the log (of the segment, in a
        /// recording that is cut into such).
        seq: U64 required,
        /// That record's time, by the wall clock.
        ts: Timestamp required,
        /// The same moment, ns of CLOCK_BOOTTIME.
        boot_ns: U64 required,
        place: Place columns,
        /// containerd's namespace, if containerd runs it.
        containerd_namespace: Text optional,
        /// Its name.
        container_name: Text optional,
        /// The image's reference.
        image_name: Text optional,
        /// Kubernetes pod name.
        pod_name: Text optional,
        /// Kubernetes namespace.
        pod_namespace: Text optional,
        /// What the two contradict each other about: `exit_code`, `oom_killed`, `time` (when its init ended) or `existence`.
        aspect: Text required,
        /// The source nearest to the fact: `kernel`, or the one that spoke first where the kernel showed nothing.
        source: Text required,
        /// Its value: an exit code, of a signal 128 and its number; `true` or `false`; of `existence` `gone` or `there`. Null of
        /// `time`.
        value: Text optional,
        /// Its time: of `time` when the init ended; of `existence` since when it is gone, or there.
        value_at: Timestamp optional,
        /// The other source: `docker`, `containerd`, `cri`, `podman` or `oci_state`, each as asked or read; with `_event` behind
        /// it, as it told by itself.
        other_source: Text required,
        /// The other's value; of `existence` `running`, `kept` (in its runtime's state) or `ended`.
        other_value: Text optional,
        /// The other's time; of `existence` when it said so, or since when it says that it ended.
        other_value_at: Timestamp optional,
        /// Of `time`: how much later the other's is, in ns; more than 1 s either way.
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
            // Who else it is, the row of its beginning or end tells.
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
