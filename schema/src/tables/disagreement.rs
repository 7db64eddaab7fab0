//! derived/disagreement: where sources contradict each other about how, when or whether a container ended, a row each.

use crate::column::table;

table!("disagreement" {
    /// The engine; null if only the id is known.
    runtime: Text optional,
    /// The container's id, by its runtime's own grammar.
    container_id: Text required,
    /// The record that decided the row: that of the container's end, or the last one of the log (of the segment, in a
    /// recording that is cut into such).
    seq: U64 required,
    /// That record's time, by the wall clock.
    ts: Timestamp required,
    /// The same moment, ns of CLOCK_BOOTTIME.
    boot_ns: U64 required,
    /// The tree of the directory that stands for the container.
    hierarchy_id: U32 required,
    /// That directory's inode number.
    cgroup_id: U64 required,
    /// Its path from the hierarchy's root, escaped.
    cgroup_path: Text required,
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
});
