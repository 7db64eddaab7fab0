//! raw/runtime from records.

use arrow_array::RecordBatch;
use obit_derivation::record::{Body, Record};

use super::{carried, table_builder};
use crate::column::Pairs;
use crate::details::RuntimeDetails;
use crate::error::Error;
use crate::tables::Table;
use crate::tables::runtime::{Builders, Row};

table_builder!(
    /// Gathers rows of raw/runtime.
    RuntimeBuilder, Table::Runtime
);

impl RuntimeBuilder {
    /// Appends an answer of a runtime.
    ///
    /// # Errors
    /// The record belongs into another table; nothing is appended.
    pub fn append(&mut self, record: &Record<'_>, details: &RuntimeDetails) -> Result<(), Error> {
        let (carried_from, body) = carried(&record.body);
        let Body::Runtime(answer) = body else {
            return Err(Error::WrongTable { table: Table::Runtime.name(), seq: record.seq.0 });
        };
        self.columns.push(Row {
            seq: Some(record.seq.0),
            ts: Some(record.ts),
            boot_ns: Some(record.boot_ns.0),
            source: Some(answer.source.as_str()),
            request: Some(&details.request),
            outcome: Some(answer.outcome.as_str()),
            latency_ns: Some(details.latency_ns),
            container_id: answer.container_id.as_deref(),
            answered_id: answer.answered_id.as_deref(),
            runtime: answer.runtime.as_deref(),
            bundle: answer.bundle.as_deref(),
            namespace: answer.namespace.as_deref(),
            container_name: answer.container_name.as_deref(),
            image_name: answer.image_name.as_deref(),
            image_id: answer.image_id.as_deref(),
            image_digest: answer.image_digest.as_deref(),
            pod_name: answer.pod_name.as_deref(),
            pod_namespace: answer.pod_namespace.as_deref(),
            pod_uid: answer.pod_uid.as_deref(),
            sandbox: answer.sandbox,
            init_pid: answer.init_pid,
            created_at: answer.created_at,
            started_at: answer.started_at,
            restart_count: answer.restart_count,
            event: answer.event.as_deref(),
            exit_code: answer.exit_code,
            oom_killed: answer.oom_killed,
            finished_at: answer.finished_at,
            running: answer.running,
            stop_signal: answer.stop_signal,
            cgroup_path: answer.cgroup_path.as_deref(),
            cgroup_paths: (!answer.cgroup_paths.is_empty()).then_some(&answer.cgroup_paths),
            labels: (!answer.labels.is_empty()).then_some(Pairs::Borrowed(&answer.labels)),
            document: details.document.as_deref(),
            carried_from_seq: carried_from.map(|seq| seq.0),
        });
        Ok(())
    }
}
