//! Records of raw/runtime.

use std::borrow::Cow;

use arrow_array::RecordBatch;
use obit_derivation::record::{Body, BootNs, Outcome, Record, RuntimeAnswer, Seq, Source};

use super::{carried, table_view};
use crate::column::{Text, View};
use crate::details::RuntimeDetails;
use crate::error::Error;
use crate::tables::runtime::Views;

table_view!(
    /// A batch of raw/runtime.
    RuntimeView
);

impl RuntimeView {
    /// The record in that row. A source or an outcome that this version does not know gives [`Body::Unknown`].
    ///
    /// # Errors
    /// The row is past the end.
    pub fn get(&self, row: usize) -> Result<Record<'_>, Error> {
        let columns = &self.columns;
        let source = Source::from_name(columns.source.need(row)?).filter(|source| Source::RUNTIME.contains(source));
        let outcome = Outcome::from_name(columns.outcome.need(row)?);
        let body = match (source, outcome) {
            (Some(source), Some(outcome)) => Body::Runtime(RuntimeAnswer {
                source,
                outcome,
                bundle: text(&columns.bundle, row),
                container_id: text(&columns.container_id, row),
                answered_id: text(&columns.answered_id, row),
                runtime: text(&columns.runtime, row),
                namespace: text(&columns.namespace, row),
                container_name: text(&columns.container_name, row),
                image_name: text(&columns.image_name, row),
                image_id: text(&columns.image_id, row),
                image_digest: text(&columns.image_digest, row),
                pod_name: text(&columns.pod_name, row),
                pod_namespace: text(&columns.pod_namespace, row),
                pod_uid: text(&columns.pod_uid, row),
                sandbox: columns.sandbox.get(row),
                init_pid: columns.init_pid.get(row),
                created_at: columns.created_at.get(row),
                started_at: columns.started_at.get(row),
                restart_count: columns.restart_count.get(row),
                event: text(&columns.event, row),
                exit_code: columns.exit_code.get(row),
                oom_killed: columns.oom_killed.get(row),
                finished_at: columns.finished_at.get(row),
                running: columns.running.get(row),
                stop_signal: columns.stop_signal.get(row),
                labels: columns.labels.pairs(row).into_iter().map(|(name, text)| (name.into(), text.into())).collect(),
                cgroup_path: text(&columns.cgroup_path, row),
                cgroup_paths: columns.cgroup_paths.paths(row),
            }),
            _ => Body::Unknown,
        };
        self.record(row, carried(columns.carried_from_seq.get(row), body))
    }

    /// What the row holds beside the record; `None` past the end.
    pub fn details(&self, row: usize) -> Option<RuntimeDetails> {
        Some(RuntimeDetails {
            request: self.columns.request.get(row)?.to_owned(),
            latency_ns: self.columns.latency_ns.get(row)?,
            document: self.columns.document.get(row).map(str::to_owned),
        })
    }
}

fn text(column: &View<Text>, row: usize) -> Option<Cow<'_, str>> {
    column.get(row).map(Cow::Borrowed)
}
